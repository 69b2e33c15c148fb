"""The wire contract: topics, limits, and the named reasons for which a message or a value is turned away."""

import re
from dataclasses import dataclass
from enum import StrEnum

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.signals import Kind

ROOT = "sweepwatch/v1"
CHANNELS = ("telemetry", "status", "event", "info", "cmd/reply")
SUBSCRIPTIONS = tuple(f"{ROOT}/+/+/+/{channel}" for channel in CHANNELS)
EVERYTHING = f"{ROOT.split('/', 1)[0]}/#"
"""What matches all of SUBSCRIPTIONS and whatever is published beside them."""
_TO_DEVICES = "cmd"
COMMAND_COPIES = f"{ROOT}/+/+/+/{_TO_DEVICES}"
"""Commands to all devices: whoever sends them reads its own back."""

MAX_PAYLOAD_BYTES = 262_144
MAX_DEPTH = 32
EARLIEST_TS = 1_420_070_400_000
"""2015-01-01: an earlier time is often seconds taken for milliseconds."""
FUTURE_TOLERANCE_MS = 10 * MINUTE_MS
DEFAULT_RETENTION_MS = 730 * DAY_MS
MAX_SEQ = 2**53

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
RESERVED_SITE = "events"
COMMAND_MARKERS = f"{ROOT}/{RESERVED_SITE}/commands/marker"
"""Marks between batches of commands, published and read by their sender alone."""
_KINDS = frozenset(str(kind) for kind in Kind)


class Reason(StrEnum):
    """Why a message or a reading was quarantined."""

    BAD_ID = "bad_id"
    UNKNOWN_KIND = "unknown_kind"
    SITE_MISMATCH = "site_mismatch"
    KIND_MISMATCH = "kind_mismatch"
    UNREGISTERED = "unregistered"
    RETAINED_WITHOUT_TS = "retained_without_ts"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    TOO_DEEP = "too_deep"
    EMPTY = "empty"
    NOT_OBJECT = "not_object"
    BAD_TS = "bad_ts"
    FUTURE = "future"
    EXPIRED = "expired"
    NO_SIGNAL = "no_signal"
    BAD_EVENT = "bad_event"
    BAD_STATUS = "bad_status"
    STORE_REJECTED = "store_rejected"
    BAD_DIALECT = "bad_dialect"
    NOT_BORN = "not_born"
    UNKNOWN_ALIAS = "unknown_alias"
    HISTORICAL = "historical"
    DIALECT_FAILED = "dialect_failed"
    BAD_REPLY = "bad_reply"


class Dropped(StrEnum):
    """Why one value of a message was dropped while the rest of it stayed.

    The last three are of events and info: such a value is kept as text, and has no effect.
    """

    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_STATE = "unknown_state"
    BAD_TEXT = "bad_text"
    NOT_CONVERTED = "not_converted"
    UNKNOWN_PART = "unknown_part"
    UNKNOWN_FAULT = "unknown_fault"
    BAD_DATE = "bad_date"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of ours, taken apart."""

    site: str
    kind: Kind
    device_id: str
    channel: str


def is_id(text: str) -> bool:
    """Tell whether `text` may be the id of a site or a device."""
    return _ID.fullmatch(text) is not None


def is_code(text: str) -> bool:
    """Tell whether `text` may be an error code or a zone: the id alphabet plus `.` and `:`."""
    return _CODE.fullmatch(text) is not None


def topic_of(site: str, kind: Kind, device_id: str, channel: str) -> str:
    """Return the topic on which a device publishes on one channel."""
    return f"{ROOT}/{site}/{kind}/{device_id}/{channel}"


def parse_topic(topic: str) -> Topic | Reason | None:
    """Take a topic apart; return the reason instead when its names are wrong.

    Return None for a topic beside ours, which no filter of SUBSCRIPTIONS matches.
    """
    parts = topic.split("/", 5)
    if len(parts) != 6 or "/".join(parts[:2]) != ROOT or parts[5] not in CHANNELS:
        return None
    _, _, site, kind, device_id, channel = parts
    if not is_id(site) or site == RESERVED_SITE or not is_id(device_id):
        return Reason.BAD_ID
    if kind not in _KINDS:
        return Reason.UNKNOWN_KIND
    return Topic(site, Kind(kind), device_id, channel)


def is_our_own(topic: str) -> bool:
    """Tell whether a topic is one on which the platform publishes: events, and requests to devices."""
    parts = topic.split("/")
    if "/".join(parts[:2]) != ROOT:
        return False
    return (parts[2:3] == [RESERVED_SITE] and len(parts) == 5) or (
        len(parts) == 6 and parts[5] == _TO_DEVICES
    )
