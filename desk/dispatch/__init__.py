"""Whom to send where."""
