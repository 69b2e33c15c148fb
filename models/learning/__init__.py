"""Learning: from confirmed repairs to calibrated risks and remaining life."""
