"""The ticket desk: alerts and reports become tickets, each change legal, reasoned and kept."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fleet.alerts import Alert
from fleet.clock import Clock
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.faults import FAULTS, Fault, Level
from fleet.sla import SlaPolicy, deadlines
from fleet.tickets import CLOSED_STATES, TicketOrigin, TicketState, check_transition
from storage.records.alerts import resolve_open_alert, to_alert
from storage.records.audit import check_who_and_why
from storage.records.database import DeskDatabase
from storage.records.devices import Device
from storage.records.tickets import (
    TicketRow,
    add_ticket_event,
    alerts_without_ticket,
    open_ticket_of,
    save_ticket,
    ticket_of_alert,
    ticket_row,
)

NO_FAULT_FOUND = "none"
"""The confirmed fault of a visit that found nothing wrong."""
_UNKNOWN_SITE = "unknown"


def _ignore(_ticket: TicketRow) -> None:
    """Tell nobody."""


class TicketDesk:
    """Opens tickets and moves them on.

    `on_changed` is called, after the commit, with each ticket that was opened or changed. All methods may be
    called from any thread, and raise StoreUnavailable when the database cannot be reached.
    """

    def __init__(
        self,
        desk: DeskDatabase,
        policy: SlaPolicy,
        clock: Clock,
        on_changed: Callable[[TicketRow], None] = _ignore,
    ) -> None:
        self._desk = desk
        self._policy = policy
        self._clock = clock
        self._on_changed = on_changed
        self._lock = threading.Lock()

    def open_for(self, alert: Alert) -> int | None:
        """Open the proactive ticket of an alert and return its id; None when the alert wants no ticket.

        Asked again for the same alert it answers with the same ticket. Where the device has an open ticket
        for the same fault the alert is attached to that one.
        """
        if not alert.opens_ticket:
            return None
        try:
            return self._ticket_for(alert)
        except Conflict:
            # Another process opened it between our look and our write: now it is there to be found.
            return self._ticket_for(alert)

    def _ticket_for(self, alert: Alert) -> int:
        with self._writing() as (session, changed):
            known = ticket_of_alert(session, int(alert.id))
            if known is not None:
                return known.id
            ticket = open_ticket_of(session, alert.device_id, alert.fault)
            if ticket is None:
                ticket = self._open(session, alert.device_id, alert.fault, alert.level, alert.rule, alert)
            else:
                self._attach(session, ticket, alert)
            changed.append(ticket)
            return ticket.id

    def open_missing(self) -> int:
        """Give each firing alert that wants a ticket and has none its ticket; return how many there were.

        Mends what a crash between alert and ticket left open; harmless to repeat.
        """
        with self._desk.transaction() as session:
            missing = [to_alert(row) for row in alerts_without_ticket(session)]
        for alert in missing:
            self.open_for(alert)
        return len(missing)

    def report(self, device_id: str, fault: str, who: str, why: str) -> int:
        """Open a ticket that a person asked for and return its id.

        An open ticket for the same device and fault takes the report instead. Raises NotFound for an unknown
        device, InvalidInput for a fault that its kind cannot have or a blank `who` or `why`.
        """
        check_who_and_why(who, why)
        try:
            return self._report(device_id, fault, who, why)
        except Conflict:
            return self._report(device_id, fault, who, why)  # as in open_for

    def _report(self, device_id: str, fault: str, who: str, why: str) -> int:
        with self._writing() as (session, changed):
            device = session.get(Device, device_id)
            if device is None:
                raise NotFound(f"there is no device {device_id!r}")
            entry = _fault_of(device.kind, fault)
            ticket = open_ticket_of(session, device_id, fault)
            if ticket is None:
                ticket = self._open(session, device_id, fault, entry.level, who, None, why)
            else:
                self._note(session, ticket, who, f"reported_again: {why}")
            changed.append(ticket)
            return ticket.id

    def change_state(
        self,
        ticket_id: int,
        after: TicketState,
        who: str,
        why: str,
        version: int | None = None,
        confirmed_fault: str | None = None,
    ) -> TicketRow:
        """Move a ticket on and return it as stored.

        `version` guards against acting on an old reading of it. `repaired` needs `confirmed_fault`: a fault
        of the device's kind, or "none" when no fault was found; `confirmed` may correct it. Closing a ticket
        ends its alert. Raises NotFound, IllegalTransition, InvalidInput, or Conflict when someone else
        changed it meanwhile.
        """
        check_who_and_why(who, why)
        with self._writing() as (session, changed):
            ticket = ticket_row(session, ticket_id)
            if version is not None and version != ticket.version:
                raise Conflict(
                    f"ticket {ticket_id} is at version {ticket.version}, not {version}; read it again"
                )
            before = TicketState(ticket.state)
            check_transition(before, after)
            _check_confirmed(ticket, after, confirmed_fault)
            now = self._clock.now_ms()
            save_ticket(session, ticket, _columns(ticket, after, now, confirmed_fault))
            add_ticket_event(session, ticket.id, who, now, (before, after), why)
            if after in CLOSED_STATES and ticket.alert_id is not None:
                resolve_open_alert(session, ticket.alert_id, who, now, f"ticket_{after}")
            changed.append(ticket)
            return ticket

    def _open(
        self,
        session: Session,
        device_id: str,
        fault: str,
        level: Level,
        who: str,
        alert: Alert | None,
        why: str = "",
    ) -> TicketRow:
        now = self._clock.now_ms()
        due = deadlines(self._policy, level, now)
        entry = FAULTS[fault]
        device = session.get(Device, device_id)
        ticket = TicketRow(
            device_id=device_id,
            site=device.site if device else _UNKNOWN_SITE,
            alert_id=int(alert.id) if alert else None,
            fault=fault,
            level=level,
            origin=TicketOrigin.PROACTIVE if alert else TicketOrigin.REPORTED,
            state=TicketState.OPENED,
            part=entry.part,
            skill=entry.skill,
            opened_at=now,
            respond_due=due.respond,
            on_site_due=due.on_site,
            solve_due=due.solve,
            evidence=alert.evidence if alert else {"source": "report", "who": who, "why": why},
            version=1,
        )
        session.add(ticket)
        session.flush()
        reason = f"alert {alert.id}: {alert.reason}" if alert else why
        add_ticket_event(session, ticket.id, who, now, (None, TicketState.OPENED), reason)
        return ticket

    def _attach(self, session: Session, ticket: TicketRow, alert: Alert) -> None:
        """Let an open ticket take an alert: the one it had is over, as only one can be open."""
        evidence = ticket.evidence | {"attached": alert.evidence}
        save_ticket(session, ticket, {"alert_id": int(alert.id), "evidence": evidence})
        self._event(session, ticket, alert.rule, f"attached alert {alert.id}: {alert.reason}")

    def _note(self, session: Session, ticket: TicketRow, who: str, why: str) -> None:
        save_ticket(session, ticket, {})
        self._event(session, ticket, who, why)

    def _event(self, session: Session, ticket: TicketRow, who: str, why: str) -> None:
        add_ticket_event(session, ticket.id, who, self._clock.now_ms(), (ticket.state, ticket.state), why)

    @contextmanager
    def _writing(self) -> Iterator[tuple[Session, list[TicketRow]]]:
        """Run one change: commit, then tell of the tickets in the list."""
        changed: list[TicketRow] = []
        try:
            with self._lock, self._desk.transaction() as session:
                yield session, changed
        except IntegrityError as error:  # another process was first
            raise Conflict(
                "the device has another open ticket for this fault; read the list again"
            ) from error
        for ticket in changed:
            self._on_changed(ticket)


def _fault_of(kind: str, code: str) -> Fault:
    allowed = [entry.code for entry in FAULTS.values() if entry.kind == kind]
    if code not in allowed:
        raise InvalidInput(f"{code!r} is no fault of a {kind}; allowed: {', '.join(allowed)}")
    return FAULTS[code]


def _check_confirmed(ticket: TicketRow, after: TicketState, confirmed: str | None) -> None:
    if confirmed is None:
        if after is TicketState.REPAIRED:
            raise InvalidInput(
                "confirmed_fault: a repaired ticket says what was wrong; "
                f"a fault's code, or {NO_FAULT_FOUND!r} when no fault was found"
            )
        return
    if after not in (TicketState.REPAIRED, TicketState.CONFIRMED):
        raise InvalidInput(f"confirmed_fault: allowed with repaired and confirmed, not with {after}")
    if confirmed != NO_FAULT_FOUND:
        _fault_of(FAULTS[ticket.fault].kind, confirmed)


def _columns(ticket: TicketRow, after: TicketState, now: int, confirmed: str | None) -> dict[str, object]:
    """Return what a change of state sets; a milestone keeps the first time it was reached."""
    columns: dict[str, object] = {"state": after}
    if after is TicketState.ACCEPTED and ticket.responded_at is None:
        columns["responded_at"] = now
    if after is TicketState.REPAIRING and ticket.on_site_at is None:
        columns["on_site_at"] = now
    if after is TicketState.REPAIRED:
        columns["solved_at"] = now
    if after is TicketState.REOPENED:
        columns |= {"solved_at": None, "confirmed_fault": None}
    if confirmed is not None:
        columns["confirmed_fault"] = confirmed
    return columns
