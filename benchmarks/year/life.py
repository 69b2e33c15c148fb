"""One policy lived through for one seed: from the run-in to the end of the year."""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.year.agenda import Agenda, day_start, local_day
from benchmarks.year.assumptions import MANUAL, Manual
from benchmarks.year.city import City, engineers_for, make_city, started
from benchmarks.year.field import Field
from benchmarks.year.figures import figures_of
from benchmarks.year.foresight import Foresight
from benchmarks.year.manual import ManualDispatch
from benchmarks.year.office import Office, open_office
from benchmarks.year.parts import GuessedParts, KeptParts, Parts
from benchmarks.year.planned import PlannedDispatch
from fleet.clock import HOUR_MS, ManualClock
from fleet.engineers import Engineer
from simulators.common_faults import CommonFaults
from simulators.fault_process import COUNT
from simulators.ground_truth import GroundTruth

BEGINS = "2027-01-01"
_MEMORY = Path("/dev/shm")


class Policy(StrEnum):
    """How the service works."""

    MANUAL = "a"
    DISPATCH = "b"
    PARTS = "c"
    PROACTIVE = "d"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is lived through: so many `days` from `begins` (a date), `run_in` before them do not count.

    `engineers` 0: as suit.
    """

    robots: int = 1000
    engineers: int = 0
    days: int = 365
    run_in: int = 60
    begins: str = BEGINS

    @property
    def crew(self) -> int:
        """How many engineers there are."""
        return self.engineers or engineers_for(self.robots)


@dataclass
class Life:
    """What goes on in one policy."""

    city: City
    agenda: Agenda
    office: Office
    field: Field
    faults: CommonFaults
    dispatch: ManualDispatch | PlannedDispatch
    foresight: Foresight | None = None

    def hour(self, begins: int) -> None:
        """Let an hour pass: what is due in it, then what fails by its end."""
        self.agenda.run_until(begins + HOUR_MS)
        if self.foresight is not None and isinstance(self.dispatch, PlannedDispatch):
            failures, cases = self.foresight.hour()
            self.dispatch.heard(cases)
            for failure in failures:
                self.dispatch.calls.failed(failure)
            return
        nobody = np.zeros(len(self.city.robots))
        uniform = np.ones((COUNT, len(self.city.robots)))
        self.faults.step(begins + HOUR_MS, HOUR_MS / 1000, nobody, uniform, nobody)
        self.faults.renew()
        for failure in self.faults.take_failures():
            self.dispatch.calls.failed(failure)


def live(policy: Policy, seed: int, size: Size, manual: Manual = MANUAL) -> dict[str, Any]:
    """Live through a policy; return its figures (benchmarks.year.figures), and what it took."""
    begun = process_time()
    folder = Path(tempfile.mkdtemp(prefix="year-", dir=_MEMORY if _MEMORY.is_dir() else None))
    try:
        life, parts, truth, first = _begin(policy, seed, size, manual, folder)
        for day in range(first, first + size.run_in + size.days):
            _a_day(life, parts, day)
        life.agenda.run_until(day_start(day + 1) + 1)
        found = figures_of(life, parts, truth, first + size.run_in, size.days)
        life.office.desk.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found | {"cpu_s": round(process_time() - begun, 1)}


def _begin(
    policy: Policy, seed: int, size: Size, manual: Manual, folder: Path
) -> tuple[Life, Parts, GroundTruth, int]:
    start = started(date.fromisoformat(size.begins), size.run_in)
    clock = ManualClock(start)
    city, agenda, truth = make_city(seed, size.robots, size.crew, start), Agenda(clock), GroundTruth()
    office = open_office(folder, city, clock)
    kept = None if policy in (Policy.MANUAL, Policy.DISPATCH) else KeptParts(city, agenda, office, manual)
    parts: Parts = kept or GuessedParts(city, agenda, manual)
    faults = city.faults(truth)
    field = Field(city, agenda, office, parts, faults, truth)
    dispatch: ManualDispatch | PlannedDispatch
    if policy is Policy.MANUAL:
        dispatch = ManualDispatch(city, agenda, office, field, manual)
    else:
        dispatch = PlannedDispatch(city, agenda, office, field, None if kept is None else kept.port)
    life = Life(city, agenda, office, field, faults, dispatch)
    if policy is Policy.PROACTIVE:
        life.foresight = Foresight(city, office, faults, folder / "models", start)
        if kept is not None:
            kept.know(life.foresight.tiles)
    return life, parts, truth, local_day(start)


def _a_day(life: Life, parts: Parts, day: int) -> None:
    agenda, midnight = life.agenda, day_start(day)
    agenda.at(midnight + 5 * HOUR_MS, lambda: parts.night(day))
    working = [number for number in range(len(life.city.workers)) if not life.city.away(number, day)]
    at_work = []
    for number in working:
        hours = _shift(life.city.workers[number].engineer, day)
        if hours is not None:
            at_work.append(number)
            begins, ends = (midnight + round(hour * HOUR_MS) for hour in hours)
            agenda.at(begins, lambda number=number, ends=ends: life.field.begin_shift(number, ends))  # type: ignore[misc]
    agenda.at(midnight + 20 * HOUR_MS, lambda: _holidays(life, day + 1))
    dispatch = life.dispatch
    if isinstance(dispatch, ManualDispatch):
        agenda.at(midnight + 7 * HOUR_MS, lambda: dispatch.write_lists(day, at_work))
    else:
        agenda.at(midnight + round(5.5 * HOUR_MS), lambda: dispatch.morning(day))
        agenda.at(midnight + round(5.9 * HOUR_MS), lambda: parts.load(day))
        agenda.at(midnight + round(20.75 * HOUR_MS), lambda: dispatch.evening(day + 1))
    for hour in range(24):
        life.hour(midnight + hour * HOUR_MS)
    if life.foresight is not None and isinstance(dispatch, PlannedDispatch):
        dispatch.heard(life.foresight.night())


def _holidays(life: Life, day: int) -> None:
    """Let the desk know who is away from a day on, or back."""
    for number, worker in enumerate(life.city.workers):
        away = life.city.away(number, day)
        if away != life.city.away(number, day - 1):
            life.office.keep_active(worker.engineer, active=not away)


def _shift(engineer: Engineer, day: int) -> tuple[float, float] | None:
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    hours = engineer.shifts.get(names[(day + 3) % 7], ())
    if not hours:
        return None
    begins, ends = hours[0].split("-")
    return tuple(int(each[:2]) + int(each[3:]) / 60 for each in (begins, ends))  # type: ignore[return-value]
