"""Which dialect a message is for, where several listen to its topic."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable

from ingest.dialects.ports import Dialect
from ingest.messages import Message

_TOPICS_REMEMBERED = 65_536
_MULTI, _SINGLE, _TEXT = 0, 1, 2


@runtime_checkable
class Recognising(Protocol):
    """A dialect that can share its topics with another, since it knows its devices when it sees them."""

    def recognises(self, message: Message) -> bool:
        """Tell whether a message is of one of this dialect's own devices."""
        ...


class Router:
    """Gives each message to one dialect, whatever their order.

    Of those that want a topic, the one that names it most closely has it, level by level from the left:
    `homie/5/+/$state` before `homie/+/+/+`. Where two are equally close, the device decides.
    """

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self._dialects = tuple(dialects)
        self._closest = lru_cache(_TOPICS_REMEMBERED)(self._find_closest)

    def dialect_of(self, message: Message) -> Dialect | None:
        """Return the dialect that a message is for; None where no dialect wants it."""
        closest = self._closest(message.topic)
        if len(closest) < 2:
            return closest[0] if closest else None
        known = [one for one in closest if isinstance(one, Recognising) and one.recognises(message)]
        others = [one for one in closest if not isinstance(one, Recognising)]
        return next(iter((*known, *others)), None)

    def wants(self, topic: str) -> bool:
        """Tell whether any dialect wants a topic."""
        return bool(self._closest(topic))

    def _find_closest(self, topic: str) -> tuple[Dialect, ...]:
        wanting = [(one, closeness(one.subscriptions, topic)) for one in self._dialects if one.wants(topic)]
        best = max((close for _, close in wanting), default=())
        return tuple(one for one, close in wanting if close == best)


def closeness(filters: Sequence[str], topic: str) -> tuple[int, ...]:
    """Return how closely the closest of some topic filters names a topic: text, then `+`, then `#`."""
    return max((_levels(one) for one in filters if matches(one, topic)), default=())


def matches(topic_filter: str, topic: str) -> bool:
    """Tell whether a topic filter of MQTT matches a topic."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        if len(levels) < len(wanted):
            return False
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        one in ("+", level) for one, level in zip(wanted, levels, strict=True)
    )


def _levels(topic_filter: str) -> tuple[int, ...]:
    kinds = {"#": _MULTI, "+": _SINGLE}
    return tuple(kinds.get(level, _TEXT) for level in topic_filter.split("/"))


def sharing(dialects: Sequence[Dialect]) -> tuple[Dialect, Dialect, str] | None:
    """Return two dialects that nothing tells apart, and a topic filter of both; None where there are none.

    Filters are the same where they match a topic equally closely: only such pairs need a closer look.
    """
    by_filter: dict[str, list[Dialect]] = {}
    for dialect in dialects:
        for one in dialect.subscriptions:
            by_filter.setdefault(one, []).append(dialect)
    for one, users in by_filter.items():
        plain = [user for user in users if not isinstance(user, Recognising)]
        alike = [user for user in users if isinstance(user, Recognising)]
        kinds = {type(user) for user in alike}
        if len(plain) > 1 or len(kinds) < len(alike):
            first, second = (plain if len(plain) > 1 else alike)[:2]
            return first, second, one
    return None
