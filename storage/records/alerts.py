"""What is read and written about alerts in the desk database; callers bring the transaction."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Index,
    String,
    and_,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.alerts import MODEL_RULE, RISK_RULE, Alert, AlertState
from fleet.errors import NotFound
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.grants import Sites
from fleet.principals import Principal, PrincipalKind
from fleet.text import quoted
from storage.records.base import Base, Number
from storage.records.devices import Device, place_of
from storage.records.events import tell
from storage.records.parts import parts_of
from storage.records.upsert import insert_into
from storage.records.within import of_devices_at


class AlertRow(Base):
    """An alert (fleet.alerts.Alert). The database itself allows one open alert per device and fault."""

    __tablename__ = "alert"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64), index=True)
    fault: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[int]
    updated: Mapped[int]
    resolved_at: Mapped[int | None]
    ended_by: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(128))
    opens_ticket: Mapped[bool]
    evidence: Mapped[dict[str, Any]]

    __table_args__ = (
        Index(
            "uq_alert_open",
            "device_id",
            "fault",
            unique=True,
            sqlite_where=text("state != 'resolved'"),
            postgresql_where=text("state != 'resolved'"),
        ),
        Index("ix_alert_state", "state", "since"),
    )


CHANGES = frozenset({"raised", "state", "level", "joined"})
"""What events of alerts tell of the alert itself; others tell what was told or noted about it."""
NOT_SUSTAINED = "not_sustained"
"""The reason of a pending alert whose condition ended before it fired: nobody ever saw it."""

# Rows are changed by UPDATE ... WHERE, past the session's memory of them: read what the database holds.
_AT_ONCE = 1_000
_FRESH = {"populate_existing": True}


@dataclass(frozen=True, slots=True)
class Unheard:
    """A device that was not heard for a while: when its last message arrived (epoch ms), its last status."""

    device_id: str
    last_seen: int
    status: str


def to_alert(row: AlertRow) -> Alert:
    """Return a stored row as the alert that stages exchange."""
    return Alert(
        id=str(row.id),
        device_id=row.device_id,
        fault=row.fault,
        rule=row.rule,
        level=Level(row.level),
        state=AlertState(row.state),
        since=row.since,
        reason=row.reason,
        opens_ticket=row.opens_ticket,
        evidence=row.evidence,
        updated=row.updated,
        resolved_at=row.resolved_at,
        ended_by=PrincipalKind(row.ended_by) if row.ended_by else None,
    )


def alert_of(session: Session, alert_id: str, sites: Sites = None) -> Alert:
    """Return an alert. Raises NotFound, where its device is at none of these sites as well."""
    row = session.get(AlertRow, int(alert_id), populate_existing=True) if _is_usable(alert_id) else None
    if row is None or not _is_within(session, row.device_id, sites):
        raise NotFound(f"there is no alert {quoted(alert_id)}")
    return to_alert(row)


def alerts_named(session: Session, ids: Sequence[str]) -> list[Alert]:
    """Return alerts in the order in which they are named; those that there are not are left out."""
    usable = [int(each) for each in ids if _is_usable(each)]
    found: dict[int, Alert] = {}
    for part in parts_of(usable):
        rows = session.scalars(select(AlertRow).where(AlertRow.id.in_(part)), execution_options=_FRESH)
        found |= {row.id: to_alert(row) for row in rows}
    return [found[each] for each in usable if each in found]


def _is_usable(alert_id: str) -> bool:
    # A number beyond 18 digits does not fit the column and would be an error of the database's.
    return alert_id.isdecimal() and len(alert_id) <= 18


def _is_within(session: Session, device_id: str, sites: Sites) -> bool:
    if sites is None:
        return True
    place = place_of(session, device_id)
    return place is not None and place.site in sites


def open_alerts(session: Session, device_id: str | None = None) -> list[Alert]:
    """Return the open alerts of a device, or all, pending ones included, the first to begin first."""
    statement = select(AlertRow).where(AlertRow.state != AlertState.RESOLVED)
    if device_id is not None:
        statement = statement.where(AlertRow.device_id == device_id)
    found = session.scalars(statement.order_by(AlertRow.since, AlertRow.id), execution_options=_FRESH)
    return [to_alert(row) for row in found]


def each_open_mark(session: Session) -> Iterator[tuple[str, int, str]]:
    """Yield id, `updated` and state of every open alert: whoever knows these three knows the alert."""
    statement = select(AlertRow.id, AlertRow.updated, AlertRow.state)
    standing = statement.where(AlertRow.state != AlertState.RESOLVED)
    for number, updated, state in session.execute(standing, execution_options={"yield_per": _AT_ONCE}):
        yield str(number), updated, state


def open_alert(session: Session, device_id: str, fault: str, *, lock: bool = False) -> Alert | None:
    """Return the open alert of a device and fault, if there is one; `lock`: ours until the commit."""
    its = and_(AlertRow.device_id == device_id, AlertRow.fault == fault)
    mine = and_(its, AlertRow.state != AlertState.RESOLVED)
    if lock:  # by a change that changes nothing: SQLite knows no FOR UPDATE
        touched = update(AlertRow).where(mine).values(updated=AlertRow.updated).returning(AlertRow.id)
        if not list(session.scalars(touched, execution_options={"synchronize_session": False})):
            return None  # one that is committed just now would be seen, and not be ours
    row = session.scalars(select(AlertRow).where(mine), execution_options=_FRESH).one_or_none()
    return None if row is None else to_alert(row)


def firing_by_rules(session: Session, device_id: str, rules: Collection[str]) -> str | None:
    """Return the id of a device's alert that one of some rules raised and that fires, if there is one."""
    statement = select(AlertRow.id).where(
        AlertRow.device_id == device_id,
        AlertRow.rule.in_(rules),
        AlertRow.state.in_((AlertState.FIRING, AlertState.ACKNOWLEDGED)),
    )
    found = session.scalar(statement.limit(1))
    return None if found is None else str(found)


