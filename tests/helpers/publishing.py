"""Publishing to a broker and waiting for what comes of it."""

import time
from collections.abc import Callable, Iterable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def publish(port: int, messages: Iterable[tuple[str, bytes]], qos: int = 1, retain: bool = False) -> None:
    """Publish over one connection; return when the broker has taken responsibility for all."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"publisher-{time.monotonic_ns()}")
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        sent = [client.publish(topic, payload, qos, retain) for topic, payload in messages]
        for info in sent:
            info.wait_for_publish(20)
            assert info.is_published()
    finally:
        client.disconnect()
        client.loop_stop()


def wait_until(holds: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Return when `holds()` is true; fail when it is not in time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.01)
