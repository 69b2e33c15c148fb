"""Feedback: by a customer's link, by a call, or as staff was told it; each change is an event of its case."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_urlsafe

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.tickets.telling import CaseTeller
from fleet.cases import happened
from fleet.clock import DAY_MS, Clock
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.feedback import (
    FOLLOW_UP_WITHIN_MS,
    LINK_LASTS_MS,
    LONGEST_REMARK,
    LOW_SCORE,
    MOST_CALLS,
    CallBack,
    Feedback,
    FeedbackLink,
    FeedbackSource,
    FollowUp,
    Said,
    checked,
    checked_text,
    corrigible,
    repair_of,
)
from fleet.grants import Sites
from fleet.principals import Principal, PrincipalKind
from fleet.secrecy import link_key
from fleet.tickets import Ticket, TicketState
from storage.records.call_backs import note_try, to_be_called, tries_of
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.feedback import (
    add_feedback,
    correct_feedback,
    feedback_of_repair,
    link_by_key,
    put_link,
)
from storage.records.follow_ups import add_follow_up, end_follow_up, follow_up, open_follow_ups
from storage.records.tickets import ticket

DONE_STATES = frozenset({TicketState.REPAIRED, TicketState.CONFIRMED})
_USE = "feedback"
_CALLED_FOR_MS = LINK_LASTS_MS
"""Later than that after a repair nobody is called about it any more: they would not remember."""
MOST_LISTED = 200
_OPENS_NOTHING = "this link opens nothing; ask whoever sent it for a new one"
_EXPIRED = "this link has expired; ask whoever sent it for a new one"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link opens: the case, and what was said of its repair; `may_correct` is for a day after."""

    ticket: Ticket
    feedback: Feedback | None
    may_correct: bool


