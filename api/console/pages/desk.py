"""The console's pages of the desk: tickets with their clocks, and the forms that change things."""

from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Pages
from api.params import PersonName, TicketSort
from api.problems import status_of
from api.queries.tickets import TicketQuery, find_tickets, ticket_events
from api.routes.common import RowId
from desk.clocks.standing import TicketClock, ticket_clocks
from desk.tickets.desk import NO_FAULT_FOUND
from fleet.errors import InvalidInput, SweepwatchError
from fleet.faults import FAULTS, Level
from fleet.text import quoted
from fleet.tickets import CLOSED_STATES, MAIN_LINE, TRANSITIONS, TicketOrigin, TicketState
from storage.records.tickets import TicketRow, ticket_row

WHO_COOKIE = "who"
_YEAR_S = 365 * 86_400
_SHOWN_STATES: dict[str, list[TicketState]] = {
    "open": [state for state in TicketState if state not in CLOSED_STATES],
    "closed": sorted(CLOSED_STATES),
    "all": [],
}
_ON_THE_WAY = {TicketState.WAITING_PART: TicketState.ACCEPTED, TicketState.REOPENED: TicketState.OPENED}
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

    def clocks_of(ticket: TicketRow) -> tuple[TicketClock, ...]:
        return ticket_clocks(ticket, services.sla, services.clock.now_ms())

    @router.get("/tickets")
    def tickets_page(request: Request) -> Response:
        """List the tickets with their running clocks."""
        view = asked(request, TicketView)
        with services.desk.transaction() as session:
            page = find_tickets(session, view.chosen())
        return pages.render(
            request,
            "desk/tickets.html",
            query=view,
            tickets=[(ticket, running_clock(clocks_of(ticket))) for ticket in page.rows],
            next_cursor=page.next_cursor,
            levels=tuple(Level),
            origins=tuple(TicketOrigin),
        )

    def show(request: Request, ticket_id: int, status: int = 200, **entered: Any) -> Response:
        with services.desk.transaction() as session:
            ticket = ticket_row(session, ticket_id)
            events = ticket_events(session, ticket_id)
        state = TicketState(ticket.state)
        kind = FAULTS[ticket.fault].kind if ticket.fault in FAULTS else None
        return pages.render(
            request,
            "desk/ticket.html",
            status,
            ticket=ticket,
            fault=FAULTS.get(ticket.fault),
            events=events,
            clocks=clocks_of(ticket),
            main_line=MAIN_LINE,
            reached=_reached(state),
            allowed=TRANSITIONS[state],
            confirmable=[fault for fault in FAULTS.values() if fault.kind is kind],
            no_fault=NO_FAULT_FOUND,
            entered={"error": None, "state": None, "why": "", "confirmed_fault": None}
            | {"who": unquote(request.cookies.get(WHO_COOKIE, ""))}
            | entered,
        )

    @router.get("/tickets/{ticket_id}")
    def ticket_page(request: Request, ticket_id: RowId) -> Response:
        """Show one ticket, and the form that moves it on."""
        asked(request, NoQuery)
        return show(request, ticket_id)

    @router.post("/tickets/{ticket_id}/state")
    def change_state(
        request: Request,
        ticket_id: RowId,
        state: Annotated[str, Form()] = "",
        why: Annotated[str, Form(max_length=1000)] = "",
        who: Annotated[PersonName, Form(max_length=64)] = "",
        version: Annotated[int | None, Form()] = None,
        confirmed_fault: Annotated[str, Form(max_length=64)] = "",
    ) -> Response:
        """Move a ticket on; what is refused comes back in the form with the reason."""
        try:
            # What was chosen for another state before this one was, is not meant.
            confirmed = confirmed_fault if state in (TicketState.REPAIRED, TicketState.CONFIRMED) else ""
            services.tickets.change_state(
                ticket_id, _state(state), who, why, version=version, confirmed_fault=confirmed or None
            )
        except SweepwatchError as error:
            if status_of(error) not in (409, 422):
                raise
            entered = {"state": state, "why": why, "who": who, "confirmed_fault": confirmed_fault}
            return show(request, ticket_id, status_of(error), error=str(error), **entered)
        return _back(f"/tickets/{ticket_id}", who)

    @router.post("/alerts/{alert_id}/{action}")
    def change_alert(
        request: Request,
        alert_id: RowId,
        action: Literal["acknowledge", "resolve"],
        why: Annotated[str, Form(max_length=1000)] = "",
        who: Annotated[PersonName, Form(max_length=64)] = "",
    ) -> Response:
        """Acknowledge or end an alert."""
        change = services.alerts.acknowledge if action == "acknowledge" else services.alerts.resolve
        try:
            change(str(alert_id), who, why)
        except SweepwatchError as error:
            return pages.error(request, status_of(error), str(error))
        return _back("/alerts", who)

    return router


def running_clock(clocks: tuple[TicketClock, ...]) -> TicketClock | None:
    """Return the clock to look at: the next milestone that is still to be reached."""
    running = [clock for clock in clocks if clock.done_at is None]
    return min(running, key=lambda clock: clock.due) if running else None


def _reached(state: TicketState) -> int:
    """Return how far along the main line a ticket is; -1 for one that was cancelled."""
    if state is TicketState.CANCELLED:
        return -1
    return MAIN_LINE.index(_ON_THE_WAY.get(state, state))


def _state(text: str) -> TicketState:
    try:
        return TicketState(text)
    except ValueError:
        raise InvalidInput(f"state: {quoted(text)} is none; allowed: {', '.join(TicketState)}") from None


def _back(path: str, who: str) -> Response:
    """Return to a page by GET, so that a reload posts nothing again; remember who it was."""
    response = RedirectResponse(path, status_code=303)
    response.set_cookie(WHO_COOKIE, quote(who.strip()), max_age=_YEAR_S, samesite="strict", httponly=True)
    return response
