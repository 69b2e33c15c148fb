"""Tickets: what the desk works on, each change legal, reasoned and kept."""
