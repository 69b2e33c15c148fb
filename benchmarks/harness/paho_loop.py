"""`python -m benchmarks.harness.paho_loop PORT QOS FILTER`: paho's own loop, printing what comes."""

import sys
from typing import Any

import paho.mqtt.client as mqtt


def main(port: int, qos: int, topics: str) -> None:
    """Subscribe, then print topic and payload of each message until killed."""
    out = sys.stdout.buffer
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench-paho", protocol=mqtt.MQTTv311)

    def subscribed(*_: Any) -> None:
        out.write(b"ready\n")
        out.flush()

    def take(_: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        out.write(b"%b\x1e%b\n" % (message.topic.encode(), message.payload))

    client.on_connect = lambda *_: client.subscribe(topics, qos)
    client.on_subscribe = subscribed
    client.on_message = take
    client.connect("127.0.0.1", port)
    while True:
        client.loop(0.2)
        out.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
