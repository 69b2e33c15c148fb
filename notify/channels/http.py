"""Posts a message by HTTP: within its time, to where it may go, following nobody elsewhere.

What goes wrong is told in words of ours. An error of a library may hold an address with a token in it, so
none is kept as a cause.
"""

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

from fleet.notices import NotDelivered
from notify.channels.deadline import PATIENCE_S, Deadline
from notify.channels.targets import ForbiddenTarget
from notify.channels.unsaid import unsaid

_MOST_READ = 65_536
_LONGEST_WAIT_S = 86_400.0
_PASSING = frozenset({408, 409, 423, 425, 429})
"""Refusals that are over by themselves."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered; `body` is its beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says as JSON; None where it is none."""
        import orjson

        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def after_s(self) -> float | None:
        """In how many seconds it wants to be asked again (Retry-After), a day at most; None: not said."""
        said = self.headers.get("retry-after", "").strip()
        try:
            seconds = float(said) if not said.endswith("GMT") else _until(said)
        except (ValueError, TypeError, OverflowError):
            return None
        return min(max(0.0, seconds), _LONGEST_WAIT_S) if isfinite(seconds) else None


def _until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()


@dataclass(frozen=True, slots=True)
class Poster:
    """Posts within `patience_s`. `guarded`: only to public addresses; `trusted` checks certificates."""

    trusted: ssl.SSLContext
    guarded: bool = True
    patience_s: float = PATIENCE_S

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return what the server answers, whatever it is. Raises NotDelivered where it does not."""
        import httpcore2

        problem: NotDelivered
        with Deadline(self.patience_s) as deadline:
            try:
                return self._ask(deadline, url, headers, body)
            except ForbiddenTarget as error:
                problem = NotDelivered(f"not sent: {error}", again=False)
            except (httpcore2.UnsupportedProtocol, httpcore2.LocalProtocolError, UnicodeError, ValueError):
                problem = NotDelivered("not sent: the address is none that HTTP can reach", again=False)
            except Exception as error:
                problem = self._failed(error, deadline)
        raise problem

    def _failed(self, error: Exception, deadline: Deadline) -> NotDelivered:
        import httpcore2

        late = deadline.over or isinstance(error, TimeoutError | httpcore2.TimeoutException)
        why = f"no answer within {self.patience_s:.0f} s" if late else "the connection failed"
        if not deadline.sent and not late and isinstance(error, httpcore2.ConnectError | OSError):
            why = "its certificate is not trusted" if _is_of_certificate(error) else "nobody answers there"
        return NotDelivered(why, again=True, maybe=deadline.sent)

    def _ask(self, deadline: Deadline, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        import httpcore2

        from notify.channels.connection import Backend

        timeout = deadline.left()
        limits = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
        said = {"user-agent": "sweepwatch", "accept": "application/json", "connection": "close", **headers}
        backend = Backend(deadline, self.guarded)
        with (
            httpcore2.ConnectionPool(self.trusted, network_backend=backend) as pool,
            pool.stream(
                "POST", url, headers=_encoded(url, said, body), content=body, extensions={"timeout": limits}
            ) as answer,
        ):
            found = bytearray()
            for chunk in answer.iter_stream():
                found += chunk
                if len(found) >= _MOST_READ:
                    break
            if deadline.over:
                raise TimeoutError
            names = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in answer.headers}
            return Answer(answer.status, names, bytes(found[:_MOST_READ]))


def _encoded(url: str, headers: Mapping[str, str], body: bytes) -> list[tuple[bytes, bytes]]:
    import httpcore2

    parsed = httpcore2.URL(url)
    host = parsed.host + (b":%d" % parsed.port if parsed.port else b"")
    whole = {"content-length": str(len(body)), **headers}
    return [(b"host", host), *((k.encode("ascii"), v.encode("latin-1")) for k, v in whole.items())]


def _is_of_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def refused(answer: Answer, secrets: Iterable[str]) -> NotDelivered:
    """Return what an answer that is no success means: later again, or never, by its status."""
    told = unsaid(answer.body.decode("utf-8", "replace"), secrets)
    again = answer.status in _PASSING or answer.status >= 500
    said = f"HTTP {answer.status}" + (f": {told}" if told else "")
    return NotDelivered(said, again=again, after_s=answer.after_s if again else None)


def check_url(url: str, *, plain: bool) -> bool:
    """Tell whether an address is one to which a message may be posted; `plain`: without TLS too."""
    try:
        parsed = urlsplit(url)
        usable = bool(parsed.hostname) and parsed.port != 0 and "@" not in parsed.netloc
    except ValueError:
        return False
    fine = parsed.scheme == "https" or (plain and parsed.scheme == "http")
    return usable and fine and url.isascii() and " " not in url and not parsed.fragment
