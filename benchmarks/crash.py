"""Kills the ingester again and again under load, and counts what was lost: `python -m benchmarks.crash`.

A publisher sends readings at QoS 1 through a real mosquitto with the limits that we ship; the ingester is a
process of its own that is killed with SIGKILL at random moments and started anew; the broker is restarted now
and then, its persistence on. With `--store influxdb --outage 30` the store is an InfluxDB that is stopped for
30 s under that load; with `--disk-full 10` the data folder has no room for 10 s. At the end everything that
the broker acknowledged to the publisher must be stored once, with its own values, and the ledger must have
added up whenever it was looked at. Exits with 1 otherwise.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.harness.crash_scene import Phase, Scene
from benchmarks.harness.influx import InfluxServer
from benchmarks.harness.small_disk import FileLimit, FullDisk, SmallDisk
from benchmarks.harness.steady_load import Readings
from benchmarks.harness.stored import compare
from fleet.signals import STANDARD_SIGNALS
from storage.series.store_url import DuckDbAddress, parse_store_url
from sweepwatch.stores import open_store_at


@dataclass(frozen=True)
class Plan:
    """How much to do.

    `rate` is in messages a second; the broker is restarted at every `restart_every`th kill (0: never);
    `outage_s` and `disk_full_s` are seconds (0: not at all); a kill comes after `most_s` at the latest.
    """

    kills: int
    rate: int
    restart_every: int
    seed: int
    store: str = "duckdb"
    outage_s: float = 0.0
    disk_full_s: float = 0.0
    devices: int = 200
    most_s: float = 2.5


@dataclass(frozen=True)
class Outcome:
    """What came of it; `published` counts readings that the broker acknowledged to the publisher."""

    store: str
    kills: int
    broker_restarts: int
    rate: int
    messages_per_second: int
    published: int
    stored: int
    held_by_broker: int
    lost: int
    duplicated: int
    wrong: int
    ledger_adds_up: bool
    load_average: float
    phases: list[Phase]

    @property
    def holds(self) -> bool:
        """Whether nothing was lost, stored twice or changed, and the ledger balanced all the time."""
        wrong = self.lost or self.duplicated or self.wrong or self.held_by_broker
        return not wrong and self.ledger_adds_up


def run(plan: Plan, folder: Path) -> Outcome:
    """Do it, with everything in `folder`. Raises RuntimeError when something does not come back."""
    chance, readings = random.Random(plan.seed), Readings(plan.devices)
    with ExitStack() as stack:
        server, store = None, None
        if plan.store == "influxdb":
            server = stack.enter_context(InfluxServer(folder))
            store = str(server.bucket("crash"))
        disk = _disk(folder, stack) if plan.disk_full_s else None
        scene = Scene(folder, readings, plan.rate, chance, stack, store)
        scene.begin()
        for number in range(1, plan.kills + 1):
            restart = bool(plan.restart_every) and number % plan.restart_every == 0
            scene.kill(chance.uniform(0.1, plan.most_s), restart_broker=restart)
            scene.catch_up()
        if server is not None and plan.outage_s:
            scene.outage(server, plan.outage_s)
        if disk is not None:
            scene.full_disk(disk, plan.disk_full_s, kill=False)
            scene.full_disk(disk, plan.disk_full_s, kill=True)
        published = scene.finish()
        return _outcome(plan, scene, published, store)


def _disk(folder: Path, stack: ExitStack) -> FullDisk:
    """Return a disk under the data folder that can be filled."""
    data = folder / "data"
    data.mkdir()
    if SmallDisk.allowed(data):
        return stack.enter_context(SmallDisk(data))
    return FileLimit(data)


def _outcome(plan: Plan, scene: Scene, published: int, store: str | None) -> Outcome:
    address = DuckDbAddress(scene.folder / "data" / "telemetry.duckdb")
    opened = open_store_at(parse_store_url(store) if store else address, STANDARD_SIGNALS)
    try:
        found = compare(opened, scene.readings)
    finally:
        opened.close()
    seconds = sum(phase.seconds for phase in scene.phases[:-1])
    return Outcome(
        store=plan.store,
        kills=scene.kills,
        broker_restarts=scene.broker_restarts,
        rate=plan.rate,
        messages_per_second=round(published / seconds) if seconds else 0,
        published=published,
        stored=found.rows,
        held_by_broker=scene.held,
        lost=found.lost,
        duplicated=found.duplicated,
        wrong=found.wrong,
        ledger_adds_up=not scene.unbalanced,
        load_average=round(os.getloadavg()[0], 2),
        phases=scene.phases,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=30, help="of the ingester, with SIGKILL (30)")
    parser.add_argument("--rate", type=int, default=5_000, help="messages a second (5000)")
    parser.add_argument("--restart-broker-every", type=int, default=5, help="kills; 0: never (5)")
    parser.add_argument("--store", choices=("duckdb", "influxdb"), default="duckdb", help="what we write to")
    parser.add_argument("--outage", type=float, default=0.0, metavar="S", help="seconds without InfluxDB (0)")
    parser.add_argument("--disk-full", type=float, default=0.0, metavar="S", help="seconds without room (0)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same moments (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    if asked.outage and asked.store != "influxdb":
        parser.error("--outage needs --store influxdb")
    if asked.disk_full and asked.store != "duckdb":
        parser.error("--disk-full needs --store duckdb")
    plan = Plan(
        *(asked.kills, asked.rate, asked.restart_broker_every, asked.seed, asked.store),
        *(asked.outage, asked.disk_full),
    )
    # Told to end, it takes what it started with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="sweepwatch-crash-") as folder:
        outcome = run(plan, Path(folder))
    print(json.dumps({k: v for k, v in asdict(outcome).items() if k != "phases"}, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(asdict(outcome), indent=2) + "\n", encoding="utf-8")
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main())
