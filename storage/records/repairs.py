"""What the desk knows that models learn from: repairs, replaced parts, and the models of devices."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import or_, select

from fleet.faults import FAULTS
from fleet.signals import Kind
from fleet.tickets import CLOSED_STATES, SuspicionState, TicketState
from storage.records.database import DeskDatabase
from storage.records.devices import Device, DeviceEvent
from storage.records.tickets import SuspicionRow, TicketRow

PART_REPLACED, DEVICE_REPLACED = "part_replaced", "device_replaced"
RENEWING = (PART_REPLACED, DEVICE_REPLACED)
"""Codes of events."""

_REPAIR_SCHEMA = {"device_id": pl.String, "fault": pl.String, "opened": pl.Int64, "ended": pl.Int64}
_EVENT_SCHEMA = {"device_id": pl.String, "fault": pl.String, "ts": pl.Int64}


def confirmed_repairs(desk: DeskDatabase) -> pl.DataFrame:
    """Return what was really wrong: one row for each fault that a confirmed case found, by time of noticing.

    A fault that nobody had suspected is one too, noticed when its case was opened. Columns device_id, fault,
    opened (noticed), ended (mended); times in epoch ms.
    """
    query = (
        select(TicketRow.device_id, SuspicionRow.fault, SuspicionRow.since, TicketRow.solved_at)
        .join(SuspicionRow, SuspicionRow.ticket_id == TicketRow.id)
        .where(TicketRow.state == TicketState.CONFIRMED, SuspicionRow.state == SuspicionState.CONFIRMED)
        .order_by(SuspicionRow.since, TicketRow.id, SuspicionRow.id)
    )
    with desk.transaction() as session:
        rows = [(d, f, since, ended or since) for d, f, since, ended in session.execute(query)]
    return pl.DataFrame(rows, schema=_REPAIR_SCHEMA, orient="row")


@dataclass(frozen=True, slots=True)
class Findings:
    """What closed repairs of some time say: how many faults they found, and when the first (epoch ms).

    `right` and `wrong` count the visited cases of one suspicion: those that found something, and nothing.
    """

    faults: int
    first: int | None
    right: int
    wrong: int


def findings(desk: DeskDatabase, kind: Kind, suspicion: str, since: int) -> Findings:
    """Return what repairs of a kind of device that were solved since then (epoch ms) found.

    What customers mend alone is no fault here. A fault that nobody had suspected makes a suspicion right too.
    """
    query = (
        select(
            TicketRow.id, TicketRow.on_site_at, TicketRow.solved_at, SuspicionRow.fault, SuspicionRow.state
        )
        .join(SuspicionRow, SuspicionRow.ticket_id == TicketRow.id)
        .where(TicketRow.state == TicketState.CONFIRMED, TicketRow.solved_at >= since)
    )
    times: list[int] = []
    asked: set[int] = set()
    true: set[int] = set()
    with desk.transaction() as session:
        for ticket, on_site, solved, fault, state in session.execute(query):
            if fault == suspicion and on_site is not None:
                asked.add(ticket)
            if state != SuspicionState.CONFIRMED or solved is None:
                continue
            true.add(ticket)
            known = FAULTS.get(fault)
            if known is not None and known.kind is kind and not known.customer_can_mend:
                times.append(solved)
    return Findings(len(times), min(times, default=None), len(asked & true), len(asked - true))


def open_tickets(desk: DeskDatabase) -> pl.DataFrame:
    """Return the suspicions of which nobody knows whether they are right: device_id, fault, ts (since).

    That is all that an open case suspects; and what cleared by itself before anyone was there, for ever:
    the fault may have come and gone, or the customer mended it, so it is neither a label of the fault nor of
    its absence. What was deferred had begun and was not mended: it is a label of neither too, its follow-up
    case says when it was mended. What a repair refuted is not among them: there somebody looked.
    """
    query = (
        select(TicketRow.device_id, SuspicionRow.fault, SuspicionRow.since)
        .join(SuspicionRow, SuspicionRow.ticket_id == TicketRow.id)
        .where(
            or_(
                TicketRow.state.not_in(sorted(CLOSED_STATES)),
                SuspicionRow.state.in_((SuspicionState.CLEARED, SuspicionState.DEFERRED)),
            )
        )
        .order_by(SuspicionRow.since, TicketRow.id, SuspicionRow.id)
    )
    with desk.transaction() as session:
        rows = [tuple(row) for row in session.execute(query)]
    return pl.DataFrame(rows, schema=_EVENT_SCHEMA, orient="row")


def renewals(desk: DeskDatabase) -> pl.DataFrame:
    """Return when a part began a new life: device_id, fault (that the renewal mends), ts, by time.

    From confirmed repairs; from `part_replaced` events, which name a fault or a part: a part that mends
    several faults renews them all, an event that names neither is passed over; and from `device_replaced`
    events: another device goes on under the old one's id, and everything of it is new.
    """
    repairs = confirmed_repairs(desk).select("device_id", "fault", ts="ended")
    query = select(DeviceEvent.device_id, DeviceEvent.code, DeviceEvent.detail, DeviceEvent.ts).where(
        DeviceEvent.code.in_(RENEWING)
    )
    with desk.transaction() as session:
        rows = [
            (device, fault, ts)
            for device, code, detail, ts in session.execute(query)
            for fault in (FAULTS if code == DEVICE_REPLACED else _mended_by(detail))
        ]
    events = pl.DataFrame(rows, schema=_EVENT_SCHEMA, orient="row")
    return pl.concat([repairs, events]).unique().sort("ts", "device_id", "fault")


def _mended_by(detail: dict[str, Any]) -> list[str]:
    fault, part = detail.get("fault"), detail.get("part")
    if isinstance(fault, str) and fault in FAULTS:
        return [fault]
    return [code for code, entry in FAULTS.items() if part is not None and entry.part == part]


def device_places(desk: DeskDatabase, kind: Kind) -> tuple[dict[str, str], dict[str, str]]:
    """Return the model and the site of each device of a kind, both by device id."""
    with desk.transaction() as session:
        rows = session.execute(select(Device.id, Device.model, Device.site).where(Device.kind == kind)).all()
    return {device: model for device, model, _ in rows}, {device: site for device, _, site in rows}
