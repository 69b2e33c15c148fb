"""An engineer's own day: their visits with all that they need there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from api.services import ApiServices
from desk.dispatch.needs import Needs
from desk.dispatch.on_the_spot import Offer
from desk.parts.vans import VanList
from fleet.absences import Absence
from fleet.assignments import Appointment, Assignment, AssignmentState
from fleet.clock import DAY_MS
from fleet.engineers import Engineer
from fleet.errors import Conflict
from fleet.grants import Sites
from fleet.localtime import DAY_MIN, day_of, ms_of
from fleet.principals import Principal, PrincipalKind
from fleet.service import Item
from fleet.sites import Site
from fleet.stock import Reservation
from fleet.tickets import Ticket, TicketState
from storage.records.absences import absences_from
from storage.records.appointments import appointments_of
from storage.records.assignments import assignments_between
from storage.records.customers import customers_named
from storage.records.engineers import engineer_of_account
from storage.records.reservations import held_for
from storage.records.sites import all_sites
from storage.records.tickets import tickets_named

NEXT: Mapping[TicketState, TicketState] = {
    TicketState.OPENED: TicketState.ACCEPTED,
    TicketState.REOPENED: TicketState.ACCEPTED,
    TicketState.ACCEPTED: TicketState.EN_ROUTE,
    TicketState.WAITING_PART: TicketState.EN_ROUTE,
    TicketState.WAITING_CUSTOMER: TicketState.EN_ROUTE,
    TicketState.EN_ROUTE: TicketState.REPAIRING,
}
"""What an engineer does next where a case stands; of what is done the case's own page asks more."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit: where, when, what is needed, what to do; `offers` what else is there while it lasts."""

    assignment: Assignment
    ticket: Ticket
    site: Site
    needs: Needs
    told: Appointment | None
    held: Sequence[Reservation]
    phone: str
    items: Sequence[Item]
    offers: Sequence[Offer]
    next_state: TicketState | None


@dataclass(frozen=True, slots=True)
class MyDay:
    """A day of an engineer, and what their van takes along on the next."""

    engineer: Engineer
    day: date
    visits: Sequence[Visit]
    tomorrow: VanList | None
    away: Absence | None


def engineer_behind(session: Session, principal: Principal) -> Engineer | None:
    """Return the engineer that a person is; None for who is none."""
    if principal.kind is not PrincipalKind.PERSON or not principal.id.isdigit():
        return None
    return engineer_of_account(session, int(principal.id))


def my_day(
    services: ApiServices, principal: Principal, sites: Sites, day: date | None = None
) -> MyDay | None:
    """Return the day of whoever asks; None where they are no engineer."""
    now, zone = services.clock.now_ms(), services.zones.of(None)
    day = day or day_of(now, zone)
    begins, ends = ms_of(day, 0, zone), ms_of(day, DAY_MIN, zone)
    with services.desk.transaction() as session:
        engineer = engineer_behind(session, principal)
        if engineer is None:
            return None
        mine = assignments_between(session, begins, ends, [engineer.id])
        cases = tickets_named(session, {each.ticket_id for each in mine}, sites)
        told = appointments_of(session, cases)
        held = held_for(session, set(cases))
        places = {each.id: each for each in all_sites(session)}
        people = customers_named(session, {each.customer for each in places.values() if each.customer})
        offers = {each.ticket_id: _offers(services, session, each, sites) for each in mine}
        away = next(
            (each for each in absences_from(session, begins, engineer.id) if each.covers(begins, ends)), None
        )
    visits = []
    for each in sorted(mine, key=lambda one: one.begins):
        case = cases.get(each.ticket_id)
        if case is None:
            continue
        site = places.get(case.site, Site(case.site))
        customer = people.get(site.customer)
        visits.append(
            Visit(
                assignment=each,
                ticket=case,
                site=site,
                needs=services.dispatch.assigning.needs(case),
                told=told.get(case.id),
                held=[one for one in held if one.ticket == case.id],
                phone="" if customer is None else customer.contact.phone,
                items=[item for item, _ in services.work.procedure.checklist(case)],
                offers=offers[each.ticket_id],
                next_state=NEXT.get(case.state) if each.is_open and not each.helps else None,
            )
        )
    lists = services.parts.planning.van_lists(sites, day_of(begins + DAY_MS + DAY_MS // 2, zone))
    tomorrow = next((each for each in lists if each.engineer == engineer.id), None)
    return MyDay(engineer, day, visits, tomorrow, away)


def _offers(services: ApiServices, session: Session, each: Assignment, sites: Sites) -> list[Offer]:
    """Return what else is at the site of a visit that is under way."""
    if each.state is not AssignmentState.UNDER_WAY or each.helps:
        return []
    try:
        return services.on_the_spot.offers(session, each.ticket_id, sites)
    except Conflict:  # it ended at this very moment
        return []
