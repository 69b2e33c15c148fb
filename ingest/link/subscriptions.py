"""What an ingester subscribes to, alone or as one of a group that shares the load."""

from collections.abc import Sequence

from fleet.errors import ConfigError
from fleet.wire import EVERYTHING, ROOT, SUBSCRIPTIONS

_RETAINED = tuple(f"{ROOT}/+/+/+/{channel}" for channel in ("status", "info"))


def topic_filters(of_dialects: Sequence[str] = (), share: str | None = None) -> tuple[str, ...]:
    """Return our own topic filters and those of the dialects, each once.

    With `share`, the name of a group, the broker gives each message to one of the group. `status` and `info`
    go to all of it, since retained copies never come through a shared subscription; to note them twice does
    no harm. Raises ConfigError for dialects in a group: they remember what a device said before.
    """
    if share is None:
        return tuple(dict.fromkeys([*SUBSCRIPTIONS, *of_dialects]))
    if of_dialects:
        raise ConfigError(
            "ingest.share: dialects remember what a device said, so that no group can share their messages; "
            "give them an ingest process without share"
        )
    return tuple(one if one in _RETAINED else f"$share/{share}/{one}" for one in SUBSCRIPTIONS)


def wide_filters(of_dialects: Sequence[str] = (), share: str | None = None) -> tuple[str, ...]:
    """Return filters that also match topics beside ours, in place of `topic_filters`; the widest comes first.

    Where filters overlap, most brokers send a message once for each: so one filter takes the place of ours
    and of those dialects that are under our root, instead of standing beside them. In a group `status` and
    `info` come through two of them; to note them twice does no harm.
    """
    if share is None:
        elsewhere = [one for one in of_dialects if not one.startswith(EVERYTHING.removesuffix("#"))]
        return tuple(dict.fromkeys([EVERYTHING, *elsewhere]))
    return (f"$share/{share}/{EVERYTHING}", *_RETAINED)
