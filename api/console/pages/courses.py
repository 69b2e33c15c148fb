"""The console's charts of reasons: the days behind what drives a risk, an alert or a ticket."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
from fastapi import APIRouter, Request, Response

from api.console.charts import drawing as charts
from api.console.pages.charts import svg
from api.console.render.asked import asked
from api.console.render.language import language_of
from api.console.render.templates import driver_with_course
from api.doors import Known, SeesFleet
from api.params import Params
from api.personal import Sight
from api.routes.common import DeviceId, RowId
from api.services import Services
from fleet.errors import NotFound
from storage.records.alerts import alert_of
from storage.records.device_lists import device_of
from storage.records.devices import place_of
from storage.records.tickets import ticket


class CourseView(Params):
    """The address of a course; `at` only tells one state of a chart from the next."""

    at: int | None = None


router = APIRouter(include_in_schema=False)


@router.get("/devices/{device_id}/charts/why/{fault}.svg")
def device_course_svg(
    request: Request, services: Services, sites: SeesFleet, device_id: DeviceId, fault: str
) -> Response:
    """Draw the days behind what drives a device's newest risk of a fault."""
    asked(request, CourseView)
    with services.desk.transaction() as session:
        zone = services.zones.of(device_of(session, device_id, sites).site)
    frame = services.store.latest_risks(device_id).filter(pl.col("fault") == fault)
    return _course_svg(request, frame["drivers"][0] if frame.height else None, zone)


@router.get("/alerts/{alert_id}/why.svg")
def alert_course_svg(
    request: Request, services: Services, visitor: Known, sites: SeesFleet, alert_id: RowId
) -> Response:
    """Draw the days behind what raised an alert, as they were stored with it."""
    asked(request, CourseView)
    with services.desk.transaction() as session:
        alert = alert_of(session, str(alert_id), sites)
        place = place_of(session, alert.device_id)
    (alert,) = Sight(services, visitor).alerts([alert])
    zone = services.zones.of(place.site if place else None)
    return _course_svg(request, alert.evidence.get("drivers"), zone)


@router.get("/tickets/{ticket_id}/why.svg")
def ticket_course_svg(
    request: Request, services: Services, visitor: Known, sites: SeesFleet, ticket_id: RowId
) -> Response:
    """Draw the days behind the likely fault of a ticket, as they were stored with it."""
    asked(request, CourseView)
    with services.desk.transaction() as session:
        found = ticket(session, ticket_id, sites)
    (found,) = Sight(services, visitor).tickets([found])
    return _course_svg(request, found.evidence.get("drivers"), services.zones.of(found.site))


@router.get("/tickets/{ticket_id}/why/{fault}.svg")
def suspicion_course_svg(
    request: Request, services: Services, visitor: Known, sites: SeesFleet, ticket_id: RowId, fault: str
) -> Response:
    """Draw the days behind one fault that a ticket suspects, as they were stored with it."""
    asked(request, CourseView)
    with services.desk.transaction() as session:
        found = ticket(session, ticket_id, sites)
    (found,) = Sight(services, visitor).tickets([found])
    suspicion = found.suspicion_of(fault)
    drivers = suspicion.evidence.get("drivers") if suspicion else None
    return _course_svg(request, drivers, services.zones.of(found.site))


def _course_svg(request: Request, stored: object, zone: ZoneInfo) -> Response:
    found = driver_with_course(stored)
    if found is None or found.course is None:
        raise NotFound("nothing was stored that could be drawn here")
    course = replace(found.course, start=_wall_ms(found.course.start, zone))
    return svg(charts.draw_course(course, found.unit, language_of(request)))


def _wall_ms(ms: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(ms / 1000, zone).utcoffset()
    return ms + round((offset or timedelta()).total_seconds() * 1000)
