"""Cares for alerts once they are raised: what is told of them, when, and when not."""
