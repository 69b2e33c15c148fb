"""Kills the ingester again and again under load, and counts what was lost: `python -m benchmarks.crash`.

A publisher sends readings at QoS 1 through a real mosquitto; the ingester is a process of its own that is
killed with SIGKILL at random moments and started anew; the broker is restarted now and then, its persistence
on. At the end every reading that the broker acknowledged to the publisher must be stored exactly once.
Exits with 1 when any was lost or stored twice, or when the ledger does not add up.
"""

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.harness.broker import free_port
from benchmarks.raw_publisher import RawPublisher
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import topic_of
from storage.duckdb_store import DuckDbStore
from sweepwatch.embedded_broker import MosquittoBroker, find_mosquitto

DEVICES = 200
_TICK_S = 0.02
_DRAIN_S = 600.0
_QUIET_S = 4.0


@dataclass(frozen=True)
class Plan:
    """How much to do: kills, messages a second, and a broker restart after every so many kills (0: never)."""

    kills: int
    rate: int
    restart_every: int
    seed: int


@dataclass
class Outcome:
    """What came of it; `published` counts readings that the broker acknowledged to the publisher."""

    kills: int
    broker_restarts: int
    published: int
    stored: int
    lost: int
    duplicated: int
    ledger_adds_up: bool

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, nothing stored twice, and the ledger balances."""
        return not self.lost and not self.duplicated and self.ledger_adds_up


class Readings:
    """Makes readings that can be told apart: `ts` and `seq` count up by device."""

    def __init__(self) -> None:
        self._made = 0
        self._start = int(time.time() * 1000) - 3_600_000
        self._topics = [topic_of("crash", Kind.ROBOT, f"D{n:03d}", "telemetry") for n in range(DEVICES)]

    def take(self, count: int) -> list[tuple[str, bytes]]:
        """Return the next `count` readings as (topic, payload)."""
        made = []
        for number in range(self._made, self._made + count):
            round_, device = divmod(number, DEVICES)
            body = f'{{"ts":{self._start + round_},"seq":{round_},"battery_pct":50.5,"drive_rpm":3000}}'
            made.append((self._topics[device], body.encode()))
        self._made += count
        return made

    @property
    def made(self) -> int:
        """How many there were."""
        return self._made


class Ingester:
    """The ingester as a process of its own, started again after each kill."""

    def __init__(self, folder: Path, broker_url: str) -> None:
        self._folder = folder
        self._url = broker_url
        self._port = free_port()
        self._log = (folder / "ingest.log").open("a", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", "from sweepwatch.cli import main; main()", "ingest"),
                *("--broker", self._url, "--data", str(self._folder / "data")),
                *("--metrics-port", str(self._port)),
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def outcomes(self) -> dict[str, float] | None:
        """Return the ledger of the process, None while it is not connected to the broker."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=2) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        found = re.findall(r'^sweepwatch_ingest_readings_total\{outcome="(\w+)"\} (\S+)$', text, re.M)
        connected = re.search(r"^sweepwatch_ingest_connected 1\.0$", text, re.M)
        return {outcome: float(value) for outcome, value in found} if connected else None

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it in order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        self._log.close()


def run(plan: Plan, folder: Path) -> Outcome:
    """Do it, with everything in `folder`."""
    program = find_mosquitto()
    if program is None:
        raise SystemExit("benchmarks.crash needs mosquitto: apt-get install mosquitto")
    chance, port = random.Random(plan.seed), free_port()
    (folder / "broker").mkdir()
    broker = MosquittoBroker(program, port, folder / "broker")
    ingester = Ingester(folder, broker.url)
    publisher, readings = RawPublisher(port, "crash-publisher"), Readings()
    restarts = 0
    ingester.start()
    try:
        # Before the first subscription there is no session in which the broker could keep anything.
        _publish_until(publisher, readings, 0, lambda: ingester.outcomes() is not None)
        for kill in range(1, plan.kills + 1):
            _publish_for(publisher, readings, plan.rate, chance.uniform(0.2, 2.5))
            ingester.kill()
            if plan.restart_every and kill % plan.restart_every == 0:
                broker.stop()
                broker = MosquittoBroker(program, port, folder / "broker")
                restarts += 1
            ingester.start()
            _publish_until(publisher, readings, plan.rate, lambda: ingester.outcomes() is not None)
        _publish_until(publisher, readings, 0, lambda: not publisher.in_flight)
        ledger = _drained(ingester)
        ingester.stop()
    finally:
        publisher.close()
        broker.stop()
    balance = ledger["received"] == ledger["written"] + ledger["duplicate"] + ledger["quarantined"]
    stored, distinct = _count(folder / "data" / "telemetry.duckdb")
    published = publisher.acknowledged
    return Outcome(plan.kills, restarts, published, stored, published - distinct, stored - distinct, balance)


def _publish_for(publisher: RawPublisher, readings: Readings, rate: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    _publish_until(publisher, readings, rate, lambda: time.monotonic() >= end)


def _publish_until(publisher: RawPublisher, readings: Readings, rate: int, done: Callable[[], bool]) -> None:
    """Publish `rate` messages a second until `done`, as far as the broker takes them."""
    due, last = 0.0, time.monotonic()
    deadline = last + _DRAIN_S
    while not done():
        now = time.monotonic()
        if now > deadline:
            raise SystemExit("the ingester or the broker did not come back")
        due = min(due + rate * (now - last), float(rate))
        last = now
        publisher.take_acknowledgements()
        count = min(int(due), publisher.room)
        due -= count
        publisher.send(readings.take(count))
        time.sleep(_TICK_S)


def _drained(ingester: Ingester) -> dict[str, float]:
    """Wait until nothing comes in any more; return the ledger."""
    deadline, quiet_since, last = time.monotonic() + _DRAIN_S, time.monotonic(), -1.0
    while time.monotonic() < deadline:
        ledger = ingester.outcomes()
        if ledger is not None:
            if ledger["received"] != last:
                last, quiet_since = ledger["received"], time.monotonic()
            elif time.monotonic() - quiet_since > _QUIET_S:
                return ledger
        time.sleep(0.2)
    raise SystemExit("the ingester did not come to an end of its backlog")


def _count(file: Path) -> tuple[int, int]:
    """Return how many readings are stored, and how many different ones (device and time)."""
    store = DuckDbStore.open(file, STANDARD_SIGNALS)
    try:
        stored = distinct = 0
        for device in store.newest(Kind.ROBOT):
            times = store.history(Kind.ROBOT, device, [], 0, 2**45, 10_000_000)["ts"]
            stored += len(times)
            distinct += times.n_unique()
        return stored, distinct
    finally:
        store.close()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--rate", type=int, default=5_000, help="messages a second")
    parser.add_argument("--restart-broker-every", type=int, default=10, help="kills; 0: never")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the result there")
    asked = parser.parse_args()
    plan = Plan(asked.kills, asked.rate, asked.restart_broker_every, asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(plan, Path(folder))
    text = json.dumps(asdict(outcome), indent=2)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")
    sys.exit(0 if outcome.holds else 1)


if __name__ == "__main__":
    main()
