"""The tickets: a list, one with its clocks and history, reporting a fault, and moving a ticket on."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from access.doors import Visitor
from api.doors import Acting, ChangesTickets, Known, ReportsFaults, SeesFleet, on_behalf_of
from api.idempotency import BUSY, IdempotencyKey, once, operation_of
from api.personal import Sight
from api.queries.tickets import TicketQuery, find_tickets
from api.routes.cases import within
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf, Objection, StateChange, TicketDetail, TicketItem, TicketReport
from api.services import ApiServices, Services
from api.ticket_items import ticket_detail, ticket_item
from fleet.errors import InvalidInput
from fleet.events import Subject
from fleet.grants import Sites
from fleet.text import quoted
from storage.records.answers import KeptAnswer
from storage.records.device_lists import device_of
from storage.records.events import events_of
from storage.records.tickets import ticket

router = APIRouter(prefix="/api/v1/tickets", tags=["tickets"])
_REPORT = problems(
    body="The body cannot be read",
    not_found="There is no such device",
    conflict=BUSY,
)
_CHANGE = problems(
    body="The body cannot be read",
    not_found="There is no such ticket",
    conflict="Its state does not allow this; the detail lists what it does",
    precondition="It was changed since the version in If-Match",
)
_ETAG = re.compile(r'"(\d{1,18})"')


@router.get("", responses=problems())
def list_tickets(
    services: Services, visitor: Known, sites: SeesFleet, query: Annotated[TicketQuery, Query()]
) -> ListOf[TicketItem]:
    """List tickets, the newest first."""
    with services.desk.transaction() as session:
        page = find_tickets(session, query, services.clock.now_ms(), sites)
    seen = Sight(services, visitor).tickets(page.rows)
    return ListOf(items=[ticket_item(found) for found in seen], next_cursor=page.next_cursor)


@router.get("/{ticket_id}", responses=problems(not_found="There is no such ticket"))
def show_ticket(
    services: Services, visitor: Known, sites: SeesFleet, response: Response, ticket_id: RowId, _: Nothing
) -> TicketDetail:
    """Show one ticket with its clocks and history; its ETag goes into If-Match to change it."""
    return _shown(services, visitor, response, ticket_id, sites)


@router.post("", status_code=201, response_model=TicketDetail, responses=_REPORT)
def report_fault(
    services: Services,
    visitor: Known,
    sites: ReportsFaults,
    principal: Acting,
    report: TicketReport,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Report a fault that somebody noticed.

    Where the device has an open ticket the report joins it and that one is answered, so that sending a
    report twice opens one ticket. With an Idempotency-Key the second is not even noted.
    """

    def open_ticket() -> KeptAnswer:
        with services.desk.transaction() as session:
            device_of(session, report.device_id, sites)
        who = on_behalf_of(principal, report.who)
        ticket_id = services.tickets.report(report.device_id, report.fault, who, report.reason)
        detail = detail_of(services, visitor, ticket_id, sites)
        headers = {"Location": f"/api/v1/tickets/{ticket_id}", "ETag": etag(detail.version)}
        return KeptAnswer(201, headers, detail.model_dump_json())

    operation = operation_of("tickets", principal, sites)
    return once(services, operation, idempotency_key, report, open_ticket)


@router.patch("/{ticket_id}", responses=_CHANGE)
def change_ticket(
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: Acting,
    response: Response,
    ticket_id: RowId,
    change: StateChange,
    _: Nothing,
    if_match: Annotated[str | None, Header(description="The ETag that was read")] = None,
) -> TicketDetail:
    """Move a ticket on to another state, with a reason."""
    within(services, ticket_id, sites)
    services.tickets.change_state(
        ticket_id,
        change.state,
        on_behalf_of(principal, change.who),
        change.reason,
        version=_version(if_match),
        confirmed=change.confirmed,
        deferred=change.deferred_faults,
    )
    return _shown(services, visitor, response, ticket_id, sites)


@router.post("/{ticket_id}/keep-open", responses=_CHANGE)
def keep_open(
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: Acting,
    response: Response,
    ticket_id: RowId,
    objection: Objection,
    _: Nothing,
    if_match: Annotated[str | None, Header(description="The ETag that was read")] = None,
) -> TicketDetail:
    """Object to the end of a ticket whose suspicions have all cleared: it stays open."""
    within(services, ticket_id, sites)
    who = on_behalf_of(principal, objection.who)
    services.tickets.keep_open(ticket_id, who, objection.reason, version=_version(if_match))
    return _shown(services, visitor, response, ticket_id, sites)


def _version(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise InvalidInput(f'If-Match: {quoted(if_match)} is no ETag of a ticket; allowed: "1", "2", … or *')
    return int(found[1])


def etag(version: int) -> str:
    """Return the ETag of a version of a ticket."""
    return f'"{version}"'


def _shown(
    services: ApiServices, visitor: Visitor, response: Response, ticket_id: int, sites: Sites
) -> TicketDetail:
    detail = detail_of(services, visitor, ticket_id, sites)
    response.headers["ETag"] = etag(detail.version)
    return detail


def detail_of(services: ApiServices, visitor: Visitor, ticket_id: int, sites: Sites) -> TicketDetail:
    """Return one ticket with its clocks and history, as this visitor may see it. Raises NotFound."""
    with services.desk.transaction() as session:
        found = ticket(session, ticket_id, sites)
        events = events_of(session, Subject.TICKET, str(ticket_id))
    (seen,) = Sight(services, visitor).tickets([found])
    return ticket_detail(seen, events, services.clocks, services.clock.now_ms())
