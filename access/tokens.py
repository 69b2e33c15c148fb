"""Tokens of machines: shown once, kept as digests, with scopes, sites and an end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from access.roles import check_sites
from access.secrets import digest, new_secret
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock
from fleet.errors import Conflict, InvalidInput, NotAllowed, NotSignedIn
from fleet.events import Event, Subject
from fleet.grants import Grant, Permission, Sites
from fleet.people import Token
from fleet.principals import MAX_NAME, PEOPLE, Principal, PrincipalKind
from fleet.text import quoted
from fleet.wire import is_id
from storage.records import tokens as rows
from storage.records.database import DeskDatabase
from storage.records.events import tell

PREFIX = "sw_"
"""Every token begins so, that people and scanners know one when they see it."""
OVERLAP_MS = HOUR_MS
"""So long an old token goes on beside the one that takes its place."""
LONGEST_DAYS = 3660
_USED_MS = MINUTE_MS


@dataclass(frozen=True, slots=True)
class Asked:
    """A token that is asked for; `days` until it ends, None: never. `sites` None: everywhere."""

    name: str
    scopes: tuple[str, ...]
    sites: Sites = None
    days: int | None = 365


class Tokens:
    """The tokens of an installation. Each change is an event of the log; may raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def all(self) -> Sequence[Token]:
        """Return every token, the newest first."""
        with self._desk.transaction() as session:
            return rows.tokens(session)

    def make(self, asked: Asked, by: Principal) -> tuple[Token, str]:
        """Make a token; return it with its secret, which nobody will see again.

        Raises InvalidInput for one that cannot be, NotAllowed for one that could do more than its maker.
        """
        _check(asked)
        _check_within(asked.scopes, asked.sites, by)
        now = self._clock.now_ms()
        ends = None if asked.days is None else now + asked.days * DAY_MS
        with self._desk.transaction() as session:
            check_sites(session, sorted(asked.sites or ()))
            _check_outlives(session, ends, by)
        token = Token(0, asked.name, scopes_of(asked.scopes), asked.sites, by.name, now, ends, None, None)
        return self._keep(token, by, "made")

    def rotate(self, token_id: int, by: Principal) -> tuple[Token, str]:
        """Make a token like one that is still good, which goes on for an hour.

        Raises as `make`, NotFound, Conflict where one took its place already.
        """
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            old = rows.token_of(session, token_id)
            if _is_over(old, now):
                raise InvalidInput(f"token {token_id} is over; make another")
            _check_within(old.scopes, old.sites, by)
            ends = None if old.ends is None else now + max(old.ends - old.made_at, DAY_MS)
            if by.id != str(token_id):  # a token may take its own place, for as long as it was made
                _check_outlives(session, ends, by)
            until = min(old.ends or now + OVERLAP_MS, now + OVERLAP_MS)
            if not rows.renew_token(session, token_id, until, now):
                raise Conflict(f"token {token_id} was renewed already; renew the one in its place")
        token = Token(0, old.name, old.scopes, old.sites, by.name, now, ends, None, None)
        return self._keep(token, by, "rotated")

    def revoke(self, token_id: int, by: Principal) -> None:
        """End a token now. Raises NotFound."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            if rows.revoke_token(session, token_id, now):
                tell(session, Event(now, Subject.TOKEN, str(token_id), "revoked", by, "revoked"))

    def principal_of(self, secret: str) -> Principal:
        """Return who a secret makes of its bearer. Raises NotSignedIn."""
        now = self._clock.now_ms()
        if not secret.startswith(PREFIX):
            raise NotSignedIn(f"this is no token of ours: they begin with {PREFIX}")
        with self._desk.transaction() as session:
            token = rows.token_by_key(session, digest(secret))
            if token is None or _is_over(token, now):
                raise NotSignedIn("this token is over, or never was one")
            if token.last_used is None or now - token.last_used >= _USED_MS:
                rows.see_token(session, token.id, now)
        known = frozenset(Permission(scope) for scope in token.scopes if scope in set(Permission))
        return Principal(PrincipalKind.TOKEN, str(token.id), token.name, (Grant(known, token.sites),))

    def _keep(self, token: Token, by: Principal, what: str) -> tuple[Token, str]:
        secret = new_secret(PREFIX)
        with self._desk.transaction() as session:
            kept = rows.add_token(session, digest(secret), token)
            told = {"name": kept.name, "scopes": list(kept.scopes)}
            tell(session, Event(token.made_at, Subject.TOKEN, str(kept.id), what, by, what, data=told))
        return kept, secret


def scopes_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return scopes by their names, each once. Raises InvalidInput, which lists what is allowed."""
    asked = tuple(dict.fromkeys(names))
    for name in asked:
        if name not in set(Permission):
            raise InvalidInput(f"scopes: {quoted(name)} is none; allowed: {', '.join(Permission)}")
    return asked


def _check(asked: Asked) -> None:
    if not asked.name.strip() or len(asked.name) > MAX_NAME or not asked.name.isprintable():
        raise InvalidInput(f"name: required, 1 to {MAX_NAME} characters that can be seen")
    if asked.sites is not None and not asked.sites:
        raise InvalidInput("sites: at least one, or none named for everywhere")
    for site in asked.sites or ():
        if not is_id(site):
            raise InvalidInput(f"sites: {quoted(site)} is none; allowed: letters, digits, _ and -")
    if not scopes_of(asked.scopes):
        raise InvalidInput(f"scopes: at least one is required; allowed: {', '.join(Permission)}")
    if asked.days is not None and not 1 <= asked.days <= LONGEST_DAYS:
        raise InvalidInput(f"days: allowed: 1 to {LONGEST_DAYS}")


def _check_within(scopes: Iterable[str], sites: Sites, by: Principal) -> None:
    """Raise NotAllowed where a token could do more than the person or the machine that makes it."""
    if by.kind not in PEOPLE:
        return
    for scope in scopes:
        theirs = by.reach(Permission(scope))
        if theirs is not None and (sites is None or not sites <= theirs):
            raise NotAllowed(f"a token can do no more than {by.name}, who does not have {scope} there")


def _check_outlives(session: Session, ends: int | None, by: Principal) -> None:
    """Raise NotAllowed where a token would go on after the one that makes it."""
    if by.kind is not PrincipalKind.TOKEN:
        return
    its = rows.token_of(session, int(by.id)).ends
    if its is not None and (ends is None or ends > its):
        raise NotAllowed(f"a token ends no later than {by.name}, which makes it")


def _is_over(token: Token, now: int) -> bool:
    return token.revoked_at is not None or (token.ends is not None and token.ends <= now)
