"""The channels: one file each, all of one shape (ports.py)."""
