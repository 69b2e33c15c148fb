"""The day of all engineers: who goes where when, and a plan that is looked at before it is applied."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.dispatch_schemas import DayQuery
from api.doors import ActingByForm, ChangesDispatch, SeesVisits
from api.routes.common import RowId
from api.services import ApiServices, Services
from desk.dispatch.board import MOST_AHEAD
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.localtime import DAY_MIN, day_in, day_of, ms_of
from fleet.proposals import Proposal
from fleet.tickets import Ticket
from storage.records.absences import absences_from
from storage.records.appointments import appointments_of
from storage.records.assignments import assignments_between
from storage.records.engineers import engineers, regions_of
from storage.records.tickets import tickets_named

_PLANS = 10
"""So many of a day's plans are shown, the newest."""

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/dispatch")
def board(request: Request, pages: Console, services: Services, sites: SeesVisits) -> Response:
    """Show who goes where on a day."""
    return _board(pages, request, sites, asked(request, DayQuery).day)


@router.post("/dispatch/plans")
def propose(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesDispatch,
    principal: ActingByForm,
    day: Annotated[str, Form(max_length=10)] = "",
    region: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Plan a day, and show the plan."""

    def change() -> Response:
        made = services.dispatch.propose(principal, _date(day), sites, region=region)
        return RedirectResponse(f"/dispatch/plans/{made.id}", status_code=303)

    return tried(change, lambda status, error: _board(pages, request, sites, None, status, error))


@router.get("/dispatch/plans/{plan_id}")
def plan(
    request: Request, pages: Console, services: Services, sites: ChangesDispatch, plan_id: RowId
) -> Response:
    """Show a plan: what it changes and why, and what it leaves undone."""
    return _plan(pages, request, services.dispatch.proposal(plan_id, sites))


@router.post("/dispatch/plans/{plan_id}")
def apply(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesDispatch,
    principal: ActingByForm,
    plan_id: RowId,
    tell: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Let a plan be so."""

    def change() -> Response:
        services.dispatch.apply(plan_id, principal, sites, tell=bool(tell))
        return RedirectResponse(f"/dispatch/plans/{plan_id}", status_code=303)

    return tried(
        change,
        lambda status, error: _plan(
            pages, request, services.dispatch.proposal(plan_id, sites), status, error
        ),
    )


def _board(
    pages: Pages,
    request: Request,
    sites: Sites,
    day: date | None,
    status: int = 200,
    error: str | None = None,
) -> Response:
    services = pages.services
    zone = services.zones.of(None)
    today = day_of(services.clock.now_ms(), zone)
    day = day or today
    with services.desk.transaction() as session:
        found = assignments_between(session, ms_of(day, 0, zone), ms_of(day, DAY_MIN, zone))
        cases = tickets_named(session, {each.ticket_id for each in found}, sites)
        told = appointments_of(session, cases)
        people = [each for each in engineers(session, sites) if each.active]
        areas = sorted(regions_of(session, sites))
        begins, ends = ms_of(day, 0, zone), ms_of(day, DAY_MIN, zone)
        away = {each.engineer: each for each in absences_from(session, begins) if each.covers(begins, ends)}
    rows = [
        (each, [one for one in found if one.engineer == each.id and one.ticket_id in cases])
        for each in people
    ]
    return pages.render(
        request,
        "desk/dispatch.html",
        status,
        day=day,
        today=today,
        days=[day - timedelta(days=1), day + timedelta(days=1)],
        last=today + timedelta(days=MOST_AHEAD),
        rows=rows,
        areas=areas,
        away=away,
        plans=services.dispatch.proposals(day, sites)[:_PLANS],
        cases=cases,
        told=told,
        status=status,
        error=error,
    )


def _plan(
    pages: Pages, request: Request, found: Proposal, status: int = 200, error: str | None = None
) -> Response:
    return pages.render(
        request,
        "desk/day_plan.html",
        status,
        found=found,
        cases=_cases(pages.services, found),
        names=_names(pages.services),
        status=status,
        error=error,
    )


def _cases(services: ApiServices, found: Proposal) -> dict[int, Ticket]:
    numbers: Sequence[Any] = (*found.changes, *found.left)
    with services.desk.transaction() as session:
        return tickets_named(session, {each.ticket_id for each in numbers}, None)


def _names(services: ApiServices) -> dict[str, str]:
    with services.desk.transaction() as session:
        return {each.id: each.name for each in engineers(session)}


def _date(text: str) -> date | None:
    """Return the day of a form; None where none is given. Raises InvalidInput."""
    try:
        return day_in(text) if text else None
    except ValueError as error:
        raise InvalidInput("day: give a date such as 2026-12-01") from error
