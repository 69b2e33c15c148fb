"""What others say, as it may be kept: without any part of a secret that they repeat to us."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from fleet.secrecy import HIDDEN, without_secrets

_PART = 6
"""So many characters in a row of a secret are a part of it."""
_LONGEST = 200
_READ = 2_000
_RUN = re.compile(r"[A-Za-z0-9_\-+/=%.~]{24,}")
"""What looks like a token, whosever it is, or like one of ours in another spelling."""


def unsaid(text: object, secrets: Iterable[str] = ()) -> str:
    """Return one short line of a text, every part of the secrets hidden, and whatever looks like a token."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[:_READ]).split())
    hidden = [False] * len(line)
    for secret in {form for each in secrets for form in _spellings(each)}:
        _hide(line, secret, hidden)
    shown = "".join("\0" if hide else one for one, hide in zip(line, hidden, strict=True))
    shown = _RUN.sub(HIDDEN, re.sub("\0+", HIDDEN, shown))
    shown = without_secrets(shown)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _spellings(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), quote(secret), unquote(secret)} - {""}


def _hide(line: str, secret: str, hidden: list[bool]) -> None:
    """Mark each place of a line at which a part of a secret stands, in whichever case."""
    low, part = line.lower(), min(_PART, len(secret))
    secret = secret.lower()
    if len(low) != len(line):  # some letters are longer in lower case: then places do not agree
        low = line
    for begin in range(len(secret) - part + 1):
        piece = secret[begin : begin + part]
        at = low.find(piece)
        while at >= 0:
            hidden[at : at + part] = [True] * part
            at = low.find(piece, at + 1)
