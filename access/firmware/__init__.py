"""Firmware: offered to devices in stages, and stopped where it makes them worse."""
