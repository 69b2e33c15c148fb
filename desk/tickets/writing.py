"""How a change of a case is written: with its clocks, its event, and a refusal that says who was first."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import uniform
from time import sleep
from typing import Any, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.clocks.standing import TicketClocks
from fleet.cases import happened, moved
from fleet.clock import Clock
from fleet.complaint_cases import fingerprint, followed
from fleet.errors import Conflict, IllegalTransition, Outdated
from fleet.events import Event, Subject
from fleet.principals import Principal, PrincipalKind, check_reason
from fleet.tickets import Ticket, TicketState
from fleet.workflows import WORKFLOWS
from storage.records.clock_steps import write_steps
from storage.records.complaints import let_match, open_complaint_like
from storage.records.database import DeskDatabase
from storage.records.events import events_of, tell
from storage.records.tickets import insert_ticket, save_ticket, ticket

T = TypeVar("T")
Moved = Callable[[Session, Ticket, Ticket, Principal, str], None]
"""What else follows from a move, in its transaction: it is given the case before and after, who, and why."""
Required = Callable[[Session, Ticket, TicketState, str], None]
"""What refuses a move with InvalidInput: it is given the case, the state that it is to have, and why."""
_TRIES, _PAUSE_S = 60, 0.005
_NAMED = 3
"""So many changes of others a refusal names, the newest."""


class Raced(Conflict):
    """Somebody else was first with a change of the same case, in the moment between look and write."""


class CaseWriter:
    """Writes changes of cases; what all who change them share. May be used from any thread and process."""

    def __init__(self, desk: DeskDatabase, clocks: TicketClocks, clock: Clock) -> None:
        self._desk = desk
        self._clocks = clocks
        self._clock = clock
        self._lock = threading.RLock()
        self._follows: list[Moved] = []
        self._checks: list[Required] = []

    def follow(self, moved: Moved) -> None:
        """Let something be written with each move of a case; called while the parts are wired."""
        self._follows.append(moved)

    def require(self, check: Required) -> None:
        """Let each move of a case be checked, InvalidInput refuses it; called while the parts are wired."""
        self._checks.append(check)

    def now(self) -> int:
        """Return the time, epoch ms."""
        return self._clock.now_ms()

    def persistently(self, change: Callable[[], T]) -> T:
        """Run a change that goes by nothing that somebody read, until nobody else was first.

        Raises what the change raises; Conflict where others were first for many times.
        """
        for attempt in range(_TRIES):
            try:
                return change()
            except Raced:
                sleep(uniform(0, _PAUSE_S * (attempt + 1)))
        return change()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Run one change. Raises Conflict, which says who changed what, where somebody else was first."""
        try:
            with self._lock, self._desk.transaction() as session:
                yield session
        except Outdated as error:
            with self._desk.transaction() as session:
                raise Raced(_outdated(session, error.ticket, error.version)) from error
        except IntegrityError as error:  # another process was first
            raise Raced("the device has another open ticket; read the list again") from error

    def read(self, session: Session, ticket_id: int, version: int | None = None) -> Ticket:
        """Return a case. Raises NotFound, or Conflict where it is not any more at this version."""
        found = ticket(session, ticket_id)
        if version is not None and version != found.version:
            raise Conflict(_outdated(session, ticket_id, version))
        return found

    def open(self, session: Session, new: Ticket) -> Ticket:
        """Store a new case, with what its clocks will do by themselves."""
        dated, steps = self._clocks.reckoned(new, self._clock.now_ms())
        stored = insert_ticket(session, dated)
        write_steps(session, stored.id, steps)
        return stored

    def save(self, session: Session, before: Ticket, after: Ticket) -> Ticket:
        """Store a changed case, with what its clocks say by now and will do by themselves."""
        dated, steps = self._clocks.reckoned(after, self._clock.now_ms())
        stored = save_ticket(session, before, dated)
        write_steps(session, stored.id, steps)
        return stored

    def move(
        self,
        session: Session,
        before: Ticket,
        after: TicketState,
        principal: Principal,
        why: str,
        confirmed: Sequence[str] | None = None,
        deferred: Sequence[str] | None = None,
    ) -> Ticket:
        """Move a case on and tell it. Raises InvalidInput, IllegalTransition, which says who was first."""
        if after in WORKFLOWS[before.kind].needs_reason or "\x00" in why:
            check_reason(why)
        now = self._clock.now_ms()
        try:
            changed = moved(before, after, now, confirmed, deferred)
        except IllegalTransition as error:
            by = _last_move(session, before.id)
            raise IllegalTransition(f"{error}{'' if by is None else f'; {_told(by)}'}") from error
        for check in self._checks:
            check(session, before, after, why)
        stored = self.save(session, before, followed(before, _owned(changed, principal), why, now))
        more: dict[str, Any] = {"deferred": list(deferred)} if deferred else {}
        more |= {"before": before.state, "after": after, "confirmed": confirmed or ()}
        tell(session, happened(stored, "state", principal, why, now, **more))
        if stored.complaint is not None:
            _let_match(session, stored)
            self.tell_class(session, before, stored, principal, why)
        self.followed_by(session, before, stored, principal, why)
        # What was deferred knows its own case by now.
        return ticket(session, stored.id) if stored.deferred_faults else stored

    def followed_by(
        self, session: Session, before: Ticket, after: Ticket, principal: Principal, why: str
    ) -> None:
        """Write what follows from a move that was made otherwise: a case that another one took over."""
        for follow in self._follows:
            follow(session, before, after, principal, why)

    def tell_class(
        self, session: Session, before: Ticket, after: Ticket, principal: Principal, why: str
    ) -> None:
        """Tell that a complaint is of another class, where it is."""
        was, now_is = before.complaint, after.complaint
        if was is None or now_is is None or was.of_class == now_is.of_class:
            return
        tell(
            session,
            happened(after, "class", principal, why, self.now(), before=was.of_class, after=now_is.of_class),
        )


