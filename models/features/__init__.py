"""Features: hourly tiles become windows, windows become measures in views, the same in training and serving."""
