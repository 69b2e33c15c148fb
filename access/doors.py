"""The doors: who a cookie or a token makes of whoever shows it, remembered for a moment."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from access.federation import Federation
from access.looks import Looks
from access.people import People
from access.provider import Provider
from access.second_factor import SecondFactors
from access.secrets import derived, digest
from access.sessions import Sessions, principal_of
from access.tokens import Tokens
from fleet.clock import Clock
from fleet.principals import Principal
from storage.records.database import DeskDatabase

_REMEMBERED_S = 2.0
"""So long another process's change of rights may go unseen; one of this process is seen at once."""
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever came in. `person`, `session` (its key) and `csrf` are None where no browser's session did it.

    `csrf` has to come back with each change that a browser asks for. `must_set_up` says that nothing is open
    before the person has set up a second factor.
    """

    principal: Principal
    person: int | None = None
    session: str | None = None
    csrf: str | None = None
    must_set_up: bool = False


class Doors:
    """Lets in people by their sessions, machines by their tokens. From any thread."""

    def __init__(
        self,
        desk: DeskDatabase,
        clock: Clock,
        *,
        second_factor_required: bool = False,
        provider: Provider | None = None,
    ) -> None:
        self.second_factor_required = second_factor_required
        self.people = People(desk, clock)
        self.second_factors = SecondFactors(desk, clock)
        self.sessions = Sessions(desk, clock)
        self.tokens = Tokens(desk, clock)
        self.looks = Looks(desk, clock)
        self.federation = (
            None if provider is None else Federation(desk, clock, provider, self.sessions, self.people)
        )
        self._known: dict[str, tuple[Visitor, float]] = {}
        self._lock = threading.Lock()
        self.people.when_changed(self.forget)

    def by_session(self, secret: str) -> Visitor:
        """Return whose browser shows a cookie. Raises NotSignedIn."""
        return self._visitor(digest(f"session {secret}"), lambda: self._of_session(secret))

    def by_token(self, secret: str) -> Visitor:
        """Return which machine bears a token. Raises NotSignedIn."""
        return self._visitor(digest(f"token {secret}"), lambda: Visitor(self.tokens.principal_of(secret)))

    def sign_out(self, secret: str) -> None:
        """End the session of a cookie, where it has one."""
        self.sessions.end_by(secret)
        self.forget()

    def forget(self) -> None:
        """Look everybody up again: somebody's rights changed, or a session ended."""
        with self._lock:
            self._known.clear()

    def _of_session(self, secret: str) -> Visitor:
        person, facts = self.sessions.person_of(secret)
        lacks = self.second_factor_required and not (person.second_factor or facts.strong)
        return Visitor(principal_of(person), person.id, facts.key, derived(secret, "csrf"), lacks)

    def _visitor(self, key: str, look_up: Callable[[], Visitor]) -> Visitor:
        now = monotonic()
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[1] > now:
            return known[0]
        visitor = look_up()
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = visitor, now + _REMEMBERED_S
        return visitor
