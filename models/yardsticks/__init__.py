"""Yardsticks: public run-to-failure data through our tiles, features and models, one thin adapter for each."""
