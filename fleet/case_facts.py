"""What indicators count of a case: one value a case, with the months in which it counts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from fleet.clock import DAY_MS
from fleet.localtime import clamped

REPEAT_MS = 30 * DAY_MS
"""A case of the same device and fault that is opened so soon after a repair says that it did not last."""
EARLY_MS = 90 * DAY_MS
"""So long after it was first seen a device's failures are early ones."""


@dataclass(frozen=True, slots=True)
class CaseScore:
    """What a customer gave for the work on a case: 1 to 5, at a time (epoch ms)."""

    ticket_id: int
    at: int
    score: int


class Scores(Protocol):
    """Whoever knows what customers gave."""

    def __call__(self, ticket_ids: Collection[int], /) -> Mapping[int, CaseScore]:
        """Return the newest score of each of these cases that has one."""
        ...


def no_scores(_ticket_ids: Collection[int]) -> Mapping[int, CaseScore]:
    """Return none: where nobody is asked, nothing is known."""
    return {}


@dataclass(frozen=True, slots=True)
class CaseFact:
    """What is counted of one repair.

    Times are epoch ms, months are such as 202611, by the clock of its site. `fault` is what was found (the
    first of several), else what was suspected. `respond_due` and `on_site_due` are None where nothing is
    promised, where the promise ended in time (a case that was cancelled), and while its clock waits; `*_kept`
    says whether it was reached by then. `arrived_at` and `repaired_at` are the first time of each.
    `repeated_by` is the next case of the same device and fault within `REPEAT_MS` of the repair.
    `judged_month` is when what alerts had suspected was found or refuted, `confirmed` which of the two;
    `lead_ms` is how long before somebody stood at the device it was suspected. `foreseen` is a fault that a
    model predicted, that was found, and that nobody had reported before; `unfounded` one that a model
    predicted, for which somebody came, and nothing was found. `early`: it broke within `EARLY_MS` of being
    first seen. `engineer` is the id of who repaired it, else of who came or took it, "" where that is nobody.
    """

    ticket_id: int
    device_id: str
    site: str
    region: str
    customer: str
    model: str
    firmware: str
    fault: str
    level: str
    origin: str
    zone: str
    engineer: str
    engineer_name: str
    opened_at: int
    opened_month: int
    weekday: int
    hour: int
    respond_due: int | None
    respond_month: int | None
    respond_kept: bool
    on_site_due: int | None
    on_site_month: int | None
    on_site_kept: bool
    arrived_at: int | None
    arrived_month: int | None
    repaired_at: int | None
    repaired_month: int | None
    closed_at: int | None
    closed_month: int | None
    judged_month: int | None
    scored_month: int | None
    score: int | None
    reopened: bool
    found: bool
    early: bool
    confirmed: bool
    lead_ms: int | None
    foreseen: str
    unfounded: str
    waited_part: bool
    waited_customer: bool
    repeated_by: int | None = None

    @property
    def months(self) -> set[int]:
        """The months in which it counts for anything."""
        found = (
            self.opened_month,
            self.respond_month,
            self.on_site_month,
            self.arrived_month,
            self.repaired_month,
            self.closed_month,
            self.judged_month,
            self.scored_month,
        )
        return {month for month in found if month is not None}


def month_of(ms: int, zone: ZoneInfo) -> int:
    """Return the month that calendars on the wall show at a time: 202611."""
    day = datetime.fromtimestamp(clamped(ms) // 1000, zone)
    return day.year * 100 + day.month


def month_or_none(ms: int | None, zone: ZoneInfo) -> int | None:
    """Return the month of a time, None where there is none."""
    return None if ms is None else month_of(ms, zone)


def month_after(month: int, count: int = 1) -> int:
    """Return the month so many months later, or earlier where `count` is negative."""
    number = month // 100 * 12 + month % 100 - 1 + count
    return number // 12 * 100 + number % 12 + 1


def month_start(month: int, zone: ZoneInfo) -> int:
    """Return when a month begins by the clock of a zone (epoch ms)."""
    return int(datetime(month // 100, month % 100, 1, tzinfo=zone).timestamp()) * 1000


def shown_month(month: int) -> str:
    """Return a month as people and addresses write it: 2026-11."""
    return f"{month // 100}-{month % 100:02d}"
