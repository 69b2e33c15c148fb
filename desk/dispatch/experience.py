"""How long ways and visits really take here, learned from the visits of the last weeks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from threading import Lock

from sqlalchemy.orm import Session

from desk.dispatch.needs import needs_of
from desk.dispatch.travel.port import Travel, TravelMatrix
from fleet.assignments import Assignment, AssignmentState
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.service import ServiceFile
from fleet.tickets import Ticket, TicketState
from fleet.visiting import Position
from storage.records.assignments import assignments_between
from storage.records.tickets import tickets_named

_LOOK_BACK_MS = 45 * DAY_MS
_LEAST, _MOST = 20, 400
"""So many visits tell something; more than the newest of them are not asked."""
_SHORTEST_MS = 5 * MINUTE_MS
"""What a shorter way takes is mostly parking."""
_WAYS = (0.7, 2.0)
_MORE_MS = (0, HOUR_MS)
FRESH_MS = 12 * HOUR_MS
"""So long what was learned holds."""
DRIVE, WAYS = "drive_ms", "ways"
"""What an assignment notes: how long its way was planned to take, and by which `ways` that was reckoned."""


@dataclass(frozen=True, slots=True)
class Experience:
    """`ways`: ways take so many times as long as the map says; a visit takes `more_ms` beside its work."""

    ways: float = 1.0
    more_ms: int = 0

    def of(self, travel: Travel) -> Travel:
        """Return what knows the ways, as they really are here."""
        return travel if self.ways == 1.0 else _Longer(travel, self.ways)


@dataclass(frozen=True, slots=True)
class _Longer:
    travel: Travel
    ways: float

    def matrix(self, positions: Sequence[Position], hour: int) -> TravelMatrix:
        """Return the ways as the map says, each so many times as long."""
        known = self.travel.matrix(positions, hour)
        return replace(known, seconds=known.seconds * self.ways)


class Learning:
    """Learns twice a day; may be used from any thread. Without visits it knows nothing."""

    def __init__(self, service: ServiceFile) -> None:
        self._service = service
        self._lock = Lock()
        self._kept: tuple[int, Experience] | None = None

    def __call__(self, session: Session, now: int) -> Experience:
        """Return what is known at `now` (epoch ms)."""
        with self._lock:
            if self._kept is None or not 0 <= now - self._kept[0] < FRESH_MS:
                self._kept = now, self._learned(session, now)
            return self._kept[1]

    def _learned(self, session: Session, now: int) -> Experience:
        known = assignments_between(session, now - _LOOK_BACK_MS, now)
        done = [each for each in known if each.state is AssignmentState.DONE and not each.helps]
        done = sorted(done, key=lambda each: each.begins)[-_MOST:]
        cases = tickets_named(session, {each.ticket_id for each in done})
        visits = list(_visits(done, cases.values()))
        more = [left - came - needs_of(case, self._service).work_ms for case, _, _, came, left in visits]
        ways = [
            (came - out) * float(one.why.get(WAYS, 1.0)) / drive
            for _, one, out, came, _ in visits
            if (drive := int(one.why.get(DRIVE, 0))) >= _SHORTEST_MS
        ]
        return Experience(
            round(_within(median(ways), _WAYS), 2) if len(ways) >= _LEAST else 1.0,
            round(_within(median(more), _MORE_MS)) if len(more) >= _LEAST else 0,
        )


def _visits(
    done: Iterable[Assignment], cases: Iterable[Ticket]
) -> Iterator[tuple[Ticket, Assignment, int, int, int]]:
    """Yield case, assignment, and when they set out, came, and were ready (epoch ms)."""
    known = {case.id: case for case in cases}
    for each in done:
        case = known.get(each.ticket_id)
        if case is None or each.ended_at is None:
            continue
        spans = [span for span in case.spans if span.begins <= each.ended_at]
        for before, after in zip(spans[::-1][1:], spans[::-1], strict=False):
            if after.state is TicketState.REPAIRING and before.state is TicketState.EN_ROUTE:
                yield case, each, before.begins, after.begins, each.ended_at
                break


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(max(value, bounds[0]), bounds[1])
