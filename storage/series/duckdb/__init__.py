"""The embedded time-series store: one DuckDB file, no server."""