def insert_alert(session: Session, alert: Alert, principal: Principal, at: int) -> int | None:
    """Store a new alert and its first event; return its id, or None when an open one is already there.

    The database's unique index decides, so this holds between threads and processes alike. `alert.id` is
    ignored; `at` is the present time.
    """
    values = {
        "device_id": alert.device_id,
        "fault": alert.fault,
        "rule": alert.rule,
        "level": alert.level,
        "state": alert.state,
        "since": alert.since,
        "updated": at,
        "reason": alert.reason,
        "opens_ticket": alert.opens_ticket,
        "evidence": alert.evidence,
    }
    statement = insert_into(session, AlertRow).values(values).on_conflict_do_nothing().returning(AlertRow.id)
    alert_id = session.scalars(statement).one_or_none()
    if alert_id is not None:
        _told(session, replace(alert, id=str(alert_id)), "raised", principal, at, None, alert.reason)
    return alert_id


def change_alert(
    session: Session,
    before: Alert,
    after: AlertState,
    *,
    principal: Principal,
    at: int,
    reason: str,
    columns: dict[str, Any],
    why: str | None = None,
) -> bool:
    """Move an alert on, with its event row; return False when it is no longer in the state of `before`.

    `reason` is the named reason kept with the alert, `why` what the event says (the reason, unless given);
    `columns` are further columns to set.
    """
    if after is AlertState.RESOLVED:
        columns = columns | {"ended_by": principal.kind}
    statement = (
        update(AlertRow)
        .where(AlertRow.id == int(before.id), AlertRow.state == before.state)
        .values(state=after, reason=reason, updated=at, **columns)
    )
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    if result.rowcount == 0:
        return False
    told = {name: columns[name] for name in ("opens_ticket", "level", "rule") if name in columns}
    moved = replace(before, state=after, **told)
    what = "state"
    if after is before.state:
        worse = moved.level != before.level and moved.opens_ticket == before.opens_ticket
        what = "level" if worse else "joined"
    _told(session, moved, what, principal, at, before.state, why or reason)
    return True


