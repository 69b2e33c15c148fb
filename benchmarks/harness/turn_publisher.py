"""Publishes turns of a PacketTable from a process of its own, flat out or at a steady rate."""

import multiprocessing
import select
import socket
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from benchmarks.harness.packet_table import PacketTable
from benchmarks.harness.raw_publisher import connect_packet

_CHUNK = 500
_WINDOW = 4_000
_TICK_S = 0.001
_PUBACK_BYTES = 4
_SOCKET_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Turns:
    """What to publish: turns `first` to `last` (exclusive) of a table of devices.

    `rate` is in messages a second, 0: as fast as it goes. With `times` the moment at which each message was
    sent (time.monotonic_ns) is written to that file, in order of sending. Times of readings count from
    `start_ms` where it is given.
    """

    devices: int
    qos: int
    first: int
    last: int
    signals: dict[str, tuple[float, float]] | None = None
    rate: int = 0
    times: Path | None = None
    start_ms: int | None = None
    prefix: str = "B"

    @property
    def messages(self) -> int:
        """How many messages that is."""
        return self.devices * (self.last - self.first)


def publish_turns(turns: Turns, port: int) -> BaseProcess:
    """Begin to publish in another process; return it. It ends when the broker has taken everything."""
    process = multiprocessing.get_context("spawn").Process(target=_publish, args=(turns, port))
    process.start()
    return process


def _publish(turns: Turns, port: int) -> None:
    table = PacketTable(turns.devices, turns.qos, turns.signals, prefix=turns.prefix)
    if turns.start_ms is not None:
        table.start_ms = turns.start_ms
    with _Sender(port, turns) as sender:
        for number in range(turns.first, turns.last):
            packets = table.turn(number)
            for begin in range(0, turns.devices, sender.chunk):
                rows = packets[begin : begin + sender.chunk]
                sender.send(rows.tobytes(), len(rows))
        sender.finish()


class _Sender:
    """One connection; at QoS 1 never more than a window ahead of the broker's acknowledgements."""

    def __init__(self, port: int, turns: Turns) -> None:
        self._turns = turns
        # At a steady rate what falls into one tick goes out together, as it would from many devices.
        self.chunk = max(1, round(turns.rate * _TICK_S)) if turns.rate else _CHUNK
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_SOCKET_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(connect_packet("turn-publisher"))
        self._receive(4)
        self._sent = self._acknowledged_bytes = 0
        self._begun = time.monotonic()
        self._times: list[tuple[int, int]] = []

    def __enter__(self) -> "_Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes, count: int) -> None:
        """Send some packets, when they are due and there is room for them."""
        if self._turns.rate:
            time.sleep(max(0.0, self._begun + self._sent / self._turns.rate - time.monotonic()))
            self._take_waiting()
        while self._turns.qos and self._sent - self._acknowledged > _WINDOW:
            self._acknowledged_bytes += len(self._socket.recv(65_536))
        if self._turns.times:
            self._times.append((time.monotonic_ns(), count))
        self._socket.sendall(data)
        self._sent += count

    @property
    def _acknowledged(self) -> int:
        return self._acknowledged_bytes // _PUBACK_BYTES

    def _take_waiting(self) -> None:
        while select.select([self._socket], [], [], 0)[0]:
            self._acknowledged_bytes += len(self._socket.recv(65_536))

    def finish(self) -> None:
        """Wait until the broker has taken everything; write down when it was sent."""
        while self._turns.qos and self._acknowledged < self._sent:
            self._acknowledged_bytes += len(self._socket.recv(65_536))
        self._socket.sendall(b"\xc0\x00")
        self._receive(2)  # PINGRESP
        self._socket.sendall(b"\xe0\x00")
        if self._turns.times:
            stamps, counts = np.array(self._times, dtype=np.int64).T
            np.save(self._turns.times, np.repeat(stamps, counts))

    def _receive(self, size: int) -> None:
        while size:
            size -= len(self._socket.recv(size))
