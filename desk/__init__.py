"""Tickets and their clocks: an alert becomes work with a deadline, a part and a skill."""
