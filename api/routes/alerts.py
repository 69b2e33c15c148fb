"""The alerts: a list, and what a person may do about one."""

from typing import Annotated

from fastapi import APIRouter, Query

from access.doors import Visitor
from api.doors import Acting, ChangesAlerts, Known, SeesFleet, on_behalf_of
from api.personal import Sight
from api.queries.alerts import AlertQuery, find_alerts
from api.routes.common import Nothing, RowId, problems
from api.schemas import AlertChange, AlertItem, ListOf, UnknownCode
from api.services import ApiServices, Services
from fleet.faults import DEVICE_ERROR
from fleet.grants import Sites
from storage.records.alert_lists import told_codes
from storage.records.alerts import alert_of

router = APIRouter(prefix="/alerts", tags=["alerts"])
_CHANGE = problems(
    body="The body cannot be read",
    not_found="There is no such alert",
    conflict="The alert's state does not allow this",
)


@router.get("", responses=problems())
def list_alerts(
    services: Services, visitor: Known, sites: SeesFleet, query: Annotated[AlertQuery, Query()]
) -> ListOf[AlertItem]:
    """List alerts, the newest first."""
    with services.desk.transaction() as session:
        page = find_alerts(session, query, sites)
    seen = Sight(services, visitor).alerts(page.rows)
    return ListOf(items=[AlertItem.model_validate(one) for one in seen], next_cursor=page.next_cursor)


@router.get("/unknown-codes", responses=problems())
def list_unknown_codes(services: Services, sites: SeesFleet, _: Nothing) -> ListOf[UnknownCode]:
    """List the error codes that devices told and no file explains, those of most devices first.

    A file of codes that says what they mean (`alerts.codes` in the settings) takes them off the list.
    """
    with services.desk.transaction() as session:
        told = told_codes(session, DEVICE_ERROR, sites)
    unknown = [each for each in told if not services.codes.knows(each.model, each.code)]
    return ListOf(items=[UnknownCode.model_validate(each) for each in unknown])


@router.get("/{alert_id}", responses=problems(not_found="There is no such alert"))
def show_alert(
    services: Services, visitor: Known, sites: SeesFleet, alert_id: RowId, _: Nothing
) -> AlertItem:
    """Show one alert; what a wristband's quotes of its wearer is for the safety role of that site."""
    return _shown(services, visitor, alert_id, sites)


@router.post("/{alert_id}/acknowledge", responses=_CHANGE)
def acknowledge_alert(
    services: Services,
    visitor: Known,
    sites: ChangesAlerts,
    principal: Acting,
    alert_id: RowId,
    change: AlertChange,
    _: Nothing,
) -> AlertItem:
    """Note that someone takes care of a firing alert."""
    _within(services, alert_id, sites)  # before anything is said about one of another site
    services.alerts.acknowledge(str(alert_id), on_behalf_of(principal, change.who), change.reason)
    return _shown(services, visitor, alert_id, sites)


@router.post("/{alert_id}/resolve", responses=_CHANGE)
def resolve_alert(
    services: Services,
    visitor: Known,
    sites: ChangesAlerts,
    principal: Acting,
    alert_id: RowId,
    change: AlertChange,
    _: Nothing,
) -> AlertItem:
    """End an open alert by hand."""
    _within(services, alert_id, sites)
    services.alerts.resolve(str(alert_id), on_behalf_of(principal, change.who), change.reason)
    return _shown(services, visitor, alert_id, sites)


def _within(services: ApiServices, alert_id: int, sites: Sites) -> None:
    with services.desk.transaction() as session:
        alert_of(session, str(alert_id), sites)


def _shown(services: ApiServices, visitor: Visitor, alert_id: int, sites: Sites) -> AlertItem:
    with services.desk.transaction() as session:
        found = alert_of(session, str(alert_id), sites)
    (seen,) = Sight(services, visitor).alerts([found])
    return AlertItem.model_validate(seen)
