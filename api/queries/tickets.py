"""Tickets as lists and pages need them."""

from pydantic import Field
from sqlalchemy.orm import Session

from api.params import FaultCode, Paged, SearchText, TicketSort
from fleet.faults import Level
from fleet.grants import Sites
from fleet.tickets import Ticket, TicketKind, TicketOrigin, TicketState
from storage.records import ticket_lists
from storage.records.paging import Page
from storage.records.ticket_lists import TicketFilter


class TicketQuery(Paged):
    """Which tickets, and in which order."""

    sort: TicketSort = "-opened_at"
    state: list[TicketState] = Field([], description="May be given several times; without it, every state")
    level: Level | None = None
    origin: TicketOrigin | None = None
    kind: TicketKind | None = None
    owner: str | None = Field(None, max_length=64, description="Id of the person who answers for them")
    device: SearchText | None = None
    site: SearchText | None = None
    overdue: bool = Field(False, description="Only open ones with a milestone that is overdue")
    fault: FaultCode | None = Field(None, description="Tickets that suspect it, whatever else they suspect")


def find_tickets(session: Session, query: TicketQuery, now: int, sites: Sites) -> Page[Ticket]:
    """Return one page of tickets of some sites as they stand at `now` (epoch ms), filtered and sorted."""
    wanted = TicketFilter(
        tuple(query.state),
        query.level,
        query.origin,
        query.device,
        query.site,
        query.fault,
        now if query.overdue else None,
        query.kind,
        query.owner,
    )
    return ticket_lists.find_tickets(session, wanted, query.asked(), sites)
