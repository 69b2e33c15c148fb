"""What is read and written about alerts in the desk database; callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CursorResult,
    ForeignKey,
    Index,
    String,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.alerts import Alert, AlertState
from fleet.errors import NotFound
from fleet.faults import Level
from storage.records.base import Base, Number
from storage.records.devices import Device


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


class AlertEvent(Base):
    """Something that a rule, a model or a person did to an alert: who, when, what, why. Only ever added."""

    __tablename__ = "alert_event"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    at: Mapped[int]
    who: Mapped[str] = mapped_column(String(64))
    before: Mapped[str | None] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    why: Mapped[str]


NOT_SUSTAINED = "not_sustained"
"""The reason of a pending alert whose condition ended before it fired: nobody ever saw it."""

# Rows are changed by UPDATE ... WHERE, past the session's memory of them: read what the database holds.
_FRESH = {"populate_existing": True}


@dataclass(frozen=True, slots=True)
class Silent:
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
    )


def alert_row(session: Session, alert_id: str) -> AlertRow:
    """Return the row of an alert. Raises NotFound."""
    # A number beyond 18 digits does not fit the column and would be an error of the database's.
    usable = alert_id.isdecimal() and len(alert_id) <= 18
    row = session.get(AlertRow, int(alert_id), populate_existing=True) if usable else None
    if row is None:
        raise NotFound(f"there is no alert {alert_id!r}")
    return row


def open_alert_rows(session: Session) -> Sequence[AlertRow]:
    """Return the rows of all open alerts, pending ones included."""
    statement = select(AlertRow).where(AlertRow.state != AlertState.RESOLVED)
    return session.scalars(statement, execution_options=_FRESH).all()


def open_alert_row(session: Session, device_id: str, fault: str) -> AlertRow | None:
    """Return the row of the open alert of a device and fault, if there is one."""
    statement = select(AlertRow).where(
        AlertRow.device_id == device_id, AlertRow.fault == fault, AlertRow.state != AlertState.RESOLVED
    )
    return session.scalars(statement, execution_options=_FRESH).one_or_none()


def insert_alert(session: Session, alert: Alert, who: str, at: int) -> int | None:
    """Store a new alert and its first event; return its id, or None when an open one is already there.

    The database's unique index decides, so this holds between threads and processes alike. `alert.id` is
    ignored; `at` is the present time.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
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
    statement = insert(AlertRow).values(values).on_conflict_do_nothing().returning(AlertRow.id)
    alert_id = session.scalars(statement).one_or_none()
    if alert_id is not None:
        add_event(session, alert_id, who, at, (None, alert.state), alert.reason)
    return alert_id


def change_alert(
    session: Session,
    before: Alert,
    after: AlertState,
    *,
    who: str,
    at: int,
    reason: str,
    columns: dict[str, Any],
    why: str | None = None,
) -> bool:
    """Move an alert on, with its event row; return False when it is no longer in the state of `before`.

    `reason` is the named reason kept with the alert, `why` what the event says (the reason, unless given);
    `columns` are further columns to set.
    """
    statement = (
        update(AlertRow)
        .where(AlertRow.id == int(before.id), AlertRow.state == before.state)
        .values(state=after, reason=reason, updated=at, **columns)
    )
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    if result.rowcount == 0:
        return False
    add_event(session, int(before.id), who, at, (before.state, after), why or reason)
    return True


def resolve_open_alert(session: Session, alert_id: int, who: str, at: int, reason: str) -> None:
    """Resolve an alert unless that is done already: how a closed ticket ends its alert."""
    row = session.get(AlertRow, alert_id, populate_existing=True)
    if row is not None and row.state != AlertState.RESOLVED:
        change_alert(
            session,
            to_alert(row),
            AlertState.RESOLVED,
            who=who,
            at=at,
            reason=reason,
            columns={"resolved_at": at},
        )


def last_resolved(session: Session, device_id: str, fault: str) -> AlertRow | None:
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
    return session.scalars(statement, execution_options=_FRESH).one_or_none()


def add_event(
    session: Session, alert_id: int, who: str, at: int, states: tuple[str | None, str], why: str
) -> None:
    """Add an event row; `states` are those before and after."""
    before, after = states
    session.add(AlertEvent(alert_id=alert_id, at=at, who=who, before=before, after=after, why=why))


def silent_devices(session: Session, kind: str, heard_before: int) -> list[Silent]:
    """Return the devices of a kind whose last message arrived at or before a time (epoch ms)."""
    statement = select(Device.id, Device.last_seen, Device.status).where(
        Device.kind == kind, Device.last_seen.is_not(None), Device.last_seen <= heard_before
    )
    return [
        Silent(device_id, last_seen or 0, status)
        for device_id, last_seen, status in session.execute(statement)
    ]


def last_heard(session: Session, device_ids: Sequence[str]) -> dict[str, Silent]:
    """Return for each of these devices when it was last heard; those never heard are left out."""
    found: dict[str, Silent] = {}
    for start in range(0, len(device_ids), 500):
        statement = select(Device.id, Device.last_seen, Device.status).where(
            Device.id.in_(device_ids[start : start + 500]), Device.last_seen.is_not(None)
        )
        for device_id, last_seen, status in session.execute(statement):
            found[device_id] = Silent(device_id, last_seen or 0, status)
    return found


def count_firing(session: Session) -> int:
    """Count the alerts that fire, acknowledged ones included."""
    firing = AlertRow.state.in_((AlertState.FIRING, AlertState.ACKNOWLEDGED))
    return session.scalar(select(func.count()).select_from(AlertRow).where(firing)) or 0
