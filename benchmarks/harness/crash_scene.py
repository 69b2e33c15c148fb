"""What a crash benchmark does to a running house: kills, restarts, a store that is away, a full disk."""

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.harness.broker import free_port
from benchmarks.harness.ingester import Ingester, adds_up
from benchmarks.harness.session_reader import held_messages
from benchmarks.harness.small_disk import FullDisk
from benchmarks.harness.steady_load import Readings, SteadyLoad
from sweepwatch.run.embedded_broker import MosquittoBroker, find_mosquitto

CLIENT_ID = "sweepwatch-ingest"
_START_S = 300.0
_DRAIN_S = 600.0
_QUIET_S, _SILENCE_S = 4.0, 60.0
_TICK_S = 0.1
_LOOK_S = 1.0
_LONG_S, _SHORT_S, _CATCH_UP_S = 40.0, 5.0, 240.0


class Server(Protocol):
    """A store that is a server of its own."""

    def stop(self) -> None:
        """End it."""
        ...

    def start(self) -> None:
        """Start it again."""
        ...


@dataclass
class Phase:
    """One thing that was done: how long it took, and how many readings the broker took meanwhile."""

    what: str
    seconds: float
    published: int
    back_after_s: float | None = None


@dataclass
class Scene:
    """Broker, load and ingester, and the record of what was done to them.

    `unbalanced` counts the looks at a ledger that did not add up; `held` what the broker had left at the end.
    """

    folder: Path
    readings: Readings
    rate: int
    chance: random.Random
    stack: ExitStack
    store: str | None = None
    phases: list[Phase] = field(default_factory=list)
    kills: int = 0
    broker_restarts: int = 0
    unbalanced: int = 0
    held: int = 0
    say: Callable[[str], None] = print

    def begin(self) -> None:
        """Start everything; there is a session in which the broker keeps what comes from here on."""
        program = find_mosquitto()
        if program is None:
            raise SystemExit("this benchmark needs mosquitto: apt-get install mosquitto")
        self._program, self._port = program, free_port()
        (self.folder / "broker").mkdir()
        self._broker = MosquittoBroker(program, self._port, self.folder / "broker")
        self.stack.callback(self._stop_broker)
        self.ingester = Ingester(self.folder / "data", self._broker.url, self.store)
        self.stack.callback(self.ingester.kill)
        self.ingester.start()
        self.ingester.wait_connected(_START_S)
        self.load = SteadyLoad(self._port, self.readings, self.rate)
        self.stack.callback(self.load.close)
        self.load.start()

    def kill(self, after_s: float, *, restart_broker: bool = False) -> None:
        """Let it run for a while, kill the ingester, start it again; restart the broker where asked to."""
        begun, before = time.monotonic(), self.load.acknowledged
        # Half of the broker's restarts meet an ingester that runs, half one that is away.
        meets_ingester = restart_broker and self.chance.random() < 0.5
        if meets_ingester:
            self._restart_broker()
        time.sleep(after_s)
        self.look()
        self.ingester.kill()
        self.kills += 1
        if restart_broker and not meets_ingester:
            self._restart_broker()
        self.ingester.start()
        back = self.ingester.wait_connected(_START_S)
        restarted = " and a restart of the broker" if restart_broker else ""
        self._note(f"kill {self.kills}{restarted}", begun, before, back)

    def catch_up(self) -> None:
        """Where a long backlog has piled up, let the ingester live until it has dealt with most of it."""
        if self._backlog() < _LONG_S * self.rate:
            return
        begun, before = time.monotonic(), self.load.acknowledged
        while self._backlog() > _SHORT_S * self.rate and time.monotonic() < begun + _CATCH_UP_S:
            time.sleep(_LOOK_S)
            self.look()
        self._note("catching up", begun, before)

    def _backlog(self) -> int:
        """Return how many readings are published and not stored, as of a few seconds ago, to a turn."""
        query = "SELECT count(*), min(newest_ts) FROM device WHERE newest_ts IS NOT NULL"
        with closing(
            sqlite3.connect(f"file:{self.folder / 'data' / 'desk.sqlite'}?mode=ro", uri=True)
        ) as desk:
            known, newest = desk.execute(query).fetchone()
        turns = newest - self.readings.start + 1 if known == self.readings.devices else 0
        return self.readings.made - int(turns) * self.readings.devices

    def outage(self, server: Server, seconds: float) -> None:
        """Stop the store's server for a while, with a restart of the broker in the midst of it."""
        begun, before = time.monotonic(), self.load.acknowledged
        server.stop()
        time.sleep(seconds / 2)
        self._restart_broker()
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        server.start()
        self._note(f"store away for {seconds:.0f} s", begun, before, self._until_it_writes())

    def full_disk(self, disk: FullDisk, seconds: float, *, kill: bool) -> None:
        """Leave no room for a while; with `kill` the ingester is killed meanwhile, and started again."""
        begun, before = time.monotonic(), self.load.acknowledged
        disk.fill(self.ingester.pid)
        time.sleep(seconds / 2)
        if kill:
            self.ingester.kill()
            self.kills += 1
            self.ingester.start()
        time.sleep(seconds / 2)
        disk.free(self.ingester.pid)
        if self.ingester.ended:
            # Without room it may refuse to start; whoever supervises it starts it again.
            self.ingester.start()
        killed = ", and a kill meanwhile" if kill else ""
        self._note(
            f"disk full for {seconds:.0f} s ({disk.name}){killed}", begun, before, self._until_it_writes()
        )

    def finish(self) -> int:
        """Publish no more, wait until everything has been dealt with, end; return how much was published."""
        begun, before = time.monotonic(), self.load.acknowledged
        published = self.load.finish(_DRAIN_S)
        self._drain()
        self.ingester.stop()
        self._note("the backlog", begun, before)
        self.held = sum(1 for _ in held_messages(self._port, CLIENT_ID))
        return published

    def look(self) -> int:
        """Look at the ledger; return how many readings it has accounted for, 0 while there is none."""
        ledger = self.ingester.ledger()
        if ledger is None:
            return 0
        self.unbalanced += not adds_up(ledger)
        return ledger["received"]

    def _stop_broker(self) -> None:
        self._broker.stop()

    def _restart_broker(self) -> None:
        self._stop_broker()
        self._broker = MosquittoBroker(self._program, self._port, self.folder / "broker")
        self.broker_restarts += 1

    def _until_it_writes(self) -> float:
        """Wait until the ledger moves; return how long that took."""
        begun, first = time.monotonic(), None
        while time.monotonic() < begun + _START_S:
            ledger = self.ingester.ledger()
            if ledger is not None:
                accounted = ledger["written"] + ledger["duplicate"]
                first = accounted if first is None else first
                if accounted > first:
                    return time.monotonic() - begun
            time.sleep(_TICK_S)
        raise RuntimeError(f"the ingester writes nothing: {self.ingester.said()}")

    def _drain(self) -> None:
        """Wait until the newest reading of every device is stored and nothing more comes in."""
        quiet_since, last = time.monotonic(), -1
        deadline = quiet_since + _DRAIN_S
        while time.monotonic() < deadline:
            received, now = self.look(), time.monotonic()
            if received != last:
                last, quiet_since = received, now
            # Where something is lost the newest may never come: then a longer silence tells that it is over.
            if now - quiet_since > (_QUIET_S if self._backlog() < self.readings.devices else _SILENCE_S):
                return
            time.sleep(_TICK_S)
        raise RuntimeError("the ingester did not come to an end of its backlog")

    def _note(self, what: str, begun: float, before: int, back_s: float | None = None) -> None:
        seconds = time.monotonic() - begun
        back = None if back_s is None else round(back_s, 1)
        phase = Phase(what, round(seconds, 1), self.load.acknowledged - before, back)
        self.phases.append(phase)
        self.say(
            f"{what}: {seconds:.1f} s, {phase.published} published"
            + (f", back after {back} s" if back else "")
        )
