"""What repairs turned out to need, and which open cases name nothing. Callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet.tickets import CLOSED_STATES, SuspicionState, TicketKind
from storage.records.devices import Device
from storage.records.tickets import SuspicionRow, TicketRow

_STANDING = (SuspicionState.SUSPECTED, SuspicionState.CONFIRMED)
_FOUND = (SuspicionState.CONFIRMED, SuspicionState.DEFERRED)
"""What a visit would have mended with the parts for it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How often a part was needed at devices of a model, in cases that began with a suspicion (`symptom`)."""

    part: str
    model: str
    symptom: str
    count: int


@dataclass(frozen=True, slots=True)
class Unnamed:
    """An open case of which nobody knows the fault: a model of device, and what was said of it instead."""

    ticket: int
    model: str
    symptom: str


def findings(session: Session, kind: str, since: int) -> Sequence[Finding]:
    """Return what was found at devices of a kind in repairs that ended since then (epoch ms)."""
    wanted = (
        select(SuspicionRow.part, Device.model, TicketRow.fault, func.count())
        .join(TicketRow, SuspicionRow.ticket_id == TicketRow.id)
        .join(Device, Device.id == TicketRow.device_id)
        .where(
            TicketRow.kind == TicketKind.REPAIR,
            TicketRow.solved_at >= since,
            Device.kind == kind,
            SuspicionRow.state.in_(_FOUND),
            SuspicionRow.part.is_not(None),
        )
        .group_by(SuspicionRow.part, Device.model, TicketRow.fault)
    )
    return [Finding(part or "", model, fault, count) for part, model, fault, count in session.execute(wanted)]


def device_of_repairs(session: Session) -> dict[int, str]:
    """Return the device of each repair that is still to be made, by case."""
    wanted = select(TicketRow.id, TicketRow.device_id).where(
        TicketRow.kind == TicketKind.REPAIR,
        TicketRow.state.not_in(CLOSED_STATES),
        TicketRow.solved_at.is_(None),
    )
    return {number: device for number, device in session.execute(wanted) if device}


def unnamed_cases(session: Session, kind: str) -> Sequence[Unnamed]:
    """Return the open repairs of devices of a kind of which no standing suspicion names a part."""
    named = select(SuspicionRow.ticket_id).where(
        SuspicionRow.state.in_(_STANDING), SuspicionRow.part.is_not(None)
    )
    wanted = (
        select(TicketRow.id, Device.model, TicketRow.fault)
        .join(Device, Device.id == TicketRow.device_id)
        .where(
            TicketRow.kind == TicketKind.REPAIR,
            TicketRow.state.not_in(CLOSED_STATES),
            TicketRow.solved_at.is_(None),
            Device.kind == kind,
            TicketRow.id.not_in(named),
        )
        .order_by(TicketRow.id)
    )
    return [Unnamed(*row) for row in session.execute(wanted)]
