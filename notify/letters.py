"""Which events of the log customers are written to about: a follower that writes letters to the outbox."""

from collections.abc import Callable, Collection, Mapping
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from fleet.clock import HOUR_MS, Clock
from fleet.customers import Contact, Customer
from fleet.errors import NotFound
from fleet.events import Event, Subject
from fleet.letters import CUSTOMER, Letter, LetterKind, ways_of
from fleet.notices import ChannelKind
from fleet.outbox import OPEN_STATES, Notice, NoticeState, notice_key
from fleet.past_cases import is_brought_in
from fleet.principals import PrincipalKind
from fleet.tickets import TicketKind, TicketState
from fleet.zones import Zones
from notify.ports import Channels
from notify.stages import by_day
from storage.records.customers import customer_of
from storage.records.database import DeskDatabase
from storage.records.destinations import customers_place
from storage.records.notices import letters_about, withdraw, write_notices
from storage.records.sites import site_of
from storage.records.tickets import ticket

_FEEDBACK_AFTER_MS = 2 * HOUR_MS
"""Nobody is asked how a repair was before they could try it."""
_BY_HAND = {"consent_asked": LetterKind.CONSENT, "feedback_link": LetterKind.FEEDBACK}
"""Events that say that staff has a link to hand on, and in place of which letter."""


def letter_for(event: Event) -> Letter | None:
    """Return what a customer is written because of an event; None for nearly all of them."""
    if event.subject is not Subject.TICKET or not _asks_for_letter(event):
        return None
    if is_brought_in(event.principal):
        return None
    kind, facts = _LETTERS[event.what]
    return Letter(kind, {name: event.data.get(name) for name in facts})


_LETTERS: Mapping[str, tuple[LetterKind, tuple[str, ...]]] = {
    "reminder": (LetterKind.MAINTENANCE, ("due_at", "advice")),
    "consent_asked": (LetterKind.CONSENT, ()),
    "appointment": (LetterKind.APPOINTMENT, ("begins", "ends", "times", "why")),
    "appointment_off": (LetterKind.CALLED_OFF, ("begins", "ends")),
    "state": (LetterKind.FEEDBACK, ()),
}
"""What happens to a case, which letter follows from it, and what of the event the letter tells."""


def _asks_for_letter(event: Event) -> bool:
    """Tell whether an event asks for its letter: some do so only sometimes."""
    match event.what:
        case "state":
            return event.after == TicketState.REPAIRED
        case "reminder":
            return event.data.get("audience") == CUSTOMER
        case "consent_asked":
            return bool(event.data.get("by_letter"))
        case _:
            return event.what in _LETTERS


def handed_on(event: Event) -> LetterKind | None:
    """Return what staff asks a customer by a link of its own, in place of a letter; None for all else."""
    if event.subject is not Subject.TICKET or event.principal.kind is PrincipalKind.SCHEDULE:
        return None
    return None if event.data.get("by_letter") else _BY_HAND.get(event.what)


class LetterWriter:
    """Writes each letter once, to the customer's mail, or else by short message; at night it waits.

    Who has no address of either is called, as before. `kinds` are written; `wake` is called when something
    may be sent.
    """

    name = "letters"
    subjects = frozenset({Subject.TICKET})

    def __init__(
        self,
        desk: DeskDatabase,
        channels: Channels,
        zones: Zones,
        clock: Clock,
        kinds: Collection[LetterKind] = frozenset(LetterKind),
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._desk, self._channels, self._zones = desk, channels, zones
        self._clock, self._kinds, self._wake = clock, kinds, wake

    def handle(self, event: Event) -> None:
        """Write what a customer is to be told of an event."""
        kind = handed_on(event)
        if kind is not None:
            with self._desk.transaction() as session:
                self._let_go(session, event, kind, "handed_on")
        letter = letter_for(event)
        if letter is None or letter.kind not in self._kinds or not self._channels:
            return
        with self._desk.transaction() as session:
            customer = customer_at(session, event.site)
            way = None if customer is None else first_way(self._channels, customer.contact)
            if customer is None or way is None or not _is_meant(session, event, letter):
                return
            self._let_go(session, event, letter.kind, "told_anew")
            place = self._place(session, customer.id, *way)
            write_notices(session, [self._notice(event, letter, customer.id, place)])
        self._wake()

    def way_to(self, session: Session, site: str) -> str | None:
        """Return to which address the customer of a site is written, as staff may see it; None: to none."""
        customer = customer_at(session, site)
        way = None if customer is None else first_way(self._channels, customer.contact)
        return None if way is None else hidden(self._channels[way[0]].shown(way[1]))

    def _let_go(self, session: Session, event: Event, kind: LetterKind, reason: str) -> None:
        """Let what waits not go out any more: its link would end the one that is newer."""
        older = [
            each
            for each in letters_about(session, event.subject_id)
            if each.state in OPEN_STATES and each.event < event.id
        ]
        waiting = [each.id for each in older if each.letter and each.letter.kind is kind]
        withdraw(session, waiting, reason, self._clock.now_ms())

    def _place(
        self, session: Session, customer: str, channel: ChannelKind, address: Mapping[str, str]
    ) -> int:
        shown = hidden(self._channels[channel].shown(address))
        return customers_place(session, customer, channel, shown, self._clock.now_ms()).id

    def _notice(self, event: Event, letter: Letter, customer: str, place: int) -> Notice:
        now, name = self._clock.now_ms(), f"{CUSTOMER}:{customer}"
        due_at = self._due(letter, self._zones.of(event.site), now)
        return Notice(
            id=0,
            key=notice_key(event.id, name, place),
            event=event.id,
            subject=event.subject,
            subject_id=event.subject_id,
            site=event.site,
            recipient=name,
            destination_id=place,
            telling=None,
            letter=letter,
            state=NoticeState.WAITING,
            reason="letter",
            due_at=due_at,
            written_at=now,
            followed_up=True,  # a customer has no chain: staff sees on the case what did not arrive
        )

    def _due(self, letter: Letter, zone: ZoneInfo, now: int) -> int:
        """Return when a letter goes out: by day, but for what would come too late then."""
        at = now + (_FEEDBACK_AFTER_MS if letter.kind is LetterKind.FEEDBACK else 0)
        return may_go_at(letter, zone, at)


def may_go_at(letter: Letter, zone: ZoneInfo, at: int) -> int:
    """Return when a letter may go out from a time on: by day, but for what would come too late then."""
    later = by_day(zone.key, at)
    return at if letter.begins is not None and letter.begins < later + HOUR_MS else later


def first_way(channels: Channels, contact: Contact) -> tuple[ChannelKind, Mapping[str, str]] | None:
    """Return the first way to write to a customer by a channel that is set up; None where there is none."""
    ways = ways_of(contact)
    return next(((channel, address) for channel, address in ways.items() if channel in channels), None)


def hidden(shown: str) -> str:
    """Return an address as staff recognises it, without most of whose it is: lists are kept for long."""
    name, at, domain = shown.partition("@")
    return f"{name[:1]}…{at}{domain}" if at else shown


def customer_at(session: Session, site: str | None) -> Customer | None:
    """Return the customer of a site, if it has one that is described and active."""
    if site is None:
        return None
    try:
        customer = site_of(session, site).customer
        found = customer_of(session, customer) if customer else None
    except NotFound:
        return None
    return found if found is not None and found.active else None


def _is_meant(session: Session, event: Event, letter: Letter) -> bool:
    """Tell whether a customer judges what was done: repairs are, nothing else."""
    case = ticket(session, int(event.subject_id))
    return letter.kind is not LetterKind.FEEDBACK or case.kind is TicketKind.REPAIR
