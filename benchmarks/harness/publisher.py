"""Publishes pre-built packets over a raw socket, from a process of its own: quicker than any receiver."""

import json
import multiprocessing
import random
import socket
import struct
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from benchmarks.harness.raw_publisher import remaining_length
from fleet.clock import SystemClock

PAYLOAD_BYTES = 273
_WINDOW = 4_000
_CHUNK = 500


@dataclass(frozen=True)
class Load:
    """How many messages, at which QoS, from how many devices in turn."""

    messages: int
    qos: int
    devices: int


def payload(ts: int, seq: int, chance: random.Random) -> bytes:
    """Return a reading of 13 signals that takes 273 bytes."""
    reading = {
        "ts": ts,
        "seq": seq,
        "battery_pct": round(chance.uniform(20, 90), 1),
        "x_m": round(chance.uniform(-40, 40), 2),
        "y_m": round(chance.uniform(-40, 40), 2),
        "rssi_dbm": round(chance.uniform(-80, -40)),
        "battery_voltage_v": round(chance.uniform(22, 29), 2),
        "drive_rpm": round(chance.uniform(1000, 3000), 1),
        "drive_current_a": round(chance.uniform(1, 5), 2),
        "brush_rpm": round(chance.uniform(900, 1500)),
        "brush_current_a": round(chance.uniform(1, 3), 2),
        "fan_rpm": round(chance.uniform(9000, 15000)),
        "suction_pa": round(chance.uniform(8000, 15000)),
        "dustbin_pct": round(chance.uniform(0, 80), 2),
        "state": "cleaning",
    }
    body = json.dumps(reading, separators=(",", ":")).encode()
    # Spaces are what JSON allows to bring each message to the same size.
    return body[:1] + b" " * (PAYLOAD_BYTES - len(body)) + body[1:]


def packets(load: Load) -> list[bytes]:
    """Return the PUBLISH packets in MQTT 3.1.1; times rise for each device and end now."""
    chance = random.Random(7)
    rounds = -(-load.messages // load.devices)
    start = SystemClock().now_ms() - rounds * 100
    made = []
    for number in range(load.messages):
        turn, device = divmod(number, load.devices)
        topic = b"sweepwatch/v1/hall/robot/B%05d/telemetry" % device
        body = struct.pack("!H", len(topic)) + topic
        if load.qos:
            body += struct.pack("!H", number % 65_535 + 1)
        body += payload(start + turn * 100, turn, chance)
        made.append(bytes([0x30 | load.qos << 1]) + remaining_length(len(body)) + body)
    return made


def publish(load: Load, port: int) -> BaseProcess:
    """Begin to publish a load in another process; return it."""
    process = multiprocessing.get_context("spawn").Process(target=_publish, args=(load, port))
    process.start()
    return process


def _publish(load: Load, port: int) -> None:
    made = packets(load)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        name = b"bench-publisher"
        body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack("!H", len(name)) + name
        sock.sendall(bytes([0x10, len(body)]) + body)
        _read(sock, 4)  # CONNACK
        acknowledged = 0
        for begin in range(0, len(made), _CHUNK):
            # Bounded: at QoS 1 never more than a window ahead of the broker.
            while load.qos and begin - acknowledged // 4 > _WINDOW:
                acknowledged += len(sock.recv(65_536))
            sock.sendall(b"".join(made[begin : begin + _CHUNK]))
        while load.qos and acknowledged < 4 * len(made):
            acknowledged += len(sock.recv(65_536))
        sock.sendall(b"\xc0\x00")
        _read(sock, 2)  # PINGRESP: the broker has taken all
        sock.sendall(b"\xe0\x00")


def _read(sock: socket.socket, size: int) -> None:
    while size:
        size -= len(sock.recv(size))
