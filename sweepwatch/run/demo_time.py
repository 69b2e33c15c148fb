"""The time of a demo that runs faster than the machine's clock, kept over restarts in the data folder.

While a demo is not running its time stands still, and it is never behind the machine's: what was fast for
a while and then goes at the usual pace goes on from where it was, and is as any other when the machine's
clock has come there.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from fleet.clock import SECOND_MS, Clock, FastClock, SystemClock
from fleet.errors import ConfigError
from fleet.readings import ReadingBatch
from storage.records.database import DeskDatabase
from storage.records.devices import known_devices
from sweepwatch.data_folder import DataFolder
from sweepwatch.settings.settings import Settings

log = logging.getLogger(__name__)
FILE = "clock.json"
_KEEP_EVERY_S, _LOOK_EVERY_S = 1.0, 0.05
_LEAD_S, _LEAD_READINGS = 900.0, 4
"""So far the clock is ahead of what was judged last, and of who should act: seconds of it, and readings."""
PEOPLE_LOOK_S = 3.0
"""By the machine's clock: on a fast one people who wait look up no more often, and so may take so long."""
_AHEAD_S = 3.0
"""What is kept is so much ahead: after a crash nothing is dated before what was."""


class DemoTime:
    """The clock of a demo, and its file; a context manager that keeps it while it runs."""

    def __init__(self, path: Path, clock: FastClock, publishing_s: float = 10.0) -> None:
        self.clock = clock
        self._lead_ms = round(max(_LEAD_S, _LEAD_READINGS * publishing_s) * SECOND_MS)
        self._crew_lead_ms = max(self._lead_ms, round(PEOPLE_LOOK_S * clock.speed * SECOND_MS))
        self._path = path
        self._newest: int | None = None
        self._crew: Callable[[], int | None] = lambda: None
        self._stop = Event()
        self._thread = Thread(target=self._run, name="demo time", daemon=True)

    @classmethod
    def of(cls, settings: Settings, folder: DataFolder, machine: Clock | None = None) -> "DemoTime | None":
        """Return the time of a demo; None where it is the machine's, as everywhere else."""
        path = folder.root / "simulator" / FILE
        now, kept = (machine or SystemClock()).now_ms(), _kept(path)
        speed = settings.simulator.speed
        if not settings.simulator.enabled or (speed == 1 and kept <= now):
            return None
        return cls(path, FastClock(speed, max(now, kept)), settings.simulator.publishing_s)

    def heard(self, batch: ReadingBatch) -> None:
        """Let time go on as far as what was made of readings allows.

        Where the machine cannot bear the speed, the demo gets slower: nobody is taken for absent, and nothing
        for late, because the process was busy.
        """
        if len(batch):
            newest = int(batch.frame["ts"].max())  # type: ignore[arg-type]
            self._newest = newest if self._newest is None else max(self._newest, newest)

    def wait_for(self, due: Callable[[], int | None]) -> None:
        """Let time wait for people too: `due` says since when somebody should have acted, None: nobody."""
        self._crew = due

    def begin(self) -> None:
        """Let time run: what had to be made before it does is made; it waits for the first readings too."""
        self._newest = max(self.clock.now_ms(), self._newest or 0)
        self.clock.start()
        self._thread.start()

    def __enter__(self) -> "DemoTime":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.clock.stop()
        if self._thread.ident is not None:
            self._thread.join(1.0)
        self._keep(self.clock.now_ms())

    def _run(self) -> None:
        kept_at = -_KEEP_EVERY_S
        while not self._stop.wait(_LOOK_EVERY_S):
            due = self._crew()
            limits = [self._newest + self._lead_ms] if self._newest is not None else []
            limits += [due + self._crew_lead_ms] if due is not None else []
            if limits:
                self.clock.hold(min(limits))
            if monotonic() - kept_at >= _KEEP_EVERY_S:
                kept_at = monotonic()
                ahead = round((_KEEP_EVERY_S + _AHEAD_S) * SECOND_MS * self.clock.speed)
                self._keep(self.clock.now_ms() + ahead)

    def _keep(self, ms: int) -> None:
        fresh = self._path.with_name(FILE + ".new")
        try:
            fresh.write_text(json.dumps({"ms": ms}), encoding="utf-8")
            fresh.replace(self._path)
        except OSError as error:
            log.warning("the time of the demo cannot be kept: %s", error)


def _kept(path: Path) -> int:
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["ms"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def check_speed(settings: Settings) -> None:
    """Raise ConfigError where a demo cannot run faster than the machine's clock; nothing is opened."""
    speed = f"simulator.speed = {settings.simulator.speed:g}"
    if settings.simulator.speed == 1:
        return
    if settings.broker.url is not None:
        raise ConfigError(
            f"{speed}: allowed: 1 with broker.url; who else uses that broker lives by the clock"
        )
    if not settings.simulator.enabled:
        raise ConfigError(f"{speed}: allowed: 1 without a simulated fleet; real devices live by the clock")


def check_devices(settings: Settings, desk: DeskDatabase, simulated: frozenset[str]) -> None:
    """Raise ConfigError where a fast clock would be wrong about devices that are not simulated."""
    if settings.simulator.speed == 1:
        return
    with desk.transaction() as session:
        real = sorted(known_devices(session) - simulated)
    if real:
        raise ConfigError(
            f"simulator.speed = {settings.simulator.speed:g}: {real[0]}"
            f"{f' and {len(real) - 1} more are' if len(real) > 1 else ' is'} no simulated device, "
            "and lives by the clock on the wall; leave the speed out, or give another data folder"
        )
