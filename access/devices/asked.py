"""What may be asked for a device: ids, sites, models, topics; each refusal says what is allowed."""

from collections.abc import Collection

from access.devices.book import RESERVED
from fleet.device_doors import NewDevice
from fleet.errors import InvalidInput
from fleet.text import quoted
from fleet.wire import RESERVED_SITE, is_id

_MOST_TOPICS, _LONGEST_TOPIC, _LONGEST_TEXT = 8, 200, 64
_IDS = "A-Z, a-z, 0-9, _ and -, 1 to 64 of them"


def check_device(device: NewDevice) -> None:
    """Raise InvalidInput unless a device can be registered like this."""
    if not is_id(device.id):
        raise InvalidInput(f"id: {quoted(device.id)} is none; allowed: {_IDS}")
    if device.id.lower().startswith(RESERVED):
        raise InvalidInput(f"id: {quoted(device.id)} is ours; no device's begins with {RESERVED}")
    check_site(device.site)
    for name, text in (("model", device.model), ("serial", device.serial)):
        if len(text) > _LONGEST_TEXT or any(not sign.isprintable() for sign in text):
            raise InvalidInput(f"{name}: allowed: up to {_LONGEST_TEXT} printable characters")
    check_topics(device.id, device.topics)


def check_site(site: str) -> None:
    """Raise InvalidInput unless devices can be at a site of this id."""
    if not is_id(site) or site == RESERVED_SITE:
        raise InvalidInput(f"site: {quoted(site)} is none; allowed: {_IDS}, and not {RESERVED_SITE}")


def check_topics(device_id: str, topics: Collection[str]) -> None:
    """Raise InvalidInput unless these are topics that can be one device's own.

    A level of the topic is the device's id, and nothing before it is a wildcard; `sweepwatch` and `$` are
    ours and the broker's.
    """
    if len(topics) > _MOST_TOPICS:
        raise InvalidInput(f"topics: allowed: {_MOST_TOPICS} a device")
    for topic in topics:
        levels = topic.split("/")
        own = levels.index(device_id) if device_id in levels else 0
        wild = any("+" in level or "#" in level for level in levels[: own + 1])
        ends = all(level == "+" or not {"+", "#"} & set(level) for level in levels[own + 1 : -1])
        last = levels[-1] in ("+", "#") or not {"+", "#"} & set(levels[-1])
        ours = levels[0] in ("sweepwatch", "") or levels[0].startswith("$")
        if not own or wild or not ends or not last or ours or len(topic) > _LONGEST_TOPIC or "\x00" in topic:
            raise InvalidInput(
                f"topics: {quoted(topic)} is not this device's own; allowed: valetudo/{device_id}/# and the "
                "like, with its id as a level, and wildcards behind it"
            )
