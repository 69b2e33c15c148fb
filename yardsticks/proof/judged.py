"""What became of warnings, held against the cases of the past: right, too late, in vain, or not to be told.

A warning is right when its fault was found at that device within its horizon after it; it helps when it came
AHEAD_MS before the case was opened, or was noticed. One of unusual behaviour is right by any fault.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fleet.clock import DAY_MS
from fleet.faults import FAULTS, UNUSUAL
from fleet.past_cases import PastCase
from fleet.signals import Kind
from models.learning.settings import Costs
from storage.records.devices import ReportedEvent
from storage.records.repairs import DEVICE_REPLACED, RENEWING
from yardsticks.proof.past import PastFleet, found_in
from yardsticks.proof.warnings import VISIT_MS, Warned

AHEAD_MS = VISIT_MS
"""A warning helps when it comes so long before: a day later somebody is there."""
UNUSUAL_DAYS = 7
"""The failures of so many days are what the anomaly score speaks of (models.anomaly.risk)."""


class Outcome(StrEnum):
    """What became of a warning or of a visit."""

    RIGHT = "right"
    LATE = "late"
    """Right, but the case was opened before anybody could have been there."""
    AGAIN = "again"
    """Right about what an earlier visit would have mended: it would not have come."""
    VAIN = "vain"
    OPEN = "open"
    """The past ends before its horizon does, or the part was changed before it could tell."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A failure that a customer reported: `at` is when it was first noticed, `fault` its costliest.

    `lead_ms` is how long before the first right warning came, None where none did.
    """

    device_id: str
    model: str
    at: int
    fault: str
    faults: tuple[str, ...]
    cost: float
    warned: Warned | None

    @property
    def lead_ms(self) -> int | None:
        """How long before it the first right warning came (ms)."""
        return None if self.warned is None else self.at - self.warned.at

    @property
    def is_foreseen(self) -> bool:
        """Whether a warning came early enough to help."""
        return self.lead_ms is not None and self.lead_ms >= AHEAD_MS


@dataclass(frozen=True, slots=True)
class Visit:
    """What warnings of one device and night lead to: a visit, or a call where its customer can mend all."""

    device_id: str
    model: str
    at: int
    warnings: tuple[Warned, ...]
    outcome: Outcome
    trip: float

    @property
    def is_call(self) -> bool:
        """Whether the customer was asked, and nobody went."""
        return all(each.is_call for each in self.warnings)


@dataclass(frozen=True, slots=True)
class Judged:
    """All breakdowns and visits of a past, in order of time."""

    breakdowns: tuple[Breakdown, ...]
    visits: tuple[Visit, ...]

    def between(self, start: int, end: int) -> "Judged":
        """Return those of a range; of visits those that began in it."""
        return Judged(
            tuple(each for each in self.breakdowns if start <= each.at < end),
            tuple(each for each in self.visits if start <= each.at < end),
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """Something that was found: its case's first notice `at`, and whether a customer had to report it."""

    fault: str
    at: int
    case: int


def horizon_ms(fault: str) -> int:
    """Return for how long a warning of a fault speaks."""
    days = UNUSUAL_DAYS if fault == UNUSUAL else FAULTS[fault].horizon_days or 0
    return days * DAY_MS


def judge(warnings: Sequence[Warned], fleet: PastFleet, costs: Costs, end: int) -> Judged:
    """Judge warnings by what was found later; the past ends at `end` (epoch ms)."""
    found = _found(fleet)
    changed = _changed(fleet.events)
    right: dict[Warned, _Found | None] = {each: _confirms(each, found[each.device_id]) for each in warnings}
    first = _first_right(right)
    breakdowns = [
        _breakdown(case, fleet, costs, first.get(number))
        for number, case in enumerate(fleet.cases)
        if case.reported and case.faults and _is_robot(fleet, case.device_id)
    ]
    visits = []
    for (device, at), some in _nights(warnings).items():
        outcomes = [_outcome(each, right[each], first, changed, end) for each in some]
        model = fleet.devices[device].model if device in fleet.devices else "unknown"
        visits.append(Visit(device, model, at, tuple(some), _of_all(outcomes), _trip(some, costs)))
    return Judged(
        tuple(sorted(breakdowns, key=lambda each: (each.at, each.device_id))),
        tuple(sorted(visits, key=lambda each: (each.at, each.device_id))),
    )


