"""What is read and written about tickets in the desk database; callers bring the transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    CursorResult,
    ForeignKey,
    Index,
    String,
    exists,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.alerts import AlertState
from fleet.errors import Conflict, NotFound
from fleet.tickets import CLOSED_STATES
from storage.records.alerts import AlertRow
from storage.records.base import Base, Number

# The deadline of the next milestone that is still to be reached; none is left on a closed ticket. A generated
# column, so that a list sorted by it needs no second truth beside the milestones.
_NEXT_DUE = """CASE
    WHEN state IN ('confirmed', 'cancelled') THEN NULL
    WHEN responded_at IS NULL THEN respond_due
    WHEN on_site_due IS NOT NULL AND on_site_at IS NULL AND solved_at IS NULL THEN on_site_due
    WHEN solved_at IS NULL THEN solve_due
END"""


class TicketRow(Base):
    """A repair ticket; `*_due` times come from the SLA policy, `version` guards against lost updates.

    The database itself allows one open ticket per device and fault.
    """

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64), index=True)
    site: Mapped[str] = mapped_column(String(64))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"), unique=True)
    fault: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(2))
    origin: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    part: Mapped[str | None] = mapped_column(String(64))
    skill: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[int]
    respond_due: Mapped[int]
    on_site_due: Mapped[int | None]
    solve_due: Mapped[int | None]
    responded_at: Mapped[int | None]
    on_site_at: Mapped[int | None]
    solved_at: Mapped[int | None]
    confirmed_fault: Mapped[str | None] = mapped_column(String(64))
    evidence: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1)
    due: Mapped[int | None] = mapped_column(Computed(_NEXT_DUE, persisted=True))

    __table_args__ = (
        CheckConstraint("origin IN ('proactive', 'reported')", name="ck_ticket_origin"),
        Index(
            "uq_ticket_open",
            "device_id",
            "fault",
            unique=True,
            sqlite_where=text("state NOT IN ('confirmed', 'cancelled')"),
            postgresql_where=text("state NOT IN ('confirmed', 'cancelled')"),
        ),
        Index("ix_ticket_state", "state", "opened_at"),
        Index("ix_ticket_due", "due", "id"),
    )


class TicketEvent(Base):
    """Something done to a ticket: who, when, what, why. Rows are only ever added."""

    __tablename__ = "ticket_event"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    at: Mapped[int]
    who: Mapped[str] = mapped_column(String(64))
    before: Mapped[str | None] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    why: Mapped[str]


def ticket_row(session: Session, ticket_id: int) -> TicketRow:
    """Return the row of a ticket. Raises NotFound."""
    row = session.get(TicketRow, ticket_id) if 0 < ticket_id < 2**63 else None
    if row is None:
        raise NotFound(f"there is no ticket {ticket_id}")
    return row


def ticket_of_alert(session: Session, alert_id: int) -> TicketRow | None:
    """Return the ticket that an alert opened or was attached to."""
    return session.scalars(select(TicketRow).where(TicketRow.alert_id == alert_id)).one_or_none()


def open_ticket_of(session: Session, device_id: str, fault: str) -> TicketRow | None:
    """Return the open ticket of a device and fault; the database allows one."""
    statement = select(TicketRow).where(
        TicketRow.device_id == device_id, TicketRow.fault == fault, TicketRow.state.not_in(CLOSED_STATES)
    )
    return session.scalars(statement).one_or_none()


def alerts_without_ticket(session: Session) -> Sequence[AlertRow]:
    """Return the alerts that fire, want a ticket and have none, the oldest first."""
    statement = (
        select(AlertRow)
        .where(
            AlertRow.state.in_((AlertState.FIRING, AlertState.ACKNOWLEDGED)),
            AlertRow.opens_ticket,
            ~exists().where(TicketRow.alert_id == AlertRow.id),
        )
        .order_by(AlertRow.id)
    )
    return session.scalars(statement).all()


def save_ticket(session: Session, ticket: TicketRow, changes: dict[str, object]) -> None:
    """Change a ticket and count its version up. Raises Conflict when someone else changed it meanwhile."""
    statement = (
        update(TicketRow)
        .where(TicketRow.id == ticket.id, TicketRow.version == ticket.version)
        .values(changes | {"version": ticket.version + 1})
    )
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    if result.rowcount == 0:
        raise Conflict(f"ticket {ticket.id} was changed by someone else meanwhile; read it again")
    session.refresh(ticket)


def add_ticket_event(
    session: Session, ticket_id: int, who: str, at: int, states: tuple[str | None, str], why: str
) -> None:
    """Add an event row; `states` are those before and after."""
    before, after = states
    session.add(TicketEvent(ticket_id=ticket_id, at=at, who=who, before=before, after=after, why=why))


def count_open(session: Session) -> int:
    """Count the tickets that are open."""
    still_open = TicketRow.state.not_in(CLOSED_STATES)
    return session.scalar(select(func.count()).select_from(TicketRow).where(still_open)) or 0
