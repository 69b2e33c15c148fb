"""What is read and written about tickets in the desk database; callers bring the transaction."""

from collections.abc import Sequence

from sqlalchemy import CursorResult, exists, select, update
from sqlalchemy.orm import Session

from fleet.alerts import AlertState
from fleet.errors import Conflict, NotFound
from fleet.tickets import CLOSED_STATES
from storage.records.tables import AlertRow, TicketEvent, TicketRow


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
