"""Sessions: signing in and out, and who a browser's cookie is."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from access.attempts import Attempts
from access.passwords import verify_password
from access.permissions import granted
from access.secrets import digest, new_secret
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock
from fleet.errors import NotFound, NotSignedIn
from fleet.people import Person, SessionFacts
from fleet.principals import Principal, PrincipalKind
from storage.records import people as rows
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


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody sits: what the browser calls itself, and the address that it comes from."""

    agent: str
    address: str


class Sessions:
    """The sessions of people; their cookies are random and kept as digests. May raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._attempts = Attempts(desk)

    def sign_in(self, email: str, password: str, browser: Browser) -> tuple[Person, str]:
        """Return who signed in and the secret for their cookie.

        Raises NotSignedIn, in the same words and time whether there is such an address or not, and TooOften.
        """
        email, now = email.strip().lower(), self._clock.now_ms()
        self._attempts.check(email, browser.address, now)
        with self._desk.transaction() as session:
            person = rows.person_by_email(session, email)
            kept = rows.password_hash_of(session, person.id) if person is not None else None
        fits, better = verify_password(password, kept)
        if person is None or not fits or person.disabled_at is not None:
            self._attempts.failed(email, browser.address, now)
            # Not what was entered: now and then it is a password.
            log.warning("sign-in refused: %s, from %s", _who(person), browser.address)
            raise NotSignedIn("this address and password do not belong together")
        self._attempts.succeeded(email, browser.address)
        log.info("signed in: %s, by password, from %s", _who(person), browser.address)
        if better is not None:
            with self._desk.transaction() as session:
                rows.set_password_hash(session, person.id, better)
        return person, self.begin(person, browser)

    def begin(self, person: Person, browser: Browser) -> str:
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
        )
        with self._desk.transaction() as session:
            begin_session(session, facts)
        return secret

    def person_of(self, secret: str) -> tuple[Person, str]:
        """Return whose session a cookie's secret opens, and its key. Raises NotSignedIn."""
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
        return person, found.key

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

    def end_all(self, person_id: int) -> None:
        """Sign somebody out everywhere."""
        with self._desk.transaction() as session:
            end_sessions(session, person_id)


def _who(person: Person | None) -> str:
    return "an account that is none" if person is None else f"person {person.id}"


def principal_of(person: Person) -> Principal:
    """Return somebody as who acts, with what their roles allow."""
    grants = tuple(granted(role, sites) for role, sites in person.reaches)
    return Principal(PrincipalKind.PERSON, str(person.id), person.name, grants)
