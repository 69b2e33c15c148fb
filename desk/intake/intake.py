"""Reports become requests, and requests become or join the case of their device."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.files.checked import Checked
from desk.files.files import keep
from desk.intake.said import sameness, tidied
from fleet.case_files import FileLimits
from fleet.clock import DAY_MS, HOUR_MS, Clock
from fleet.errors import Conflict, InvalidInput, NotFound, TooOften
from fleet.events import Event, Subject
from fleet.faults import FAULTS, unclear_fault
from fleet.grants import Sites
from fleet.principals import Principal, check_reason
from fleet.requests import NewRequest, Request, RequestState
from fleet.signals import Kind
from fleet.symptoms import match
from fleet.tickets import CLOSED_STATES, Ticket, TicketState
from storage.records.database import DeskDatabase
from storage.records.device_lists import device_of
from storage.records.devices import place_of
from storage.records.events import tell
from storage.records.files import give_files_to
from storage.records.paging import Asked
from storage.records.requests import (
    count_by_link,
    dismiss_request,
    insert_request,
    place_request,
    request_of,
    request_of_message,
    same_requests,
)
from storage.records.ticket_lists import TicketFilter, find_tickets
from storage.records.tickets import ticket

_AGAIN_WITHIN_MS = 7 * DAY_MS
"""So long the same words of the same contact are about the same."""
BY_LINK_AN_HOUR = 30
_OPEN = tuple(state for state in TicketState if state not in CLOSED_STATES)


class Reports(Protocol):
    """Whoever opens cases (desk.tickets.desk.TicketDesk)."""

    def report(self, device_id: str, fault: str, principal: Principal, why: str) -> int:
        """Take a fault into the open case of a device, or open one; return its id."""
        ...


@dataclass(frozen=True, slots=True)
class Doubles:
    """What a report may be about again: open cases of its site, and requests with the same words."""

    cases: tuple[Ticket, ...] = ()
    requests: tuple[Request, ...] = ()


class Intake:
    """Takes requests and places them. From any thread and any process; may raise StoreUnavailable."""

    def __init__(
        self, desk: DeskDatabase, tickets: Reports, clock: Clock, limits: FileLimits | None = None
    ) -> None:
        self._desk = desk
        self._tickets = tickets
        self._clock = clock
        self._limits = limits or FileLimits()

    def take(
        self,
        said: NewRequest,
        by: Principal,
        files: Sequence[Checked] = (),
        refused: Sequence[str] = (),
        sites: Sites = None,
    ) -> Request:
        """Keep a request; where its device is known it opens or joins the case at once. Return it.

        The same message again is the request that it was. `refused` says which files were not taken.
        Raises NotFound for a device that is at none of the `sites`, InvalidInput, and TooOften where a link
        brings too many.
        """
        now = self._clock.now_ms()
        fit = tidied(said, now)
        try:
            request, is_new = self._keep(fit, by, files, refused, sites, now)
        except IntegrityError as error:  # the same message came by another process at this moment
            if fit.message_id is None:
                raise
            with self._desk.transaction() as session:
                known = request_of_message(session, fit.message_id)
            if known is None:
                raise Conflict("this message is being taken at this moment; send it again") from error
            request, is_new = known, False
        if not is_new:
            return request
        if request.said.device_id is not None:
            return self._placed(request, request.said.device_id, request.said.fault, by)
        return self._joined_again(request, by)

    def check_link(self, link_id: int) -> None:
        """Raise TooOften where a link has brought too many: before its files are looked at."""
        with self._desk.transaction() as session:
            _check_link(session, link_id, self._clock.now_ms())

    def _keep(
        self,
        said: NewRequest,
        by: Principal,
        files: Sequence[Checked],
        refused: Sequence[str],
        sites: Sites,
        now: int,
    ) -> tuple[Request, bool]:
        """Keep a request with its files, before anything is made of it; whether it is a new one."""
        with self._desk.transaction() as session:
            known = request_of_message(session, said.message_id) if said.message_id else None
            if known is not None:
                return known, False
            whole = _with_place(session, said, sites)
            _check_link(session, whole.link_id, now)
            request = insert_request(session, whole, sameness(whole), now)
            for fit in {each.sha256: each for each in files}.values():
                keep(session, fit, by, now, request_id=request.id)
            data = {"channel": whole.channel, "files": len(files), "refused": list(refused)}
            tell(session, _happened(request, "taken", by, whole.words, now, **data))
            return request, True

    def _placed(self, request: Request, device_id: str, fault: str | None, by: Principal) -> Request:
        """Let a request open or join the case of a device."""
        with self._desk.transaction() as session:
            place = place_of(session, device_id)
        if place is None:
            raise NotFound(f"there is no device {device_id!r}")
        ticket_id = self._tickets.report(
            device_id, fault or unclear_fault(place.kind), by, request.said.words
        )
        with self._desk.transaction() as session:
            place_request(session, request.id, ticket_id, device_id=device_id, site=place.site, fault=fault)
            give_files_to(session, request.id, ticket_id, self._limits.a_case)
            placed = request_of(session, request.id)
            data = {"ticket_id": ticket_id, "device_id": device_id}
            tell(session, _happened(placed, "placed", by, "", self._clock.now_ms(), **data))
        return placed

    def _joined_again(self, request: Request, by: Principal) -> Request:
        """Let a request of no device join the case of the same words of the same contact, if that is open."""
        if not request.said.contact or request.said.site is None:
            return request
        with self._desk.transaction() as session:
            again = same_requests(session, request, request.at - _AGAIN_WITHIN_MS)
            cases = [ticket(session, one.ticket_id) for one in again if one.ticket_id is not None]
        case = next((one for one in cases if one.is_open), None)
        if case is None:
            return request
        return self._placed(request, case.device_id, request.said.fault, by)

    def place(
        self, request_id: int, device_id: str, fault: str | None, by: Principal, sites: Sites = None
    ) -> Request:
        """Say about which device a request is, and what is wrong where somebody knows; return it.

        Of those that wait with the same words of the same contact all are. Raises NotFound, InvalidInput,
        Conflict where it does not wait any more.
        """
        with self._desk.transaction() as session:
            request = request_of(session, request_id, sites)
            device_of(session, device_id, sites)
            _check_waits(request)
            again = same_requests(session, request, request.at - _AGAIN_WITHIN_MS)
        placed = self._placed(request, device_id, fault, by)
        if request.said.contact:
            for other in again:
                if other.state is RequestState.WAITING and other.said.site == request.said.site:
                    self._placed(other, device_id, fault, by)
        return placed

    def name_fault(self, request_id: int, fault: str, by: Principal, sites: Sites = None) -> Request:
        """Say what is wrong with the device of a request that was placed without; return it.

        Raises NotFound, InvalidInput, and Conflict where its case is closed.
        """
        with self._desk.transaction() as session:
            request = request_of(session, request_id, sites)
            if request.ticket_id is None or request.said.device_id is None:
                raise Conflict(f"request {request_id} is not placed; place it first")
            if not ticket(session, request.ticket_id).is_open:
                raise Conflict(f"ticket {request.ticket_id} is closed; report it anew")
        ticket_id = self._tickets.report(request.said.device_id, fault, by, request.said.words)
        with self._desk.transaction() as session:
            place_request(session, request_id, ticket_id, fault=fault)
            named = request_of(session, request_id)
            tell(session, _happened(named, "named", by, "", self._clock.now_ms(), fault=fault))
        return named

    def dismiss(self, request_id: int, by: Principal, why: str, sites: Sites = None) -> Request:
        """Say that a request asks for nothing. Raises NotFound, InvalidInput, Conflict."""
        check_reason(why)
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            request = request_of(session, request_id, sites)
            if not dismiss_request(session, request.id, now, why):
                _check_waits(request)
                raise Conflict(f"request {request_id} was placed or dismissed at this moment")
            done = request_of(session, request.id)
            tell(session, _happened(done, "dismissed", by, why, now))
        return done

    def doubles(self, request: Request, sites: Sites = None) -> Doubles:
        """Return what a request of no device may be about again, for a person to judge."""
        said = request.said
        if said.site is None:
            return Doubles()
        meant = {said.fault} if said.fault else {each.fault for each in match(said.words)[:3]}
        with self._desk.transaction() as session:
            again = same_requests(session, request, request.at - _AGAIN_WITHIN_MS)
            asked = Asked("-opened_at", 100, None, "")
            page = find_tickets(session, TicketFilter(states=_OPEN, site=said.site), asked, sites)
        cases = tuple(one for one in page.rows if meant & set(one.faults))
        return Doubles(cases[:5], tuple(again[:5]))


def _check_fault(fault: str | None, kind: Kind) -> None:
    allowed = [code for code, entry in FAULTS.items() if entry.kind is kind]
    if fault is not None and fault not in allowed:
        raise InvalidInput(f"{fault!r} is no fault of a {kind}; allowed: {', '.join(allowed)}")


def _check_link(session: Session, link_id: int | None, now: int) -> None:
    if link_id is not None and count_by_link(session, link_id, now - HOUR_MS) >= BY_LINK_AN_HOUR:
        raise TooOften("too many reports by this link; try again in an hour", HOUR_MS // 1000)


def _check_waits(request: Request) -> None:
    if request.state is RequestState.PLACED:
        raise Conflict(f"request {request.id} is placed already")
    if request.state is RequestState.DISMISSED:
        raise Conflict(f"request {request.id} is dismissed already")


def _with_place(session: Session, said: NewRequest, sites: Sites) -> NewRequest:
    """Return what is reported with the site of its device. Raises NotFound, InvalidInput."""
    if said.device_id is None:
        if said.site is not None and sites is not None and said.site not in sites:
            raise NotFound(f"there is no site {said.site!r}")
        return said
    device = device_of(session, said.device_id, sites)
    _check_fault(said.fault, device.kind)
    return replace(said, site=device.site)


def _happened(request: Request, what: str, by: Principal, reason: str, now: int, **data: object) -> Event:
    return Event(
        now,
        Subject.REQUEST,
        str(request.id),
        what,
        by,
        reason,
        request.said.site,
        None,
        request.state,
        dict(data),
    )
