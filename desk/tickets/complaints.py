"""Complaints: filed once, answered for by whoever was first, put right, and looked at again after a week."""

from dataclasses import replace

from sqlalchemy.orm import Session

from desk.tickets.telling import CaseTeller
from desk.tickets.writing import CaseWriter
from fleet.cases import happened
from fleet.complaint_cases import classified, file_complaint, fingerprint
from fleet.complaints import AGAIN_WITHIN_MS, REVIEW_AFTER_MS, Complaint, ComplaintClass
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.events import Event
from fleet.principals import Principal, check_reason
from fleet.tickets import Ticket, TicketKind, TicketState
from storage.records.complaints import let_match, open_complaint_like
from storage.records.devices import place_of
from storage.records.events import tell
from storage.records.sites import site_of
from storage.records.ticket_lists import count_complaints_of
from storage.records.tickets import ticket


class ComplaintDesk:
    """Files complaints and changes what is theirs alone; they move on as other tickets do (TicketDesk).

    All methods may be called from any thread and process. They raise InvalidInput for what is blank,
    NotFound, and Conflict where somebody else was first.
    """

    def __init__(self, cases: CaseWriter, teller: CaseTeller | None = None) -> None:
        self._cases = cases
        self._teller = teller

    def file(self, complaint: Complaint, principal: Principal, *, site: str = "", device_id: str = "") -> int:
        """File a complaint about a device, or a site; return its ticket.

        Where an open one says the same of the same, it is that one: sent twice it is filed once. Loss, or a
        third one of the same device within 90 days, makes it a major one.
        """
        if not complaint.words.strip():
            raise InvalidInput("words: what the customer says is required and must not be blank")
        return self._cases.persistently(lambda: self._file(complaint, principal, site, device_id))

    def _file(self, complaint: Complaint, principal: Principal, site: str, device_id: str) -> int:
        with self._cases.writing() as session:
            place = _place(session, site, device_id)
            mark = fingerprint(place, device_id, complaint.words)
            known = open_complaint_like(session, mark)
            if known is not None:
                self._again(session, known, complaint, principal)
                return known
            now = self._cases.now()
            if complaint.about is not None:
                ticket(session, complaint.about)
            customer = complaint.customer or site_of(session, place).customer
            before = count_complaints_of(session, device_id, now - AGAIN_WITHIN_MS) if device_id else 0
            whole = replace(complaint, customer=customer, setbacks=before)
            case = self._cases.open(session, file_complaint(place, device_id, whole, now))
            let_match(session, case.id, mark)
            tell(session, _opened(case, principal))
            if self._teller is not None:
                tell(session, self._teller.complaint(case, now))
            return case.id

    def _again(self, session: Session, known: int, complaint: Complaint, principal: Principal) -> None:
        case = ticket(session, known)
        tell(session, happened(case, "note", principal, complaint.words, self._cases.now()))

    def classify(
        self,
        ticket_id: int,
        of_class: ComplaintClass,
        principal: Principal,
        why: str,
        version: int | None = None,
    ) -> Ticket:
        """Say that a complaint is of another class; loss and setbacks keep it a major one."""
        check_reason(why)
        with self._cases.writing() as session:
            before = self._complaint(session, ticket_id, version)
            stored = self._cases.save(session, before, classified(before, of_class, self._cases.now()))
            self._cases.tell_class(session, before, stored, principal, why)
            return stored

    def plan(self, ticket_id: int, text: str, principal: Principal, version: int | None = None) -> Ticket:
        """Keep the written plan of a complaint; the first one reaches its milestone."""
        if not text.strip():
            raise InvalidInput("plan: it is a text, and must not be blank")
        with self._cases.writing() as session:
            before = self._complaint(session, ticket_id, version)
            assert before.complaint is not None
            now = self._cases.now()
            planned = before.planned_at if before.planned_at is not None else now
            after = replace(before, planned_at=planned, complaint=replace(before.complaint, plan=text))
            stored = self._cases.save(session, before, after)
            tell(session, happened(stored, "planned", principal, text, now))
            return stored

    def arrive(
        self, ticket_id: int, principal: Principal, why: str = "", version: int | None = None
    ) -> Ticket:
        """Note that somebody is on the spot, as a major complaint is promised; the first time counts."""
        with self._cases.writing() as session:
            before = self._complaint(session, ticket_id, version)
            if before.on_site_at is not None:
                raise Conflict(f"ticket {ticket_id}: somebody was on the spot already")
            now = self._cases.now()
            stored = self._cases.save(session, before, replace(before, on_site_at=now))
            tell(session, happened(stored, "arrived", principal, why, now))
            return stored

    def _complaint(self, session: Session, ticket_id: int, version: int | None) -> Ticket:
        found = self._cases.read(session, ticket_id, version)
        if found.kind is not TicketKind.COMPLAINT:
            raise Conflict(f"ticket {ticket_id} is no complaint")
        return found


def review_at(case: Ticket) -> int | None:
    """Return when a closed complaint is to be looked at again (epoch ms); None for any other."""
    if (
        case.kind is not TicketKind.COMPLAINT
        or case.state is not TicketState.CLOSED
        or case.solved_at is None
    ):
        return None
    return case.solved_at + REVIEW_AFTER_MS


def _opened(case: Ticket, principal: Principal) -> Event:
    assert case.complaint is not None
    return happened(
        case,
        "opened",
        principal,
        case.complaint.words,
        case.opened_at,
        after=case.state,
        of_class=case.complaint.of_class,
    )


def _place(session: Session, site: str, device_id: str) -> str:
    """Return the site that a complaint is about."""
    if device_id:
        place = place_of(session, device_id)
        if place is None:
            raise NotFound(f"there is no device {device_id!r}")
        return place.site
    if not site:
        raise InvalidInput("site: say which site or which device it is about")
    return site_of(session, site).id
