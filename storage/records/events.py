"""The log of events: one append-only table, written in the transaction of each change."""

import logging
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Index, Row, String, bindparam, insert, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.events import Event, Subject
from fleet.principals import Principal, PrincipalKind
from storage.records.base import Base, Number

log = logging.getLogger(__name__)

_PENDING = "events"
_PASTS = ("history", "import")
"""Who did what a past holds, simulated or brought in: hundreds of things, none of which happens now."""
_LOCK = 0x5357_4556
"""Of PostgreSQL's advisory locks, the one that lets one transaction at a time end the log."""


class EventRow(Base):
    """One event (fleet.events.Event). Rows are only ever added."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    at: Mapped[int]
    subject: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(64))
    site: Mapped[str | None] = mapped_column(String(64))
    what: Mapped[str] = mapped_column(String(32))
    principal_kind: Mapped[str] = mapped_column(String(16))
    principal_id: Mapped[str] = mapped_column(String(64))
    principal_name: Mapped[str] = mapped_column(String(64))
    before: Mapped[str | None] = mapped_column(String(32))
    after: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str]
    data: Mapped[dict[str, Any]]

    __table_args__ = (Index("ix_event_subject", "subject", "subject_id", "id"),)


def tell(session: Session, event: Event) -> None:
    """Add an event to the log when the transaction commits; rolled back, nothing was told."""
    session.info.setdefault(_PENDING, []).append(event)


def write_told(session: Session) -> list[Event]:
    """Write the events of a transaction as its very last statement; return them.

    On PostgreSQL ids become visible out of order when transactions overlap, and a follower would step over
    one that is still to come. So the last moment of such transactions is one at a time: the lock is taken
    when all else is done, ends with the commit, and can wait for nobody who waits for us.
    """
    told: list[Event] = session.info.pop(_PENDING, [])
    if told:
        session.flush()
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        session.execute(insert(EventRow), [_columns(event) for event in told])
    return told


def log_told(told: Sequence[Event]) -> None:
    """Let the process's own log say what happened; to be called when it is committed."""
    for event in told:
        written_past = event.principal.id in _PASTS
        log.log(logging.DEBUG if written_past else logging.INFO, "%s", _line(event))


def _line(event: Event) -> str:
    """Return an event as one line of the log."""
    change = "" if event.before == event.after else f" {event.before or 'new'} -> {event.after or 'gone'}"
    who = f"{event.principal.kind} {event.principal.name}"
    return f"{event.subject} {event.subject_id}: {event.what}{change} by {who}: {event.reason}"


_AFTER = (
    select(*EventRow.__table__.columns)
    .where(EventRow.id > bindparam("after"))
    .order_by(EventRow.id)
    .limit(bindparam("most"))
)


def events_after(session: Session, after: int, limit: int) -> list[Event]:
    """Return the events behind the one with id `after`, in order, at most `limit`."""
    return [_event(row) for row in session.execute(_AFTER, {"after": after, "most": limit})]


class Glimpse(NamedTuple):
    """As much of an event as tells whether it is worth reading on."""

    what: str
    after: str | None


def glimpses_after(session: Session, after: int, subjects: Collection[Subject]) -> list[Glimpse]:
    """Return what happened to such subjects behind the event with id `after`."""
    wanted = select(EventRow.what, EventRow.after).where(
        EventRow.id > after, EventRow.subject.in_([str(each) for each in subjects])
    )
    return [Glimpse(*row) for row in session.execute(wanted.distinct())]


def events_at(session: Session, ids: Sequence[int]) -> list[Event]:
    """Return the events with these ids, in order."""
    return [
        _event(row)
        for row in session.scalars(select(EventRow).where(EventRow.id.in_(ids)).order_by(EventRow.id))
    ]


def events_of(session: Session, subject: Subject, subject_id: str) -> Sequence[Event]:
    """Return what happened to one subject, the oldest first."""
    wanted = select(EventRow).where(EventRow.subject == subject, EventRow.subject_id == subject_id)
    return [_event(row) for row in session.scalars(wanted.order_by(EventRow.id))]


def _columns(event: Event) -> dict[str, Any]:
    return {
        "at": event.at,
        "subject": event.subject,
        "subject_id": event.subject_id,
        "site": event.site,
        "what": event.what,
        "principal_kind": event.principal.kind,
        "principal_id": event.principal.id,
        "principal_name": event.principal.name,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "data": event.data,
    }


def _event(row: EventRow | Row[Any]) -> Event:
    return Event(
        id=row.id,
        at=row.at,
        subject=Subject(row.subject),
        subject_id=row.subject_id,
        site=row.site,
        what=row.what,
        principal=Principal(PrincipalKind(row.principal_kind), row.principal_id, row.principal_name),
        before=row.before,
        after=row.after,
        reason=row.reason,
        data=row.data,
    )
