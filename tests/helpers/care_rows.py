"""Incidents for tests that need one, without the storm that makes it."""

from sqlalchemy.orm import Session

from fleet.alerts import AlertState
from fleet.care import Case, Group, GroupKind, Incident, Place
from fleet.events import Subject
from fleet.faults import Level
from fleet.principals import schedule
from storage.records.care import add_case
from storage.records.incidents import incident_of, insert_incident, move_incident


def add_incident(session: Session, site: str, device_id: str, now: int) -> int:
    """Open an incident of a site, with no members but as many as it says; return its id."""
    group = Group(GroupKind.SITE, site)
    evidence = {"affected": 9, "devices": 10, "chance": 1e-12, "usual": 1e-5}
    incident = Incident(
        0, group, "comms_loss", Level.L2, AlertState.FIRING, now, f"many_at_once:{group}", 9, 9, evidence
    )
    number = insert_incident(session, incident, schedule("tests"))
    assert number is not None, device_id
    case = Case(
        Subject.INCIDENT, str(number), "", "comms_loss", "", Level.L2, Place(site=site), now, now, next_at=now
    )
    add_case(session, case)
    return number


def add_member(session: Session, incident: int, device_id: str, site: str, at: int) -> None:
    """Make somebody's absence part of an incident; no alert stands behind it."""
    case = Case(
        *(Subject.ALERT, f"9{incident}{device_id[1:]}", device_id, "comms_loss", "robot_offline", Level.L2),
        *(Place(site=site), at, at),
        incident=incident,
    )
    assert add_case(session, case)


def end_incident(session: Session, number: int, at: int) -> None:
    """Let an incident be over; one that is over stays so."""
    incident = incident_of(session, number)
    if incident.state is not AlertState.RESOLVED:
        reason = "members_resolved"
        assert move_incident(session, incident, AlertState.RESOLVED, schedule("tests"), at, reason)
