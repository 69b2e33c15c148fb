"""How cost grows with the fleet and with what it measures: `python -m benchmarks.growth [--json FILE]`.

CPU of `sweepwatch ingest`, as it is shipped, for each message, from the socket to the durable DuckDB:
from 1,000 to 100,000 devices of 13 signals each, all of which had reported before (what a device costs when
it first appears is shown beside it), and from 1 to 60 signals of an installation's own, from 1,000 devices.
Each cost is fitted as size to a power. That of devices is of a whole turn, one message from each device: 1
means that a message costs the same in a fleet of any size. Exits with 1 when an exponent is over 1.05, or
when anything is lost.
"""

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.broker import MosquittoBroker
from benchmarks.harness.ingester import Ingester
from benchmarks.harness.process_usage import cpu_s, rss_mb
from benchmarks.harness.turn_publisher import Turns, publish_turns

MUST_EXPONENT = 1.05
DEVICES = (1_000, 10_000, 100_000)
SIGNALS = (1, 4, 15, 60)
_SIGNALS_DEVICES = 1_000
_START_S = 120.0
_STALL_S = 60.0
_TICK_S = 0.3


@dataclass(frozen=True)
class Point:
    """One size and its cost. `first_cpu_us` is that of a device's first message."""

    size: int
    messages: int
    cpu_us_per_message: float
    first_cpu_us_per_device: float
    rss_mb: float
    lost: int


def own_signals(count: int) -> dict[str, tuple[float, float]]:
    """Return names and ranges of signals of an installation's own."""
    return {f"own_{number:02d}": (0.0, 100.0) for number in range(count)}


def measure(turns: Turns, size: int, signals: int, folder: Path) -> Point:
    """Return the cost of a load whose first turn makes the devices known."""
    folder.mkdir()
    config = folder / "sweepwatch.toml"
    config.write_text(
        "".join(f'[signals.{name}]\nrange = [0, 100]\nkind = "robot"\n' for name in own_signals(signals)),
        encoding="utf-8",
    )
    with MosquittoBroker(folder) as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        ingester = Ingester(folder / "data", url, more=["--config", str(config)])
        ingester.start()
        try:
            ingester.wait_connected(_START_S)
            start_ms = int(time.time() * 1000) - 3_600_000
            first = Turns(turns.devices, turns.qos, 0, 1, turns.signals, start_ms=start_ms)
            rest = Turns(turns.devices, turns.qos, 1, turns.last, turns.signals, start_ms=start_ms)
            first_s, _ = _take(ingester, first, broker.port, 0)
            rest_s, written = _take(ingester, rest, broker.port, first.messages)
            memory = rss_mb(ingester.pid)
            ingester.stop()
        finally:
            ingester.kill()
    return Point(
        size=size,
        messages=rest.messages,
        cpu_us_per_message=round(rest_s / rest.messages * 1e6, 2),
        first_cpu_us_per_device=round(first_s / first.messages * 1e6, 2),
        rss_mb=round(memory, 1),
        lost=first.messages + rest.messages - written,
    )


def _take(ingester: Ingester, turns: Turns, port: int, before: int) -> tuple[float, int]:
    """Let it take a load; return its CPU seconds, and how many readings it has written in all."""
    used = cpu_s(ingester.pid)
    publisher = publish_turns(turns, port)
    written, moved = before, time.monotonic()
    while written < before + turns.messages and time.monotonic() < moved + _STALL_S:
        time.sleep(_TICK_S)
        now = (ingester.ledger() or {"written": written})["written"]
        if now > written:
            written, moved = now, time.monotonic()
    publisher.join(_START_S)
    publisher.kill()
    return cpu_s(ingester.pid) - used, written


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of log cost over log size, by least squares."""
    fitted = statistics.linear_regression(
        [math.log(size) for size, _ in points], [math.log(cost) for _, cost in points]
    )
    return fitted.slope


def run_all(messages: int, qos: int, folder: Path) -> dict[str, Any]:
    """Return the figures of both series."""
    devices = []
    for count in DEVICES:
        turns = Turns(count, qos, 0, 1 + max(2, messages // count))
        devices.append(measure(turns, count, 0, folder / f"devices-{count}"))
        print(f"{count} devices: {devices[-1].cpu_us_per_message} µs a message", flush=True)
    signals = []
    for count in SIGNALS:
        turns = Turns(_SIGNALS_DEVICES, qos, 0, 1 + messages // _SIGNALS_DEVICES, own_signals(count))
        signals.append(measure(turns, count, count, folder / f"signals-{count}"))
        print(f"{count} signals: {signals[-1].cpu_us_per_message} µs a message", flush=True)
    by_devices = exponent([(point.size, point.size * point.cpu_us_per_message) for point in devices])
    by_signals = exponent([(point.size, point.cpu_us_per_message) for point in signals])
    return {
        "qos": qos,
        "devices": [asdict(point) for point in devices],
        "signals": [asdict(point) for point in signals],
        "growth_exponent_devices": round(by_devices, 3),
        "growth_exponent_signals": round(by_signals, 3),
        "lost": sum(point.lost for point in (*devices, *signals)),
        "load_average": round(os.getloadavg()[0], 2),
        "must": {"growth_exponent": MUST_EXPONENT},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=300_000, help="messages at each size (300000)")
    parser.add_argument("--qos", type=int, choices=(0, 1), default=1, help="of publisher and subscriber (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sweepwatch-growth-") as folder:
        Path(folder).chmod(0o755)  # the broker runs as a user of its own
        figures = run_all(asked.messages, asked.qos, Path(folder))
    print(json.dumps(figures, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    worst = max(figures["growth_exponent_devices"], figures["growth_exponent_signals"])
    return 0 if worst <= MUST_EXPONENT and not figures["lost"] else 1


if __name__ == "__main__":
    sys.exit(main())
