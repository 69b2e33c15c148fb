"""The hooks: what other systems report to us."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.doors import Acting, ReportsAlerts, everywhere
from api.hook_schemas import AlertmanagerAlert, AlertmanagerPost, Taken
from api.params import NoParams
from api.routes.common import problems
from api.services import ApiServices, Services
from fleet.external import Report
from fleet.grants import Sites
from storage.records.devices import place_of

router = APIRouter(prefix="/hooks", tags=["hooks"])


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
    again it changes nothing; `resolved` ends it.
    """
    services.alerts.observe_external([_report(services, each, sites) for each in post.alerts])
    return Taken(taken=len(post.alerts))


def _report(services: ApiServices, alert: AlertmanagerAlert, sites: Sites) -> Report:
    """Return one alert as a report. Raises NotAllowed for one of no device where the token may report."""
    with services.desk.transaction() as session:
        for name in alert.devices:
            place = place_of(session, name)
            if place is not None and (sites is None or place.site in sites):
                return alert.report(name)
    everywhere(sites)
    return alert.report()
