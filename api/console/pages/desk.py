"""The console's pages of the desk: tickets with their clocks, and the forms that change things."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from access.doors import Visitor
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Pages
from api.doors import Known, SeesFleet
from api.params import TicketSort
from api.personal import Sight
from api.queries.tickets import TicketQuery, find_tickets
from api.routes.common import RowId
from desk.clocks.clocks import MilestoneClock
from fleet.cases import closes_at
from fleet.dossier import Dossier
from fleet.errors import NotFound
from fleet.events import Subject
from fleet.faults import FAULTS, Level
from fleet.grants import Sites
from fleet.tickets import (
    CLOSED_STATES,
    MAIN_LINE,
    NO_FAULT,
    TRANSITIONS,
    Ticket,
    TicketOrigin,
    TicketState,
)
from storage.records.events import events_of
from storage.records.files import files_of_ticket
from storage.records.requests import requests_of_ticket
from storage.records.tickets import ticket as stored_ticket

_SHOWN_STATES: dict[str, list[TicketState]] = {
    "open": [state for state in TicketState if state not in CLOSED_STATES],
    "closed": sorted(CLOSED_STATES),
    "all": [],
}
_ON_THE_WAY = {
    TicketState.WAITING_PART: TicketState.ACCEPTED,
    TicketState.WAITING_CUSTOMER: TicketState.ACCEPTED,
    TicketState.REOPENED: TicketState.OPENED,
}
"""Where the progress bar stands in states beside the main line."""


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


def make_router(pages: Pages) -> APIRouter:
    """Return the routes of the desk's pages."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    services = pages.services

    def clocks_of(ticket: Ticket) -> tuple[MilestoneClock, ...]:
        return services.clocks.of(ticket, services.clock.now_ms())

    @router.get("/tickets")
    def tickets_page(request: Request, visitor: Known, sites: SeesFleet) -> Response:
        """List the tickets with their running clocks."""
        view = asked(request, TicketView)
        with services.desk.transaction() as session:
            page = find_tickets(session, view.chosen(), services.clock.now_ms(), sites)
        seen = Sight(services, visitor).tickets(page.rows)
        return pages.render(
            request,
            "desk/tickets.html",
            query=view,
            tickets=[(ticket, running_clock(clocks_of(ticket))) for ticket in seen],
            next_cursor=page.next_cursor,
            levels=tuple(Level),
            origins=tuple(TicketOrigin),
        )

    @router.get("/tickets/{ticket_id}")
    def ticket_page(request: Request, visitor: Known, sites: SeesFleet, ticket_id: RowId) -> Response:
        """Show one ticket, and the form that moves it on."""
        asked(request, NoQuery)
        return show_ticket(pages, request, visitor, ticket_id, sites)

    return router


def show_ticket(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    ticket_id: int,
    sites: Sites,
    status: int = 200,
    **entered: Any,
) -> Response:
    """Return the page of a ticket with its forms, filled with what was `entered`."""
    services = pages.services
    with services.desk.transaction() as session:
        ticket = stored_ticket(session, ticket_id, sites)
        events = events_of(session, Subject.TICKET, str(ticket_id))
        files, requests = files_of_ticket(session, ticket_id), requests_of_ticket(session, ticket_id)
    (ticket,) = Sight(services, visitor).tickets([ticket])
    state = ticket.state
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
        main_line=MAIN_LINE,
        reached=_reached(state),
        allowed=TRANSITIONS[state],
        confirmable=[fault for fault in FAULTS.values() if fault.kind is kind],
        no_fault=NO_FAULT,
        files=files,
        requests=requests,
        dossier=_dossier(pages, ticket, sites),
        entered={"file_error": None, "error": None, "state": None, "why": "", "confirmed": _confirmed(ticket)}
        | entered,
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


def _confirmed(ticket: Ticket) -> list[str]:
    """Return what the form says was wrong: what was confirmed, and nothing before, since models learn it."""
    return [] if ticket.solved_at is None else list(ticket.confirmed_faults) or [NO_FAULT]


def _reached(state: TicketState) -> int:
    """Return how far along the main line a ticket is; -1 for one that was cancelled."""
    if state is TicketState.CANCELLED:
        return -1
    return MAIN_LINE.index(_ON_THE_WAY.get(state, state))
