"""The hooks: what other systems report to us."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from api.doors import Acting, ReportsAlerts, everywhere
from api.hook_schemas import AlertmanagerAlert, AlertmanagerPost, Taken
from api.params import NoParams
from api.routes.common import problems
from api.services import ApiServices, Services
from fleet.errors import InvalidInput
from fleet.external import Report
from fleet.grants import Sites
from storage.records.devices import place_of

router = APIRouter(prefix="/api/v1/hooks", tags=["hooks"])
_NAMED = 20


@router.post("/alertmanager", responses=problems(body="The body cannot be read"))
def take_alertmanager(
    services: Services,
    sites: ReportsAlerts,
    _principal: Acting,
    post: AlertmanagerPost,
    _: Annotated[NoParams, Query()],
) -> Taken:
    """Take alerts of a Prometheus Alertmanager (a webhook receiver; version 4 of its JSON).

    One is about the device that its label `device_id` (or `device`) names, else about the whole installation,
    for which the token has to hold everywhere. `severity` critical is L1, info L3, anything else L2. Posted
    again it changes nothing; `resolved` ends it. What cannot be read is named, and the others are taken.
    """
    wrong = post.unreadable
    if wrong and not post.readable:
        raise InvalidInput("; ".join(wrong[:_NAMED]))
    reports = _reports(services, post.readable, sites)
    no_room = services.alerts.observe_external(reports)
    return Taken(taken=len(reports) - no_room, refused=wrong[:_NAMED], no_room=no_room)


def _reports(services: ApiServices, alerts: Sequence[AlertmanagerAlert], sites: Sites) -> list[Report]:
    """Return alerts as reports. Raises NotAllowed for one of no device where the token may report."""
    names = sorted({name for alert in alerts for name in alert.devices})
    with services.desk.transaction() as session:
        places = {name: place_of(session, name) for name in names}
    known = {
        name for name, place in places.items() if place is not None and (sites is None or place.site in sites)
    }
    reports = []
    for alert in alerts:
        device = next((name for name in alert.devices if name in known), None)
        if device is None:
            everywhere(sites)
        reports.append(alert.report() if device is None else alert.report(device))
    return reports
