"""Lists in and out: devices, sites, customers, engineers, parts and contracts as CSV."""
