"""Back-off after failed attempts to sign in: each waits longer, and nobody can lock another out for long.

Counted are an account tried from an address, an address, and an account from anywhere. The first two wait up
to a quarter of an hour; the third, which a stranger can bring about, a minute at most. Codes of a second
factor are counted for their account as well, and wait as long as the first two: whoever tries one has the
password, and is no stranger.
"""

from dataclasses import dataclass
from operator import itemgetter

from access.secrets import digest
from fleet.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.errors import TooOften
from storage.records.attempts import forget_failures, hold_failures, keep_failures, take_back_failure
from storage.records.database import DeskDatabase

_FORGET_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class _Kind:
    """So many failures are free; after each `fades_ms` one counts no more, None: all do for a day."""

    free: int
    most_ms: int
    fades_ms: int | None = None

    def left(self, failures: int, elapsed_ms: int) -> int:
        """Return how many of so many failures still count, so long after the last."""
        return failures if self.fades_ms is None else max(failures - elapsed_ms // self.fades_ms, 0)


_HERE = _Kind(5, 15 * MINUTE_MS)
_ADDRESS = _Kind(30, 15 * MINUTE_MS, fades_ms=5 * MINUTE_MS)
"""Faded, since a whole office may be behind one address: its slips of a week are no attack."""
_ANYWHERE = _Kind(20, MINUTE_MS)
_CODES = _Kind(10, 15 * MINUTE_MS)


class Attempts:
    """The failed attempts, kept in the desk database so that every process counts them."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def begin(self, account: str, address: str, now: int, *, codes: bool = False) -> None:
        """Count an attempt as failed until `passed` or `succeeded` says else: many at once are counted all.

        Raises TooOften while whoever tries has to wait; the same for accounts that there are not. `codes`:
        what is tried is a second factor, by somebody who has shown the first.
        """
        kinds = _keys(account, address, codes)
        with self._desk.transaction() as session:
            held = hold_failures(session, list(kinds), now, now - _FORGET_MS)
            counts = {key: kinds[key].left(count, now - last) for key, (count, last) in held.items()}
            until = max(last + _wait(kinds[key], counts[key]) for key, (_, last) in held.items())
            if until > now:
                seconds = -(-(until - now) // SECOND_MS)
                raise TooOften(f"too many attempts; try again in {seconds} seconds", seconds)
            keep_failures(session, {key: count + 1 for key, count in counts.items()}, now)

    def passed(self, account: str, address: str, *, codes: bool = False) -> None:
        """Take back what `begin` counted, and no more: there is another step to come."""
        with self._desk.transaction() as session:
            for key in sorted(_keys(account, address, codes)):
                take_back_failure(session, key)

    def succeeded(self, account: str, address: str, *, codes: bool = False) -> None:
        """Let whoever came in from here begin anew."""
        begins_anew = {_HERE, _CODES}
        with self._desk.transaction() as session:
            for key, kind in sorted(_keys(account, address, codes).items(), key=itemgetter(0)):
                if kind in begins_anew:
                    forget_failures(session, key)
                else:
                    take_back_failure(session, key)


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
