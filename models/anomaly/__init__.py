"""The anomaly score: how far a device is from its own normal, without history."""
