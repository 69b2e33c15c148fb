"""Scoring: the newest tiles of a fleet become risks, with confidence and reasons."""
