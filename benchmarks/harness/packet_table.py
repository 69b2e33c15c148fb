"""PUBLISH packets by the hundred thousand: one table of bytes, in which only times and numbers change.

To build them one by one costs more than to receive them; here a turn of all devices is one numpy copy.
"""

import json
import random
import time

import numpy as np
import numpy.typing as npt

from benchmarks.harness.raw_publisher import remaining_length

Bytes = npt.NDArray[np.uint8]
_TS_DIGITS, _SEQ_DIGITS = 13, 10
_LAST_ID = 65_535
_HOUR_MS = 3_600_000
STANDARD = {
    "battery_pct": (20.0, 90.0),
    "x_m": (-40.0, 40.0),
    "y_m": (-40.0, 40.0),
    "rssi_dbm": (-80.0, -40.0),
    "battery_voltage_v": (22.0, 29.0),
    "drive_rpm": (1000.0, 3000.0),
    "drive_current_a": (1.0, 5.0),
    "brush_rpm": (900.0, 1500.0),
    "brush_current_a": (1.0, 3.0),
    "fan_rpm": (9000.0, 15000.0),
    "suction_pa": (8000.0, 15000.0),
    "dustbin_pct": (0.0, 80.0),
}
"""Numbers that a robot at work sends; with its state they are 13 signals."""


class PacketTable:
    """One PUBLISH for each device; `turn(n)` is all of them with the n-th time and sequence number.

    `signals` maps names to the range of their values; values differ between devices and stay from turn to
    turn. At QoS 1 packet ids count up over all packets. Times begin an hour ago, one a `step_ms`.
    """

    def __init__(
        self,
        devices: int,
        qos: int,
        signals: dict[str, tuple[float, float]] | None = None,
        *,
        prefix: str = "B",
        step_ms: int = 1,
    ) -> None:
        self.devices = devices
        self.start_ms = int(time.time() * 1000) - _HOUR_MS
        self._qos, self._step_ms = qos, step_ms
        chance = random.Random(7)
        packets = [self._packet(f"{prefix}{n:06d}", signals or STANDARD, chance) for n in range(devices)]
        self._table = np.frombuffer(b"".join(packets), dtype=np.uint8).reshape(devices, -1).copy()
        first = packets[0]
        self._ts_at = first.index(b'"ts":') + 5
        self._seq_at = first.index(b'"seq":') + 6
        head = 1 + len(remaining_length(len(first) - 2))
        self._id_at = head + 2 + int.from_bytes(first[head : head + 2], "big")

    def _packet(self, device: str, signals: dict[str, tuple[float, float]], chance: random.Random) -> bytes:
        values = {name: round(chance.uniform(low, high), 2) for name, (low, high) in signals.items()}
        text = json.dumps(values | {"state": "cleaning"}, separators=(",", ":"))
        # White space is legal there, and makes all packets equally long.
        wide = sum(len(name) + 12 for name in signals) + 24
        payload = f'{{"ts":{0:>{_TS_DIGITS}},"seq":{0:>{_SEQ_DIGITS}},{text[1:].ljust(wide)}'.encode()
        topic = f"sweepwatch/v1/hall/robot/{device}/telemetry".encode()
        body = len(topic).to_bytes(2, "big") + topic + (b"\0\0" if self._qos else b"") + payload
        return bytes([0x30 | self._qos << 1]) + remaining_length(len(body)) + body

    @property
    def packet_bytes(self) -> int:
        """How long one packet is."""
        return int(self._table.shape[1])

    def turn(self, number: int) -> Bytes:
        """Return the packets of one turn, a row each; valid until the next call. Shape: (devices, bytes)."""
        self._put(self._ts_at, _TS_DIGITS, self.start_ms + number * self._step_ms)
        self._put(self._seq_at, _SEQ_DIGITS, number)
        if self._qos:
            ids = (number * self.devices + np.arange(self.devices)) % _LAST_ID + 1
            self._table[:, self._id_at : self._id_at + 2] = ids.astype(">u2").view(np.uint8).reshape(-1, 2)
        return self._table

    def _put(self, at: int, digits: int, value: int) -> None:
        self._table[:, at : at + digits] = np.frombuffer(f"{value:>{digits}}".encode(), dtype=np.uint8)
