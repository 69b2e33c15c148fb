"""Incidents: many devices of a group with the same fault at once. Callers bring the transaction."""

from typing import Any

from sqlalchemy import CursorResult, Index, String, delete, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.alerts import AlertState
from fleet.care import EXTENDED, NOTED, Group, GroupKind, Incident
from fleet.errors import NotFound
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.text import quoted
from storage.records.base import Base, Number
from storage.records.events import tell
from storage.records.paging import Asked, Order, Page, fetch_page
from storage.records.upsert import insert_into


class IncidentRow(Base):
    """An incident (fleet.care.Incident). The database allows one open one a fault and group."""

    __tablename__ = "incident"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    group_kind: Mapped[str] = mapped_column(String(16))
    group_name: Mapped[str] = mapped_column(String(64))
    fault: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[int]
    closed_at: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(128))
    members: Mapped[int]
    open: Mapped[int]
    evidence: Mapped[dict[str, Any]]

    __table_args__ = (
        Index(
            "uq_incident_open",
            *("fault", "group_kind", "group_name"),
            unique=True,
            sqlite_where=text("state != 'resolved'"),
            postgresql_where=text("state != 'resolved'"),
        ),
    )


_FRESH = {"populate_existing": True}


def to_incident(row: IncidentRow) -> Incident:
    """Return a stored row as the value that stages exchange."""
    return Incident(
        id=row.id,
        group=Group(GroupKind(row.group_kind), row.group_name),
        fault=row.fault,
        level=Level(row.level),
        state=AlertState(row.state),
        opened_at=row.opened_at,
        reason=row.reason,
        members=row.members,
        open=row.open,
        evidence=row.evidence,
        closed_at=row.closed_at,
    )


def insert_incident(session: Session, incident: Incident, by: Principal) -> int | None:
    """Store a new incident and its event; return its id, None where one of its fault and group is open."""
    values = {
        "group_kind": incident.group.kind,
        "group_name": incident.group.name,
        "fault": incident.fault,
        "level": incident.level,
        "state": incident.state,
        "opened_at": incident.opened_at,
        "reason": incident.reason,
        "members": incident.members,
        "open": incident.open,
        "evidence": dict(incident.evidence),
    }
    made = insert_into(session, IncidentRow).values(values).on_conflict_do_nothing().returning(IncidentRow.id)
    number = session.scalars(made).one_or_none()
    if number is not None:
        data = {"group": str(incident.group), "fault": incident.fault, "level": incident.level}
        site = site_of_group(incident.group)
        at = incident.opened_at
        tell(
            session,
            Event(
                at,
                Subject.INCIDENT,
                str(number),
                "opened",
                by,
                incident.reason,
                site=site,
                after=incident.state,
                data=data | dict(incident.evidence),
            ),
        )
    return number


def move_incident(
    session: Session, incident: Incident, after: AlertState, by: Principal, now: int, reason: str
) -> bool:
    """Move an incident on, with its event; False when it is no longer in the state of `incident`."""
    over = {"closed_at": now, "open": 0} if after is AlertState.RESOLVED else {}
    statement = (
        update(IncidentRow)
        .where(IncidentRow.id == incident.id, IncidentRow.state == incident.state)
        .values(state=after, reason=reason[:128], **over)
    )
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    if result.rowcount == 0:
        return False
    site = site_of_group(incident.group)
    data = {"group": str(incident.group), "fault": incident.fault, "level": incident.level}
    event = Event(
        now,
        Subject.INCIDENT,
        str(incident.id),
        "state",
        by,
        reason,
        site=site,
        before=incident.state,
        after=after,
        data=data,
    )
    tell(session, event)
    return True


def note_members(session: Session, number: int, level: Level, members: int, open_now: int) -> None:
    """Keep how many members an incident has, and its worst level."""
    session.execute(
        update(IncidentRow)
        .where(IncidentRow.id == number, IncidentRow.state != AlertState.RESOLVED)
        .values(level=level, members=members, open=open_now),
        execution_options={"synchronize_session": False},
    )


def open_incidents(session: Session, fault: str | None = None) -> list[Incident]:
    """Return the open incidents, the first opened first."""
    wanted = select(IncidentRow).where(IncidentRow.state != AlertState.RESOLVED)
    if fault is not None:
        wanted = wanted.where(IncidentRow.fault == fault)
    ordered = wanted.order_by(IncidentRow.opened_at, IncidentRow.id)
    return [to_incident(row) for row in session.scalars(ordered, execution_options=_FRESH)]


def last_incident(session: Session, fault: str, group: Group) -> Incident | None:
    """Return the newest incident of a fault and group, if there ever was one."""
    wanted = select(IncidentRow).where(
        IncidentRow.fault == fault,
        IncidentRow.group_kind == group.kind,
        IncidentRow.group_name == group.name,
    )
    row = session.scalars(wanted.order_by(IncidentRow.id.desc()).limit(1), execution_options=_FRESH).first()
    return None if row is None else to_incident(row)


def find_incidents(session: Session, show: str, asked: Asked, sites: Sites) -> Page[Incident]:
    """Return one page of incidents, the newest first; of a site only those that may be seen.

    `show` is `open`, `over` or `all`.
    """
    wanted = select(IncidentRow)
    if show != "all":
        over = IncidentRow.state == AlertState.RESOLVED
        wanted = wanted.where(over if show == "over" else ~over)
    if sites is not None:
        here = or_(IncidentRow.group_kind != GroupKind.SITE, IncidentRow.group_name.in_(sites))
        wanted = wanted.where(here)
    return fetch_page(session, wanted, Order(IncidentRow.id, IncidentRow.id, descending=True), asked).of(
        to_incident
    )


def note_on_incident(session: Session, incident: Incident, by: Principal, at: int, text: str) -> None:
    """Keep what somebody writes down about an incident: an event of it, as long as the log is kept."""
    data = {"group": str(incident.group), "fault": incident.fault}
    site = site_of_group(incident.group)
    event = Event(at, Subject.INCIDENT, str(incident.id), NOTED, by, text, site=site, data=data)
    tell(session, event)


def extended(session: Session, incident: Incident, by: Principal, at: int, why: str, until: int) -> None:
    """Tell the log that somebody takes care of an incident until a later time."""
    data = {"until": until, "group": str(incident.group), "fault": incident.fault}
    site = site_of_group(incident.group)
    event = Event(at, Subject.INCIDENT, str(incident.id), EXTENDED, by, why, site=site, data=data)
    tell(session, event)


def site_of_group(group: Group) -> str | None:
    """Return the site of a group, None where it is wider than one."""
    return group.name if group.kind is GroupKind.SITE else None


def incident_of(session: Session, number: int, sites: Sites = None) -> Incident:
    """Return an incident. Raises NotFound, where it is of another site as well."""
    row = session.get(IncidentRow, number, populate_existing=True)
    if row is None or not _is_within(to_incident(row).group, sites):
        raise NotFound(f"there is no incident {quoted(str(number))}")
    return to_incident(row)


def _is_within(group: Group, sites: Sites) -> bool:
    return sites is None or group.kind is not GroupKind.SITE or group.name in sites


def forget_incidents(session: Session, before: int) -> None:
    """Forget incidents that have been over since before a time (epoch ms)."""
    gone = delete(IncidentRow).where(IncidentRow.closed_at < before)
    session.execute(gone, execution_options={"synchronize_session": False})
