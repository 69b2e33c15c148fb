"""Puts letters to customers into words, in their language, with the link by which they answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from fleet.assignments import AppointmentState
from fleet.customers import Customer
from fleet.errors import NotFound
from fleet.faults import FAULTS, Level
from fleet.letters import Letter, LetterKind, NotNeeded, NotTheirs, customer_in, ways_of
from fleet.notices import Message, NotDelivered
from fleet.outbox import Destination, Notice
from fleet.personal import is_personal_fault
from fleet.text import Language
from fleet.tickets import Ticket
from notify.letters import customer_at
from notify.ports import Channels, Said
from notify.rendering import rendered
from storage.records.appointments import appointment_of
from storage.records.consents import consent_of
from storage.records.database import DeskDatabase
from storage.records.destinations import destination_of
from storage.records.sites import site_of
from storage.records.tickets import ticket


class LetterWords:
    """Makes messages of letters, as their case stands when they go out."""

    def __init__(self, desk: DeskDatabase, channels: Channels, said: Said) -> None:
        self._desk, self._channels, self._said = desk, channels, said

    def prepared(
        self, destination_id: int, notice: Notice, letter: Letter, now: int
    ) -> tuple[Destination, dict[str, str], Message]:
        """Return where a letter goes, the address, and its message.

        Each try makes a link of its own: the secret of the one before is kept by nobody.
        Raises NotNeeded, NotDelivered where the customer took their address away, and NotFound.
        """
        number = int(notice.subject_id)
        with self._desk.transaction() as session:
            place = destination_of(session, destination_id)
            case = ticket(session, number)
            customer = _theirs(session, case, notice)
            address = ways_of(customer.contact).get(place.channel)
            if address is None:
                raise NotDelivered("the customer has no such address any more", again=False)
            _check_needed(session, case, letter)
            facts = self._facts(session, case, customer, letter, now)
        link = self._link(letter.kind, number)  # last: it ends the one before
        title, text = rendered("letter", customer.language, facts)
        return place, address, Message(notice.key, title, text, customer.language, now, link=link)

    def _link(self, kind: LetterKind, ticket_id: int) -> str | None:
        make = self._said.answer_by.get(kind)
        return None if make is None else make(ticket_id)

    def _facts(
        self, session: Session, case: Ticket, customer: Customer, letter: Letter, now: int
    ) -> dict[str, Any]:
        language, zone = customer.language, self._said.zones.of(case.site)
        consent = consent_of(session, case.id) if letter.kind is LetterKind.CONSENT else None
        due_at = letter.facts.get("due_at")
        return {
            "kind": letter.kind.value,
            "ticket": case.id,
            "name": customer.contact.name,
            "device": "" if is_personal_fault(case.fault) else case.device_id,
            "site": _site(session, case.site, language),
            "fault": _fault(case, language),
            "later": [FAULTS[code].name.in_language(language) for code in case.deferred_faults],
            "stopped": case.level is Level.L1,
            "offer": "" if consent is None else consent.offer,
            "until": "" if consent is None else _day(consent.ends, zone),
            "due": "" if due_at is None else _day(int(due_at), zone),
            "advice": _advice(letter.facts.get("advice"), language),
            "told_because": str(letter.facts.get("why") or "first"),
            "window": _window(letter, zone),
        }


def _check_needed(session: Session, case: Ticket, letter: Letter) -> None:
    """Raise NotNeeded where what a letter tells is not so any more."""
    if letter.kind is LetterKind.MAINTENANCE and not case.is_open:
        raise NotNeeded("the maintenance is done, or called off")
    if letter.kind is LetterKind.APPOINTMENT:
        known = appointment_of(session, case.id)
        if known is None or known.state is AppointmentState.OFF or known.times != letter.facts.get("times"):
            raise NotNeeded("the customer is told of another time, or of none")


def _window(letter: Letter, zone: ZoneInfo) -> str:
    """Return the window of a letter by the clock of the site, with its day."""
    if letter.begins is None:
        return ""
    begins = datetime.fromtimestamp(letter.begins / 1000, zone)
    ends = datetime.fromtimestamp(int(letter.facts["ends"]) / 1000, zone)
    return f"{begins:%Y-%m-%d %H:%M} – {ends:%H:%M}"


def _theirs(session: Session, case: Ticket, notice: Notice) -> Customer:
    """Return to whom a letter goes. Raises NotTheirs where the site is another's by now, or they left."""
    found = customer_at(session, case.site)
    if found is None or found.id != customer_in(notice.recipient):
        raise NotTheirs("the site is not this customer's any more")
    return found


def _day(ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(ms / 1000, zone).strftime("%Y-%m-%d")


def _site(session: Session, site: str, language: Language) -> str:
    try:
        return site_of(session, site).name.in_language(language) or site
    except NotFound:
        return site


def _fault(case: Ticket, language: Language) -> str:
    """Return what was found, or is suspected; "" where that is no fault of the catalogue."""
    known = case.confirmed_faults or (case.fault,)
    found = FAULTS.get(known[0])
    return "" if found is None else found.name.in_language(language)


def _advice(said: object, language: Language) -> str:
    return str(said.get(language) or "") if isinstance(said, Mapping) else ""
