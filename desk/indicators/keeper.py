"""Keeps what is counted of each case: by the log of events, and anew from the cases themselves."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from desk.clocks.standing import TicketClocks, ZoneOf
from desk.indicators.facts import Around, fact_of, linked
from fleet.case_facts import CaseFact, Scores, month_after, month_of, no_scores
from fleet.clock import Clock
from fleet.events import Event, Subject
from fleet.localtime import LATEST_MS
from fleet.tickets import Ticket
from storage.records.case_facts import (
    cases_of_devices,
    count_up,
    devices_after,
    devices_without_facts,
    engineers_of,
    facts_of_devices,
    lives_of,
    one_at_a_time,
    owners_of,
    tickets_of,
    write_facts,
)
from storage.records.database import DeskDatabase
from storage.records.past_cases import past_marks

log = logging.getLogger(__name__)
_AT_ONCE = 300
"""Devices a transaction."""
_MOST_LOGGED = 10


class FactKeeper:
    """Rewrites what is counted of a case whenever the log tells of it; to do so again changes nothing.

    It goes by how the case stands now, not by what an event says. What changes without an event of the case
    (a calendar or policy, what a site or a device is) is caught by `recount`.
    """

    name = "facts for indicators"
    subjects = frozenset({Subject.TICKET})

    def __init__(
        self,
        desk: DeskDatabase,
        clocks: TicketClocks,
        zone_of: ZoneOf,
        clock: Clock,
        scores: Scores = no_scores,
    ) -> None:
        self._desk = desk
        self._clocks = clocks
        self._zone_of = zone_of
        self._clock = clock
        self._scores = scores

    def handle(self, event: Event) -> None:
        """Keep what is counted of one case."""
        self.handle_all([event])

    def handle_all(self, events: Sequence[Event]) -> None:
        """Keep what is counted of the cases that these events tell of."""
        ids = {int(event.subject_id) for event in events if event.subject is Subject.TICKET}
        if not ids:
            return
        with self._desk.transaction() as session:
            one_at_a_time(session)
            tickets = tickets_of(session, ids)
            self._keep(session, tickets, facts_of_devices(session, {each.device_id for each in tickets}))

    def recount(self) -> int:
        """Work out all facts anew from the cases; return how many were not as they were kept."""
        different, after = 0, ""
        while True:
            with self._desk.transaction() as session:
                one_at_a_time(session)
                devices = devices_after(session, after, _AT_ONCE)
                if not devices:
                    return different
                different += self._recount(session, devices)
            after = devices[-1]

    def fill(self) -> int:
        """Work out the facts of cases of which nothing is kept yet; return how many devices these are of."""
        filled = 0
        while True:
            with self._desk.transaction() as session:
                one_at_a_time(session)
                devices = devices_without_facts(session, _AT_ONCE)
                if not devices:
                    return filled
                self._keep(
                    session,
                    tickets_of(session, cases_of_devices(session, devices)),
                    facts_of_devices(session, devices),
                )
            filled += len(devices)

    def _recount(self, session: Session, devices: Collection[str]) -> int:
        known = facts_of_devices(session, devices)
        changed = self._keep(session, tickets_of(session, cases_of_devices(session, devices)), known)
        before = {fact.ticket_id: fact for fact in known}
        for fact in changed[:_MOST_LOGGED]:
            log.warning("case %d: %s", fact.ticket_id, _difference(before.get(fact.ticket_id), fact))
        return len(changed)

    def _keep(self, session: Session, tickets: Sequence[Ticket], known: Sequence[CaseFact]) -> list[CaseFact]:
        """Keep the facts of these tickets, beside what is `known` of their devices; return what changed."""
        before = {fact.ticket_id: fact for fact in known}
        now = {fact.ticket_id: fact for fact in self._facts(session, tickets)}
        changed = [fact for fact in linked((before | now).values()) if fact != before.get(fact.ticket_id)]
        write_facts(session, changed)
        present = self._clock.now_ms()
        count_up(
            session,
            {
                month
                for fact in changed
                for month in _touched(before.get(fact.ticket_id), fact, month_of(present, ZoneInfo("UTC")))
            },
        )
        return changed

    def _facts(self, session: Session, tickets: Sequence[Ticket]) -> Iterable[CaseFact]:
        ids = [each.id for each in tickets]
        past = past_marks(session, ids)
        engineers, scores = engineers_of(session, ids, past), self._scores(ids)
        lives = lives_of(session, {each.device_id for each in tickets})
        sites = {each.site for each in tickets}
        owners, zones = owners_of(session, sites), {site: self._zone_of(site) for site in sites}
        for ticket in tickets:
            model, firmware, first_seen = lives.get(ticket.device_id, ("", "", None))
            region, customer = owners.get(ticket.site, ("", ""))
            engineer, name = engineers.get(ticket.id, ("", ""))
            around = Around(
                zones[ticket.site],
                region,
                customer,
                model,
                firmware,
                first_seen,
                engineer,
                name,
                scores.get(ticket.id),
                ticket.id in past,
            )
            yield fact_of(ticket, self._clocks.dues(ticket, LATEST_MS), around)


def _touched(before: CaseFact | None, after: CaseFact, present: int) -> set[int]:
    """Return the months of which a figure may have changed: an open case is in the backlog up to now."""
    ends = {present} if after.closed_at is None or (before and before.closed_at is None) else set()
    months = after.months | (before.months if before else set()) | ends
    month, last = min(months), max(months)
    found = {month}
    while month < last:
        month = month_after(month)
        found.add(month)
    return found


def _difference(before: CaseFact | None, after: CaseFact) -> str:
    """Return what is different, for the log."""
    if before is None:
        return "nothing was kept of it"
    changes: Mapping[str, tuple[object, object]] = {
        each.name: (getattr(before, each.name), getattr(after, each.name)) for each in fields(CaseFact)
    }
    return ", ".join(f"{name} {was} -> {is_}" for name, (was, is_) in changes.items() if was != is_)
