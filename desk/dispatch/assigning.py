"""Who goes to which case when: one open visit a case, nobody in two places at once, and always why."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.dispatch.needs import VISITED, Needs, needs_of
from desk.dispatch.ports import NoStock, Reserve
from desk.tickets.writing import CaseWriter
from fleet.assignments import Assignment, AssignmentState
from fleet.cases import happened
from fleet.clock import DAY_MS, MINUTE_MS
from fleet.engineers import Demands, able
from fleet.errors import Conflict, InvalidInput
from fleet.grants import Sites
from fleet.localtime import day_of
from fleet.principals import Principal, check_reason
from fleet.service import ServiceFile
from fleet.text import quoted
from fleet.tickets import RESTING_STATES, Ticket, TicketState
from fleet.zones import Zones
from storage.records.absences import absences_from
from storage.records.assignments import (
    add_assignment,
    assignments_between,
    change_assignment,
    open_assignments_of,
)
from storage.records.engineers import engineer_of, engineers
from storage.records.events import tell
from storage.records.tickets import ticket, tickets_named

log = logging.getLogger(__name__)
FURTHEST_MS = 30 * DAY_MS
"""Nobody is sent anywhere later than that."""
LONGEST_MS = DAY_MS
_UNDER_WAY = frozenset({TicketState.EN_ROUTE, TicketState.REPAIRING})
_OVER = frozenset({TicketState.REPAIRED, TicketState.CONFIRMED, TicketState.CLOSED, TicketState.REVIEWED})
_LEFT = frozenset({TicketState.CANCELLED, TicketState.WAITING_PART, TicketState.WAITING_CUSTOMER})


EndsOf = Callable[[Session, str, int, int], int]
"""Returns when an engineer's work is over (epoch ms) that begins at a time and takes so many ms."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Who is to be sent when: they set out `travel_ms` before `arrives`, epoch ms.

    `helpers` go too. `held`: no plan moves it. `why` says why this one, JSON-ready; `reason` is a manager's,
    and asked for where something speaks against it.
    """

    engineer: str
    arrives: int
    travel_ms: int = 0
    helpers: tuple[str, ...] = ()
    held: bool = False
    why: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


class Assigning:
    """Assigns engineers to cases and follows what becomes of it.

    All methods may be called from any thread and process. They raise NotFound for an unknown case or
    engineer, InvalidInput for what cannot be or lacks a reason, and Conflict where somebody else was first.
    """

    def __init__(
        self,
        cases: CaseWriter,
        service: ServiceFile,
        demands: Demands | None = None,
        stock: Reserve | None = None,
        zones: Zones | None = None,
        ends: EndsOf | None = None,
    ) -> None:
        self._cases = cases
        self._service = service
        self._demands = demands or Demands()
        self._stock = stock or NoStock()
        self._zones = zones or Zones()
        self._ends = ends or _at_a_stretch
        cases.follow(self._moved)

    def needs(self, case: Ticket) -> Needs:
        """Return what a visit to a case needs."""
        return needs_of(case, self._service)

    def assign(self, ticket_id: int, sent: Sent, by: Principal, sites: Sites = None) -> Assignment:
        """Let an engineer go to a case in place of whoever was to; parts are put aside with it."""
        with self._cases.writing() as session:
            case = ticket(session, ticket_id, sites)
            self.lock(session, {case.id: sent.engineer})
            before = open_assignments_of(session, [ticket_id]).get(ticket_id, [])
            if any(each.state is AssignmentState.UNDER_WAY for each in before):
                raise Conflict(f"ticket {ticket_id}: {before[0].engineer} is on the way there already")
            self.let_go(session, before, "replaced")
            return self.assign_within(session, case, sent, by, before)

    def lock(self, session: Session, sent: Mapping[int, str | None]) -> None:
        """Hold the stock of cases that are about to be assigned (by case: to whom), before all else."""
        cases = tickets_named(session, sent)
        parts = {code for case in cases.values() for code in self.needs(case).parts}
        known = {each.id: each.van for each in engineers(session)}
        vans = {known[each] for each in sent.values() if each in known}
        self._stock.lock(session, list(cases), parts, vans)

    def assign_within(
        self, session: Session, case: Ticket, sent: Sent, by: Principal, before: Sequence[Assignment] = ()
    ) -> Assignment:
        """Do the same within a caller's transaction, in which whoever was to go (`before`) was let go."""
        needs = self.needs(case)
        self._check(session, case, sent)
        doubts = self._doubts(session, case, sent, needs)
        lead = self._added(session, case, sent, sent.engineer, needs, by, helps=False)
        for helper in sent.helpers:
            self._added(session, case, sent, helper, needs, by, helps=True)
        self._stock.release(session, case.id, by, "replaced")
        van = engineer_of(session, sent.engineer).van
        missing = self._stock.reserve(session, case.id, needs.parts, van, by)
        if missing:
            doubts.append(f"no {', '.join(missing)} is in the van or anywhere else")
        if doubts and not sent.reason.strip():
            raise InvalidInput(f"reason: say why all the same: {'; '.join(doubts)}")
        self._tell(session, case, "assigned", by, sent.reason, before, lead)
        return lead

    def release(self, ticket_id: int, by: Principal, why: str, sites: Sites = None) -> None:
        """Let nobody go to a case for now. Raises Conflict where nobody was to, or somebody is on the way."""
        with self._cases.writing() as session:
            self.release_within(session, ticket(session, ticket_id, sites), by, why)

    def release_within(self, session: Session, case: Ticket, by: Principal, why: str) -> None:
        """Do the same within a caller's transaction."""
        check_reason(why)
        before = open_assignments_of(session, [case.id]).get(case.id, [])
        if not before:
            raise Conflict(f"ticket {case.id}: nobody is to go there")
        if before[0].state is AssignmentState.UNDER_WAY:
            raise Conflict(f"ticket {case.id}: {before[0].engineer} is on the way there already")
        self._stock.lock(session, [case.id], (), ())
        self.let_go(session, before, why)
        self.released(session, case, before, by, why)

    def released(
        self, session: Session, case: Ticket, before: Sequence[Assignment], by: Principal, why: str
    ) -> None:
        """Note that nobody goes to a case for now, within a caller's transaction."""
        self._stock.release(session, case.id, by, why)
        self._tell(session, case, "released", by, why, before, None)

    def hold(self, ticket_id: int, held: bool, by: Principal, why: str, sites: Sites = None) -> None:
        """Keep an assignment as a manager decided it, or let plans move it again."""
        check_reason(why)
        with self._cases.writing() as session:
            case = ticket(session, ticket_id, sites)
            known = open_assignments_of(session, [ticket_id]).get(ticket_id, [])
            if not known:
                raise Conflict(f"ticket {ticket_id}: nobody is to go there")
            for each in known:
                change_assignment(session, each.id, [each.state], held=held)
            what = "held" if held else "lifted"
            self._tell(session, case, what, by, why, known, known[0])

    def _check(self, session: Session, case: Ticket, sent: Sent) -> None:
        now = self._cases.now()
        if case.kind not in VISITED or not case.is_open:
            raise Conflict(f"ticket {case.id} is {case.state}: nobody is sent there any more")
        if case.state not in RESTING_STATES | {TicketState.REOPENED}:
            raise Conflict(f"ticket {case.id} is {case.state}: somebody is there already")
        if not now - DAY_MS <= sent.arrives <= now + FURTHEST_MS:
            raise InvalidInput("arrives: allowed: a time from now on, within 30 days")
        if not 0 <= sent.travel_ms <= LONGEST_MS:
            raise InvalidInput("travel: allowed: 0 to 24 hours")
        if len({sent.engineer, *sent.helpers}) != 1 + len(sent.helpers):
            raise InvalidInput("helpers: each engineer once")
        for name in (sent.engineer, *sent.helpers):
            if not engineer_of(session, name).active:
                raise InvalidInput(f"engineer: {quoted(name)} works here no more")

    def _doubts(self, session: Session, case: Ticket, sent: Sent, needs: Needs) -> list[str]:
        """Return what speaks against it: what a manager may decide all the same, for a reason."""
        day = day_of(sent.arrives, self._zones.of(case.site))
        engineer = engineer_of(session, sent.engineer)
        lacks = sorted(each for each in needs.skills if not able(engineer, each, day, self._demands))
        doubts = [f"{engineer.id} may not do {', '.join(lacks)} on {day}"] if lacks else []
        if needs.people > 1 + len(sent.helpers):
            doubts.append("two people are needed there")
        for name in (sent.engineer, *sent.helpers):
            begins = sent.arrives - sent.travel_ms
            ends = self._ends(session, name, sent.arrives, max(MINUTE_MS, needs.work_ms))
            if any(each.covers(begins, ends) for each in absences_from(session, begins, name)):
                doubts.append(f"{name} is away then")
        if sent.arrives < self._cases.now():
            doubts.append("the time is over")
        return doubts

    def _added(
        self,
        session: Session,
        case: Ticket,
        sent: Sent,
        engineer: str,
        needs: Needs,
        by: Principal,
        *,
        helps: bool,
    ) -> Assignment:
        new = Assignment(
            ticket_id=case.id,
            engineer=engineer,
            begins=sent.arrives - sent.travel_ms,
            arrives=sent.arrives,
            ends=self._ends(session, engineer, sent.arrives, max(MINUTE_MS, needs.work_ms)),
            held=sent.held,
            helps=helps,
            why=sent.why,
            made_at=self._cases.now(),
            made_by=by.name,
            reason=sent.reason.strip()[:200],
        )
        for other in assignments_between(session, new.begins, new.ends, [engineer]):
            if other.is_open:
                raise Conflict(
                    f"{engineer} is at ticket {other.ticket_id} then, "
                    f"{_shown(other.begins)} to {_shown(other.ends)} UTC"
                )
        try:
            return add_assignment(session, new)
        except IntegrityError as error:  # another process was first, by a moment
            raise Conflict(f"{engineer} was sent to another case at this very moment; read again") from error

    def let_go(self, session: Session, known: Sequence[Assignment], why: str) -> None:
        """Let these not be done, within a caller's transaction."""
        now = self._cases.now()
        for each in known:
            change_assignment(
                session,
                each.id,
                [AssignmentState.PLANNED, AssignmentState.UNDER_WAY],
                state=str(AssignmentState.RELEASED),
                ended_at=now,
                reason=why[:200],
            )

    def take_longer(self, session: Session, assignment_id: int, ends: int) -> None:
        """Keep that somebody is at a case for longer, where that is free; within a caller's transaction."""
        try:
            with session.begin_nested():
                change_assignment(session, assignment_id, [AssignmentState.UNDER_WAY], ends=ends)
        except IntegrityError:
            log.info("assignment %d takes longer, and what follows it was not moved", assignment_id)

    def _moved(self, session: Session, _before: Ticket, after: Ticket, by: Principal, why: str) -> None:
        """Let assignments follow where their case stands."""
        known = open_assignments_of(session, [after.id]).get(after.id, [])
        if not known:
            return
        self._stock.lock(session, [after.id], (), ())
        now = self._cases.now()
        if after.state in _LEFT:
            self.let_go(session, known, str(after.state))
            if after.state is not TicketState.WAITING_PART:
                self._stock.release(session, after.id, by, str(after.state))
        elif after.state in _OVER:
            for each in known:
                ends = max(each.begins + 1, min(each.ends, now))
                change_assignment(
                    session, each.id, [each.state], state=str(AssignmentState.DONE), ends=ends, ended_at=now
                )
        else:
            state = AssignmentState.UNDER_WAY if after.state in _UNDER_WAY else AssignmentState.PLANNED
            for each in known:
                change_assignment(session, each.id, [each.state], state=str(state))

    def _tell(
        self,
        session: Session,
        case: Ticket,
        what: str,
        by: Principal,
        why: str,
        before: Sequence[Assignment],
        after: Assignment | None,
    ) -> None:
        was = next((each.engineer for each in before if not each.helps), None)
        now_is = None if after is None else after.engineer
        # People stand in the data alone: what was before and after is told at the broker, too.
        more: dict[str, Any] = {"was": was, "engineer": now_is}
        if after is not None:
            more |= {"arrives": after.arrives, "ends": after.ends, "held": after.held}
        tell(
            session,
            happened(case, what, by, why.strip(), self._cases.now(), **more),
        )


def _at_a_stretch(_session: Session, _engineer: str, arrives: int, work_ms: int) -> int:
    """Return when work is over where nobody knows of shifts."""
    return arrives + work_ms


def _shown(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
