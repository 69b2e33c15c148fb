"""Readings that could not be sent yet: bounded, the oldest go first, sent as arrays later."""

from collections import deque

import orjson

from fleet.wire import MAX_PAYLOAD_BYTES
from simulators.fleet_simulator import Payload

MAX_KEPT = 2_000
"""Readings that a device keeps, some five hours at one in ten seconds; older ones are overwritten."""


class Backlog:
    """One device's unsent readings, in order of time, already encoded."""

    def __init__(self, kept: int = MAX_KEPT) -> None:
        self._waiting: deque[bytes] = deque(maxlen=kept)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, reading: Payload) -> None:
        """Keep a reading for later."""
        self._waiting.append(orjson.dumps(reading))

    def take(self, most_bytes: int = MAX_PAYLOAD_BYTES) -> tuple[bytes, int]:
        """Return the oldest readings as one payload, and how many they are.

        One reading is an object, several are an array of at most `most_bytes`.
        """
        taken = [self._waiting.popleft()]
        size = len(taken[0]) + 2
        while self._waiting and size + len(self._waiting[0]) + 1 <= most_bytes:
            size += len(self._waiting[0]) + 1
            taken.append(self._waiting.popleft())
        payload = taken[0] if len(taken) == 1 else b"[" + b",".join(taken) + b"]"
        return payload, len(taken)
