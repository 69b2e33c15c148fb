"""How often warnings of a fault were right, as engineers judged them. Callers bring the transaction."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet.feedback import FaultRecord, Judged, JudgedCase
from fleet.grants import Sites
from fleet.tickets import FOUND, SuspicionState, TicketOrigin, TicketState
from storage.records.alerts import AlertRow
from storage.records.parts import parts_of
from storage.records.tickets import SuspicionAlert, SuspicionRow, TicketRow
from storage.records.within import at_sites

_RIGHT = (SuspicionState.CONFIRMED, SuspicionState.DEFERRED)
"""What was found, mended there or left for a follow-up visit: it was rightly warned of."""
_VERDICTS = (*_RIGHT, SuspicionState.REFUTED)
_SEEN = (TicketState.REPAIRED, TicketState.CONFIRMED)
"""Of these an engineer said what was wrong; what was only cancelled nobody has looked at."""


def fault_records(session: Session, faults: Collection[str], sites: Sites = None) -> dict[str, FaultRecord]:
    """Return the record of each of these faults, its cases the newest first.

    Counted are suspicions that an alert raised, in cases that we opened before anybody reported them, and
    which an engineer judged; one that several rules and models suspected counts once for each of them. What
    an engineer had seen and left for a follow-up visit is not warned of once more by an alert that joins it.
    """
    rows: dict[int, Any] = {}
    judges: dict[int, dict[str, None]] = {}
    for row in _judged(session, faults, sites):
        rows[row.id] = row
        judges.setdefault(row.id, {})[row.rule] = None
    return {
        fault: _record(fault, (row for row in rows.values() if row.fault == fault), judges)
        for fault in faults
    }


def _judged(session: Session, faults: Collection[str], sites: Sites) -> Sequence[Any]:
    columns = (SuspicionRow.id, SuspicionRow.fault, SuspicionRow.state, AlertRow.rule)
    found: list[Any] = []
    for some in parts_of(faults):
        wanted = (
            select(*columns, TicketRow.id.label("ticket"), TicketRow.device_id, TicketRow.solved_at)
            .join(TicketRow, TicketRow.id == SuspicionRow.ticket_id)
            .join(SuspicionAlert, SuspicionAlert.suspicion_id == SuspicionRow.id)
            .join(AlertRow, AlertRow.id == SuspicionAlert.alert_id)
            .where(
                SuspicionRow.fault.in_(some),
                SuspicionRow.state.in_(_VERDICTS),
                SuspicionRow.evidence[FOUND].as_string().is_(None),
                TicketRow.origin == TicketOrigin.PROACTIVE,
                TicketRow.state.in_(_SEEN),
            )
            .order_by(TicketRow.solved_at.desc(), SuspicionRow.id.desc(), AlertRow.id)
        )
        found += session.execute(at_sites(wanted, TicketRow.site, sites)).all()
    return found


def _record(fault: str, rows: Iterable[Any], judges: dict[int, dict[str, None]]) -> FaultRecord:
    cases = tuple(
        JudgedCase(
            row.ticket,
            row.device_id,
            row.solved_at,
            row.state in _RIGHT,
            tuple(judges[row.id]),
        )
        for row in rows
    )
    names = dict.fromkeys(name for each in cases for name in each.by)
    by = {name: _count(case for case in cases if name in case.by) for name in names}
    return FaultRecord(fault, _count(cases), by, cases)


def _count(cases: Iterable[JudgedCase]) -> Judged:
    found = [case.right for case in cases]
    return Judged(sum(found), len(found))
