"""How fast it goes with only 20 messages in flight: `python -m benchmarks.in_flight [--json FILE]`.

20 is mosquitto's default max_inflight_messages, and we acknowledge nothing that is not durable. `sweepwatch
ingest`, as it is shipped, takes a backlog at QoS 1 from a mosquitto so configured, asking for no more itself.
mosquitto 2.0 does not keep to its window, though: each acknowledgement frees two places of it. So `strict`
shows the same with a broker of ours that does. Each ends with SIGKILL to the ingester; then every message
that was acknowledged (mosquitto: that it does not hold for the session any more) must be stored. Exits with
1 when that does not hold, or at under 3,000 messages a second from mosquitto.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.broker import MosquittoBroker
from benchmarks.harness.ingester import Ingester, adds_up
from benchmarks.harness.packet_table import PacketTable
from benchmarks.harness.process_usage import cpu_s
from benchmarks.harness.session_reader import held_messages
from benchmarks.harness.strict_broker import StrictBroker
from benchmarks.harness.turn_publisher import Turns, publish_turns
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.series.duckdb.store import DuckDbStore

MUST_RATE = 3_000
DEVICES = 500
CLIENT_ID = "sweepwatch-ingest"
_START_S = 120.0
_GIVE_UP_S = 300.0
_MOST_S = 30.0
_TICK_S = 0.1
_FIRST, _FIRST_SHARE, _LAST_SHARE = 1_000, 0.1, 0.9
_SEQ = re.compile(rb'"seq": *(\d+)')

Key = tuple[str, int]


@dataclass(frozen=True)
class Taken:
    """What came of one backlog, or of half a minute of it.

    `acknowledged_not_stored` broke the promise; `stored_not_acknowledged` were caught by the kill between the
    two: they come again.
    """

    messages: int
    messages_per_second: int
    cpu_us_per_message: float
    acknowledged: int
    stored: int
    acknowledged_not_stored: int
    stored_not_acknowledged: int
    duplicated: int
    ledger_adds_up: bool

    @property
    def holds(self) -> bool:
        """Whether everything was durable before its acknowledgement, once, and accounted for."""
        return not self.acknowledged_not_stored and not self.duplicated and self.ledger_adds_up


def from_strict_broker(messages: int, window: int, folder: Path) -> Taken:
    """Take a backlog from a broker that keeps to its window."""
    table = PacketTable(DEVICES, 1)
    turns = [table.turn(number).copy() for number in range(messages // DEVICES)]
    backlog = [row.tobytes() for turn in turns for row in turn]
    broker = StrictBroker(backlog, window)
    with ExitStack() as stack:
        stack.callback(broker.close)
        ingester = Ingester(folder / "data", f"mqtt://127.0.0.1:{broker.port}")
        stack.callback(ingester.kill)
        ingester.start()
        rate, cost, balanced = _take(ingester, len(backlog), lambda: broker.acknowledged)
        ingester.kill()
    keys = [(f"B{number % DEVICES:06d}", number // DEVICES) for number in range(len(backlog))]
    acknowledged = {key for key, at in zip(keys, broker.acknowledged_at, strict=True) if at}
    return _taken(len(backlog), rate, cost, acknowledged, balanced, folder)


def from_mosquitto(messages: int, in_flight: int, folder: Path) -> Taken:
    """Take a backlog from mosquitto, told to have no more in flight than that; MQTT 5 asks for as few."""
    turns = Turns(DEVICES, 1, 0, messages // DEVICES)
    config = folder / "sweepwatch.toml"
    config.write_text(f"[ingest]\nreceive_maximum = {in_flight}\n", encoding="utf-8")
    with MosquittoBroker(folder, f"max_inflight_messages {in_flight}\n") as broker:
        url = f"mqtt://127.0.0.1:{broker.port}"
        ingester = Ingester(folder / "data", url, more=["--config", str(config)])
        try:
            ingester.start()
            ingester.wait_connected(_START_S)
            ingester.stop()
            publish_turns(turns, broker.port).join(_GIVE_UP_S)
            ingester.start()
            ingester.wait_connected(_START_S)
            rate, cost, balanced = _take(ingester, turns.messages, lambda: _received(ingester))
        finally:
            ingester.kill()
        held = {_key(topic, payload) for topic, payload in held_messages(broker.port, CLIENT_ID)}
    every = {(f"B{device:06d}", turn) for device in range(DEVICES) for turn in range(turns.last)}
    return _taken(turns.messages, rate, cost, every - held, balanced, folder)


def _take(ingester: Ingester, messages: int, taken: Callable[[], int]) -> tuple[float, float, bool]:
    """Wait until most is taken, or for long; return the rate, CPU µs a message, whether it adds up."""
    deadline = time.monotonic() + _GIVE_UP_S
    begun: tuple[float, float, int] | None = None
    while time.monotonic() < deadline:
        now = (time.monotonic(), cpu_s(ingester.pid), taken())
        if begun is None and now[2] >= min(_FIRST_SHARE * messages, _FIRST):
            begun = now
        enough = begun is not None and (now[2] >= _LAST_SHARE * messages or now[0] > begun[0] + _MOST_S)
        if begun is not None and enough and now[2] > begun[2]:
            count = now[2] - begun[2]
            ledger = ingester.ledger()
            cost = (now[1] - begun[1]) / count * 1e6
            return count / (now[0] - begun[0]), cost, bool(ledger and adds_up(ledger))
        time.sleep(_TICK_S)
    raise RuntimeError(f"the backlog was not taken in {_GIVE_UP_S:.0f} s: {ingester.said()}")


def _received(ingester: Ingester) -> int:
    return (ingester.ledger() or {"received": 0})["received"]


def _key(topic: bytes, payload: bytes) -> Key:
    found = _SEQ.search(payload)
    assert found is not None, "a message of another publisher"
    return topic.decode().split("/")[4], int(found[1])


def _taken(
    messages: int, rate: float, cost: float, acknowledged: set[Key], balanced: bool, folder: Path
) -> Taken:
    store = DuckDbStore.open(folder / "data" / "telemetry.duckdb", STANDARD_SIGNALS)
    try:
        frame = store.readings(Kind.ROBOT, sorted(store.newest(Kind.ROBOT)), 0, 2**45).frame
    finally:
        store.close()
    stored: set[Key] = set(frame.select("device_id", "seq").iter_rows())
    return Taken(
        messages=messages,
        messages_per_second=round(rate),
        cpu_us_per_message=round(cost, 1),
        acknowledged=len(acknowledged),
        stored=len(stored),
        acknowledged_not_stored=len(acknowledged - stored),
        stored_not_acknowledged=len(stored - acknowledged),
        duplicated=frame.height - len(stored),
        ledger_adds_up=balanced,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=60_000, help="how long each backlog is (60000)")
    parser.add_argument("--in-flight", type=int, default=20, help="how many at most are in flight (20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    taken: dict[str, Taken] = {}
    for name, take in (("strict", from_strict_broker), ("mosquitto", from_mosquitto)):
        with tempfile.TemporaryDirectory(prefix="sweepwatch-in-flight-") as folder:
            Path(folder).chmod(0o755)  # the broker runs as a user of its own
            taken[name] = take(asked.messages, asked.in_flight, Path(folder))
    figures: dict[str, Any] = {
        "in_flight": asked.in_flight,
        **asdict(taken["mosquitto"]),
        "strict": asdict(taken["strict"]),
        "load_average": round(os.getloadavg()[0], 2),
        "must": {"messages_per_second": MUST_RATE},
    }
    print(json.dumps(figures, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    quick = taken["mosquitto"].messages_per_second >= MUST_RATE
    return 0 if quick and all(each.holds for each in taken.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
