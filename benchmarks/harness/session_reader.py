"""Reads what a broker still holds for a client's session: a raw MQTT 3.1.1 subscriber that only drains."""

import socket
import struct
from collections.abc import Iterator

from benchmarks.harness.raw_publisher import remaining_length
from ingest.link.frames import FrameCutter
from ingest.link.mqtt_client import pubacks

_CONNACK_BYTES = 4


def held_messages(port: int, client_id: str, quiet_s: float = 3.0) -> Iterator[tuple[bytes, bytes]]:
    """Take over a persistent session; yield all that the broker sends (topic, payload), to its end.

    Every message is acknowledged, so that the broker goes on to those behind its window.
    Raises RuntimeError when there is no such session.
    """
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x00\x00\x00" + struct.pack("!H", len(name)) + name
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        sock.sendall(b"\x10" + remaining_length(len(body)) + body)
        answer = b""
        while len(answer) < _CONNACK_BYTES:
            answer += sock.recv(_CONNACK_BYTES - len(answer))
        if answer[2] != 1 or answer[3] != 0:
            raise RuntimeError(f"the broker knows no session of {client_id}")
        cutter = FrameCutter(v5=False)
        sock.settimeout(quiet_s)
        while True:
            try:
                data = sock.recv(262_144)
            except TimeoutError:
                sock.sendall(b"\xe0\x00")
                return
            frames = cutter.feed(data).frames
            if frames is not None:
                sock.sendall(pubacks(frames.mids.tolist()))
                yield from zip(frames.topics, frames.payloads, strict=True)