def _is_robot(fleet: PastFleet, device: str) -> bool:
    return device in fleet.devices and fleet.devices[device].kind is Kind.ROBOT


def _found(fleet: PastFleet) -> Mapping[str, list[_Found]]:
    found: dict[str, list[_Found]] = defaultdict(list)
    for number, case in enumerate(fleet.cases):
        for fault, noticed in found_in(case):
            found[case.device_id].append(_Found(fault, min(noticed, case.opened), number))
    for some in found.values():
        some.sort(key=lambda each: each.at)
    return found


def _changed(events: Sequence[ReportedEvent]) -> Mapping[str, list[ReportedEvent]]:
    changed: dict[str, list[ReportedEvent]] = defaultdict(list)
    for event in events:
        if event.code in RENEWING:
            changed[event.device_id].append(event)
    return changed


def _confirms(warning: Warned, found: Sequence[_Found]) -> _Found | None:
    """Return what was found first that makes a warning right."""
    for each in found:
        meant = warning.fault in (each.fault, UNUSUAL)
        if meant and warning.at < each.at <= warning.at + horizon_ms(warning.fault):
            return each
    return None


def _first_right(right: Mapping[Warned, _Found | None]) -> dict[int, Warned]:
    """Return the first right warning of each case, by the case's number."""
    first: dict[int, Warned] = {}
    for warning, found in sorted(right.items(), key=lambda each: (each[0].at, each[0].fault)):
        if found is not None:
            first.setdefault(found.case, warning)
    return first


def _breakdown(case: PastCase, fleet: PastFleet, costs: Costs, warned: Warned | None) -> Breakdown:
    dearest = max(case.faults, key=lambda each: (costs.failure(FAULTS[each]), each))
    return Breakdown(
        case.device_id,
        fleet.devices[case.device_id].model,
        min(case.opened, *(noticed for _, noticed in found_in(case))),
        dearest,
        case.faults,
        costs.failure(FAULTS[dearest]),
        warned,
    )


def _outcome(
    warning: Warned,
    found: _Found | None,
    first: Mapping[int, Warned],
    changed: Mapping[str, Sequence[ReportedEvent]],
    end: int,
) -> Outcome:
    if found is not None:
        earlier = first[found.case]
        if earlier.at < warning.at and found.at - earlier.at >= AHEAD_MS:
            return Outcome.AGAIN
        return Outcome.RIGHT if found.at - warning.at >= AHEAD_MS else Outcome.LATE
    until = warning.at + horizon_ms(warning.fault)
    if until > end or any(_spoils(warning, each, until) for each in changed.get(warning.device_id, ())):
        return Outcome.OPEN
    return Outcome.VAIN


def _spoils(warning: Warned, event: ReportedEvent, until: int) -> bool:
    """Tell whether a part was changed so that nobody will know if the warning was right."""
    if not warning.at < event.ts <= until:
        return False
    if event.code == DEVICE_REPLACED or warning.fault == UNUSUAL:
        return True
    part = FAULTS[warning.fault].part
    return event.detail.get("fault") == warning.fault or (
        part is not None and event.detail.get("part") == part
    )


def _nights(warnings: Sequence[Warned]) -> dict[tuple[str, int], list[Warned]]:
    nights: dict[tuple[str, int], list[Warned]] = defaultdict(list)
    for each in warnings:
        nights[each.device_id, each.at].append(each)
    return nights


_ORDER = (Outcome.RIGHT, Outcome.LATE, Outcome.AGAIN, Outcome.OPEN, Outcome.VAIN)


def _of_all(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the outcome of a visit: it is in vain only when all its warnings were."""
    return min(outcomes, key=_ORDER.index)


def _trip(warnings: Sequence[Warned], costs: Costs) -> float:
    """Return what a visit costs: the dearest trip of what an engineer must mend, else the dearest call."""
    visits = [costs.trip(FAULTS[each.fault]) for each in warnings if not each.is_call]
    return max(visits or [costs.trip(FAULTS[each.fault]) for each in warnings])
