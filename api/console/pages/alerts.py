"""The page of alerts; what is done to them is in desk_changes.py."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from access.doors import Visitor
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import Known, SeesFleet
from api.personal import Sight
from api.queries.alerts import AlertQuery, find_alerts
from api.queries.care import care_for, taken_by
from api.routes.alerts import NOTES_DAYS
from api.routes.common import RowId
from api.services import Services
from fleet.alerts import AlertState
from fleet.care import Case, Incident
from fleet.clock import DAY_MS
from fleet.events import Subject
from fleet.faults import FAULTS, Level
from fleet.grants import Sites
from storage.records.alert_notes import notes_on
from storage.records.alerts import alert_of
from storage.records.care import cases_of, members_of
from storage.records.devices import place_of
from storage.records.events import events_of
from storage.records.incidents import find_incidents
from storage.records.paging import Asked

_INCIDENTS, _FOLDED = 50, 100
SHOWN_ALERTS = (AlertState.FIRING, AlertState.ACKNOWLEDGED)


class AlertView(AlertQuery):
    """The alerts page's address; `show` chooses open ones or all."""

    show: Literal["open", "all"] = "open"


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/alerts")
def alerts_page(
    request: Request, pages: Console, services: Services, visitor: Known, sites: SeesFleet
) -> Response:
    """List the alerts."""
    query = asked(request, AlertView)
    if query.show == "open" and not query.state:
        query = query.model_copy(update={"state": list(SHOWN_ALERTS)})
    folded = query.show == "open" and query.cursor is None and not query.device
    with services.desk.transaction() as session:
        page = find_alerts(session, query, sites, apart=query.show == "open" and not query.device)
        care = care_for(session, [one.id for one in page.rows])
        listed = _incidents(session, sites) if folded else []
    return pages.render(
        request,
        "alerts/alerts.html",
        query=query,
        alerts=Sight(services, visitor).alerts(page.rows),
        care=care,
        incidents=listed,
        folded=bool(listed),
        next_cursor=page.next_cursor,
        levels=tuple(Level),
        faults=FAULTS,
    )


@router.get("/alerts/{alert_id}")
def alert_page(
    request: Request, pages: Console, visitor: Known, sites: SeesFleet, alert_id: RowId
) -> Response:
    """Show one alert: what is told of it, what people noted, and what happened."""
    asked(request, NoQuery)
    return show_alert(pages, request, visitor, alert_id, sites)


def show_alert(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    alert_id: int,
    sites: Sites,
    status: int = 200,
    error: str | None = None,
) -> Response:
    """Render an alert's page. Raises NotFound."""
    services = pages.services
    with services.desk.transaction() as session:
        found = alert_of(session, str(alert_id), sites)
        case = care_for(session, [found.id]).get(found.id)
        notes = notes_on(session, found, services.clock.now_ms() - NOTES_DAYS * DAY_MS)
        events = events_of(session, Subject.ALERT, found.id)
        place = place_of(session, found.device_id)
        taken = taken_by(session, Subject.ALERT, found.id, found.state, case)
    (seen,) = Sight(services, visitor).alerts([found])
    return pages.render(
        request,
        "alerts/alert.html",
        status,
        place.site if place else None,
        alert=seen,
        care=case,
        taken=taken,
        notes=notes,
        events=events,
        status=status,
        error=error,
    )


def _incidents(session: Session, sites: Sites) -> list[tuple[Incident, Case | None, list[Case]]]:
    """Return the open incidents with what is told of each, and their first members at some sites."""
    found = find_incidents(session, "open", Asked("-id", _INCIDENTS, None, ""), sites).rows
    care = cases_of(session, Subject.INCIDENT, [str(each.id) for each in found])
    return [(each, care.get(str(each.id)), _members(session, each.id, sites)) for each in found]


def _members(session: Session, incident: int, sites: Sites) -> list[Case]:
    seen = members_of(session, incident, _FOLDED, open_only=True)
    return [each for each in seen if sites is None or each.place.site in sites]
