"""What people wrote down about alerts, and how often they were told; callers bring the transaction."""

from collections.abc import Sequence

from sqlalchemy import Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.alerts import Alert
from fleet.care import NOTED, AlertNote
from fleet.events import Event, Subject
from fleet.principals import Principal
from storage.records.base import Base, Number
from storage.records.devices import place_of
from storage.records.events import tell
from storage.records.upsert import insert_into


class AlertNoteRow(Base):
    """A note on an alert. Rows are only ever added; they stay when the alert is over or comes again."""

    __tablename__ = "alert_note"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(64))
    device_id: Mapped[str] = mapped_column(String(64))
    fault: Mapped[str] = mapped_column(String(64))
    at: Mapped[int]
    who: Mapped[str] = mapped_column(String(64))
    text: Mapped[str]

    __table_args__ = (Index("ix_alert_note_case", "device_id", "fault", "at"),)


class TellingCountRow(Base):
    """How often people were told of a customer's devices on one of its days."""

    __tablename__ = "telling_count"

    customer: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    told: Mapped[int]


def add_note(session: Session, alert: Alert, by: Principal, at: int, text: str) -> AlertNote:
    """Keep a note, with its event."""
    row = AlertNoteRow(
        alert_id=alert.id, device_id=alert.device_id, fault=alert.fault, at=at, who=by.name, text=text
    )
    session.add(row)
    session.flush()
    place = place_of(session, alert.device_id)
    data = {"device_id": alert.device_id, "fault": alert.fault, "note": row.id}
    site = place.site if place else None
    tell(session, Event(at, Subject.ALERT, alert.id, NOTED, by, text, site=site, data=data))
    return _note(row)


def notes_on(session: Session, alert: Alert, since: int) -> Sequence[AlertNote]:
    """Return the notes on alerts of the same device and fault since a time (epoch ms), the oldest first."""
    wanted = select(AlertNoteRow).where(
        AlertNoteRow.device_id == alert.device_id, AlertNoteRow.fault == alert.fault, AlertNoteRow.at >= since
    )
    return [_note(row) for row in session.scalars(wanted.order_by(AlertNoteRow.at, AlertNoteRow.id))]


def _note(row: AlertNoteRow) -> AlertNote:
    return AlertNote(row.id, row.alert_id, row.at, row.who, row.text)


def count_telling(session: Session, customer: str, day: str) -> None:
    """Count one telling of a customer's devices on a day (`2026-11-22`)."""
    first = insert_into(session, TellingCountRow).values(customer=customer, day=day, told=1)
    session.execute(
        first.on_conflict_do_update(
            index_elements=["customer", "day"], set_={"told": TellingCountRow.told + 1}
        )
    )


def told_on(session: Session, customer: str, day: str) -> int:
    """Return how often people were told of a customer's devices on a day."""
    wanted = select(TellingCountRow.told).where(
        TellingCountRow.customer == customer, TellingCountRow.day == day
    )
    return session.scalar(wanted) or 0


def forget_counts(session: Session, before: str) -> None:
    """Forget how often people were told before a day."""
    session.execute(delete(TellingCountRow).where(TellingCountRow.day < before))