def _owned(ticket: Ticket, principal: Principal) -> Ticket:
    """Return a case that whoever answers it first answers for, until somebody hands it over."""
    answered = ticket.state is WORKFLOWS[ticket.kind].answers
    if ticket.owner or not answered or principal.kind is not PrincipalKind.PERSON:
        return ticket
    return replace(ticket, owner=principal.id, owner_name=principal.name)


def _let_match(session: Session, ticket: Ticket) -> None:
    """Let a complaint that says the same as an open one be that one; a closed one lets go of its words."""
    assert ticket.complaint is not None
    mark = fingerprint(ticket.site, ticket.device_id, ticket.complaint.words)
    holder = open_complaint_like(session, mark)
    if not ticket.is_open:
        let_match(session, ticket.id, None)
    elif holder is None:
        let_match(session, ticket.id, mark)


def _outdated(session: Session, ticket_id: int, version: int) -> str:
    """Return the refusal of a change that goes by an old reading: what is newer, and whose it is."""
    now_at = ticket(session, ticket_id).version
    newer = [
        event
        for event in events_of(session, Subject.TICKET, str(ticket_id))
        if event.data.get("version", 0) > version
    ]
    said = "; ".join(_told(event) for event in newer[-_NAMED:])
    what = f"ticket {ticket_id} is at version {now_at}, not {version}; read it again"
    return f"{what}: {said}" if said else what


def _last_move(session: Session, ticket_id: int) -> Event | None:
    moves = [each for each in events_of(session, Subject.TICKET, str(ticket_id)) if each.what == "state"]
    return moves[-1] if moves else None


def _told(event: Event) -> str:
    """Return who changed what, in one piece."""
    what = f"{event.before} -> {event.after}" if event.before and event.after else event.what
    return f"{event.principal.name}: {what}"
