"""Which cases were brought in from elsewhere: each once, by a key. Callers bring the transaction."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import ForeignKey, String, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.stock import MovementKind
from fleet.tickets import Ticket, TicketKind, TicketState
from storage.records.base import Base
from storage.records.parts import parts_of
from storage.records.stock_movements import MovementRow
from storage.records.tickets import SpanRow, SuspicionRow, TicketRow


class PastCaseRow(Base):
    """That a case is of a past that was brought in: its key, who mended it, and its number elsewhere."""

    __tablename__ = "past_case"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    engineer: Mapped[str] = mapped_column(String(64))
    external: Mapped[str] = mapped_column(String(128))
    taken_at: Mapped[int]


_TICKET = [name for name in TicketRow.__table__.columns.keys() if name not in ("id", "due")]  # noqa: SIM118
_SUSPICION = ("fault", "level", "part", "skill", "state", "since", "ended_at", "evidence")


@dataclass(frozen=True, slots=True)
class PastMark:
    """What is kept of such a case beside itself; `engineer` and `external` are "" where nobody knows."""

    ticket_id: int
    key: str
    engineer: str
    external: str
    taken_at: int


def known_keys(session: Session, keys: Collection[str]) -> dict[str, int]:
    """Return the case of each of these keys that there is."""
    found: dict[str, int] = {}
    for some in parts_of(list(keys)):
        rows = session.execute(
            select(PastCaseRow.key, PastCaseRow.ticket_id).where(PastCaseRow.key.in_(some))
        )
        found |= {row.key: row.ticket_id for row in rows}
    return found


def insert_past(session: Session, cases: Sequence[Ticket], marks: Sequence[PastMark]) -> list[int]:
    """Store closed cases and what is kept of each beside it; return their ids.

    All at once: of the time that cases take one by one, nearly all is spent between here and the database.
    Raises IntegrityError where another process took one of them.
    """
    rows = [{name: getattr(case, name) for name in _TICKET} for case in cases]
    ids = list(session.scalars(insert(TicketRow).returning(TicketRow.id, sort_by_parameter_order=True), rows))
    numbered = list(zip(ids, cases, strict=True))
    suspicions = [
        {name: getattr(each, name) for name in _SUSPICION} | {"ticket_id": number}
        for number, case in numbered
        for each in case.suspicions
    ]
    spans = [
        {"ticket_id": number, "number": place, **span._asdict()}
        for number, case in numbered
        for place, span in enumerate(case.spans)
    ]
    noted = [asdict(mark) | {"ticket_id": number} for number, mark in zip(ids, marks, strict=True)]
    for table, found in ((SuspicionRow, suspicions), (SpanRow, spans), (PastCaseRow, noted)):
        session.execute(insert(table), found)
    return ids


def past_marks(session: Session, ticket_ids: Collection[int]) -> dict[int, PastMark]:
    """Return what is kept of those of these cases that were brought in."""
    found: dict[int, PastMark] = {}
    for some in parts_of(list(ticket_ids)):
        for row in session.scalars(select(PastCaseRow).where(PastCaseRow.ticket_id.in_(some))):
            found[row.ticket_id] = PastMark(row.ticket_id, row.key, row.engineer, row.external, row.taken_at)
    return found


def closed_repairs(session: Session, since: int, until: int, after: int, most: int) -> list[int]:
    """Return ids of confirmed repairs that were opened in a range (epoch ms), behind one id, in order."""
    wanted = select(TicketRow.id).where(
        TicketRow.kind == TicketKind.REPAIR,
        TicketRow.state == TicketState.CONFIRMED,
        TicketRow.opened_at >= since,
        TicketRow.opened_at < until,
        TicketRow.id > after,
    )
    return list(session.scalars(wanted.order_by(TicketRow.id).limit(most)))


def parts_used(session: Session, ticket_ids: Collection[int]) -> dict[int, list[str]]:
    """Return the parts that each of these cases used, one for each piece."""
    found: dict[int, list[str]] = {}
    for some in parts_of(list(ticket_ids)):
        wanted = select(MovementRow.ticket_id, MovementRow.part, MovementRow.quantity).where(
            MovementRow.ticket_id.in_(some), MovementRow.kind == MovementKind.USED
        )
        for number, part, quantity in session.execute(wanted.order_by(MovementRow.id)):
            found.setdefault(int(number or 0), []).extend([part] * quantity)
    return found
