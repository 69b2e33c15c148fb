"""Which maintenance a ticket is about: one for a device and plan. Callers bring the transaction."""

from collections.abc import Sequence

from sqlalchemy import ForeignKey, Index, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.upkeep import Upkeep
from storage.records.base import Base
from storage.records.parts import parts_of


class MaintenanceTicketRow(Base):
    """What one ticket of maintenance is about (fleet.upkeep.Upkeep).

    The database itself allows one open ticket for a device and plan.
    """

    __tablename__ = "maintenance_ticket"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    device_id: Mapped[str] = mapped_column(String(64))
    plan: Mapped[str] = mapped_column(String(64))
    due_at: Mapped[int]
    is_open: Mapped[bool]

    __table_args__ = (
        Index(
            "uq_maintenance_open",
            "device_id",
            "plan",
            unique=True,
            sqlite_where=text("is_open"),
            postgresql_where=text("is_open"),
        ),
    )


def write_upkeep(session: Session, ticket_id: int, device_id: str, upkeep: Upkeep) -> None:
    """Keep what a new ticket is about. Raises IntegrityError where another one is open for it."""
    row = MaintenanceTicketRow(
        ticket_id=ticket_id, device_id=device_id, plan=upkeep.plan, due_at=upkeep.due_at, is_open=True
    )
    session.add(row)
    session.flush()


def let_go(session: Session, ticket_id: int) -> None:
    """Note that a ticket of maintenance is over: another one may open."""
    session.execute(
        update(MaintenanceTicketRow).where(MaintenanceTicketRow.ticket_id == ticket_id).values(is_open=False),
        execution_options={"synchronize_session": False},
    )


def upkeeps_of(session: Session, ticket_ids: Sequence[int]) -> dict[int, Upkeep]:
    """Return what those of these tickets are about that are maintenance."""
    found: dict[int, Upkeep] = {}
    columns = (MaintenanceTicketRow.ticket_id, MaintenanceTicketRow.plan, MaintenanceTicketRow.due_at)
    for some in parts_of(ticket_ids):
        rows = session.execute(select(*columns).where(MaintenanceTicketRow.ticket_id.in_(some)))
        found |= {ticket_id: Upkeep(plan, due_at) for ticket_id, plan, due_at in rows}
    return found


def open_maintenance(session: Session, device_ids: Sequence[str] | None = None) -> dict[tuple[str, str], int]:
    """Return the open tickets of maintenance by device and plan; without `device_ids`, of all."""
    columns = (MaintenanceTicketRow.device_id, MaintenanceTicketRow.plan, MaintenanceTicketRow.ticket_id)
    wanted = select(*columns).where(MaintenanceTicketRow.is_open)
    if device_ids is None:
        return {(row[0], row[1]): row[2] for row in session.execute(wanted)}
    found: dict[tuple[str, str], int] = {}
    for some in parts_of(device_ids):
        rows = session.execute(wanted.where(MaintenanceTicketRow.device_id.in_(some)))
        found |= {(row[0], row[1]): row[2] for row in rows}
    return found
