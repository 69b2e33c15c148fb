"""Incidents: many devices of one group with the same fault at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from api.care_schemas import Acknowledgement, IncidentDetail, IncidentItem, IncidentQuery
from api.doors import Acting, ChangesAlerts, SeesFleet, everywhere, on_behalf_of
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from fleet.care import GroupKind, Incident
from fleet.events import Subject
from fleet.grants import Sites
from storage.records.care import cases_of, members_of
from storage.records.incidents import incident_of, incidents

router = APIRouter(prefix="/incidents", tags=["alerts"])
_LISTED = 200


@router.get("", responses=problems())
def list_incidents(
    services: Services, sites: SeesFleet, query: Annotated[IncidentQuery, Query()]
) -> ListOf[IncidentItem]:
    """List incidents, the newest first: those of one's sites, and those that are wider than a site."""
    with services.desk.transaction() as session:
        found = incidents(session, sites, open_only=query.show == "open", limit=query.limit)
        known = cases_of(session, Subject.INCIDENT, [str(each.id) for each in found])
    items = []
    for each in found:
        case = known.get(str(each.id))
        items.append(IncidentItem.model_validate(_values(each, case.next_at if case else None)))
    return ListOf(items=items)


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
    """Note that someone takes care of an incident; one that is wider than a site is everywhere's."""
    check_steers(services, incident_id, sites)
    by = on_behalf_of(principal, change.who)
    services.care.acknowledge_incident(incident_id, by, change.reason, change.for_)
    return _shown(services, incident_id, sites)


def check_steers(services: ApiServices, incident_id: int, sites: Sites) -> None:
    """Raise NotFound or NotAllowed unless an incident is of one's sites."""
    with services.desk.transaction() as session:
        if incident_of(session, incident_id, sites).group.kind is not GroupKind.SITE:
            everywhere(sites)


def _shown(services: ApiServices, incident_id: int, sites: Sites) -> IncidentDetail:
    with services.desk.transaction() as session:
        found = incident_of(session, incident_id, sites)
        case = cases_of(session, Subject.INCIDENT, [str(incident_id)]).get(str(incident_id))
        alerts = members_at(session, incident_id, sites)
    return IncidentDetail.model_validate(
        _values(found, case.next_at if case else None) | {"alerts": [int(each) for each in alerts]}
    )


def members_at(session: Session, incident_id: int, sites: Sites) -> list[str]:
    """Return the ids of an incident's members at some sites, at most 200."""
    found = members_of(session, incident_id, _LISTED if sites is None else 20_000)
    return [each.subject_id for each in found if sites is None or each.place.site in sites][:_LISTED]


def _values(incident: Incident, next_at: int | None) -> dict[str, Any]:
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
        "next_at": next_at,
    }
