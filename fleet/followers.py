"""Who follows the log of events: each reads it in order, at its own pace, from where it stood."""

from dataclasses import dataclass
from typing import Protocol

from fleet.events import Event


class Follower(Protocol):
    """Something that is to happen because of what happened.

    `name` is that of its stored cursor. `handle` is called with each event in order, at least once: after a
    crash some events come again, so that doing it twice must be doing it once. What it raises is tried again.
    """

    name: str

    def handle(self, event: Event) -> None:
        """Do what follows from one event."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a follower is: events behind the log's end, and what keeps it, None while it gets on.

    `waiting_since` is the time (epoch ms) of the oldest event that it has not handled.
    """

    name: str
    behind: int
    waiting_since: int | None
    tries: int
    trouble: str | None
    set_aside: int
