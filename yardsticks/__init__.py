"""Yardsticks: public run-to-failure data through our tiles, features and models."""
