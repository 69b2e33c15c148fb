"""Takes repairs of the past in as closed cases with their own times; nobody is told of them.

What reads cases (training, records of faults, renewals, indicators) reads these as any others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.clocks.standing import TicketClocks
from fleet.cases import happened, named, open_case, suspect
from fleet.clock import Clock, to_rfc3339
from fleet.errors import InvalidInput
from fleet.events import Event
from fleet.faults import FAULTS, UNCLEAR, is_unclear
from fleet.past_cases import (
    EARLIEST_MS,
    IMPORT,
    MOST_FAULTS,
    MOST_NAME,
    MOST_NOTE,
    MOST_PARTS,
    PastCase,
    PastOutcome,
    PastVerdict,
)
from fleet.principals import Principal
from fleet.signals import Kind
from fleet.stock import Movement, MovementKind
from fleet.text import quoted
from fleet.tickets import (
    REPORT,
    Span,
    Suspicion,
    SuspicionState,
    Ticket,
    TicketOrigin,
    TicketState,
)
from fleet.wire import is_id
from fleet.workflows import SAFETY_FAULTS
from storage.records.database import DeskDatabase
from storage.records.devices import Devices, Placement
from storage.records.events import tell
from storage.records.part_catalogue import all_parts
from storage.records.past_cases import PastMark, insert_past, known_keys
from storage.records.stock_movements import add_movement

_AT_ONCE = 200
_REPAIR = 1
"""The parts of a past case are those of its first visit."""
_BY = "import"
_WHY = "brought in from the past"


@dataclass(frozen=True, slots=True)
class _Times:
    """When a past case reached what (epoch ms); None where nobody knows."""

    opened: int
    accepted: int | None
    arrived: int | None
    repaired: int
    confirmed: int

    @property
    def moments(self) -> list[tuple[TicketState, int]]:
        """The states that it is known to have been in, in order."""
        states = (TicketState.OPENED, TicketState.ACCEPTED, TicketState.REPAIRING)
        times = (self.opened, self.accepted, self.arrived)
        found = [(state, at) for state, at in zip(states, times, strict=True) if at is not None]
        return [*found, (TicketState.REPAIRED, self.repaired), (TicketState.CONFIRMED, self.confirmed)]


class _New(NamedTuple):
    """A case that is to be written: where its outcome stands, and all that is known of it."""

    place: int
    case: PastCase
    key: str
    site: Placement
    times: _Times


class PastCases:
    """Past cases in, each once: by its number elsewhere, else by device, faults and time."""

    def __init__(self, desk: DeskDatabase, clocks: TicketClocks, clock: Clock) -> None:
        self._desk, self._clocks, self._clock = desk, clocks, clock

    def look(
        self, cases: Sequence[PastCase], places: Mapping[str, Placement] | None = None
    ) -> list[PastOutcome]:
        """Return what would become of cases; nothing is changed. `places` are those of devices to come."""
        return self._each(cases, places or {}, None)

    def take(self, cases: Sequence[PastCase], by: Principal) -> list[PastOutcome]:
        """Keep the cases that can be, and return what became of each; the log says `by` whom it was done.

        Raises StoreUnavailable.
        """
        return self._each(cases, {}, by)

    def _each(
        self, cases: Sequence[PastCase], coming: Mapping[str, Placement], by: Principal | None
    ) -> list[PastOutcome]:
        outcomes: list[PastOutcome] = []
        seen: set[str] = set()
        for begin in range(0, len(cases), _AT_ONCE):
            some = cases[begin : begin + _AT_ONCE]
            places = Devices(self._desk).placements(
                {each.device_id for each in some if is_id(each.device_id)}
            )
            places = {**coming, **places}
            if by is None:
                with self._desk.look() as session:
                    outcomes += self._looked_at(session, some, places, seen, None)
                continue
            try:
                with self._desk.transaction() as session:
                    done = self._looked_at(session, some, places, set(), by)
            except IntegrityError:  # another process took one of them meanwhile: now it is known
                with self._desk.transaction() as session:
                    done = self._looked_at(session, some, places, set(), by)
            outcomes += done
        return outcomes

    def _looked_at(
        self,
        session: Session,
        cases: Sequence[PastCase],
        places: Mapping[str, Placement],
        seen: set[str],
        by: Principal | None,
    ) -> list[PastOutcome]:
        """Take cases within a transaction; without `by` only look at them."""
        keys = [key_of(each) for each in cases]
        known = known_keys(session, keys)
        parts = set(all_parts(session)) | {each.part for each in FAULTS.values() if each.part}
        outcomes: list[PastOutcome] = []
        new: list[_New] = []
        twice: list[tuple[int, str]] = []
        for case, key in zip(cases, keys, strict=True):
            try:
                times, remarks = _checked(case, places.get(case.device_id), parts, self._clock.now_ms())
            except InvalidInput as error:
                outcomes.append(PastOutcome(PastVerdict.REFUSED, reason=str(error)))
                continue
            if key in known or key in seen:
                twice.append((len(outcomes), key))
                outcomes.append(PastOutcome(PastVerdict.KNOWN))
                continue
            seen.add(key)
            new.append(_New(len(outcomes), case, key, places[case.device_id], times))
            outcomes.append(PastOutcome(PastVerdict.NEW, remarks=remarks))
        if by is not None and new:
            for one, number in zip(new, self._write(session, new, parts, by), strict=True):
                known[one.key] = number
                outcomes[one.place] = replace(outcomes[one.place], ticket_id=number)
        for place, key in twice:
            outcomes[place] = replace(outcomes[place], ticket_id=known.get(key, 0))
        return outcomes

    def _write(self, session: Session, new: Sequence[_New], parts: set[str], by: Principal) -> list[int]:
        """Store cases with what goes with them; their clocks have no steps: nobody is warned of the past."""
        now = self._clock.now_ms()
        dated = [self._clocks.reckoned(_ticket(each.case, each.site, each.times), now)[0] for each in new]
        marks = [PastMark(0, each.key, each.case.engineer, each.case.external, now) for each in new]
        ids = insert_past(session, dated, marks)
        for number, ticket, each in zip(ids, dated, new, strict=True):
            for part in (one for one in each.case.parts if one in parts):
                used = Movement(MovementKind.USED, part, 1, ticket=number, repair=_REPAIR, by=_BY, why=_WHY)
                add_movement(session, replace(used, at=each.times.repaired))
            for event in _told(replace(ticket, id=number), each.case, each.times, by):
                tell(session, event)
        return ids


def _told(stored: Ticket, case: PastCase, times: _Times, by: Principal) -> Iterator[Event]:
    """Yield what the log says of a case: each state at its own time, and who brought it in."""
    data = {"imported": True, "by": by.name, "external": case.external, "engineer": case.engineer}
    said = {key: value for key, value in data.items() if value}
    before: TicketState | None = None
    for number, (state, at) in enumerate(times.moments, start=1):
        what = "opened" if before is None else "state"
        confirmed = case.faults if state is TicketState.REPAIRED else ()
        now = replace(stored, version=number)
        yield happened(now, what, IMPORT, _WHY, at, before=before, after=state, confirmed=confirmed, **said)
        before = state


def key_of(case: PastCase) -> str:
    """Return by what a case is known: its device, and its number elsewhere, else its faults and time."""
    if case.external:
        said = ("id", case.device_id, case.external)
    else:
        said = (case.device_id, ",".join(sorted(case.faults)), str(case.opened))
    return sha256("\0".join(said).encode()).hexdigest()


def _checked(
    case: PastCase, place: Placement | None, parts: set[str], now: int
) -> tuple[_Times, tuple[str, ...]]:
    """Return the times of a case, and what is left out of it. Raises InvalidInput, naming what is wrong."""
    if place is None:
        raise InvalidInput(f"device: there is no device {quoted(case.device_id)}")
    mended = [each.code for each in FAULTS.values() if each.kind is place.kind and not is_unclear(each.code)]
    allowed = [code for code in mended if code not in SAFETY_FAULTS]
    for code in (*case.faults, *case.suspected):
        if code not in allowed:
            raise InvalidInput(
                f"fault: {quoted(code)} is no fault of a {place.kind}; allowed: {', '.join(allowed)}"
            )
    if not case.faults and not case.suspected and place.kind is not Kind.ROBOT:
        raise InvalidInput("faults: none was found, so suspected must say what was looked for")
    if len(case.faults) > MOST_FAULTS or len(case.parts) > MOST_PARTS or len(case.note) > MOST_NOTE:
        raise InvalidInput(
            f"at most {MOST_FAULTS} faults, {MOST_PARTS} parts and {MOST_NOTE} characters of note"
        )
    if len(case.engineer) > MOST_NAME or "\x00" in case.engineer + case.note + case.external:
        raise InvalidInput(f"engineer: a name of at most {MOST_NAME} characters, without a NUL")
    if len(case.noticed) > 1 and len(case.noticed) != len(case.faults):
        raise InvalidInput("noticed: one time for each fault, or one for all")
    unknown = [part for part in case.parts if part not in parts]
    return _times(case, now), tuple(f"part {quoted(part)} is not in the catalogue" for part in unknown)


def _times(case: PastCase, now: int) -> _Times:
    """Return the times of a case, those that nobody knows filled in where one is needed."""
    last = next((at for at in (case.repaired, case.confirmed, case.arrived) if at is not None), case.opened)
    times = _Times(case.opened, case.accepted, case.arrived, last, case.confirmed or last)
    told = times.moments
    for (before, earlier), (state, at) in pairwise(told):
        if at < earlier:
            raise InvalidInput(f"{state} at {to_rfc3339(at)} is before {before} at {to_rfc3339(earlier)}")
    for at in (*(at for _, at in told), *case.noticed):
        if not EARLIEST_MS <= at <= now:
            raise InvalidInput(f"times lie between 2000 and now, got {at}")
    if any(at > times.repaired for at in case.noticed):
        raise InvalidInput("noticed: no fault is noticed after it was repaired")
    return times


def _ticket(case: PastCase, place: Placement, times: _Times) -> Ticket:
    """Return the closed case of what was mended."""
    suspicions = _suspicions(case, times)
    origin = TicketOrigin.REPORTED if case.reported else TicketOrigin.PROACTIVE
    opened = open_case(case.device_id, place.site, origin, suspicions[0], times.opened)
    level = min(each.level for each in suspicions)
    return named(
        replace(
            opened,
            level=level,
            state=TicketState.CONFIRMED,
            suspicions=suspicions,
            spans=tuple(Span(at, state, level) for state, at in times.moments),
            responded_at=times.accepted,
            on_site_at=times.arrived,
            solved_at=times.repaired,
            owner_name=case.engineer,
            version=len(times.moments),
        )
    )


def _suspicions(case: PastCase, times: _Times) -> tuple[Suspicion, ...]:
    """Return what the case was about: what was found is confirmed, what else was thought is refuted."""
    evidence = {"source": REPORT, "who": case.engineer or _BY, "why": case.note or _WHY}
    since = (
        case.noticed
        if len(case.noticed) == len(case.faults)
        else (case.noticed or (case.opened,)) * len(case.faults)
    )
    found = [
        replace(suspect(code, at, evidence), state=SuspicionState.CONFIRMED, ended_at=times.repaired)
        for code, at in zip(case.faults, since, strict=True)
    ]
    thought = [code for code in case.suspected if code not in case.faults]
    if not found and not thought:
        thought = [UNCLEAR]
    return (
        *found,
        *(
            replace(
                suspect(code, case.opened, evidence), state=SuspicionState.REFUTED, ended_at=times.repaired
            )
            for code in thought
        ),
    )
