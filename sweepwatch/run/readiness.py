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
            known.update(found)
        for name, wrong in changed.items():
            if wrong is None:
                log.info("%s works", name)
            else:
                log.warning("%s does not work: %s", name, wrong) if name != _START else log.info(wrong)
        return found

    return look


_START = "start"
