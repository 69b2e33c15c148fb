"""Readings, risks and absence are judged: what raises an alert, what ends it, and why."""
