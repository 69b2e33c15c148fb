"""`sweepwatch prove`: what Sweepwatch would have done for somebody's fleet, told from their own past."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from desk.tickets.past_out import past_cases
from fleet.clock import DAY_MS, HOUR_MS, ManualClock
from fleet.errors import ConfigError, NotEnoughHistory
from fleet.proofs import ProofStep
from fleet.signals import Kind
from fleet.text import Language, quoted
from models.learning.workers import Workers
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.history_out import all_devices, events_between
from storage.series.store_url import DuckDbAddress
from sweepwatch.commands.history import IMPORTING, Given, import_history
from sweepwatch.commands.history_files import history_files
from sweepwatch.commands.installed import opened_desk
from sweepwatch.commands.prove_progress import ProofNotes
from sweepwatch.printing import Say, json_text
from sweepwatch.run.training import training_settings
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table
from sweepwatch.wiring import open_store_of, store_address
from yardsticks.proof.past import PastDevice, PastFleet
from yardsticks.proof.replay import Way, replay
from yardsticks.proof.report import Asked, report_of
from yardsticks.proof.schooling import Pace

_EVER = 2**45
_TAKEN = "taken"
"""Holds what is in the work folder already."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be proved on what; None where it was not said."""

    history: Path | None = None
    map: Path | None = None
    work: Path | None = None
    since: str | None = None
    until: str | None = None
    train_every_days: int | None = None
    visits_a_day: int = 0
    jobs: int = 1
    seed: int | None = None
    now: int | None = None
    """What time it is where the history comes from (epoch ms); else the machine's."""


def prove(
    settings: Settings, wanted: Wanted, say: Say, *, quiet: bool, notes: ProofNotes | None = None
) -> dict[str, Any]:
    """Replay a past and return the report, noting how far it is. Nothing of the installation is changed.

    Raises InvalidInput for a folder that holds no history, Mistakes for a map that is wrong, ConfigError for
    dates and settings that are, NotEnoughHistory where there is nothing to replay.
    """
    notes = notes or ProofNotes(quiet=quiet)
    with ExitStack() as held:
        work = held.enter_context(_work_folder(wanted.work))
        if wanted.history is None:
            _not_with_own_store(wanted)
        else:
            given = history_files(wanted.history, wanted.map)
            settings = _taken_in(settings, given, work, wanted.now, say, notes, quiet=quiet)
        desk = held.enter_context(opened_desk(settings))
        store = held.enter_context(closing(_opened_store(settings)))
        fleet = past_fleet(desk)
        start, end = _bounds(store)
        since, until = _asked_range(wanted, start, end)
        way = _way(settings, wanted)
        bare = held.enter_context(tempfile.TemporaryDirectory(dir=work, prefix="replay-"))
        with notes.step(ProofStep.REPLAYING) as report:
            replayed = replay(store, fleet, Path(bare), until, way, lambda share, _text: report(share))
        return report_of(replayed, fleet, way, Asked(since, until, settings.models.costs.currency))


def print_proof(report: dict[str, Any], language: Language, say: Say) -> None:
    """Print the sentence for the board."""
    say(report["sentence"][language])


def as_json(report: dict[str, Any]) -> str:
    """Return the report as JSON."""
    return json_text(report)


@contextmanager
def _work_folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is None:
        with tempfile.TemporaryDirectory(prefix="sweepwatch-prove-") as folder:
            yield Path(folder)
        return
    chosen.mkdir(parents=True, exist_ok=True)
    yield chosen


def _not_with_own_store(wanted: Wanted) -> None:
    if wanted.map is not None:
        raise ConfigError("--map is of a history: give its folder with --history")


def _taken_in(
    settings: Settings, given: Given, work: Path, now: int | None, say: Say, notes: ProofNotes, *, quiet: bool
) -> Settings:
    """Import a history into the work folder as `sweepwatch import` does; return the settings that find it."""
    store = settings.store.model_copy(update={"url": None, "retention_days": 36_500})
    desk = settings.desk.model_copy(update={"url": None})
    there = settings.model_copy(update={"data": work / "history", "store": store, "desk": desk})
    mark, key = work / _TAKEN, _key(given)
    if mark.is_file() and mark.read_text(encoding="utf-8") == key:
        return there
    said: list[str] = []
    with notes.step(ProofStep.TAKING_IN) as report:
        refused = import_history(
            there,
            given,
            take=True,
            rejects=None,
            as_json=quiet,
            say=said.append,
            report=report,
            clock=None if now is None else ManualClock(now),
        )
    notes.refused = refused
    if not quiet:
        for line in said:
            say(line)
    if refused and not quiet:
        say(f"{refused:,} rows were refused and are not in what follows.")
    mark.write_text(key, encoding="utf-8")
    return there


def _key(given: Given) -> str:
    """Return by what files are known that went in: the map, and names, sizes and times of the rest."""
    assert given.map is not None  # history_files found one
    digest = sha256(given.map.read_bytes())
    for part, path in sorted(given.files.items()):
        inside = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in inside:
            stat = file.stat()
            digest.update(f"\0{part}\0{file}\0{stat.st_size}\0{stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def past_fleet(desk: DeskDatabase) -> PastFleet:
    """Return the past that a desk knows."""
    devices = {each.id: PastDevice(each.site, each.model, Kind(each.kind)) for each in all_devices(desk)}
    return PastFleet(devices, list(past_cases(desk, 0, _EVER)), list(events_between(desk, 0, _EVER)))


def _opened_store(settings: Settings) -> TelemetryStore:
    address = store_address(settings)
    if isinstance(address, DuckDbAddress) and not address.path.exists():
        raise NotEnoughHistory(f"{address.path} holds no readings: there is nothing to replay")
    return open_store_of(settings, address, signal_table(settings), replace(IMPORTING, memory_mb=1024))


def _bounds(store: TelemetryStore) -> tuple[int, int]:
    first, newest = store.first_hour(Kind.ROBOT), store.newest(Kind.ROBOT)
    if first is None or not newest:
        raise NotEnoughHistory("no robot has sent a reading: there is nothing to replay")
    return first, (max(newest.values()) // HOUR_MS + 1) * HOUR_MS


def _asked_range(wanted: Wanted, start: int, end: int) -> tuple[int, int]:
    """Return from when and until when decisions are counted; what is before teaches all the same."""
    since = start if wanted.since is None else _day(wanted.since, "--from")
    until = end if wanted.until is None else min(end, _day(wanted.until, "--until") + DAY_MS)
    if since >= until:
        raise ConfigError(f"--from lies behind the end of the history: {_text(end)}")
    return since, until


def _day(text: str, option: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        raise ConfigError(f"{option}: {quoted(text)} is no date such as 2026-01-31") from None


def _text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def _way(settings: Settings, wanted: Wanted) -> Way:
    models = settings.models
    pace = Pace(
        wanted.train_every_days or models.retrain_every_days or Pace().every_days,
        models.promotion == "auto",
        models.promotion_margin,
        models.seed if wanted.seed is None else wanted.seed,
    )
    training = replace(training_settings(models), workers=Workers(wanted.jobs))
    return Way(training, pace, wanted.visits_a_day)
