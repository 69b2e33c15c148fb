"""Which tickets belong together. Callers bring the transaction."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ForeignKey, Index, String, delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.tickets import FOLLOW_UP, Suspicion, TicketLink
from storage.records.base import Base
from storage.records.tickets import SuspicionRow, TicketRow


class TicketLinkRow(Base):
    """A link of two tickets, the older first, whichever of them named it."""

    __tablename__ = "ticket_link"

    one: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    other: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)

    __table_args__ = (Index("ix_ticket_link_other", "other"),)


class Linked(NamedTuple):
    """A ticket that another is linked with."""

    id: int
    kind: TicketLink
    state: str
    fault: str
    site: str


def link_tickets(session: Session, one: int, other: int, kind: TicketLink) -> bool:
    """Link two tickets; False where they were already."""
    key = (min(one, other), max(one, other), str(kind))
    if session.get(TicketLinkRow, key) is not None:
        return False
    session.add(TicketLinkRow(one=key[0], other=key[1], kind=key[2]))
    session.flush()
    return True


def unlink_tickets(session: Session, one: int, other: int) -> bool:
    """Take the links of two tickets apart; False where there were none."""
    pair = (TicketLinkRow.one == min(one, other), TicketLinkRow.other == max(one, other))
    gone = session.scalars(select(TicketLinkRow.kind).where(*pair)).all()
    session.execute(delete(TicketLinkRow).where(*pair))
    return bool(gone)


def links_of(session: Session, ticket_id: int) -> list[Linked]:
    """Return the tickets that one is linked with, the newest first."""
    rows = session.execute(
        select(TicketLinkRow).where(or_(TicketLinkRow.one == ticket_id, TicketLinkRow.other == ticket_id))
    ).scalars()
    kinds = {(row.other if row.one == ticket_id else row.one): TicketLink(row.kind) for row in rows}
    wanted = select(TicketRow.id, TicketRow.state, TicketRow.fault, TicketRow.site)
    found = session.execute(wanted.where(TicketRow.id.in_(kinds)).order_by(TicketRow.id.desc()))
    return [Linked(number, kinds[number], state, fault, site) for number, state, fault, site in found]


def note_follow_up(session: Session, deferred: Iterable[Suspicion], follow_up: int) -> None:
    """Note which case is to mend what another deferred; part of the change that closes that one."""
    for each in deferred:
        session.execute(
            update(SuspicionRow)
            .where(SuspicionRow.id == each.id)
            .values(evidence=each.evidence | {FOLLOW_UP: follow_up}),
            execution_options={"synchronize_session": False},
        )
