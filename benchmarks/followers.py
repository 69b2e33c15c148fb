"""The log of events and its followers: `python -m benchmarks.followers [--kills 200] [--json FILE]`.

Kills: a process raises alerts, clears them, closes tickets, and runs the followers; it is ended by SIGKILL at
random moments and started anew on the same data. At the end the log is added up: each alert that fired has
one ticket, each that cleared has left it once, each that a ticket closed is over once.
Latency: alerts are raised beside 5,000 readings a second that are stored and judged in the same process; from
the commit of each to the moment at which another connection reads its ticket. Then again across two processes
on PostgreSQL. Sleeper: the time of a commit of readings, alerts and events (after which they would be
acknowledged) while one more follower sleeps, against without it. Exits with 1 when a must figure is missed.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.harness.followed_desk import account, follow_only, house, live, risk, settle
from benchmarks.harness.postgres import is_installed, postgres_server
from benchmarks.harness.report import hand_over
from fleet.events import Event, Subject
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.records.database import DeskDatabase, open_desk
from storage.records.events import events_after
from storage.records.followers import newest_event
from sweepwatch.run.followers import following
from sweepwatch.wiring import Services

MUST = {"lost": 0, "handled_twice": 0, "alert_to_ticket_p99_ms": 250.0, "across_processes_p99_ms": 2_000.0}
RATE, DEVICES, BATCH_EVERY_S, ALERT_EVERY_S = 5_000, 500, 0.1, 0.1
_READ_EVERY_S = 0.003
_START_S = 120.0


class Killed:
    """A process that is ended by SIGKILL, forked off a server that has imported everything."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        context = get_context("forkserver")
        scenes = ("followed_desk", "desk_scene", "stock_scene")
        context.set_forkserver_preload([f"benchmarks.harness.{each}" for each in scenes])
        self._started, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=work, args=(*arguments, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def wait_until_ready(self) -> None:
        """Return when it works. Raises RuntimeError when it does not within two minutes."""
        if not self._started.poll(_START_S):
            raise RuntimeError("the process did not start")
        self._started.recv_bytes()

    def wait_until_ended(self) -> None:
        """Return when it has ended itself, at the latest after two minutes."""
        self._process.join(_START_S)

    def kill(self) -> str:
        """End it at once; return what it said before it ended itself, "" where it did not."""
        self._process.kill()
        self._process.join()
        said = b""
        with suppress(EOFError):
            said = self._started.recv_bytes() if self._started.poll() else b""
        self._started.close()
        return said.decode()


def measure_kills(kills: int, folder: Path, seed: int) -> dict[str, Any]:
    """Kill so often, then let the followers come to an end, and add up."""
    moments = random.Random(seed)
    for _ in range(kills):
        process = Killed(live, folder)
        try:
            if moments.random() < 0.9:  # else also while it starts
                process.wait_until_ready()
            time.sleep(moments.uniform(0.0, 1.0))
        finally:
            process.kill()
    with house(folder) as services:
        settle(services)
        found = account(services.desk)
    return {
        "kills": kills,
        "events": found.events,
        "alerts": found.alerts,
        "tickets": found.tickets,
        "lost": found.lost,
        "handled_twice": found.handled_twice,
    }


class TicketReader(threading.Thread):
    """Notes when the ticket of each alert can be read, over a connection of its own."""

    def __init__(self, desk: DeskDatabase) -> None:
        super().__init__(daemon=True)
        self._desk = desk
        self.ending = threading.Event()
        self.readable: dict[str, float] = {}
        with desk.transaction() as session:
            self._cursor = newest_event(session)

    def run(self) -> None:
        """Read until told to end."""
        while not self.ending.wait(_READ_EVERY_S):
            with self._desk.transaction() as session:
                events = events_after(session, self._cursor, 500)
            now = time.monotonic()
            for event in events:
                self._cursor = event.id
                if event.subject is Subject.TICKET and event.what == "opened":
                    self.readable |= dict.fromkeys(event.data["alerts"], now)


def measure_latency(services: Services, reader: TicketReader, seconds: float) -> dict[str, Any]:
    """Store and judge readings at the rate, raise an alert now and then; return what took how long, ms."""
    batches = _batches()
    committed: dict[str, float] = {}
    commits: list[float] = []
    reader.start()
    begun = time.monotonic()
    late = 0.0
    for number in range(int(seconds / BATCH_EVERY_S)):
        due = begun + number * BATCH_EVERY_S
        time.sleep(max(0.0, due - time.monotonic()))
        late = max(late, time.monotonic() - due)
        batch = _at(batches[number % len(batches)], services.clock.now_ms())
        before = time.monotonic()
        services.store.write(batch)
        services.alerts.observe(batch)
        if number * BATCH_EVERY_S % ALERT_EVERY_S < BATCH_EVERY_S:
            device = f"L{time.monotonic_ns()}"
            services.alerts.observe_risks([risk(device, services.clock.now_ms())])
            alert = services.alerts.open_alerts()[-1]
            committed[alert.id] = time.monotonic()
        commits.append((time.monotonic() - before) * 1000)
    deadline = time.monotonic() + 30.0
    while committed.keys() - reader.readable.keys() and time.monotonic() < deadline:
        time.sleep(0.05)
    reader.ending.set()
    reader.join()
    took = [
        (reader.readable[alert] - at) * 1000 for alert, at in committed.items() if alert in reader.readable
    ]
    return {
        "alerts": len(committed),
        "without_ticket": len(committed) - len(took),
        "alert_to_ticket_ms": _percentiles(took),
        "commit_ms": _percentiles(commits),
        "readings_per_second": round(len(commits) * DEVICES / (time.monotonic() - begun)),
        "latest_batch_s": round(late, 2),
    }


def _percentiles(took: Sequence[float]) -> dict[str, float]:
    return {name: round(float(np.percentile(took, share)), 2) for name, share in (("p50", 50), ("p99", 99))}


def _batches() -> list[ReadingBatch]:
    random_ = np.random.default_rng(5)
    made = []
    for _ in range(10):
        columns: dict[str, Any] = {
            "device_id": [f"R{number}" for number in range(DEVICES)],
            "site": ["hall"] * DEVICES,
            "ts": np.zeros(DEVICES, dtype=np.int64),
            "received": np.zeros(DEVICES, dtype=np.int64),
        }
        for signal in STANDARD_SIGNALS.numeric(Kind.ROBOT)[:13]:
            span = signal.high - signal.low
            columns[signal.name] = signal.low + span * random_.uniform(0.3, 0.6, DEVICES)
        made.append(ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, columns, DEVICES))
    return made


