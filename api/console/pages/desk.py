"""The console's pages of the desk: tickets with their clocks, and the forms that change things."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from access.doors import Visitor
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import Known, SeesFleet
from api.params import TicketSort
from api.personal import Sight
from api.queries.closing import behind
from api.queries.notices import shown_notices
from api.queries.tickets import TicketQuery, find_tickets
from api.routes.common import RowId
from api.services import ApiServices
from desk.clocks.clocks import MilestoneClock
from desk.dispatch.needs import VISITED
from desk.dispatch.scene import GOES
from desk.tickets.complaints import review_at
from desk.tickets.conversation import Audience
from fleet.assignments import LONGEST_REMARK, AssignmentState, Rather
from fleet.cases import closes_at, faults_that_wait
from fleet.catalogue.present import present
from fleet.complaints import ComplaintClass
from fleet.consent import LONGEST_ANSWER, LONGEST_OFFER, Answer, is_askable, is_proposed
from fleet.dossier import Dossier
from fleet.errors import NotFound
from fleet.events import Subject
from fleet.faults import FAULTS, Level, is_unclear
from fleet.feedback import SCORES
from fleet.follow_up_cases import left_over
from fleet.grants import Role, Sites
from fleet.joined_cases import separable
from fleet.people import Person
from fleet.tickets import (
    CLOSED_STATES,
    NO_FAULT,
    Ticket,
    TicketKind,
    TicketLink,
    TicketOrigin,
    TicketState,
)
from fleet.workflows import WORKFLOWS
from storage.records.appointments import appointment_of
from storage.records.assignments import assignments_of
from storage.records.engineers import engineers
from storage.records.events import events_of
from storage.records.files import files_of_ticket
from storage.records.notices import letters_about
from storage.records.people import people as people_who
from storage.records.requests import requests_of_ticket
from storage.records.ticket_links import links_of
from storage.records.tickets import ticket as stored_ticket

_BY_MANY = (TicketState.ACCEPTED, TicketState.CONTACTED, TicketState.CANCELLED)
"""To which states many tickets go at once; the rest is said of each by itself."""
_SHOWN_STATES: dict[str, list[TicketState]] = {
    "open": [state for state in TicketState if state not in CLOSED_STATES],
    "closed": sorted(CLOSED_STATES),
    "all": [],
}


class TicketView(TicketQuery):
    """The tickets page's address; `show` chooses by state."""

    sort: TicketSort = "due"
    show: Literal["open", "closed", "all"] = "open"

    def chosen(self) -> TicketQuery:
        """Return what to look for: open tickets by the clock, others, whose clocks stand still, by age."""
        by_age = self.show != "open" and "sort" not in self.model_fields_set
        changes: dict[str, Any] = {"sort": "-opened_at"} if by_age else {}
        if not self.state:
            changes["state"] = _SHOWN_STATES[self.show]
        return self.model_copy(update=changes)


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/tickets")
def tickets_page(request: Request, pages: Console, visitor: Known, sites: SeesFleet) -> Response:
    """List the tickets with their running clocks."""
    return list_tickets(pages, request, visitor, sites)


@router.get("/tickets/{ticket_id}")
def ticket_page(
    request: Request, pages: Console, visitor: Known, sites: SeesFleet, ticket_id: RowId
) -> Response:
    """Show one ticket, and the form that moves it on."""
    asked(request, NoQuery)
    return show_ticket(pages, request, visitor, ticket_id, sites)


def list_tickets(
    pages: Pages, request: Request, visitor: Visitor, sites: Sites, status: int = 200, **more: Any
) -> Response:
    """Return the page of the list, with what became of a change of many (`outcomes`, or its `error`)."""
    services = pages.services
    view = asked(request, TicketView)
    now = services.clock.now_ms()
    with services.desk.transaction() as session:
        page = find_tickets(session, view.chosen(), now, sites)
    seen = Sight(services, visitor).tickets(page.rows)
    return pages.render(
        request,
        "desk/tickets.html",
        status,
        status=status,
        query=view,
        tickets=[(ticket, running_clock(services.clocks.of(ticket, now))) for ticket in seen],
        next_cursor=page.next_cursor,
        plans={plan.id: plan.text for plan in services.work.maintenance.asked.plans},
        levels=tuple(Level),
        origins=tuple(TicketOrigin),
        kinds=tuple(TicketKind),
        states=_BY_MANY,
        **{"outcomes": (), "error": None} | more,
    )


