"""Logs when a component stops or begins to work, whoever asked whether it does."""

import logging
from collections.abc import Callable, Mapping
from threading import Lock

log = logging.getLogger(__name__)
Readiness = Callable[[], Mapping[str, str | None]]


def noting_changes(readiness: Readiness) -> Readiness:
    """Return `readiness` (what is wrong with each component, None when it is fine), logging each change."""
    known: dict[str, str | None] = {}
    lock = Lock()

    def look() -> Mapping[str, str | None]:
        found = readiness()
        with lock:
            changed = {name: wrong for name, wrong in found.items() if known.get(name) != wrong}
            worked = {name for name in changed if name in known and known[name] is None}
            known.update(found)
        for name, wrong in changed.items():
            # What has yet to begin to work is no news for the terminal, where warnings go.
            level = logging.WARNING if name in worked else logging.INFO
            log.log(level, "%s", f"{name} works" if wrong is None else f"{name} does not work: {wrong}")
        return found

    return look
