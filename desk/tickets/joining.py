"""Cases that belong together: linked, merged into one, or split from one that was about two things."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy.orm import Session

from desk.tickets.writing import CaseWriter
from fleet.cases import happened, joined
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.joined_cases import check_kind, check_undone, enlarged, merged, moved_to, parted
from fleet.principals import Principal, check_reason
from fleet.tickets import Suspicion, Ticket, TicketLink
from storage.records.complaints import let_match
from storage.records.devices import place_of
from storage.records.events import tell
from storage.records.files import hand_files_over
from storage.records.requests import hand_requests_over
from storage.records.ticket_links import link_tickets, unlink_tickets
from storage.records.tickets import hand_suspicions_over, open_case_of


class Joining:
    """Links, merges and splits cases. May be used from any thread and process.

    All raise NotFound, and Conflict where the cases do not allow it, or somebody else was first.
    """

    def __init__(self, cases: CaseWriter) -> None:
        self._cases = cases

    def link(self, ticket_id: int, other: int, kind: TicketLink, principal: Principal) -> None:
        """Say that two cases belong together; harmless to repeat."""
        if ticket_id == other:
            raise InvalidInput("other: a ticket is not linked with itself")
        with self._cases.writing() as session:
            pair = self._cases.read(session, ticket_id), self._cases.read(session, other)
            if link_tickets(session, ticket_id, other, kind):
                self._tell_pair(session, pair, "linked", principal, kind)

    def unlink(self, ticket_id: int, other: int, principal: Principal) -> None:
        """Say that two cases do not belong together after all; harmless to repeat."""
        with self._cases.writing() as session:
            pair = self._cases.read(session, ticket_id), self._cases.read(session, other)
            if unlink_tickets(session, ticket_id, other):
                self._tell_pair(session, pair, "unlinked", principal, TicketLink.RELATED)

    def _tell_pair(
        self, session: Session, pair: tuple[Ticket, Ticket], what: str, principal: Principal, kind: TicketLink
    ) -> None:
        for case, with_ in (pair, pair[::-1]):
            tell(session, happened(case, what, principal, kind, self._cases.now(), other=with_.id))

    def merge(
        self, ticket_id: int, into: int, principal: Principal, why: str, version: int | None = None
    ) -> Ticket:
        """Let one open case take over what another of its site and kind holds; return the one that stays.

        The other is cancelled as merged, and its clocks end; what the level of what it brings promises runs
        from now. What was reported and sent goes along, even if these are more files than a case takes; what
        was done there (checklist, answers about a visit) stays in its history.
        """
        check_reason(why)
        with self._cases.writing() as session:
            gone, stays = self._cases.read(session, ticket_id, version), self._cases.read(session, into)
            _check_pair(gone, stays)
            _check_kinds(session, gone, stays)
            now = self._cases.now()
            ended = self._cases.save(session, gone, merged(gone, into, now))
            if gone.complaint is not None:  # who says the same again is to reach one that is open
                let_match(session, gone.id, None)
            hand_suspicions_over(session, gone, stays)
            hand_requests_over(session, gone.id, stays.id)
            hand_files_over(session, gone.id, stays.id)
            before = self._cases.read(session, into)
            stored = self._cases.save(session, before, enlarged(before, gone, now))
            # Not told as a state: what it was about is not over, it is only elsewhere.
            left = self._cases.read(session, ticket_id)
            states = {"before": gone.state, "after": left.state}
            tell(session, happened(left, "merged", principal, why, now, **states, other=into))
            tell(session, happened(stored, "took", principal, why, now, other=ticket_id))
            self._cases.tell_class(session, before, stored, principal, why)
            self._cases.followed_by(session, gone, ended, principal, why)
            return stored

    def split(
        self,
        ticket_id: int,
        faults: Collection[str],
        device_id: str,
        principal: Principal,
        why: str,
        version: int | None = None,
    ) -> int:
        """Take what people reported of another robot out of a case into that one's; return its ticket.

        What an alert raised stays: it is of the device that it came from.
        """
        check_reason(why)
        with self._cases.writing() as session:
            before = self._cases.read(session, ticket_id, version)
            check_undone(before)
            place = place_of(session, device_id)
            if place is None or place.site != before.site:
                raise NotFound(f"there is no device {device_id!r} at {before.site}")
            if device_id == before.device_id:
                raise InvalidInput("device_id: a case is split to another robot; one robot has one open case")
            check_kind(faults, place.kind, device_id)
            now = self._cases.now()
            left, taken = parted(before, frozenset(faults))
            other = open_case_of(session, device_id)
            if other is None:
                case = self._cases.open(session, moved_to(device_id, before, taken, now))
                tell(session, happened(case, "opened", principal, why, now, after=case.state))
            else:
                case = self._cases.save(session, other, _with(other, taken, now))
            stored = self._cases.save(session, before, left)
            link_tickets(session, ticket_id, case.id, TicketLink.FOLLOWS)
            tell(session, happened(stored, "split", principal, why, now, other=case.id))
            tell(session, happened(case, "took", principal, why, now, other=ticket_id))
            return case.id


def _with(case: Ticket, taken: tuple[Suspicion, ...], at: int) -> Ticket:
    for each in taken:
        case = joined(case, replace(each, id=0), at)
    return case


def _check_pair(gone: Ticket, stays: Ticket) -> None:
    if gone.id == stays.id:
        raise InvalidInput("into: a ticket is not merged into itself")
    for each in (gone, stays):
        if not each.is_open:
            raise Conflict(f"ticket {each.id} is {each.state}: only open ones are merged")
        check_undone(each)
    if gone.upkeep is not None:
        raise Conflict(f"ticket {gone.id} is maintenance: that is done or skipped, not merged")
    if gone.kind is not stays.kind or gone.site != stays.site:
        raise Conflict("only tickets of one kind and one site are merged; link them instead")


def _check_kinds(session: Session, gone: Ticket, stays: Ticket) -> None:
    """Raise InvalidInput where one would suspect what its device cannot have."""
    place = place_of(session, stays.device_id) if stays.device_id else None
    if place is not None:
        check_kind([each.fault for each in gone.suspicions], place.kind, stays.device_id)
