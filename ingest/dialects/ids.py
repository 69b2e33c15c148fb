"""Ids of ours for what other devices call themselves: the same name always gives the same id.

Ids of ours are 1 to 64 of A-Z a-z 0-9 _ -. A name that fits is kept. Any other has what does not fit replaced
by `_` and the first 64 bits of its SHA-256 added, after `__`, so that two names never share an id; so has a
name that only looks as if this had been done to it.
"""

import re
from collections.abc import Sequence
from hashlib import sha256

from fleet.wire import RESERVED_SITE, is_id

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_LOOKS_MADE = re.compile(r".*__[0-9a-f]{16}", re.DOTALL)
_SEPARATOR = "--"
_KEPT_CHARACTERS = 64 - 2 - 16


def make_id(name: str) -> str:
    """Return the id of a device or site that calls itself `name`."""
    if is_id(name) and name != RESERVED_SITE and not _LOOKS_MADE.fullmatch(name):
        return name
    return _hashed(name)


def join_id(parts: Sequence[str]) -> str:
    """Return the id of a device that several parts name: `plant`, `edge`, `robot` is `plant--edge--robot`.

    Parts that would make this ambiguous are hashed like names that do not fit.
    """
    clear = not any(_SEPARATOR in part or part[:1] == "-" or part[-1:] == "-" or not part for part in parts)
    joined = _SEPARATOR.join(parts)
    if clear and is_id(joined) and not _LOOKS_MADE.fullmatch(joined):
        return joined
    return _hashed("/".join(parts))


def _hashed(name: str) -> str:
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{_UNFIT.sub('_', name)[:_KEPT_CHARACTERS]}__{digest}"
