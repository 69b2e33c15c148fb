"""The time-series store on an InfluxDB server: 1.8, 2, 3 or Cloud."""
