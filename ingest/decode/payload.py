"""From bytes to JSON values, as strict as docs/wire.md: size, encoding, JSON, depth, shape.

orjson refuses by itself what RFC 8259 refuses, and also a byte-order mark, NaN, Infinity, numbers beyond a
double, lone surrogates and a second value (tests/unit/test_ingest_payload.py holds it to that). What is left
to do here is to name the reason, and the depth.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import orjson

from fleet.signals import Kind
from fleet.wire import MAX_DEPTH, MAX_PAYLOAD_BYTES, Reason
from ingest.decode.drops import Drop
from ingest.decode.shown import shown_name
from ingest.messages import Refusal

JsonObject = dict[str, Any]

_WHITE_SPACE = b" \t\r\n"
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_STRINGS = re.compile(_STRING, re.DOTALL)
_MARKS = re.compile(_STRING + rb"|[\[\]{},]", re.DOTALL)
_KEYS = frozenset({"ts", "seq"})
_KEYS_NAMED = 5
_PIECE_LEVELS = 1000
"""orjson refuses more than 1024 levels without looking further."""


def parse(payload: bytes) -> JsonObject | list[Any] | Refusal:
    """Return a message's JSON object or non-empty array, or why it is refused whole.

    The elements of an array are as they came: each is checked by itself.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        return Refusal(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are taken")
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return _why_unreadable(payload, error)
    if payload.count(b"{") + payload.count(b"[") > MAX_DEPTH and depth(payload) > MAX_DEPTH:
        return _too_deep()
    if value == []:
        return Refusal(Reason.EMPTY, "an empty array holds no reading")
    if not isinstance(value, dict | list):
        return not_object(value)
    return value


def not_object(value: object) -> Refusal:
    """Return the refusal of a value that should have been an object."""
    return Refusal(Reason.NOT_OBJECT, f"expected a JSON object, got {_name(value)}")


def no_signal(kind: Kind, reading: Mapping[str, Any], dropped: Collection[Drop]) -> Refusal:
    """Return the refusal of a reading without a usable signal; it names up to five keys that were there."""
    why = {drop.signal: f" ({drop.reason})" for drop in dropped}
    all_names = [name for name in dict.fromkeys((*reading, *why)) if name not in _KEYS]
    names, more = all_names[:_KEYS_NAMED], len(all_names[_KEYS_NAMED:])
    listed = ", ".join(f"{shown_name(name)}{why.get(name, '')}" for name in names)
    rest = f" and {more} more" if more else ""
    said = f"its keys are {listed}{rest}" if names else "it has no other key than ts and seq"
    return Refusal(Reason.NO_SIGNAL, f"no known signal of a {kind} is left; {said}")


def _name(value: object) -> str:
    names = {bool: "a bool", str: "a string", list: "an array", type(None): "null"}
    return names.get(type(value), "a number")


def _too_deep() -> Refusal:
    return Refusal(Reason.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels")


def _why_unreadable(payload: bytes, error: orjson.JSONDecodeError) -> Refusal:
    try:
        payload.decode()
    except UnicodeDecodeError as wrong:
        return Refusal(Reason.BAD_ENCODING, f"not UTF-8: {wrong.reason} at byte {wrong.start}")
    if not payload.strip(_WHITE_SPACE):
        return Refusal(Reason.EMPTY, "nothing but white space" if payload else "no payload")
    opened = payload.count(b"{") + payload.count(b"[")
    if opened > _PIECE_LEVELS and depth(payload) > _PIECE_LEVELS and _valid_in_pieces(payload):
        return _too_deep()
    return Refusal(Reason.BAD_JSON, str(error))


def depth(payload: bytes) -> int:
    """Return how many levels of objects and arrays a JSON text nests; brackets in strings do not count."""
    marks = np.frombuffer(_STRINGS.sub(b"", payload), dtype=np.uint8)
    opened = np.isin(marks, (ord("{"), ord("["))).astype(np.int32)
    closed = np.isin(marks, (ord("}"), ord("]"))).astype(np.int32)
    return int(np.max(np.cumsum(opened - closed), initial=0))


def _valid_in_pieces(payload: bytes) -> bool:
    """Tell whether a text that is too deep for orjson is JSON, judging every thousand levels by themselves.

    In each piece a `0` stands for what is deeper, so that the text is JSON exactly when all pieces are.
    """
    outer = [bytearray()]
    level = copied = 0
    for mark in _MARKS.finditer(payload):
        sign = mark.group()
        if sign in (b"[", b"{"):
            if level and level % _PIECE_LEVELS == 0:
                outer[-1] += payload[copied : mark.start()] + b"0"
                copied = mark.start()
                outer.append(bytearray())
            level += 1
        elif sign in (b"]", b"}"):
            level -= 1
            if level and level % _PIECE_LEVELS == 0 and len(outer) > 1:
                piece = outer.pop() + payload[copied : mark.end()]
                copied = mark.end()
                if not _is_json(bytes(piece)):
                    return False
    return len(outer) == 1 and _is_json(bytes(outer[0] + payload[copied:]))


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def elements(payload: bytes) -> list[bytes]:
    """Return the elements of a valid JSON array, each with its own bytes."""
    parts: list[bytes] = []
    level = start = 0
    for mark in _MARKS.finditer(payload):
        sign = mark.group()
        if sign in (b"[", b"{"):
            level += 1
            if level == 1:
                start = mark.end()
        elif sign in (b"]", b"}"):
            level -= 1
            if level == 0:
                parts.append(payload[start : mark.start()].strip(_WHITE_SPACE))
        elif sign == b"," and level == 1:
            parts.append(payload[start : mark.start()].strip(_WHITE_SPACE))
            start = mark.end()
    return parts
