"""Maintenance by calendar and by use."""
