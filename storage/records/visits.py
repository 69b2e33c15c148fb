"""What engineers wrote down of their visits. Callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.feedback import PartUsed, Visit
from storage.records.base import Base


class VisitRow(Base):
    """A visit (fleet.feedback.Visit), one for each repair of a case."""

    __tablename__ = "visit"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    repair: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    engineer: Mapped[str] = mapped_column(String(64))
    arrived: Mapped[int | None]
    minutes: Mapped[int]
    parts: Mapped[list[Any]] = mapped_column(JSON)
    remark: Mapped[str] = mapped_column(String(2000))
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)
    signed_by: Mapped[str] = mapped_column(String(64))
    next_service: Mapped[int | None]
    changed_at: Mapped[int]


def put_visit(session: Session, visit: Visit) -> None:
    """Keep what is said of a visit, in place of what was said before."""
    columns = {name: getattr(visit, name) for name in VisitRow.__table__.columns.keys()}  # noqa: SIM118
    session.merge(VisitRow(**columns | {"parts": [asdict(part) for part in visit.parts]}))
    session.flush()


def visit_of(session: Session, ticket_id: int, repair: int) -> Visit | None:
    """Return what was written down of one repair of a case."""
    row = session.get(VisitRow, (ticket_id, repair))
    return None if row is None else _value(row)


def visits_of(session: Session, ticket_id: int) -> Sequence[Visit]:
    """Return what was written down of all repairs of a case, the oldest first."""
    wanted = select(VisitRow).where(VisitRow.ticket_id == ticket_id).order_by(VisitRow.repair)
    return [_value(row) for row in session.scalars(wanted)]


def _value(row: VisitRow) -> Visit:
    values = {name: getattr(row, name) for name in VisitRow.__table__.columns.keys()}  # noqa: SIM118
    return Visit(**values | {"parts": tuple(PartUsed(**part) for part in row.parts)})
