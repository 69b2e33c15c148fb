"""Sessions: signing in and out, and who a browser's cookie is."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from access.attempts import Attempts
from access.passwords import verify_password
from access.permissions import granted
from access.second_factor import WRONG, SecondFactors
from access.secrets import digest, new_secret
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock
from fleet.errors import NotFound, NotSignedIn
from fleet.people import Begun, BegunSignIn, Person, SessionFacts
from fleet.principals import Principal, PrincipalKind
from storage.records import people as rows
from storage.records.begun_sign_ins import begin_sign_in, begun_sign_in, end_sign_in
from storage.records.database import DeskDatabase
from storage.records.sessions import (
    begin_session,
    end_session,
    end_sessions,
    see_session,
    session_of,
    sessions_of,
)

log = logging.getLogger(__name__)
IDLE_MS = 12 * HOUR_MS
"""A session that was not used for so long is over."""
LASTS_MS = 14 * DAY_MS
"""However much it is used."""
_SEEN_MS = MINUTE_MS
"""To so much the last use is known: a write for each request would cost more than the request."""
_AGENT, _ADDRESS = 255, 64
CODE_WITHIN_MS = 10 * MINUTE_MS
"""So long a sign-in by password waits for its code."""


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody sits: what the browser calls itself, and the address that it comes from."""

    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What showing one factor opened: a session, or (`code_asked`) the second step that leads to one.

    `secret` is for the browser's cookie.
    """

    person: Person
    secret: str
    code_asked: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """A sign-in that was ended: the secret of its session, and where it leads."""

    secret: str
    onward: str


class Sessions:
    """The sessions of people; their cookies are random and kept as digests. May raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._attempts = Attempts(desk)
        self._factors = SecondFactors(desk, clock)

    def sign_in(self, email: str, password: str, browser: Browser, onward: str = "/") -> Entry:
        """Return what an address and a password open; `onward` is where a sign-in that waits leads.

        Raises NotSignedIn, in the same words and time whether there is such an address or not, and TooOften.
        """
        email, now = email.strip().lower(), self._clock.now_ms()
        self._attempts.begin(email, browser.address, now)
        with self._desk.transaction() as session:
            person = rows.person_by_email(session, email)
            kept = rows.password_hash_of(session, person.id) if person is not None else None
        fits, better = verify_password(password, kept)
        if person is None or not fits or person.disabled_at is not None:
            # Not what was entered: now and then it is a password.
            log.warning("sign-in refused: %s, from %s", _who(person), browser.address)
            raise NotSignedIn("this address and password do not belong together")
        if person.second_factor:  # else the failures of the second step would be forgotten by the first
            self._attempts.passed(email, browser.address)
        else:
            self._attempts.succeeded(email, browser.address)
        log.info("first step of sign-in: %s, by password, from %s", _who(person), browser.address)
        if better is not None:
            with self._desk.transaction() as session:
                rows.set_password_hash(session, person.id, better)
        return self.enter(person, browser, onward)

    def enter(self, person: Person, browser: Browser, onward: str = "/", *, strong: bool = False) -> Entry:
        """Return what opens to somebody who has shown one factor; `strong`: a second one as well."""
        if strong or not person.second_factor:
            return Entry(person, self.begin(person, browser, strong=strong))
        secret, now = new_secret(), self._clock.now_ms()
        with self._desk.transaction() as session:
            ends = now + CODE_WITHIN_MS
            begin_sign_in(session, BegunSignIn(digest(secret), Begun.CODE, person.id, ends, onward), now)
        return Entry(person, secret, code_asked=True)

    def waits_for_code(self, secret: str) -> bool:
        """Tell whether a sign-in that a browser began still waits for its code."""
        with self._desk.transaction() as session:
            return begun_sign_in(session, digest(secret), Begun.CODE, self._clock.now_ms()) is not None

    def end_sign_in(self, secret: str, code: str, browser: Browser) -> Ended:
        """Return the session that a code opens, in the browser that began. Its sign-in is used up by that.

        Raises NotFound where none waits, NotSignedIn for a code that is not right, and TooOften.
        """
        key, now = digest(secret), self._clock.now_ms()
        with self._desk.transaction() as session:
            begun = begun_sign_in(session, key, Begun.CODE, now)
            if begun is None or begun.person_id is None:
                raise _no_sign_in()
            person = rows.person_of(session, begun.person_id)
        self._attempts.begin(person.email, browser.address, now, codes=True)
        with self._desk.transaction() as session:
            fits = person.disabled_at is None and self._factors.use(session, person, code, now)
            if fits and not end_sign_in(session, key, Begun.CODE, now):
                raise _no_sign_in()
        if not fits:
            raise NotSignedIn(WRONG)
        self._attempts.succeeded(person.email, browser.address, codes=True)
        return Ended(self.begin(person, browser, strong=True), begun.onward)

    def begin(self, person: Person, browser: Browser, *, strong: bool = False) -> str:
        """Begin a session of somebody who has shown who they are; return the secret for the cookie.

        It is always a new one: what a browser held before is worth nothing after.
        """
        secret, now = new_secret(), self._clock.now_ms()
        facts = SessionFacts(
            digest(secret),
            person.id,
            now,
            now,
            now + LASTS_MS,
            browser.agent[:_AGENT].replace("\0", ""),
            browser.address[:_ADDRESS],
            strong,
        )
        with self._desk.transaction() as session:
            begin_session(session, facts)
        return secret

    def person_of(self, secret: str) -> tuple[Person, SessionFacts]:
        """Return whose session a cookie's secret opens, and the session. Raises NotSignedIn."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            found = session_of(session, digest(secret))
            if found is None or now >= min(found.ends, found.seen + IDLE_MS):
                raise NotSignedIn("this session is over; sign in again")
            person = rows.person_of(session, found.person_id)
            if person.disabled_at is not None:
                raise NotSignedIn("this session is over; sign in again")
            if now - found.seen >= _SEEN_MS:
                see_session(session, found.key, now)
        return person, found

    def of(self, person_id: int) -> Sequence[SessionFacts]:
        """Return somebody's sessions that are not over, the one seen last first."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            return [
                each for each in sessions_of(session, person_id) if now < min(each.ends, each.seen + IDLE_MS)
            ]

    def end(self, person_id: int, key: str) -> None:
        """End one session of somebody. Raises NotFound where they have none with this key."""
        with self._desk.transaction() as session:
            found = session_of(session, key)
            if found is None or found.person_id != person_id:
                raise NotFound("there is no such session")
            end_session(session, key)

    def end_by(self, secret: str) -> None:
        """End the session that a cookie's secret opens, where there is one."""
        with self._desk.transaction() as session:
            end_session(session, digest(secret))

    def end_all(self, person_id: int) -> None:
        """Sign somebody out everywhere."""
        with self._desk.transaction() as session:
            end_sessions(session, person_id)


def _no_sign_in() -> NotFound:
    return NotFound("this sign-in is over, or was ended already; begin again")


def _who(person: Person | None) -> str:
    return "an account that is none" if person is None else f"person {person.id}"


def principal_of(person: Person) -> Principal:
    """Return somebody as who acts, with what their roles allow."""
    grants = tuple(granted(role, sites) for role, sites in person.reaches)
    return Principal(PrincipalKind.PERSON, str(person.id), person.name, grants)
