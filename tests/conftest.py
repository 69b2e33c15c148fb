"""What every test may ask for."""

pytest_plugins = ["helpers.brokers", "helpers.influx", "helpers.passwords"]