def show_ticket(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    ticket_id: int,
    sites: Sites,
    status: int = 200,
    work_error: str | None = None,
    **entered: Any,
) -> Response:
    """Return the page of a ticket with its forms, filled with what was `entered`.

    `work_error` says why a change beside its state was refused.
    """
    services = pages.services
    with services.desk.transaction() as session:
        ticket = stored_ticket(session, ticket_id, sites)
        events = events_of(session, Subject.TICKET, str(ticket_id))
        found = behind(session, ticket, sites)
        files, requests = files_of_ticket(session, ticket_id), requests_of_ticket(session, ticket_id)
    sight = Sight(services, visitor)
    (ticket,) = sight.tickets([ticket])
    way = WORKFLOWS[ticket.kind]
    kind = FAULTS[ticket.fault].kind if ticket.fault in FAULTS else None
    return pages.render(
        request,
        "desk/ticket.html",
        status,
        site=ticket.site,
        ticket=ticket,
        status=status,
        faults=FAULTS,
        suspicions=sorted(ticket.suspicions, key=lambda each: each.fault != ticket.fault),
        closes_at=closes_at(ticket),
        events=events,
        clocks=services.clocks.explain(ticket, services.clock.now_ms()),
        main_line=way.line,
        reached=way.progress(ticket.state),
        allowed=way.ways[ticket.state],
        confirmable=[each for each in FAULTS.values() if each.kind is kind and not is_unclear(each.code)],
        unclear=[each for each in ticket.faults if is_unclear(each)],
        can_wait=faults_that_wait(kind),
        no_fault=NO_FAULT,
        needs_reason=[state for state in TicketState if state in way.needs_reason],
        work=_work(services, ticket, sites, work_error),
        behind=found,
        scores=SCORES,
        part_codes=tuple(present().parts),
        files=files if not files or sight.shows_files(ticket) else None,
        requests=requests,
        dossier=_dossier(pages, ticket, sites),
        consent=_consent(services, ticket),
        letters=_letters(services, ticket),
        visit=_visit(services, ticket),
        entered={"file_error": None, "error": None, "state": None, "why": ""} | _said(ticket) | entered,
    )


def _work(services: ApiServices, ticket: Ticket, sites: Sites, error: str | None) -> dict[str, Any]:
    """Return what people did about a case beside moving it on, and what they may choose from."""
    procedure = services.work.procedure
    with services.desk.transaction() as session:
        links = [each for each in links_of(session, ticket.id) if sites is None or each.site in sites]
        people = [each for each in people_who(session) if _reaches(each, ticket.site)]
    free = separable(ticket)
    return {
        "error": error,
        "text": "",
        "audiences": tuple(Audience),
        "people": people,
        "checklist": procedure.checklist(ticket),
        "links": links,
        "kinds": tuple(TicketLink),
        "splits": free if len(free) < len(ticket.suspicions) else free[1:],
        "late": procedure.late(ticket),
        "causes": procedure.service.late_causes,
        "classes": tuple(ComplaintClass),
        "review_at": review_at(ticket),
        "hints": services.work.maintenance.hints(ticket),
        "plan": services.work.maintenance.asked.plan(ticket.upkeep.plan) if ticket.upkeep else None,
    }


def _consent(services: ApiServices, ticket: Ticket) -> dict[str, Any] | None:
    """Return what the customer says to a visit that we propose; None for other cases."""
    if not is_proposed(ticket):
        return None
    with services.desk.transaction() as session:
        pays, said = services.work.consent.standing(session, ticket)
        proposed = services.work.consent.is_proposed(session, ticket)
        writes_to = services.letters.way_to(session, ticket.site)
    return {
        "pays": pays,
        "writes_to": writes_to,
        "said": said,
        "askable": proposed and is_askable(ticket),
        "answers": tuple(Answer),
        "longest_offer": LONGEST_OFFER,
        "longest_answer": LONGEST_ANSWER,
    }


def _visit(services: ApiServices, ticket: Ticket) -> dict[str, Any] | None:
    """Return who goes to a case, and what its customer was told; None where nobody ever is to."""
    with services.desk.transaction() as session:
        found, told = assignments_of(session, ticket.id), appointment_of(session, ticket.id)
        names = {each.id: each.name for each in engineers(session)} if found else {}
    if ticket.kind not in VISITED or (not ticket.is_open and not found):
        return None
    under_way = any(each.state is AssignmentState.UNDER_WAY for each in found)
    return {
        "assignments": sorted(found, key=lambda each: each.helps),
        "appointment": told,
        "names": names,
        "assignable": ticket.state in GOES and not under_way,
        "wishes": tuple(Rather),
        "longest": LONGEST_REMARK,
    }


def _letters(services: ApiServices, ticket: Ticket) -> list[dict[str, Any]]:
    """Return what the customer was written about a case, as it is shown."""
    with services.desk.transaction() as session:
        written = letters_about(session, str(ticket.id))
        return shown_notices(session, written)


def _reaches(person: Person, site: str) -> bool:
    return person.disabled_at is None and any(
        role is not Role.VIEWER and (sites is None or site in sites) for role, sites in person.reaches
    )


def _dossier(pages: Pages, ticket: Ticket, sites: Sites) -> Dossier | None:
    """Return what is known of the device of a case; None where that is elsewhere by now."""
    try:
        return pages.services.intake.dossiers.of(ticket.device_id, sites)
    except NotFound:
        return None


def running_clock(clocks: tuple[MilestoneClock, ...]) -> MilestoneClock | None:
    """Return the clock to look at: the next milestone that is still to be reached."""
    running = [clock for clock in clocks if clock.done_at is None]
    return min(running, key=lambda clock: (clock.due is None, clock.due or 0)) if running else None


def _said(ticket: Ticket) -> dict[str, list[str]]:
    """Return what the form says was wrong: what was said, and nothing before, since models learn it."""
    if ticket.solved_at is None:
        return {"confirmed": [], "deferred": []}
    return {
        "confirmed": list(ticket.confirmed_faults) or [NO_FAULT],
        "deferred": [each.fault for each in left_over(ticket)],
    }