class FeedbackDesk:
    """Takes feedback and makes sure that somebody looks after a bad one; without a `teller` nobody is told.

    All methods may be called from any thread and process, and raise StoreUnavailable when the database cannot
    be reached.
    """

    def __init__(
        self, desk: DeskDatabase, clock: Clock, call_after_days: int, teller: CaseTeller | None = None
    ) -> None:
        self._desk = desk
        self._teller = teller
        self._clock = clock
        self._call_after_ms = call_after_days * DAY_MS

    def new_link(self, ticket_id: int, principal: Principal, sites: Sites = None) -> str:
        """Return the secret of a new link for the newest repair of a case; the one before opens nothing more.

        Raises NotFound, and Conflict where nothing was repaired, or was judged already.
        """
        now = self._clock.now_ms()
        secret = token_urlsafe(24)
        with self._writing() as session:
            case = _repaired(session, ticket_id, sites)
            if feedback_of_repair(session, ticket_id, repair_of(case)) is not None:
                raise Conflict(f"ticket {ticket_id} has its feedback already")
            link = FeedbackLink(ticket_id, repair_of(case), now, now + LINK_LASTS_MS)
            put_link(session, link_key(_USE, secret), link)
            tell(session, happened(case, "feedback_link", principal, "", now, ends=link.ends))
        return secret

    def open(self, secret: str) -> Opened:
        """Return what a link opens; to look changes nothing. Raises NotFound for one that opens nothing."""
        with self._desk.transaction() as session:
            return self._opened(session, secret)

    def say(self, secret: str, said: Said) -> Feedback:
        """Record what the holder of a link says, or corrects within a day.

        Raises NotFound for a link that opens nothing, InvalidInput, and Conflict where something was said.
        """
        said = checked(said)
        with self._writing() as session:
            opened = self._opened(session, secret)
            who = Principal(PrincipalKind.CUSTOMER, f"ticket {opened.ticket.id}", "customer")
            if opened.feedback is None:
                return self._add(session, opened.ticket, said, FeedbackSource.LINK, who)
            if not opened.may_correct:
                raise Conflict("something was said of this repair already; it cannot be changed any more")
            return self._correct(session, opened.ticket, opened.feedback, said, who)

    def record(
        self, ticket_id: int, said: Said, source: FeedbackSource, principal: Principal, sites: Sites = None
    ) -> Feedback:
        """Record what staff was told, by a call or otherwise.

        Raises NotFound, InvalidInput, and Conflict where nothing was repaired, or something was said already.
        """
        said = checked(said)
        if source is FeedbackSource.LINK:
            raise InvalidInput("source: link is the customer's own; allowed: call, staff")
        with self._writing() as session:
            return self._add(session, _repaired(session, ticket_id, sites), said, source, principal)

    def not_reached(self, ticket_id: int, principal: Principal, sites: Sites = None) -> int:
        """Note that nobody was reached by a call; return how often that was. Raises NotFound and Conflict."""
        now = self._clock.now_ms()
        with self._writing() as session:
            case = _repaired(session, ticket_id, sites)
            _check_unsaid(session, case)
            if tries_of(session, case) >= MOST_CALLS:
                raise Conflict(f"ticket {ticket_id} was called about {MOST_CALLS} times; that is enough")
            tries = note_try(session, case, now)
            tell(session, happened(case, "not_reached", principal, f"call {tries}", now, tries=tries))
        return tries

    def call_list(self, sites: Sites = None) -> Sequence[CallBack]:
        """Return whom to call, the newest repair first."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            until = now - self._call_after_ms
            return to_be_called(session, until - _CALLED_FOR_MS, until, now, sites, MOST_LISTED)

    def follow_ups(self, sites: Sites = None) -> Sequence[FollowUp]:
        """Return what low scores ask for and nobody has done yet, the overdue first."""
        with self._desk.transaction() as session:
            return open_follow_ups(session, sites, MOST_LISTED)

    def end_follow_up(
        self, follow_up_id: int, principal: Principal, said: str, sites: Sites = None
    ) -> FollowUp:
        """Note what came of a follow-up. Raises NotFound, InvalidInput, and Conflict where it was done."""
        now = self._clock.now_ms()
        text = checked_text("said", said, LONGEST_REMARK)
        if not text:
            raise InvalidInput("said: write what came of it; a follow-up ends with words")
        with self._writing() as session:
            found = follow_up(session, follow_up_id, sites)
            if not end_follow_up(session, follow_up_id, principal.name, text, now):
                raise Conflict(f"follow-up {follow_up_id} is done already, by {found.by}")
            case = ticket(session, found.ticket_id)
            tell(session, happened(case, "follow_up_done", principal, text, now, follow_up=follow_up_id))
            return follow_up(session, follow_up_id)

    def _opened(self, session: Session, secret: str) -> Opened:
        link, now = link_by_key(session, link_key(_USE, secret)), self._clock.now_ms()
        if link is None:
            raise NotFound(_OPENS_NOTHING)
        case = ticket(session, link.ticket_id)
        said = feedback_of_repair(session, link.ticket_id, link.repair)
        expired = now >= link.ends
        over = expired or repair_of(case) != link.repair or case.state not in DONE_STATES
        if expired or (over and said is None):
            raise NotFound(_EXPIRED)
        return Opened(case, said, said is not None and not over and corrigible(said, now))

    def _add(
        self, session: Session, case: Ticket, said: Said, source: FeedbackSource, who: Principal
    ) -> Feedback:
        now, repair = self._clock.now_ms(), repair_of(case)
        _check_unsaid(session, case)
        new = Feedback(case.id, repair, said, source, now, who.name)
        feedback_id = add_feedback(session, new)
        self._tell(session, case, "feedback", said, source, who)
        self._look_after(session, case, feedback_id, said, who)
        return _stored(session, case.id, repair)

    def _correct(
        self, session: Session, case: Ticket, before: Feedback, said: Said, who: Principal
    ) -> Feedback:
        correct_feedback(session, before.id, said, self._clock.now_ms())
        self._tell(session, case, "feedback_changed", said, before.source, who, before=str(before.said.score))
        self._look_after(session, case, before.id, said, who)
        return _stored(session, case.id, before.repair)

    def _tell(
        self,
        session: Session,
        case: Ticket,
        what: str,
        said: Said,
        source: FeedbackSource,
        who: Principal,
        before: str | None = None,
    ) -> None:
        now, reason = self._clock.now_ms(), f"{said.score}/5"  # the log is for ever: no remark in it
        tell(
            session,
            happened(
                case,
                what,
                who,
                reason,
                now,
                before=before,
                after=str(said.score),
                score=said.score,
                solved=said.solved,
                source=source,
            ),
        )

    def _look_after(
        self, session: Session, case: Ticket, feedback_id: int, said: Said, who: Principal
    ) -> None:
        """Open a follow-up for a low score. One that is open stays: what was said first was meant, too."""
        if said.score >= LOW_SCORE:
            return
        now = self._clock.now_ms()
        new = FollowUp(case.id, feedback_id, said.score, now, now + FOLLOW_UP_WITHIN_MS)
        if add_follow_up(session, new):
            reason = f"{said.score}/5"
            tell(session, happened(case, "follow_up_opened", who, reason, now, due=new.due, owner=new.owner))
            if self._teller is not None:
                tell(session, self._teller.low_score(case, new, now))

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        try:
            with self._desk.transaction() as session:
                yield session
        except IntegrityError as error:  # another request was first
            raise Conflict("something was said of this repair at this very moment; read it again") from error


def _repaired(session: Session, ticket_id: int, sites: Sites) -> Ticket:
    case = ticket(session, ticket_id, sites)
    if case.state not in DONE_STATES:
        raise Conflict(f"ticket {ticket_id} is {case.state}; feedback is possible from: repaired, confirmed")
    return case


def _check_unsaid(session: Session, case: Ticket) -> None:
    if feedback_of_repair(session, case.id, repair_of(case)) is not None:
        raise Conflict(f"ticket {case.id} has its feedback already")


def _stored(session: Session, ticket_id: int, repair: int) -> Feedback:
    found = feedback_of_repair(session, ticket_id, repair)
    assert found is not None  # it was written in this transaction
    return found
