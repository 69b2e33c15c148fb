"""Maintenance: a ticket opens before it is due; it is done, or skipped for a reason."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from desk.maintenance.reckoning import HoursOf, looked_after, plans_of, reckon
from desk.tickets.telling import CaseTeller
from desk.tickets.writing import CaseWriter
from fleet.cases import happened
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.principals import Principal, PrincipalKind, check_reason, schedule
from fleet.service import MaintenancePlan, ServiceFile
from fleet.text import near, quoted
from fleet.tickets import Span, Ticket, TicketKind, TicketLink, TicketOrigin, TicketState
from fleet.upkeep import MAINTENANCE, Upkeep
from storage.records.database import DeskDatabase
from storage.records.devices import place_of
from storage.records.events import tell
from storage.records.maintenance import (
    Completion,
    Maintained,
    StoredDue,
    dues_at,
    dues_of_devices,
    falling_due,
    keep_maintenance_of,
    write_done,
)
from storage.records.maintenance_tickets import let_go, open_maintenance
from storage.records.ticket_links import link_tickets
from storage.records.ticket_lists import open_ticket_ids
from storage.records.tickets import open_case_of, ticket

BY = schedule(MAINTENANCE)
"""Who opens it: the schedule."""
REPLACED, PULLED_FORWARD = "device_replaced", "pulled_forward"
"""Why its ticket ends by itself, or opens early."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Hint:
    """Maintenance that a visit could do too: its plan, when it is due, and its ticket if one is open."""

    plan: MaintenancePlan
    due: StoredDue
    ticket_id: int | None


