"""Appointments: the window of arrival that a customer is told, which they confirm or would rather move."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from secrets import token_urlsafe
from typing import Any

from sqlalchemy.orm import Session

from desk.dispatch.windows import Retell, Told, retell
from desk.tickets.writing import CaseWriter
from fleet.assignments import (
    LONGEST_REMARK,
    Appointment,
    AppointmentState,
    Assignment,
    AssignmentState,
    Rather,
)
from fleet.cases import happened
from fleet.clock import DAY_MS
from fleet.consent import checked
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.grants import Sites
from fleet.principals import Principal, PrincipalKind
from fleet.secrecy import link_key
from fleet.tickets import Ticket, TicketState
from storage.records.appointments import appointment_by_key, appointment_of, keep_appointment
from storage.records.assignments import open_assignments_of
from storage.records.events import tell
from storage.records.tickets import ticket

_USE = "appointment"
_LASTS_MS = 7 * DAY_MS
"""So long after its window a link still shows what was arranged."""
_OPENS_NOTHING = "this link opens nothing; ask whoever sent it for a new one"
_OVER = "this appointment is over, or nobody comes for now"
_CALLED_OFF = frozenset({TicketState.CANCELLED, TicketState.WAITING_CUSTOMER, TicketState.WAITING_PART})
APPOINTMENT, CALLED_OFF = "appointment", "appointment_off"
"""Events of a case: its customer is told of a window; nobody comes after all."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """What a link opens: the case and its appointment; `may_answer` until somebody sets out."""

    ticket: Ticket
    appointment: Appointment
    may_answer: bool


class AppointmentDesk:
    """Tells customers when somebody comes, and keeps what they say to it.

    All methods may be called from any thread and process. Raises NotFound for an unknown case.
    """

    def __init__(self, cases: CaseWriter) -> None:
        self._cases = cases
        cases.follow(self._moved)

    def tell(self, ticket_id: int, by: Principal, sites: Sites = None) -> Retell:
        """Tell the customer of the window in which whoever is assigned comes; KEPT where they know it.

        Raises Conflict where nobody is to go there.
        """
        with self._cases.writing() as session:
            case = ticket(session, ticket_id, sites)
            return self.tell_within(session, case, by)

    def tell_within(self, session: Session, case: Ticket, by: Principal) -> Retell:
        """Do the same within a caller's transaction."""
        lead = _lead(session, case.id)
        if lead is None:
            raise Conflict(f"ticket {case.id}: nobody is to go there; assign somebody first")
        now, known = self._cases.now(), appointment_of(session, case.id)
        told = (
            None if known is None or known.state is AppointmentState.OFF else Told(known.begins, known.ends)
        )
        under_way = lead.state is AssignmentState.UNDER_WAY
        arrives = now + lead.arrives - lead.begins if under_way and now < lead.arrives else lead.arrives
        why, window = retell(told, max(now, arrives), now, under_way=under_way)
        if why is Retell.KEPT:
            return why
        # What was confirmed stays so where the window only got narrower.
        narrower = known is not None and why in (Retell.NARROWER, Retell.UNDER_WAY)
        state = known.state if known is not None and narrower else AppointmentState.TOLD
        new = Appointment(
            ticket_id=case.id,
            begins=window.begins,
            ends=window.ends,
            told_at=now,
            times=1 if known is None else known.times + 1,
            state=state,
            rather=() if known is None else known.rather,
            remark="" if known is None else known.remark,
            answered_at=known.answered_at if known is not None and narrower else None,
            by=known.by if known is not None and narrower else "",
            link_ends=window.ends + _LASTS_MS,
        )
        keep_appointment(session, new)
        more: dict[str, Any] = {"begins": window.begins, "ends": window.ends, "times": new.times, "why": why}
        tell(session, happened(case, APPOINTMENT, by, "", now, after=str(why), **more))
        return why

    def call_off(self, session: Session, case: Ticket, by: Principal, why: str) -> bool:
        """Tell the customer that nobody comes after all; False where they were told of nobody."""
        now, known = self._cases.now(), appointment_of(session, case.id)
        if known is None or known.state is AppointmentState.OFF or known.ends < now:
            return False
        keep_appointment(session, replace(known, state=AppointmentState.OFF))
        window: dict[str, Any] = {"begins": known.begins, "ends": known.ends}
        tell(session, happened(case, CALLED_OFF, by, why, now, before=str(known.state), **window))
        return True

    def _moved(self, session: Session, _before: Ticket, after: Ticket, by: Principal, why: str) -> None:
        """Tell a customer who knows of a visit that somebody set out, or that nobody comes after all."""
        known = appointment_of(session, after.id)
        if known is None or known.state is AppointmentState.OFF:
            return
        if after.state is TicketState.EN_ROUTE and _lead(session, after.id) is not None:
            self.tell_within(session, after, by)
        elif after.state in _CALLED_OFF:
            self.call_off(session, after, by, why)

    def link_again(self, ticket_id: int) -> str:
        """Return the secret of a link to the appointment; the one before opens nothing more.

        Raises Conflict where there is none, or it is called off.
        """
        secret = token_urlsafe(24)
        with self._cases.writing() as session:
            known = appointment_of(session, ticket_id)
            if known is None or known.state is AppointmentState.OFF:
                raise Conflict(f"ticket {ticket_id}: nobody comes for now")
            keep_appointment(session, known, link_key(_USE, secret))
        return secret

    def open(self, session: Session, secret: str) -> Arranged:
        """Return what a link opens; to look changes nothing. Raises NotFound for one that opens nothing."""
        found = appointment_by_key(session, link_key(_USE, secret))
        if found is None:
            raise NotFound(_OPENS_NOTHING)
        now, case = self._cases.now(), ticket(session, found.ticket_id)
        if found.state is AppointmentState.OFF or not case.is_open or found.link_ends < now:
            raise NotFound(_OVER)
        lead = _lead(session, case.id)
        planned = lead is not None and lead.state is AssignmentState.PLANNED
        return Arranged(case, found, planned and now < found.begins)

    def answer(
        self, secret: str, state: AppointmentState, rather: Collection[Rather] = (), remark: str = ""
    ) -> Appointment:
        """Keep what the holder of a link says; it may be changed until somebody sets out.

        Raises NotFound, InvalidInput, and Conflict where it is too late.
        """
        with self._cases.writing() as session:
            arranged = self.open(session, secret)
            if not arranged.may_answer:
                raise Conflict("somebody is on the way already; please call")
            who = Principal(PrincipalKind.CUSTOMER, f"ticket {arranged.ticket.id}", "customer")
            return self._keep(session, arranged.ticket, arranged.appointment, state, rather, remark, who)

    def record(
        self,
        ticket_id: int,
        state: AppointmentState,
        by: Principal,
        rather: Collection[Rather] = (),
        remark: str = "",
        sites: Sites = None,
    ) -> Appointment:
        """Keep what staff was told. Raises InvalidInput, and Conflict where nothing is arranged."""
        with self._cases.writing() as session:
            case, known = ticket(session, ticket_id, sites), appointment_of(session, ticket_id)
            if known is None or known.state is AppointmentState.OFF:
                raise Conflict(f"ticket {ticket_id}: its customer was told of no visit")
            return self._keep(session, case, known, state, rather, remark, by)

    def _keep(
        self,
        session: Session,
        case: Ticket,
        known: Appointment,
        state: AppointmentState,
        rather: Collection[Rather],
        remark: str,
        who: Principal,
    ) -> Appointment:
        if state not in (AppointmentState.CONFIRMED, AppointmentState.MOVE):
            raise InvalidInput("answer: allowed: confirmed, move")
        remark = checked("remark", remark, LONGEST_REMARK)
        wishes = tuple(each for each in Rather if each in rather)
        if state is AppointmentState.MOVE and not wishes and not remark:
            raise InvalidInput("rather: say when it would suit")
        now = self._cases.now()
        said = replace(
            known,
            state=state,
            rather=wishes if state is AppointmentState.MOVE else known.rather,
            remark=remark,
            answered_at=now,
            by=who.name,
        )
        keep_appointment(session, said)
        tell(
            session,
            happened(case, "appointment_answer", who, "", now, before=str(known.state), after=str(state)),
        )
        return said


def _lead(session: Session, ticket_id: int) -> Assignment | None:
    found = open_assignments_of(session, [ticket_id]).get(ticket_id)
    return found[0] if found else None
