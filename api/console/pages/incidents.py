"""The pages of incidents: which there are, what one is about, and what people do about it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.care_schemas import IncidentQuery
from api.console.pages.alert_changes import as_long, back_to
from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesAlerts, SeesFleet, visitor_or_none
from api.params import Paged
from api.queries.care import taken_by
from api.routes.common import RowId
from api.routes.incidents import check_steers
from api.services import Services
from fleet.care import NOTED, Incident
from fleet.events import Subject
from fleet.grants import Permission, Sites
from storage.records.care import case_of, cases_of
from storage.records.events import events_of
from storage.records.incident_members import member_page
from storage.records.incidents import find_incidents, incident_of, site_of_group


class IncidentView(Paged):
    """The address of an incident's page: which part of its members is shown."""


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/incidents")
def incidents_page(request: Request, pages: Console, services: Services, sites: SeesFleet) -> Response:
    """List the incidents, the newest first."""
    query = asked(request, IncidentQuery)
    with services.desk.transaction() as session:
        page = find_incidents(session, query.show, query.asked(), sites)
        care = cases_of(session, Subject.INCIDENT, [str(each.id) for each in page.rows])
    return pages.render(
        request,
        "alerts/incidents.html",
        listed=page.rows,
        care=care,
        next_cursor=page.next_cursor,
        query=query,
    )


@router.get("/incidents/{incident_id}")
def incident_page(request: Request, pages: Console, sites: SeesFleet, incident_id: RowId) -> Response:
    """Show one incident: on what evidence, its members, what is told of it, and what happened."""
    return _page(pages, request, incident_id, sites)


@router.post("/incidents/{incident_id}/acknowledge")
def acknowledge(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesAlerts,
    principal: ActingByForm,
    incident_id: RowId,
    why: Annotated[str, Form(max_length=1000)] = "",
    long: Annotated[str, Form(max_length=16)] = "",
    back: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """Acknowledge an incident for so long."""
    check_steers(services, incident_id, sites)

    def do() -> Response:
        services.care.acknowledge_incident(incident_id, principal, why, as_long(long))
        return back_to(f"/incidents/{incident_id}" if back == "incident" else "/alerts")

    return tried(do, lambda status, told: _page(pages, request, incident_id, sites, status, told))


@router.post("/incidents/{incident_id}/notes")
def add_note(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesAlerts,
    principal: ActingByForm,
    incident_id: RowId,
    text: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Write something down about an incident."""
    check_steers(services, incident_id, sites)

    def do() -> Response:
        services.care.note_incident(incident_id, principal, text)
        return back_to(f"/incidents/{incident_id}")

    return tried(do, lambda status, told: _page(pages, request, incident_id, sites, status, told))


def _page(
    pages: Pages,
    request: Request,
    number: int,
    sites: Sites,
    status: int = 200,
    error: str | None = None,
) -> Response:
    query = asked(request, IncidentView)
    with pages.services.desk.transaction() as session:
        incident = incident_of(session, number, sites)
        case = case_of(session, Subject.INCIDENT, str(number))
        members = member_page(session, number, query.asked(), sites)
        events = events_of(session, Subject.INCIDENT, str(number))
        taken = taken_by(session, Subject.INCIDENT, str(number), incident.state, case)
    return pages.render(
        request,
        "alerts/incident.html",
        status,
        site_of_group(incident.group),
        incident=incident,
        care=case,
        taken=taken,
        members=members.rows,
        next_cursor=members.next_cursor,
        notes=[each for each in events if each.what == NOTED],
        events=events,
        steers=_steers(pages, request, incident),
        status=status,
        error=error,
    )


def _steers(pages: Pages, request: Request, incident: Incident) -> bool:
    """Tell whether who looks may take care of an incident: one that is wider than a site is everywhere's."""
    visitor = visitor_or_none(request, pages.services)
    sites = frozenset() if visitor is None else visitor.principal.reach(Permission.ALERTS_CHANGE)
    return sites is None or site_of_group(incident.group) in sites
