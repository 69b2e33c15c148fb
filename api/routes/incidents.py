"""Incidents: many devices of one group with the same fault at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.care_schemas import (
    Acknowledgement,
    IncidentDetail,
    IncidentItem,
    IncidentNoteItem,
    IncidentQuery,
    NoteAsked,
)
from api.doors import Acting, ChangesAlerts, SeesFleet, everywhere, on_behalf_of
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from fleet.alerts import AlertState
from fleet.care import NOTED, Case, GroupKind, Incident
from fleet.events import Event, Subject
from fleet.grants import Sites
from storage.records.care import case_of, cases_of
from storage.records.events import events_of
from storage.records.incident_members import first_members
from storage.records.incidents import find_incidents, incident_of

router = APIRouter(prefix="/api/v1/incidents", tags=["alerts"])
_LISTED = 200


@router.get("", responses=problems())
def list_incidents(
    services: Services, sites: SeesFleet, query: Annotated[IncidentQuery, Query()]
) -> ListOf[IncidentItem]:
    """List incidents, the newest first: those of one's sites, and those that are wider than a site."""
    with services.desk.transaction() as session:
        page = find_incidents(session, query.show, query.asked(), sites)
        known = cases_of(session, Subject.INCIDENT, [str(each.id) for each in page.rows])
    items = [IncidentItem.model_validate(_values(each, known.get(str(each.id)))) for each in page.rows]
    return ListOf(items=items, next_cursor=page.next_cursor)


@router.get("/{incident_id}", responses=problems(not_found="There is no such incident"))
def show_incident(services: Services, sites: SeesFleet, incident_id: RowId, _: Nothing) -> IncidentDetail:
    """Show one incident, with those of its members that are at one's sites."""
    return _shown(services, incident_id, sites)


@router.post(
    "/{incident_id}/acknowledge",
    responses=problems(
        body="The body cannot be read",
        not_found="There is no such incident",
        conflict="The incident's state does not allow this",
    ),
)
def acknowledge_incident(
    services: Services,
    sites: ChangesAlerts,
    principal: Acting,
    incident_id: RowId,
    change: Acknowledgement,
    _: Nothing,
) -> IncidentDetail:
    """Note that someone takes care of an incident, for a time; with `for`, one may be extended.

    One that is wider than a site is everywhere's. Devices that join it meanwhile are told of only where it
    gets worse by them.
    """
    check_steers(services, incident_id, sites)
    by = on_behalf_of(principal, change.who)
    services.care.acknowledge_incident(incident_id, by, change.reason, change.for_)
    return _shown(services, incident_id, sites)


@router.get("/{incident_id}/notes", responses=problems(not_found="There is no such incident"))
def list_notes(
    services: Services, sites: SeesFleet, incident_id: RowId, _: Nothing
) -> ListOf[IncidentNoteItem]:
    """List the notes on an incident, the oldest first."""
    with services.desk.transaction() as session:
        incident_of(session, incident_id, sites)
        events = events_of(session, Subject.INCIDENT, str(incident_id))
    return ListOf(items=[_note(each) for each in events if each.what == NOTED])


@router.post(
    "/{incident_id}/notes",
    status_code=201,
    responses=problems(body="The body cannot be read", not_found="There is no such incident"),
)
def add_note(
    services: Services,
    sites: ChangesAlerts,
    principal: Acting,
    incident_id: RowId,
    note: NoteAsked,
    _: Nothing,
) -> IncidentNoteItem:
    """Write something down about an incident; one that is wider than a site is everywhere's."""
    check_steers(services, incident_id, sites)
    services.care.note_incident(incident_id, on_behalf_of(principal, note.who), note.text)
    with services.desk.transaction() as session:
        events = events_of(session, Subject.INCIDENT, str(incident_id))
    return [_note(each) for each in events if each.what == NOTED][-1]


def check_steers(services: ApiServices, incident_id: int, sites: Sites) -> None:
    """Raise NotFound or NotAllowed unless an incident is of one's sites."""
    with services.desk.transaction() as session:
        if incident_of(session, incident_id, sites).group.kind is not GroupKind.SITE:
            everywhere(sites)


def _shown(services: ApiServices, incident_id: int, sites: Sites) -> IncidentDetail:
    with services.desk.transaction() as session:
        found = incident_of(session, incident_id, sites)
        case = case_of(session, Subject.INCIDENT, str(incident_id))
        members, _ = first_members(session, incident_id, _LISTED, sites)
    alerts = [int(each.subject_id) for each in members]
    return IncidentDetail.model_validate(_values(found, case) | {"alerts": alerts})


def _note(event: Event) -> IncidentNoteItem:
    return IncidentNoteItem.model_validate(
        {"at": event.at, "who": event.principal.name, "text": event.reason}
    )


def _values(incident: Incident, case: Case | None) -> dict[str, Any]:
    return {
        "id": incident.id,
        "group": incident.group.kind,
        "name": incident.group.name,
        "fault": incident.fault,
        "level": incident.level,
        "state": incident.state,
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "reason": incident.reason,
        "members": incident.members,
        "open": incident.open,
        "evidence": dict(incident.evidence),
        "next_at": case.next_at if case else None,
        "ack_until": case.ack_until if case and incident.state is AlertState.ACKNOWLEDGED else None,
    }