class MaintenanceDesk:
    """Reckons what is due, opens its tickets, and keeps what was done.

    All methods may be called from any thread and process: the database allows one open ticket for a device
    and plan. Raises NotFound for an unknown device, InvalidInput for a plan that it does not have.
    """

    def __init__(
        self, desk: DeskDatabase, cases: CaseWriter, service: ServiceFile, teller: CaseTeller | None = None
    ) -> None:
        self._desk = desk
        self._teller = teller
        self._cases = cases
        self._service = service
        self.asked = service.maintenance
        cases.follow(self._moved)

    def tick(self, hours: HoursOf | None = None) -> int:
        """Reckon what is due, with the use of robots as far as known, and open tickets; return how many."""
        now = self._cases.now()
        devices = self._reckon_all(hours or {}, now)
        self._end_of_replaced(devices)
        return sum(self._open(devices[due.device_id], due.plan, now) for due in self._ripe(devices, now))

    def _reckon_all(self, hours: HoursOf, now: int) -> dict[str, Maintained]:
        with self._desk.transaction() as session:
            devices = looked_after(session, self.asked, now)
        kept: set[tuple[str, str]] = set()
        for first in range(0, len(devices), _AT_ONCE):
            with self._cases.writing() as session:
                kept |= reckon(session, self.asked, devices[first : first + _AT_ONCE], hours, now)
        with self._cases.writing() as session:
            keep_maintenance_of(session, kept)
        return {device.id: device for device in devices}

    def _ripe(self, devices: dict[str, Maintained], now: int) -> list[StoredDue]:
        """Return what is to be opened now: what is due soon, and what a high risk pulls forward."""
        with self._desk.transaction() as session:
            dues = falling_due(session, now + max(self.asked.open_ms, self.asked.join_ms))
            known = open_maintenance(session)
            repairs = open_ticket_ids(session, sorted({due.device_id for due in dues}))
        return [
            due
            for due in dues
            if due.device_id in devices
            and (due.device_id, due.plan) not in known
            and self._is_ripe(due, devices[due.device_id], due.device_id in repairs, now)
        ]

    def _is_ripe(self, due: StoredDue, device: Maintained, is_visited: bool, now: int) -> bool:
        """Tell whether a ticket opens; where a risk is high, a visit that comes anyway pulls it forward."""
        if due.due_at is None:
            return False
        high = device.risk is not None and device.risk >= self.asked.high_risk
        ahead = self.asked.join_ms if is_visited and high else self.asked.open_ms
        return due.due_at <= now + max(ahead, self.asked.open_ms)

    def _open(self, device: Maintained, plan_id: str, now: int) -> bool:
        plan = self._plan(plan_id)
        try:
            with self._cases.writing() as session:
                due = dues_of_devices(session, [device.id]).get((device.id, plan_id))
                repair = open_case_of(session, device.id)
                if (
                    due is None
                    or due.due_at is None
                    or not self._is_ripe(due, device, repair is not None, now)
                ):
                    return False  # done or skipped meanwhile
                if (device.id, plan_id) in open_maintenance(session, [device.id]):
                    return False
                early = due.due_at > now + self.asked.open_ms
                case = self._opened(session, device, due, BY, PULLED_FORWARD if early else "")
                tell(session, _reminder(case, plan, now))
                if self._teller is not None:
                    tell(session, self._teller.maintenance(case, now))
        except Conflict:  # another process opened it
            return False
        return True

    def _opened(
        self, session: Session, device: Maintained, due: StoredDue, by: Principal, reason: str
    ) -> Ticket:
        """Open the ticket of what is due, beside the repair of its device if there is one."""
        now = self._cases.now()
        case = self._cases.open(session, self._case(device, due.plan, due.due_at or now, now))
        more: dict[str, Any] = {"plan": due.plan, "due_at": due.due_at, "by": due.by}
        tell(session, happened(case, "opened", by, reason, now, after=case.state, **more))
        repair = open_case_of(session, device.id)
        if repair is not None:
            link_tickets(session, case.id, repair.id, TicketLink.RELATED)
        return case

    def _case(self, device: Maintained, plan_id: str, due_at: int, now: int) -> Ticket:
        return Ticket(
            device_id=device.id,
            site=device.site,
            fault=MAINTENANCE,
            level=Level.L3,
            origin=TicketOrigin.PROACTIVE,
            state=TicketState.OPENED,
            opened_at=now,
            suspicions=(),
            spans=(Span(now, TicketState.OPENED, Level.L3),),
            kind=TicketKind.MAINTENANCE,
            # What was due before anybody could know gets its time too: no promise is broken at its birth.
            upkeep=Upkeep(plan_id, max(due_at, now + self.asked.at_least_ms)),
        )

    def _end_of_replaced(self, devices: dict[str, Maintained]) -> None:
        """Cancel what was open for a device that another one took the place of."""
        with self._desk.transaction() as session:
            known = open_maintenance(session)
        for (device_id, _plan), number in known.items():
            device = devices.get(device_id)
            if device is None or not device.replaced_at:
                continue
            with self._cases.writing() as session:
                case = ticket(session, number)
                if (
                    case.is_open
                    and case.opened_at < device.replaced_at
                    and case.state != TicketState.REPAIRING
                ):
                    self._cases.move(session, case, TicketState.CANCELLED, BY, REPLACED)

    def skip(self, device_id: str, plan_id: str, principal: Principal, why: str) -> None:
        """Leave it out this time; the next counts from now. Its ticket, if one is open, is cancelled."""
        check_reason(why)
        self._cases.persistently(lambda: self._skip(device_id, plan_id, principal, why))

    def _skip(self, device_id: str, plan_id: str, principal: Principal, why: str) -> None:
        with self._cases.writing() as session:
            site = self._check(session, device_id, plan_id)
            known = open_maintenance(session, [device_id]).get((device_id, plan_id))
            if known is not None:
                self._cases.move(session, ticket(session, known), TicketState.CANCELLED, principal, why)
                return
            self._done(session, device_id, plan_id, principal, None, skipped=why)
            tell(session, self._told("maintenance_skipped", device_id, site, plan_id, principal, why))

    def due_soon(self, session: Session, site: str) -> list[tuple[MaintenancePlan, StoredDue]]:
        """Return what a visit to a site could do too: due soon, and without a ticket; the soonest first."""
        dues = dues_at(session, site, self._cases.now() + self.asked.join_ms)
        known = open_maintenance(session, sorted({due.device_id for due in dues}))
        return [
            (plan, due)
            for due in dues
            if (due.device_id, due.plan) not in known and (plan := self._plan(due.plan)) is not None
        ]

    def open_early(self, device_id: str, plan_id: str, principal: Principal, why: str) -> int:
        """Open the ticket of what is due soon for who is there anyway; return its number.

        The customer is not reminded: somebody stands before them. Raises Conflict where it has a ticket
        already, or is not due soon.
        """
        with self._cases.writing() as session:
            site = self._check(session, device_id, plan_id)
            wanted = (each for _, each in self.due_soon(session, site))
            due = next((each for each in wanted if (each.device_id, each.plan) == (device_id, plan_id)), None)
            if due is None:
                raise Conflict(f"{plan_id} of {device_id} has a ticket, or is not due soon; read again")
            (device,) = looked_after(session, self.asked, self._cases.now(), [device_id])
            return self._opened(session, device, due, principal, why).id

    def done_with(self, ticket_id: int, plan_id: str, principal: Principal) -> None:
        """Note that a repair's visit did maintenance too. Raises Conflict where that has a ticket."""
        with self._cases.writing() as session:
            case = self._cases.read(session, ticket_id)
            if case.kind is not TicketKind.REPAIR:
                raise Conflict(f"ticket {ticket_id} is no repair")
            site = self._check(session, case.device_id, plan_id)
            known = open_maintenance(session, [case.device_id]).get((case.device_id, plan_id))
            if known is not None:
                raise Conflict(f"ticket {known} is open for it: close that one")
            if plan_id not in [hint.plan.id for hint in self._hints(session, case)]:
                raise Conflict(f"{plan_id} is not due soon: it was done, or skipped")
            self._done(session, case.device_id, plan_id, principal, ticket_id)
            now = self._cases.now()
            tell(session, happened(case, "maintained", principal, "", now, plan=plan_id))
            tell(session, self._told("maintained", case.device_id, site, plan_id, principal, ""))

    def hints(self, case: Ticket) -> list[Hint]:
        """Return the maintenance that is due soon where an open repair is going to be done anyway."""
        with self._desk.transaction() as session:
            return self._hints(session, case)

    def _hints(self, session: Session, case: Ticket) -> list[Hint]:
        if case.kind is not TicketKind.REPAIR or not case.is_open:
            return []
        known = open_maintenance(session, [case.device_id])
        until = self._cases.now() + self.asked.join_ms
        found = []
        for (device_id, plan_id), due in dues_of_devices(session, [case.device_id]).items():
            plan = self.asked.plan(plan_id)
            if plan is not None and due.due_at is not None and due.due_at <= until:
                found.append(Hint(plan, due, known.get((device_id, plan_id))))
        return sorted(found, key=lambda hint: hint.due.due_at or 0)

    def _moved(
        self, session: Session, _before: Ticket, after: Ticket, principal: Principal, why: str
    ) -> None:
        """Keep what a ticket of maintenance came to: done, or skipped by whoever cancelled it."""
        if after.upkeep is None or after.is_open:
            return
        let_go(session, after.id)
        skipped = None if after.state is TicketState.CLOSED else why
        if skipped is not None and principal.kind is PrincipalKind.SCHEDULE:
            return
        self._done(session, after.device_id, after.upkeep.plan, principal, after.id, skipped=skipped)

    def _done(
        self,
        session: Session,
        device_id: str,
        plan_id: str,
        principal: Principal,
        ticket_id: int | None,
        *,
        skipped: str | None = None,
    ) -> None:
        now = self._cases.now()
        due = dues_of_devices(session, [device_id]).get((device_id, plan_id))
        hours = None if due is None else due.hours
        was_skipped, reason = skipped is not None, skipped or ""
        write_done(
            session,
            Completion(device_id, plan_id, now, hours, principal.name, ticket_id, was_skipped, reason),
        )
        reckon(session, self.asked, looked_after(session, self.asked, now, [device_id]), {}, now)

    def _check(self, session: Session, device_id: str, plan_id: str) -> str:
        """Return the site of a device that has a plan. Raises NotFound, InvalidInput."""
        place = place_of(session, device_id)
        if place is None:
            raise NotFound(f"there is no device {quoted(device_id)}")
        devices = looked_after(session, self.asked, self._cases.now(), [device_id])
        ids = [plan.id for device in devices for plan in plans_of(device, self.asked)]
        if plan_id not in ids:
            allowed = ", ".join(ids) or "none"
            raise InvalidInput(
                f"plan: {quoted(plan_id)} is not of this device; allowed: {allowed}{near(plan_id, ids)}"
            )
        return place.site

    def _plan(self, plan_id: str) -> MaintenancePlan | None:
        return self.asked.plan(plan_id)

    def _told(
        self, what: str, device_id: str, site: str, plan_id: str, principal: Principal, why: str
    ) -> Event:
        now = self._cases.now()
        return Event(now, Subject.DEVICE, device_id, what, principal, why, site, data={"plan": plan_id})


def _reminder(case: Ticket, plan: MaintenancePlan | None, now: int) -> Event:
    """Return what reminds the customer: when it is due, and what they can do of it alone."""
    advice = None if plan is None or plan.self_help is None else plan.self_help.model_dump()
    assert case.upkeep is not None
    more: dict[str, Any] = {
        "audience": "customer",
        "plan": case.upkeep.plan,
        "due_at": case.upkeep.due_at,
        "advice": advice,
    }
    return happened(case, "reminder", BY, "", now, **more)