def last_resolved(session: Session, device_id: str, fault: str) -> Alert | None:
    """Return the newest resolved alert of a device and fault that had fired, if there is one."""
    statement = (
        select(AlertRow)
        .where(
            AlertRow.device_id == device_id,
            AlertRow.fault == fault,
            AlertRow.state == AlertState.RESOLVED,
            AlertRow.reason != NOT_SUSTAINED,
        )
        .order_by(AlertRow.id.desc())
        .limit(1)
    )
    row = session.scalars(statement, execution_options=_FRESH).one_or_none()
    return None if row is None else to_alert(row)


def resolved_for(session: Session, device_id: str, fault: str, reason: str) -> int:
    """Return how many alerts of a device and fault ended for a reason."""
    counted = select(func.count()).where(
        AlertRow.device_id == device_id,
        AlertRow.fault == fault,
        AlertRow.state == AlertState.RESOLVED,
        AlertRow.reason == reason,
    )
    return session.scalar(counted) or 0


def _told(
    session: Session,
    alert: Alert,
    what: str,
    principal: Principal,
    at: int,
    before: AlertState | None,
    why: str,
) -> None:
    """Tell the log of a change; `alert` is as it is after it."""
    place = place_of(session, alert.device_id)
    event = Event(
        at=at,
        subject=Subject.ALERT,
        subject_id=alert.id,
        site=place.site if place else None,
        what=what,
        principal=principal,
        before=before,
        after=alert.state,
        reason=why,
        data={
            "device_id": alert.device_id,
            "fault": alert.fault,
            "rule": alert.rule,
            "level": alert.level,
            "opens_ticket": alert.opens_ticket,
        },
    )
    tell(session, event)


def unheard_devices(session: Session, kind: str, heard_before: int) -> list[Unheard]:
    """Return the devices of a kind whose last message arrived at or before a time (epoch ms)."""
    statement = select(Device.id, Device.last_seen, Device.status).where(
        Device.kind == kind, Device.last_seen.is_not(None), Device.last_seen <= heard_before
    )
    return [
        Unheard(device_id, last_seen or 0, status)
        for device_id, last_seen, status in session.execute(statement)
    ]


def last_heard(session: Session, device_ids: Sequence[str]) -> dict[str, Unheard]:
    """Return for each of these devices when it was last heard; those never heard are left out."""
    found: dict[str, Unheard] = {}
    for part in parts_of(device_ids):
        statement = select(Device.id, Device.last_seen, Device.status).where(
            Device.id.in_(part), Device.last_seen.is_not(None)
        )
        for device_id, last_seen, status in session.execute(statement):
            found[device_id] = Unheard(device_id, last_seen or 0, status)
    return found


def sounding() -> ColumnElement[bool]:
    """Return what is true of alarms: open L1 alerts that readings or events raised, not a model."""
    here = AlertRow.state.in_((AlertState.FIRING, AlertState.ACKNOWLEDGED))
    return and_(here, AlertRow.level == Level.L1, AlertRow.rule.not_in((RISK_RULE, MODEL_RULE)))


def alarms_of(session: Session, device_ids: Sequence[str]) -> dict[str, str]:
    """Return the fault of the newest alarm of those of these devices that have one."""
    here = AlertRow.device_id.in_(device_ids)
    found = select(AlertRow.device_id, AlertRow.fault).where(sounding(), here).order_by(AlertRow.since)
    return {row.device_id: row.fault for row in session.execute(found)}


def count_firing(session: Session, sites: Sites = None) -> int:
    """Count the alerts of devices at some sites that fire, acknowledged ones included."""
    firing = AlertRow.state.in_((AlertState.FIRING, AlertState.ACKNOWLEDGED))
    wanted = select(func.count()).select_from(AlertRow).where(firing)
    return session.scalar(of_devices_at(wanted, AlertRow.device_id, sites)) or 0
