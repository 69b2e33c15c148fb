"""How what a device sent is shown to people: as JSON, short, and with nothing in it that cannot be seen."""

from typing import Any

import orjson

_LONGEST_NAME = 64
_LONGEST_VALUE = 64
_EXACT = 2**53


def shown_name(name: str) -> str:
    """Return a name as people may be shown it: at most 64 characters, what cannot be printed escaped."""
    return _short(name, _LONGEST_NAME)


def shown_value(value: Any) -> str:
    """Return a value as JSON of at most 64 characters; 5 and 5.0 are the same, as in JSON.

    Bytes are shown as text where they are some, else in hex.
    """
    if isinstance(value, bytes | bytearray):
        return shown_bytes(bytes(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if abs(value) <= 1e300 else value
        whole = float(number).is_integer() and abs(number) < _EXACT
        return str(int(number)) if whole else _short(str(number), _LONGEST_VALUE)
    try:
        text = orjson.dumps(value, default=str).decode()
    except (TypeError, orjson.JSONEncodeError):
        text = str(value)
    return _short(text, _LONGEST_VALUE)


def shown_bytes(payload: bytes, longest: int = 40) -> str:
    """Return the beginning of a payload in quotation marks, or in hex where it is no text."""
    try:
        text = payload[:longest].decode()
    except UnicodeDecodeError:
        return f"{payload[:longest].hex(' ')}{' …' if len(payload) > longest else ''} (hex)"
    return f'"{_short(text, longest)}{"…" if len(payload) > longest else ""}"'


def _short(text: str, longest: int) -> str:
    start = text[: longest + 1]
    escaped = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in start)
    return escaped if len(escaped) <= longest else escaped[: longest - 1] + "…"
