"""Features: hourly tiles become windows, windows measures in views; the same in training and serving."""