def _at(batch: ReadingBatch, now: int) -> ReadingBatch:
    """Return a batch as of now."""
    frame = batch.frame.with_columns(ts=pl.lit(now, pl.Int64), received=pl.lit(now, pl.Int64))
    return ReadingBatch(batch.kind, frame)


class Sleeper:
    """A follower that sleeps over each event."""

    name = "sleeper"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.ending = threading.Event()

    def handle(self, _event: Event) -> None:
        """Sleep."""
        self.ending.wait(self._seconds)


def in_one_process(folder: Path, seconds: float, sleep_s: float | None) -> dict[str, Any]:
    """Measure in one process, with a follower that sleeps when `sleep_s` is given."""
    sleeper = Sleeper(sleep_s or 0.0)
    more = (sleeper,) if sleep_s else ()
    with house(folder) as services, following(services, more):
        reader = TicketReader(open_desk(f"sqlite:///{services.folder.desk}"))
        found = measure_latency(services, reader, seconds)
        sleeper.ending.set()
    return found


def across_processes(folder: Path, desk_url: str, seconds: float) -> dict[str, Any]:
    """Measure with the followers in another process, on a desk that both share."""
    other = Killed(follow_only, folder / "follows", desk_url)
    try:
        other.wait_until_ready()
        with house(folder / "judges", desk_url) as services:
            return measure_latency(services, TicketReader(open_desk(desk_url)), seconds)
    finally:
        other.kill()


def measure(kills: int, seconds: float, sleep_s: float, folder: Path, seed: int) -> dict[str, Any]:
    """Return all figures."""
    found = measure_kills(kills, folder / "killed", seed)
    quiet = in_one_process(folder / "quiet", seconds, None)
    asleep = in_one_process(folder / "asleep", seconds, sleep_s)
    found |= {"alert_to_ticket_p99_ms": quiet["alert_to_ticket_ms"]["p99"], "one_process": quiet}
    ratio = asleep["commit_ms"]["p50"] / quiet["commit_ms"]["p50"]
    found |= {"sleeper_s": sleep_s, "asleep": asleep, "commit_ratio_asleep": round(ratio, 2)}
    if is_installed():
        with postgres_server() as url:
            across = across_processes(folder / "across", url, seconds)
        found |= {"across_processes": across, "across_processes_p99_ms": across["alert_to_ticket_ms"]["p99"]}
    return found | {"must": MUST}


def missed(found: dict[str, Any]) -> list[str]:
    """Return the must figures that were not reached."""
    over = [name for name, most in MUST.items() if name in found and found[name] > most]
    phases = [name for name in ("one_process", "asleep", "across_processes") if name in found]
    return over + [f"{name}: without ticket" for name in phases if found[name]["without_ticket"]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=200, help="how often the process is killed (200)")
    parser.add_argument("--seconds", type=float, default=70.0, help="of each of the three measurements (70)")
    parser.add_argument("--sleep", type=float, default=60.0, help="seconds that a follower sleeps (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sweepwatch-followers-") as folder:
        for name in ("killed", "quiet", "asleep", "across/follows", "across/judges"):
            (Path(folder) / name).mkdir(parents=True)
        found = measure(asked.kills, asked.seconds, asked.sleep, Path(folder), asked.seed)
    return hand_over(found, missed(found), asked.json)


if __name__ == "__main__":
    sys.exit(main())
