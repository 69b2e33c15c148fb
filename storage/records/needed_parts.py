"""Which open cases need which parts. Callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet.tickets import CLOSED_STATES, SuspicionState, TicketKind
from storage.records.sites import SiteRow
from storage.records.tickets import SuspicionRow, TicketRow


@dataclass(frozen=True, slots=True)
class NeededPart:
    """A part that an open case needs, at a site of a region ("" where not known).

    `due` is when somebody is to be on site, epoch ms; None where nothing is promised, or it waits.
    """

    ticket: int
    part: str
    device_id: str
    site: str
    region: str
    level: str
    fault: str
    due: int | None
    owner: str


def needed_parts(session: Session) -> Sequence[NeededPart]:
    """Return what the repairs need that are still to be made, once each part of a case; by due, then case."""
    standing = (SuspicionState.SUSPECTED, SuspicionState.CONFIRMED)
    wanted = (
        select(
            TicketRow.id,
            SuspicionRow.part,
            TicketRow.device_id,
            TicketRow.site,
            SiteRow.region,
            TicketRow.level,
            TicketRow.fault,
            TicketRow.on_site_due,
            TicketRow.owner,
        )
        .join(SuspicionRow, SuspicionRow.ticket_id == TicketRow.id)
        .outerjoin(SiteRow, SiteRow.id == TicketRow.site)
        .where(
            TicketRow.kind == TicketKind.REPAIR,
            TicketRow.state.not_in(CLOSED_STATES),
            TicketRow.solved_at.is_(None),
            SuspicionRow.state.in_(standing),
            SuspicionRow.part.is_not(None),
        )
        .distinct()
    )
    found = [
        NeededPart(ticket, part or "", device, site, region or "", level, fault, due, owner)
        for ticket, part, device, site, region, level, fault, due, owner in session.execute(wanted)
    ]
    return sorted(found, key=lambda each: (each.due is None, each.due or 0, each.ticket, each.part))


def owned_cases(session: Session, owner: str) -> list[int]:
    """Return the repairs that are still to be made and that a person answers for."""
    wanted = select(TicketRow.id).where(
        TicketRow.owner == owner,
        TicketRow.kind == TicketKind.REPAIR,
        TicketRow.state.not_in(CLOSED_STATES),
        TicketRow.solved_at.is_(None),
    )
    return list(session.scalars(wanted.order_by(TicketRow.id)))
