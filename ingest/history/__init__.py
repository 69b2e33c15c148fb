"""Own history: files of telemetry, devices, repairs and events, read by a map and checked row by row."""
