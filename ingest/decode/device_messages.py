"""What devices say beside telemetry: status, info, events, replies. Each is checked by a pure function."""

from datetime import date
from typing import Any

from fleet.wire import Reason, Topic, is_code
from ingest.decode.payload import JsonObject, not_object, parse
from ingest.decode.times import check_ts
from ingest.messages import Message, Refusal
from storage.records.devices import DeviceInfo, ReportedEvent

OFFLINE = b"offline"
STATUSES = (b"online", OFFLINE)
_LONGEST_TEXT = 64


def parse_object(payload: bytes) -> JsonObject | Refusal:
    """Return a payload that must be one JSON object, or why it is refused."""
    value = parse(payload)
    return value if isinstance(value, dict | Refusal) else not_object(value)


def parse_status(payload: bytes) -> str | Refusal:
    """Return `online` or `offline`, or why the payload is refused."""
    if not payload:
        return Refusal(Reason.EMPTY, "no payload; online or offline is expected")
    if payload not in STATUSES:
        return Refusal(Reason.BAD_STATUS, f"{payload[:40]!r} is neither online nor offline")
    return payload.decode()


def parse_info(payload: bytes, topic: Topic) -> DeviceInfo | Refusal:
    """Return what a device says about itself, or why the payload is refused.

    A key with anything but fitting text counts as absent.
    """
    value = parse_object(payload)
    if isinstance(value, Refusal):
        return value
    return DeviceInfo(
        device_id=topic.device_id,
        model=_text(value.get("model")),
        firmware=_text(value.get("firmware")),
        serial=_text(value.get("serial")),
        commissioned=_date(value.get("commissioned")),
    )


def parse_event(message: Message, topic: Topic, retention_ms: int) -> ReportedEvent | Refusal:
    """Return an event, or why it is refused; without `ts` it happened when it arrived."""
    value = parse_object(message.payload)
    if isinstance(value, Refusal):
        return value
    ts = _event_ts(message, value.get("ts"), retention_ms)
    if isinstance(ts, Refusal):
        return ts
    code, detail = value.get("code"), value.get("detail")
    if not isinstance(code, str) or not is_code(code):
        return Refusal(Reason.BAD_EVENT, f"code must be 1 to 64 of A-Z a-z 0-9 _ - . :, got {code!r:.60}")
    if detail is not None and not isinstance(detail, dict):
        return Refusal(Reason.BAD_EVENT, "detail must be a JSON object")
    return ReportedEvent(topic.device_id, ts, code, detail or {}, message.received)


def _event_ts(message: Message, value: Any, retention_ms: int) -> int | Refusal:
    if value is not None:
        return check_ts(value, message.received, retention_ms)
    if message.retain:
        return undated_copy()
    return message.received


def undated_copy() -> Refusal:
    """Return the refusal of a retained copy without a time."""
    return Refusal(Reason.RETAINED_WITHOUT_TS, "a retained copy without ts: nobody knows how old it is")


def _text(value: Any) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT and value.isprintable():
        return value
    return None


def _date(value: Any) -> str | None:
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        return None
