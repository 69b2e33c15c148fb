"""A desk database with many open cases, written at once."""

import random

from sqlalchemy import insert

from fleet.clock import HOUR_MS
from fleet.tickets import TicketState
from storage.records.database import DeskDatabase
from storage.records.tickets import SpanRow, SuspicionRow, TicketRow

SITES = 40
"""They stand at so many sites: hall0, hall1, ..."""
_WAYS = (
    (TicketState.OPENED,),
    (TicketState.OPENED, TicketState.ACCEPTED),
    (TicketState.OPENED, TicketState.ACCEPTED, TicketState.WAITING_CUSTOMER),
    (TicketState.OPENED, TicketState.ACCEPTED, TicketState.WAITING_CUSTOMER, TicketState.EN_ROUTE),
)


def add_open_cases(desk: DeskDatabase, count: int, now: int) -> None:
    """Store so many open repairs of 40 sites, each opened within the ten days before `now` (epoch ms)."""
    chance = random.Random(1)
    with desk.transaction() as session:
        for begin in range(1, count + 1, 5_000):
            tickets, spans, suspicions = [], [], []
            for number in range(begin, min(begin + 5_000, count + 1)):
                ticket, own = _case(chance, number, now)
                tickets.append(ticket)
                spans += own
                suspicions.append(_suspicion(number, ticket["opened_at"]))
            session.execute(insert(TicketRow), tickets)
            session.execute(insert(SpanRow), spans)
            session.execute(insert(SuspicionRow), suspicions)


def _case(chance: random.Random, number: int, now: int) -> tuple[dict[str, object], list[dict[str, object]]]:
    way, level = chance.choice(_WAYS), chance.choice(["L1", "L2", "L3"])
    opened = now - chance.randrange(10 * 24) * HOUR_MS
    times = [opened + number * HOUR_MS // 2 for number in range(len(way))]
    ticket = {
        "id": number, "kind": "repair", "device_id": f"R{number}", "site": f"hall{number % SITES}",
        "fault": "brush_jam", "level": level, "origin": "reported", "state": way[-1], "opened_at": opened,
        "respond_due": 0, "responded_at": times[1] if len(way) > 1 else None, "version": 1,
    }  # fmt: skip
    spans = [
        {"ticket_id": number, "number": place, "begins": at, "state": state, "level": level}
        for place, (at, state) in enumerate(zip(times, way, strict=True))
    ]
    return ticket, spans


def _suspicion(number: int, since: object) -> dict[str, object]:
    return {
        "ticket_id": number, "fault": "brush_jam", "level": "L2", "part": None, "skill": "mechanical",
        "state": "suspected", "since": since, "evidence": {},
    }  # fmt: skip
