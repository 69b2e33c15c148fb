"""What customers were told of visits, and said to it. Callers bring the transaction."""

from collections.abc import Iterable

from sqlalchemy import JSON, ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.assignments import Appointment, AppointmentState, Rather
from storage.records.base import Base
from storage.records.parts import parts_of


class AppointmentRow(Base):
    """An appointment (fleet.assignments.Appointment), one for each case; its link by its secret's digest."""

    __tablename__ = "appointment"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    key: Mapped[str | None] = mapped_column(String(64), unique=True)
    begins: Mapped[int]
    ends: Mapped[int]
    told_at: Mapped[int]
    times: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    rather: Mapped[list[str]] = mapped_column(JSON)
    remark: Mapped[str] = mapped_column(String(500))
    answered_at: Mapped[int | None]
    by: Mapped[str] = mapped_column(String(64))
    link_ends: Mapped[int]


def keep_appointment(session: Session, appointment: Appointment, key: str | None = None) -> None:
    """Keep an appointment in place of the case's one before; without a `key` the link stays what it is."""
    row = session.get(AppointmentRow, appointment.ticket_id, populate_existing=True)
    if row is None:
        row = AppointmentRow(ticket_id=appointment.ticket_id)
        session.add(row)
    if key is not None:
        row.key = key
    row.begins, row.ends, row.told_at = appointment.begins, appointment.ends, appointment.told_at
    row.times, row.state = appointment.times, str(appointment.state)
    row.rather, row.remark = [str(each) for each in appointment.rather], appointment.remark
    row.answered_at, row.by, row.link_ends = appointment.answered_at, appointment.by, appointment.link_ends
    session.flush()


def appointment_of(session: Session, ticket_id: int) -> Appointment | None:
    """Return the appointment of a case; None where its customer was told of none."""
    row = session.get(AppointmentRow, ticket_id, populate_existing=True)
    return None if row is None else _value(row)


def appointments_of(session: Session, ticket_ids: Iterable[int]) -> dict[int, Appointment]:
    """Return the appointments of these cases."""
    found: dict[int, Appointment] = {}
    for part in parts_of(ticket_ids):
        rows = session.scalars(select(AppointmentRow).where(AppointmentRow.ticket_id.in_(part)))
        found |= {row.ticket_id: _value(row) for row in rows}
    return found


def appointment_by_key(session: Session, key: str) -> Appointment | None:
    """Return what the link with the digest of a secret is about, also one that is over."""
    row = session.scalar(select(AppointmentRow).where(AppointmentRow.key == key))
    return None if row is None else _value(row)


def _value(row: AppointmentRow) -> Appointment:
    return Appointment(
        ticket_id=row.ticket_id,
        begins=row.begins,
        ends=row.ends,
        told_at=row.told_at,
        times=row.times,
        state=AppointmentState(row.state),
        rather=tuple(Rather(each) for each in row.rather),
        remark=row.remark,
        answered_at=row.answered_at,
        by=row.by,
        link_ends=row.link_ends,
    )
