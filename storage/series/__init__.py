"""The time-series store behind storage/ports.py: on DuckDB in one file, or on an InfluxDB server."""
