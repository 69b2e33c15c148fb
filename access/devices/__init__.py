"""Devices: what each shows to the broker, and what it is told."""
