"""Tickets as the API shows them."""

from collections.abc import Iterable
from dataclasses import asdict

from api.schemas import (
    ClockItem,
    ComplaintItem,
    EventItem,
    PrincipalItem,
    SuspicionItem,
    TicketDetail,
    TicketItem,
)
from desk.clocks.calendar import OPEN
from desk.clocks.clocks import Explained
from desk.clocks.standing import TicketClocks
from desk.tickets.complaints import review_at
from fleet.cases import closes_at
from fleet.events import Event
from fleet.tickets import Ticket
from fleet.workflows import WORKFLOWS

_ITEM = (
    "id",
    "kind",
    "device_id",
    "site",
    "fault",
    "level",
    "origin",
    "state",
    "opened_at",
    "due",
    "evidence",
)


_CLOCK = (
    "milestone",
    "due",
    "warn_at",
    "done_at",
    "status",
    "calendar",
    "since",
    "counted_ms",
    "allowed_ms",
    "provisional",
)


def ticket_item(ticket: Ticket) -> TicketItem:
    """Return a ticket as lists show it."""
    return TicketItem.model_validate(_item(ticket))


def _item(ticket: Ticket) -> dict[str, object]:
    return {name: getattr(ticket, name) for name in _ITEM} | {
        "evidence": ticket.evidence,
        "faults": ticket.faults,
        "closes_at": closes_at(ticket),
        "suspicions": [SuspicionItem.model_validate(each) for each in ticket.suspicions],
    }


def ticket_detail(ticket: Ticket, events: Iterable[Event], clocks: TicketClocks, now: int) -> TicketDetail:
    """Return a ticket with its clocks at `now` (epoch ms), its history and the states it may go to."""
    likely = ticket.likely
    more = {
        "alert_id": likely.alert_id if likely else None,
        "part": likely.part if likely else None,
        "skill": likely.skill if likely else None,
        "parts": ticket.parts,
        "confirmed_fault": ticket.confirmed_fault,
        "confirmed_faults": list(ticket.confirmed_faults),
        "deferred_faults": list(ticket.deferred_faults),
        "merged_into": ticket.merged_into,
        "owner_name": ticket.owner_name or None,
        "complaint": _complaint(ticket),
        "version": ticket.version,
        "allowed": WORKFLOWS[ticket.kind].ways[ticket.state],
        "clocks": [clock_item(each) for each in clocks.explain(ticket, now)],
        "events": [event_item(event) for event in events],
    }
    return TicketDetail.model_validate(_item(ticket) | more)


def _complaint(ticket: Ticket) -> ComplaintItem | None:
    if ticket.complaint is None:
        return None
    return ComplaintItem.model_validate(asdict(ticket.complaint) | {"review_at": review_at(ticket)})


def clock_item(found: Explained) -> ClockItem:
    """Return a clock with what counted and what did not."""
    clock = found.clock
    spans = [
        {"start": each.begin, "end": each.end, "counted": each.reason == OPEN, "reason": each.reason}
        for each in found.stretches
    ]
    return ClockItem.model_validate({name: getattr(clock, name) for name in _CLOCK} | {"spans": spans})


def event_item(event: Event) -> EventItem:
    """Return an event of the log as a history shows it."""
    return EventItem(
        at=event.at,
        what=event.what,
        by=PrincipalItem.model_validate(event.principal),
        who=event.principal.name,
        before=event.before,
        after=event.after,
        why=event.reason,
    )
