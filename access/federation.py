"""Signing in by a provider (OpenID Connect): in which browser it was begun, and who an account is here."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from access.people import People, address_in
from access.provider import Account, Provider
from access.secrets import digest, new_secret
from access.sessions import Browser, Entry, Sessions
from fleet.clock import MINUTE_MS, Clock
from fleet.errors import Conflict, NotAllowed, NotFound
from fleet.events import Event, Subject
from fleet.people import Begun, BegunSignIn, Person, RoleAt
from fleet.principals import MAX_NAME, schedule
from storage.records import people as rows
from storage.records.begun_sign_ins import begin_sign_in, begun_sign_in, end_sign_in
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.identities import bind_identity, whose_identity

log = logging.getLogger(__name__)

WITHIN_MS = 10 * MINUTE_MS
"""So long a sign-in waits for the provider's answer."""
BY = schedule("provider")
"""Who lets in and changes whom the provider vouches for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser brings back from the provider: a code, or an error; `state` says to what it answers."""

    state: str
    code: str
    error: str = ""
    issuer: str | None = None


class Federation:
    """Lets people in whom the provider vouches for. Each change is an event of the log."""

    def __init__(
        self, desk: DeskDatabase, clock: Clock, provider: Provider, sessions: Sessions, people: People
    ) -> None:
        self.provider = provider
        self._desk = desk
        self._clock = clock
        self._sessions = sessions
        self._people = people

    def begin(self, onward: str, back: str) -> tuple[str, str]:
        """Begin a sign-in: return the secret for the browser's cookie, and where it asks the provider.

        Raises ProviderTrouble.
        """
        secret, now = new_secret(), self._clock.now_ms()
        address = self.provider.address(secret, back)
        with self._desk.transaction() as session:
            begun = BegunSignIn(digest(secret), Begun.PROVIDER, None, now + WITHIN_MS, onward)
            begin_sign_in(session, begun, now)
        return secret, address

    def end(self, secret: str, answer: Answer, back: str, browser: Browser) -> tuple[Entry, str]:
        """Return what the provider's answer opens, and where it leads. The answer is good for once.

        Raises NotFound where this browser began nothing that waits, NotAllowed for an answer that is not to
        be believed or an account that nobody let in, and ProviderTrouble.
        """
        key, now = digest(secret), self._clock.now_ms()
        if not self.provider.is_answer_to(secret, answer.state):
            raise _no_sign_in()
        with self._desk.transaction() as session:
            begun = begun_sign_in(session, key, Begun.PROVIDER, now)
            if begun is None or not end_sign_in(session, key, Begun.PROVIDER, now):
                raise _no_sign_in()
        self.provider.check_sender(answer.issuer)
        if answer.error or not answer.code:
            raise NotAllowed("the provider did not let you in")
        account = self.provider.account(secret, back, answer.code)
        person = self._person_of(account)
        strong = self.provider.registration.trusted_with_second_factor
        return self._sessions.enter(person, browser, begun.onward, strong=strong), begun.onward

    def _person_of(self, account: Account) -> Person:
        with self._desk.transaction() as session:
            found = whose_identity(session, account.issuer, account.subject)
            person, by_claim = self._known(session, found) if found else self._newly_bound(session, account)
            if person.disabled_at is not None:
                raise NotAllowed("you may not sign in here any more")
        if by_claim and set(person.roles) != set(account.roles):
            person = self._given(person, account.roles)
        return person

    def _known(self, session: Session, found: tuple[int, bool]) -> tuple[Person, bool]:
        return rows.person_of(session, found[0]), found[1]

    def _newly_bound(self, session: Session, account: Account) -> tuple[Person, bool]:
        """Return who has the verified address of an account, which is theirs from now on."""
        if account.email is None:
            raise NotAllowed("the provider does not say that your e-mail address is yours (email_verified)")
        person = rows.person_by_email(session, account.email)
        by_claim, now = person is None and bool(account.roles), self._clock.now_ms()
        if person is None:
            person = self._newcomer(session, account, account.email)
        try:
            bind_identity(session, account.issuer, account.subject, person.id, now, by_claim=by_claim)
        except Conflict as error:
            raise NotAllowed("another account of the provider has your address here; ask an admin") from error
        _tell(session, person, "bound", now)
        return person, by_claim

    def _newcomer(self, session: Session, account: Account, email: str) -> Person:
        ours = self.provider.registration
        roles = account.roles
        if not roles and ours.domain_role is not None and email.rpartition("@")[2] in ours.domains:
            roles = (ours.domain_role,)
        if not roles:
            raise NotAllowed("nobody has invited you here; ask an admin")
        name = account.name.replace("\0", "").strip()[:MAX_NAME] or email.partition("@")[0][:MAX_NAME]
        now = self._clock.now_ms()
        person = rows.add_person(session, address_in(email), name, now, roles)
        _tell(session, person, "came", now)
        return person

    def _given(self, person: Person, roles: Iterable[RoleAt]) -> Person:
        """Give somebody the roles that the provider claims; with none they are not let in."""
        given = tuple(roles)
        try:
            person = self._people.give_roles(person.id, given, BY)
        except Conflict:
            log.warning("person %s stays the last admin, whatever the provider claims", person.id)
            return person
        if not given:
            raise NotAllowed("the provider gives you no role here any more; ask an admin")
        return person


def _tell(session: Session, person: Person, what: str, now: int) -> None:
    tell(session, Event(now, Subject.PERSON, str(person.id), what, BY, what))


def _no_sign_in() -> NotFound:
    return NotFound("this sign-in was not begun in this browser, or is over; begin again")
