"""How often somebody may ask: by address, by person or token; in this process, of bounded size.

Each key has a bucket that holds what a minute may take and fills again evenly (GCRA: all that is kept of one
is when it will be full). Those not used for longest are forgotten first: they would be full anyway, unless
there is a flood of addresses, against which counting by address is no help.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from time import monotonic

from fleet.errors import TooOften
from fleet.principals import Principal

_MINUTE_S = 60.0
MOST_KEYS = 20_000


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What may be asked in a minute; 0: as much as anybody likes."""

    requests: int = 30_000
    sign_ins: int = 300
    refusals: int = 1_000


class Bucket:
    """Buckets of one size, one for each key. From any thread."""

    def __init__(self, a_minute: int, now: Callable[[], float] = monotonic, most: int = MOST_KEYS) -> None:
        self._each_s = _MINUTE_S / a_minute if a_minute else 0.0
        self._now = now
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str) -> float:
        """Take one from a key's bucket and return 0, or in how many seconds one will be in it."""
        if not self._each_s:
            return 0.0
        now = self._now()
        with self._lock:
            full_at = max(self._full_at.get(key, now), now) + self._each_s
            wait = full_at - now - _MINUTE_S
            if wait > 1e-9:
                return wait
            self._full_at[key] = full_at
            self._full_at.move_to_end(key)
            if len(self._full_at) > self._most:
                self._full_at.popitem(last=False)
        return 0.0


class Rates:
    """The rates of an installation; each method raises TooOften, which says when to come again."""

    def __init__(self, limits: RateLimits | None = None, now: Callable[[], float] = monotonic) -> None:
        limits = limits or RateLimits()
        self._addresses = Bucket(limits.requests, now)
        self._principals = Bucket(limits.requests, now)
        self._sign_ins = Bucket(limits.sign_ins, now)
        self._refusals = Bucket(limits.refusals, now)

    def request_from(self, address: str) -> None:
        """Count a request from an address."""
        _hold(self._addresses.take(near(address)), "too many requests from your address")

    def request_of(self, principal: Principal) -> None:
        """Count a request of somebody who is known."""
        _hold(self._principals.take(f"{principal.kind} {principal.id}"), "too many requests of yours")

    def sign_in(self, address: str) -> None:
        """Count a try to sign in, or a look at a one-time link."""
        _hold(self._sign_ins.take(near(address)), "too many attempts from your address")

    def refused(self, address: str) -> None:
        """Count a token or a session that was none; those that are good come in meanwhile."""
        _hold(self._refusals.take(near(address)), "too many bad tokens or sessions from your address")


@lru_cache(maxsize=1024)
def near(address: str) -> str:
    """Return what addresses are counted by: an IPv6 address by its /64, which one house has whole."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else f"{IPv6Address(int(found) >> 64 << 64)}/64"


def _hold(wait_s: float, what: str) -> None:
    if wait_s:
        seconds = math.ceil(wait_s)
        raise TooOften(f"{what}; try again in {seconds} seconds", seconds)
