"""Who follows the log of events: each reads it in order, at its own pace, from where it stood."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fleet.events import Event, Subject


class Follower(Protocol):
    """Something that is to happen because of what happened.

    `name` is that of its stored cursor. `handle` is called with each event in order, at least once: after a
    crash some events come again, so that doing it twice must be doing it once. What it raises is tried again.
    """

    name: str

    def handle(self, event: Event) -> None:
        """Do what follows from one event."""
        ...


@runtime_checkable
class ChoosyFollower(Follower, Protocol):
    """A follower that does something about events of some subjects alone; it may be given others too."""

    subjects: frozenset[Subject]


@runtime_checkable
class BulkFollower(Follower, Protocol):
    """A follower that is quicker with many events at once; those of one turn are done once this returns."""

    def handle_all(self, events: Sequence[Event]) -> None:
        """Do what follows from events, in order. What it raises is of all: they come again, one by one."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a follower is: events behind the log's end, and what keeps it, None while it gets on.

    `waiting_since` is the time (epoch ms) of the oldest event that it has not handled, `moved_at` when it
    last went on. `tries` are the failures in a row at the next event; `handled` and `failures` count all
    that there ever were; `set_aside` the events that it had to pass over for now.
    """

    name: str
    behind: int
    waiting_since: int | None
    moved_at: int
    tries: int
    trouble: str | None
    set_aside: int
    handled: int
    failures: int

    @property
    def stuck_since(self) -> int | None:
        """When it last did anything although something waited (epoch ms); None where nothing waits."""
        return None if self.waiting_since is None else max(self.waiting_since, self.moved_at)


@dataclass(frozen=True, slots=True)
class SetAside:
    """An event that a follower had to pass over for now: why, and since when (epoch ms)."""

    follower: str
    event: Event
    trouble: str
    at: int
