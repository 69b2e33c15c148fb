"""The page of the fleet: every device, ranked, with the figures of the whole."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from api.console.render.asked import asked
from api.console.render.templates import Console
from api.doors import SeesFleet
from api.queries.devices import AT_RISK, DeviceQuery, find_devices, summary
from api.services import Services
from fleet.condition import Stands
from fleet.faults import FAULTS
from fleet.signals import Kind
from storage.records.device_lists import filter_choices
from storage.records.ticket_lists import count_breached, open_ticket_ids

_RISK_STEPS = (0.25, 0.75)
"""What the filter by risk offers beside what counts as at risk."""


class FleetQuery(DeviceQuery):
    """The fleet page's address."""

    limit: int = Field(50, ge=1, le=200)


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/")
def fleet(request: Request, pages: Console, services: Services, sites: SeesFleet) -> Response:
    """Show the fleet, ranked by risk."""
    query = asked(request, FleetQuery)
    now = services.clock.now_ms()
    with services.desk.transaction() as session:
        page = find_devices(session, query, now, sites)
        figures, breached = summary(session, now, sites), count_breached(session, now, sites)
        places, models = filter_choices(session, sites)
        tickets = open_ticket_ids(session, [device.id for device in page.rows])
    return pages.render(
        request,
        "fleet/fleet.html",
        query=query,
        devices=page.rows,
        next_cursor=page.next_cursor,
        figures=figures,
        breached=breached,
        sites=places,
        models=models,
        tickets=tickets,
        stale={device.id for device in page.rows if device.is_stale(now)},
        faults=FAULTS,
        kinds=tuple(Kind),
        stands=tuple(Stands),
        high_risk=AT_RISK,
        risk_steps=sorted({AT_RISK, *_RISK_STEPS, *([] if query.at_risk is None else [query.at_risk])}),
    )
