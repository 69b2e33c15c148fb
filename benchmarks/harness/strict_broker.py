"""A broker of one session that keeps to its window: never more than so many messages unacknowledged.

mosquitto 2.0 does not: each acknowledgement frees two places of its window, so that a client that
acknowledges in bulk soon gets thousands. This one speaks as much MQTT 3.1.1 as one subscriber needs (MQTT 5
is refused, upon which ours falls back), sends a backlog from memory, and knows what was acknowledged.
"""

import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread

_CONNECT, _PUBACK, _SUBSCRIBE, _PINGREQ = 1, 4, 8, 12
_VERSION_AT = 6
_LAST_ID = 65_535


class StrictBroker:
    """Serves a backlog of PUBLISH packets (MQTT 3.1.1, QoS 1, packet ids counting from 1) in its window.

    `acknowledged_at` is when each message was acknowledged (time.monotonic, 0.0 where it was not).
    """

    def __init__(self, backlog: Sequence[bytes], window: int) -> None:
        self.acknowledged_at = [0.0] * len(backlog)
        self.acknowledged = 0
        self._backlog = backlog
        self._window = window
        self._next = 0
        self._in_flight: dict[int, int] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._serve, name="strict-broker", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        unread = b""
        while data := client.recv(65_536):
            unread += data
            packets, unread = _split(unread)
            freed = False
            for kind, body in packets:
                if kind == _PUBACK:
                    freed |= self._take(int.from_bytes(body[:2], "big"))
                elif kind == _CONNECT and body[_VERSION_AT] != 4:
                    client.sendall(b"\x20\x03\x00\x84\x00")  # unsupported protocol version
                    return
                elif kind == _CONNECT:
                    client.sendall(b"\x20\x02\x01\x00")
                elif kind == _SUBSCRIBE:
                    client.sendall(_suback(body))
                    client.sendall(b"".join(self._backlog[number] for number in self._in_flight.values()))
                    freed = True
                elif kind == _PINGREQ:
                    client.sendall(b"\xd0\x00")
            if freed:
                client.sendall(self._more())

    def _take(self, packet_id: int) -> bool:
        number = self._in_flight.pop(packet_id, None)
        if number is None:
            return False
        self.acknowledged_at[number] = time.monotonic()
        self.acknowledged += 1
        return True

    def _more(self) -> bytes:
        """Return the packets that the window has room for."""
        end = min(len(self._backlog), self._next + self._window - len(self._in_flight))
        numbers = range(self._next, end)
        self._in_flight |= {number % _LAST_ID + 1: number for number in numbers}
        self._next = end
        return b"".join(self._backlog[number] for number in numbers)


def _suback(body: bytes) -> bytes:
    filters, at = 0, 2
    while at < len(body):
        at += 2 + int.from_bytes(body[at : at + 2], "big") + 1
        filters += 1
    return struct.pack("!BB", 0x90, 2 + filters) + body[:2] + b"\x01" * filters


def _split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the whole packets (type, body) and the rest; a client's packets here are short."""
    packets, at = [], 0
    while at + 2 <= len(data):
        size = shift = 0
        start = at + 1
        while start < len(data):
            size |= (data[start] & 0x7F) << shift
            shift += 7
            start += 1
            if data[start - 1] < 0x80:
                break
        else:
            break
        if start + size > len(data):
            break
        packets.append((data[at] >> 4, data[start : start + size]))
        at = start + size
    return packets, data[at:]
