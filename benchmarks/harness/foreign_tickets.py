"""A foreign fleet lived through by a whole house, pass by pass, and its tickets held against its fate."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import select

from benchmarks.harness.followed_desk import settle
from benchmarks.harness.foreign_fleet import ForeignFleet, Make
from benchmarks.harness.foreign_wear import SUDDEN, Worn
from fleet.clock import DAY_MS, ManualClock
from fleet.readings import ReadingBatch
from fleet.signals import Kind
from models.scoring.scorer import Scorer
from storage.records.devices import Device
from storage.records.tickets import TicketRow, tickets_named
from sweepwatch.data_folder import open_data_folder
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import Services, build

FIRST_DAY = 9
"""Before this nothing is scored: too little is known of any robot."""
SOON_DAYS = 14
SHOWS_IN = {
    "battery": {"battery"},
    "charger": {"charger", "battery"},
    "drive": {"drive"},
    "wheels": {"wheels", "drive"},
    "brush": {"brush"},
    "fan": {"fan", "airflow"},
    "filter": {"filter", "airflow"},
    "water": {"water"},
    "lidar": {"navigation"},
    "radio": {"radio"},
}
"""What may be pointed at where a part wears."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket of unusual behaviour: its robot, when (days since the start), the part that it points at."""

    device: str
    day: float
    part: str | None


@dataclass
class Lived:
    """What a house did with a fleet: its tickets, and each day's risk of each robot (NaN where none)."""

    tickets: list[Opened] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    risks: list[NDArray[np.float64]] = field(default_factory=list)


def live(folder: Path, fleet: ForeignFleet, make: Make, passes: int) -> Lived:
    """Store a fleet's readings in time, score and judge `passes` times a day, and let tickets be opened.

    Nobody answers: no ticket is worked on, no failure is reported, no repair is told.
    """
    start = make.end_ms - make.days * DAY_MS
    clock = ManualClock(start)
    data = open_data_folder(folder)
    services = build(Settings(data=folder), data, clock)
    try:
        return _live(services, clock, fleet, make, passes)
    finally:
        services.close()
        data.close()


def _live(services: Services, clock: ManualClock, fleet: ForeignFleet, make: Make, passes: int) -> Lived:
    with services.desk.transaction() as session:
        session.add_all(
            Device(
                id=each,
                kind="robot",
                site=fleet.sites[each],
                model=fleet.models[each],
                registered_at=0,
                status="online",
            )
            for each in fleet.devices
        )
    scorer = Scorer(services.store, services.desk, services.models)
    found, start = Lived(), clock.ms
    settle(services)
    for number, batch in enumerate(_slices(fleet.batch.frame, start, make.days * passes, DAY_MS // passes)):
        clock.ms = start + (number + 1) * DAY_MS // passes
        services.store.write(batch)
        if clock.ms < start + FIRST_DAY * DAY_MS:
            continue
        scoring = scorer.score()
        services.alerts.observe_risks(scoring.notable(services.alerts.followed(), services.alerts.wanted()))
        settle(services)
        services.tickets.close_cleared(clock.ms)
        if (number + 1) % passes == 0:
            risks = dict(scoring.frame.select("device_id", "risk").iter_rows())
            found.days.append((number + 1) // passes)
            found.risks.append(np.array([risks.get(each, np.nan) for each in fleet.devices]))
    found.tickets = _opened(services, start)
    return found


def _opened(services: Services, start: int) -> list[Opened]:
    with services.desk.transaction() as session:
        ids = list(session.scalars(select(TicketRow.id).order_by(TicketRow.id)))
        cases = tickets_named(session, ids).values()
    told = []
    for case in cases:
        first = case.suspicions[0]
        drivers = first.evidence.get("drivers") or [{}]
        told.append(Opened(case.device_id, (first.since - start) / DAY_MS, drivers[0].get("part")))
    return told


def _slices(frame: pl.DataFrame, start: int, count: int, size: int) -> Iterator[ReadingBatch]:
    """Return the readings of each pass. Those of a fleet are in order of time."""
    times = frame["ts"].to_numpy()
    edges = np.searchsorted(times, start + size * np.arange(count + 1))
    for begin, end in itertools.pairwise(edges.tolist()):
        yield ReadingBatch(Kind.ROBOT, frame[begin:end])


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many tickets there were, were right and pointed at the right part; warnable failures, foreseen."""

    tickets: int
    right: int
    part: int
    warnable: int
    foreseen: int


def judge(tickets: Sequence[Opened], worn: Sequence[Worn], days: int) -> Verdict:
    """Hold tickets against the fate of a fleet.

    One is right when its robot fails within 14 days, or wears then in a way that shows. A failure is warnable
    when its wear showed for two days or more after robots are first scored; it is foreseen by a ticket that
    was opened after it began and a day or more before it.
    """
    of: dict[str, list[Worn]] = {}
    for each in worn:
        of.setdefault(each.device, []).append(each)
    right = part = 0
    for ticket in tickets:
        causes = {each.part for each in of.get(ticket.device, ()) if _explains(each, ticket.day)}
        right += bool(causes)
        part += any(ticket.part in SHOWS_IN[cause] for cause in causes)
    warnable = [each for each in worn if _warnable(each, days)]
    foreseen = sum(
        any(
            ticket.device == each.device and each.begins <= ticket.day <= each.fails - 1 for ticket in tickets
        )
        for each in warnable
    )
    return Verdict(len(tickets), right, part, len(warnable), foreseen)


def _explains(worn: Worn, day: float) -> bool:
    soon = day <= worn.fails < day + SOON_DAYS
    return soon or (worn.shape != SUDDEN and worn.begins < day <= worn.fails)


def _warnable(worn: Worn, days: int) -> bool:
    seen = worn.fails - max(worn.begins, FIRST_DAY) >= 2
    return worn.shape != SUDDEN and SOON_DAYS < worn.fails <= days and seen
