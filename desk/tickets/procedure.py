"""What is ticked off at a visit, and why a milestone was late, as people say it."""

from desk.clocks.clocks import ClockStatus
from desk.clocks.standing import TicketClocks
from desk.tickets.writing import CaseWriter
from fleet.cases import happened
from fleet.errors import Conflict, InvalidInput
from fleet.principals import Principal
from fleet.service import Item, ServiceFile
from fleet.sla import Milestone
from fleet.text import near, quoted
from fleet.tickets import Ticket
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.late_causes import LateCause, late_causes_of, write_late_cause
from storage.records.sites import type_of_site
from storage.records.ticket_checks import Check, checks_of, write_check


class Procedure:
    """Checklists and causes of lateness of cases. May be used from any thread and process."""

    def __init__(
        self, desk: DeskDatabase, cases: CaseWriter, clocks: TicketClocks, service: ServiceFile
    ) -> None:
        self._desk = desk
        self._cases = cases
        self._clocks = clocks
        self.service = service

    def checklist(self, case: Ticket) -> list[tuple[Item, Check | None]]:
        """Return what is to be done for a case, each with how it was left."""
        with self._desk.transaction() as session:
            left = checks_of(session, case.id)
            items = self.service.items_for(case, type_of_site(session, case.site))
        return [(item, left.get(item.id)) for item in items]

    def tick(self, ticket_id: int, item: str, principal: Principal, *, done: bool, note: str = "") -> None:
        """Note that something was done, or was not after all. Raises NotFound, InvalidInput."""
        with self._cases.writing() as session:
            case = self._cases.read(session, ticket_id)
            items = self.service.items_for(case, type_of_site(session, case.site))
            ids = [each.id for each in items]
            if item not in ids:
                allowed = ", ".join(ids) or "none"
                raise InvalidInput(
                    f"item: {quoted(item)} is not of this case; allowed: {allowed}{near(item, ids)}"
                )
            before = checks_of(session, ticket_id).get(item)
            if before is not None and (before.done, before.note) == (done, note):
                return
            now = self._cases.now()
            write_check(session, ticket_id, item, Check(done, note, now, principal.name[:64]))
            what = "checked" if done else "unchecked"
            tell(session, happened(case, what, principal, note, now, item=item))

    def late(self, case: Ticket) -> list[tuple[Milestone, LateCause | None]]:
        """Return the milestones of a case that are late or were, each with why, as far as somebody said."""
        clocks = self._clocks.of(case, self._cases.now())
        with self._desk.transaction() as session:
            said = late_causes_of(session, case.id)
        return [
            (clock.milestone, said.get(clock.milestone))
            for clock in clocks
            if clock.status is ClockStatus.BREACHED
        ]

    def explain(
        self, ticket_id: int, milestone: Milestone, cause: str, principal: Principal, note: str = ""
    ) -> None:
        """Say why a milestone was late. Raises NotFound, InvalidInput, Conflict for one that is not late."""
        known = [each.id for each in self.service.late_causes]
        if cause not in known:
            raise InvalidInput(
                f"cause: {quoted(cause)} is none; allowed: {', '.join(known)}{near(cause, known)}"
            )
        with self._cases.writing() as session:
            case = self._cases.read(session, ticket_id)
            late = {
                clock.milestone
                for clock in self._clocks.of(case, self._cases.now())
                if clock.status is ClockStatus.BREACHED
            }
            if milestone not in late:
                raise Conflict(f"ticket {ticket_id}: {milestone} is not late")
            now = self._cases.now()
            write_late_cause(session, ticket_id, milestone, LateCause(cause, note, now, principal.name[:64]))
            event = happened(case, "late_cause", principal, note, now, milestone=milestone, cause=cause)
            tell(session, event)
