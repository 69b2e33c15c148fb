"""MQTT in, durable readings out: a message is acknowledged only after what it says is stored."""
