"""Back-off after failed attempts to sign in: each waits longer, and nobody can lock another out for long.

Counted are an account tried from an address, an address, and an account from anywhere. The first two wait up
to a quarter of an hour; the third, which a stranger can bring about, a minute at most. Codes of a second
factor are counted for their account as well, and wait as long as the first two: whoever tries one has the
password, and is no stranger.
"""

from dataclasses import dataclass

from access.secrets import digest
from fleet.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.errors import TooOften
from storage.records.attempts import count_failure, failures_of, forget_failures
from storage.records.database import DeskDatabase

_FORGET_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class _Kind:
    free: int
    most_ms: int


_HERE = _Kind(5, 15 * MINUTE_MS)
_ADDRESS = _Kind(30, 15 * MINUTE_MS)
_ANYWHERE = _Kind(20, MINUTE_MS)
_CODES = _Kind(10, 15 * MINUTE_MS)


class Attempts:
    """The failed attempts, kept in the desk database so that every process counts them."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def check(self, account: str, address: str, now: int, *, codes: bool = False) -> None:
        """Raise TooOften while whoever tries has to wait; the same for accounts that there are not.

        `codes`: what is tried is a second factor, by somebody who has shown the first.
        """
        kinds = _keys(account, address, codes)
        with self._desk.transaction() as session:
            failures = failures_of(session, list(kinds))
        until = max((last + _wait(kinds[key], count) for key, (count, last) in failures.items()), default=0)
        if until > now:
            raise TooOften("too many attempts; try again later", -(-(until - now) // SECOND_MS))

    def failed(self, account: str, address: str, now: int, *, codes: bool = False) -> None:
        """Count a failed attempt."""
        with self._desk.transaction() as session:
            count_failure(session, list(_keys(account, address, codes)), now, now - _FORGET_MS)

    def succeeded(self, account: str, address: str, *, codes: bool = False) -> None:
        """Let whoever came in from here begin anew."""
        begins_anew = {_HERE, _CODES}
        with self._desk.transaction() as session:
            for key, kind in _keys(account, address, codes).items():
                if kind in begins_anew:
                    forget_failures(session, key)


def _keys(account: str, address: str, codes: bool) -> dict[str, _Kind]:
    found = {
        digest(f"here\0{account}\0{address}"): _HERE,
        digest(f"address\0{address}"): _ADDRESS,
        digest(f"anywhere\0{account}"): _ANYWHERE,
    }
    return found | ({digest(f"codes\0{account}"): _CODES} if codes else {})


def _wait(kind: _Kind, failures: int) -> int:
    """Return how long after the last of so many failures the next attempt may come, in ms."""
    beyond = failures - kind.free
    return 0 if beyond < 0 else min(kind.most_ms, SECOND_MS << min(beyond, 20))
