"""What became of repairs in parts: which orders there were, and how often mending a fault took one.

Callers bring the transaction.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet.stock import MovementKind
from fleet.tickets import SuspicionState, TicketState
from storage.records.stock_movements import MovementRow
from storage.records.tickets import SuspicionRow, TicketRow


@dataclass(frozen=True, slots=True)
class PartOrder:
    """A part that a case's visit used: of which device, and when the case was opened (epoch ms)."""

    part: str
    device_id: str
    opened_at: int


def part_orders(session: Session, since: int, limit: int) -> list[PartOrder]:
    """Return the newest uses of parts since a time (epoch ms), one of each case and part."""
    wanted = (
        select(MovementRow.part, TicketRow.device_id, TicketRow.opened_at)
        .join(TicketRow, TicketRow.id == MovementRow.ticket_id)
        .where(MovementRow.kind == MovementKind.USED, MovementRow.at >= since, TicketRow.device_id != "")
        .distinct()
        .order_by(TicketRow.opened_at.desc(), MovementRow.part)
        .limit(limit)
    )
    return [PartOrder(*row) for row in session.execute(wanted)]


def parts_taken(session: Session, since: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Return for each fault and its part how many confirmed repairs since a time used it, and of how many."""
    mended = (
        select(SuspicionRow.fault, SuspicionRow.part, SuspicionRow.ticket_id)
        .join(TicketRow, TicketRow.id == SuspicionRow.ticket_id)
        .where(
            TicketRow.state == TicketState.CONFIRMED,
            TicketRow.solved_at >= since,
            SuspicionRow.state == SuspicionState.CONFIRMED,
            SuspicionRow.part.is_not(None),
        )
    )
    used = select(MovementRow.ticket_id, MovementRow.part).where(
        MovementRow.kind == MovementKind.USED, MovementRow.at >= since, MovementRow.ticket_id.is_not(None)
    )
    taken = {(ticket, part) for ticket, part in session.execute(used.distinct())}
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for fault, part, ticket in session.execute(mended):
        key = (fault, part or "")
        with_part, repairs = found.get(key, (0, 0))
        found[key] = (with_part + ((ticket, part) in taken), repairs + 1)
    return found
