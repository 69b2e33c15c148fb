"""The alerts: a list, and what a person may do about one."""

from typing import Annotated

from fastapi import APIRouter, Query

from access.doors import Visitor
from api.care_schemas import Acknowledgement, NoteAsked, NoteItem
from api.doors import Acting, ChangesAlerts, Known, SeesFleet, on_behalf_of
from api.personal import Sight
from api.queries.alerts import AlertQuery, find_alerts
from api.queries.care import care_for
from api.routes.common import Nothing, RowId, problems
from api.schemas import AlertChange, AlertItem, CareItem, ListOf, UnknownCode
from api.services import ApiServices, Services
from fleet.alerts import Alert
from fleet.care import Case
from fleet.clock import DAY_MS
from fleet.faults import DEVICE_ERROR
from fleet.grants import Sites
from storage.records.alert_lists import told_codes
from storage.records.alert_notes import notes_on
from storage.records.alerts import alert_of

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
NOTES_DAYS = 90
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
        care = care_for(session, [one.id for one in page.rows])
    seen = Sight(services, visitor).alerts(page.rows)
    return ListOf(items=[_item(one, care.get(one.id)) for one in seen], next_cursor=page.next_cursor)


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
    change: Acknowledgement,
    _: Nothing,
) -> AlertItem:
    """Note that someone takes care of a firing alert, for a time; with `for`, one may be extended."""
    _within(services, alert_id, sites)  # before anything is said about one of another site
    by = on_behalf_of(principal, change.who)
    services.care.acknowledge(str(alert_id), by, change.reason, change.for_)
    return _shown(services, visitor, alert_id, sites)


@router.get("/{alert_id}/notes", responses=problems(not_found="There is no such alert"))
def list_notes(services: Services, sites: SeesFleet, alert_id: RowId, _: Nothing) -> ListOf[NoteItem]:
    """List the notes on an alert, and on those before it of the same device and fault in the last 90 days."""
    with services.desk.transaction() as session:
        found = notes_on(session, alert_of(session, str(alert_id), sites), _notes_since(services))
    return ListOf(items=[NoteItem.model_validate(note) for note in found])


@router.post("/{alert_id}/notes", status_code=201, responses=_CHANGE)
def add_note(
    services: Services,
    sites: ChangesAlerts,
    principal: Acting,
    alert_id: RowId,
    note: NoteAsked,
    _: Nothing,
) -> NoteItem:
    """Write something down about an alert; it stays whatever becomes of the alert."""
    _within(services, alert_id, sites)
    made = services.care.note(str(alert_id), on_behalf_of(principal, note.who), note.text)
    return NoteItem.model_validate(made)


def _notes_since(services: ApiServices) -> int:
    return services.clock.now_ms() - NOTES_DAYS * DAY_MS


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
        care = care_for(session, [found.id])
    (seen,) = Sight(services, visitor).alerts([found])
    return _item(seen, care.get(seen.id))


def _item(alert: Alert, case: Case | None) -> AlertItem:
    item = AlertItem.model_validate(alert)
    return item if case is None else item.model_copy(update={"care": CareItem.model_validate(case)})
