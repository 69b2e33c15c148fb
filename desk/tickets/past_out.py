"""Gives repairs that were made out again as past cases, as `PastCases.take` takes them."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from fleet.past_cases import PastCase
from fleet.tickets import SuspicionState, Ticket, TicketOrigin
from storage.records.case_facts import engineers_of
from storage.records.database import DeskDatabase
from storage.records.past_cases import closed_repairs, parts_used, past_marks
from storage.records.tickets import tickets_named

_AT_ONCE = 500


def past_cases(desk: DeskDatabase, since: int, until: int) -> Iterator[PastCase]:
    """Yield the repairs that were confirmed, by when they were opened (epoch ms); what is open is not past.

    What cleared by itself, was cancelled, or was left for a follow-up visit is not among them.
    """
    after = 0
    while True:
        with desk.look() as session:
            ids = closed_repairs(session, since, until, after, _AT_ONCE)
            found = _cases(session, ids)
        if not ids:
            return
        yield from found
        after = ids[-1]


def _cases(session: Session, ids: list[int]) -> list[PastCase]:
    tickets, marks = tickets_named(session, ids), past_marks(session, ids)
    parts, engineers = parts_used(session, ids), engineers_of(session, ids, marks)
    external = {number: mark.external for number, mark in marks.items()}
    return [
        _case(tickets[each], parts.get(each, []), engineers.get(each, ("", ""))[1], external.get(each, ""))
        for each in ids
    ]


def _case(ticket: Ticket, parts: list[str], engineer: str, external: str) -> PastCase:
    found = [each for each in ticket.suspicions if each.state is SuspicionState.CONFIRMED]
    refuted = [each.fault for each in ticket.suspicions if each.state is SuspicionState.REFUTED]
    return PastCase(
        ticket.device_id,
        ticket.opened_at,
        tuple(each.fault for each in found),
        tuple(each.since for each in found),
        tuple(refuted),
        ticket.responded_at,
        ticket.on_site_at,
        ticket.solved_at,
        ticket.spans[-1].begins if ticket.spans else ticket.solved_at,
        engineer,
        tuple(parts),
        "",
        external,
        ticket.origin is TicketOrigin.REPORTED,
    )
