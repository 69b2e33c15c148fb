"""A publisher that is no bottleneck: packets built beforehand, QoS 1, sent again until acknowledged.

It exists for measurements alone. Client libraries spend more on a message than what is measured with them.
"""

import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Iterable

_CONNACK, _PUBACK = 0x20, 0x40
_LAST_ID = 65_535


def remaining_length(size: int) -> bytes:
    """Return MQTT's variable-length encoding of a packet's remaining size."""
    encoded = bytearray()
    while True:
        size, digit = divmod(size, 128)
        encoded.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(encoded)


def _text(text: str) -> bytes:
    body = text.encode()
    return struct.pack("!H", len(body)) + body


def connect_packet(client_id: str) -> bytes:
    """Return a CONNECT packet: MQTT 3.1.1, clean session, no keep-alive."""
    body = _text("MQTT") + b"\x04\x02\x00\x00" + _text(client_id)
    return b"\x10" + remaining_length(len(body)) + body


def publish_packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    """Return a PUBLISH packet at QoS 1."""
    body = _text(topic) + struct.pack("!H", packet_id) + payload
    return b"\x32" + remaining_length(len(body)) + body


class RawPublisher:
    """Publishes over one connection; what is not acknowledged when it breaks is sent again on the next one.

    `window` bounds what is in flight. Not safe for several threads.
    """

    def __init__(self, port: int, client_id: str, window: int = 2_000) -> None:
        self._port = port
        self._client_id = client_id
        self._window = window
        self._socket: socket.socket | None = None
        self._unread = b""
        self._next_id = 1
        self.in_flight: OrderedDict[int, bytes] = OrderedDict()
        self.acknowledged = 0

    @property
    def room(self) -> int:
        """How many more messages may be sent now."""
        return self._window - len(self.in_flight)

    def send(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send messages (topic, payload), no more than there is `room` for; harmless while disconnected."""
        packets = []
        for topic, payload in messages:
            while self._next_id in self.in_flight:
                self._next_id = self._next_id % _LAST_ID + 1
            packet = publish_packet(topic, payload, self._next_id)
            self.in_flight[self._next_id] = packet
            packets.append(packet)
            self._next_id = self._next_id % _LAST_ID + 1
        if packets:
            self._write(b"".join(packets))

    def take_acknowledgements(self) -> None:
        """Read what the broker has acknowledged; connect again when the connection is gone."""
        if self._socket is None:
            self._connect()
            return
        try:
            read = self._socket.recv(65_536)
        except (BlockingIOError, TimeoutError):
            return
        except OSError:
            read = b""
        if not read:
            self._drop()
            return
        self._unread += read
        whole = len(self._unread) // 4 * 4
        for kind, _, packet_id in struct.iter_unpack("!BBH", self._unread[:whole]):
            if kind == _PUBACK and self.in_flight.pop(packet_id, None) is not None:
                self.acknowledged += 1
        self._unread = self._unread[whole:]

    def close(self) -> None:
        """Let go of the connection."""
        self._drop()

    def _connect(self) -> None:
        try:
            made = socket.create_connection(("127.0.0.1", self._port), timeout=2.0)
        except OSError:
            time.sleep(0.05)
            return
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""
        try:
            made.sendall(connect_packet(self._client_id))
            answer = made.recv(4)
        except OSError:
            answer = b""
        if len(answer) < 4 or answer[0] != _CONNACK or answer[3] != 0:
            made.close()
            return
        made.settimeout(0.005)
        self._socket = made
        # Duplicate flag set: the broker may have seen them before the connection broke.
        again = b"".join(bytes([packet[0] | 0x08]) + packet[1:] for packet in self.in_flight.values())
        if again:
            self._write(again)

    def _write(self, data: bytes) -> None:
        if self._socket is None:
            return
        try:
            self._socket.settimeout(5.0)
            self._socket.sendall(data)
            self._socket.settimeout(0.005)
        except OSError:
            self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
