"""What devices say beside telemetry: status, info, events, replies. Each is checked by a pure function."""

from datetime import date
from typing import Any, NamedTuple

from fleet.commands import Reply, ReplyState
from fleet.faults import FAULTS, part_codes
from fleet.wire import Dropped, Reason, Topic, is_code, is_id
from ingest.decode.drops import Drop
from ingest.decode.payload import JsonObject, not_object, parse
from ingest.decode.shown import shown_bytes, shown_value
from ingest.decode.times import check_ts
from ingest.messages import Message, Refusal
from storage.records.devices import DeviceInfo, ReportedEvent
from storage.records.repairs import PART_REPLACED

OFFLINE = b"offline"
STATUSES = (b"online", OFFLINE)
_LONGEST_TEXT = 64
_LONGEST_REASON = 500
_REPLIES = frozenset(map(str, ReplyState))


def parse_object(payload: bytes) -> JsonObject | Refusal:
    """Return a payload that must be one JSON object, or why it is refused."""
    value = parse(payload)
    return value if isinstance(value, dict | Refusal) else not_object(value)


def parse_status(payload: bytes) -> str | Refusal:
    """Return `online` or `offline`, or why the payload is refused."""
    if not payload:
        return Refusal(Reason.EMPTY, "no payload; online or offline is expected")
    if payload not in STATUSES:
        return Refusal(Reason.BAD_STATUS, f"{shown_bytes(payload)} is neither online nor offline")
    return payload.decode()


class Info(NamedTuple):
    """What a device says about itself, and what of it is of no use."""

    info: DeviceInfo
    drops: list[Drop]


def parse_info(payload: bytes, topic: Topic) -> Info | Refusal:
    """Return what a device says about itself, or why the payload is refused.

    A key with anything but fitting text counts as absent, and is told; `commissioned` that is no date is told
    as well, but its text is kept.
    """
    value = parse_object(payload)
    if isinstance(value, Refusal):
        return value
    texts = {name: _text(value.get(name)) for name in ("model", "firmware", "serial", "commissioned")}
    drops = [
        Drop(name, Dropped.BAD_TEXT if isinstance(value[name], str) else Dropped.WRONG_TYPE, value[name])
        for name, text in texts.items()
        if text is None and value.get(name) not in (None, "")
    ]
    date_text = texts["commissioned"]
    if date_text is not None:
        texts["commissioned"] = _date(date_text) or date_text
        if _date(date_text) is None:
            drops.append(Drop("commissioned", Dropped.BAD_DATE, date_text))
    return Info(DeviceInfo(topic.device_id, **texts), drops)


def unknown_in(event: ReportedEvent) -> list[Drop]:
    """Return the part and the fault of an event that the catalogue does not know: it starts no baseline."""
    if event.code != PART_REPLACED:
        return []
    said = event.detail
    if said.get("part") is None and said.get("fault") is None:
        return [Drop("part", Dropped.UNKNOWN_PART, None)]
    return [
        Drop(name, reason, said[name])
        for name, reason, known in (
            ("part", Dropped.UNKNOWN_PART, part_codes()),
            ("fault", Dropped.UNKNOWN_FAULT, FAULTS.keys()),
        )
        if said.get(name) is not None and not (isinstance(said[name], str) and said[name] in known)
    ]


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
        return Refusal(
            Reason.BAD_EVENT, f"code must be 1 to 64 of A-Z a-z 0-9 _ - . :, got {shown_value(code)}"
        )
    if detail is not None and not isinstance(detail, dict):
        return Refusal(Reason.BAD_EVENT, "detail must be a JSON object")
    return ReportedEvent(topic.device_id, ts, code, detail or {}, message.received)


def parse_reply(message: Message, topic: Topic) -> Reply | Refusal:
    """Return what a device answers to a command, or why it is refused."""
    value = parse_object(message.payload)
    if isinstance(value, Refusal):
        return value
    command_id, state, reason = value.get("id"), value.get("state"), value.get("reason")
    if not isinstance(command_id, str) or not is_id(command_id):
        return Refusal(Reason.BAD_REPLY, f"id must be that of the command, got {shown_value(command_id)}")
    if not isinstance(state, str) or state not in _REPLIES:
        allowed = ", ".join(ReplyState)
        return Refusal(Reason.BAD_REPLY, f"state must be one of {allowed}, got {shown_value(state)}")
    if reason is None:
        reason = ""
    if not isinstance(reason, str) or len(reason) > _LONGEST_REASON or not reason.isprintable():
        return Refusal(Reason.BAD_REPLY, f"reason must be text of at most {_LONGEST_REASON} characters")
    return Reply(topic.device_id, command_id, ReplyState(state), message.received, reason)


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


def _date(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None
