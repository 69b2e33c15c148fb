"""Which payloads may be parsed together, one a line: cheap looks at the bytes; what is doubtful stays out.

What could otherwise happen is the worst of all: a line break inside a payload, or an empty payload, would
land every later reading on another device.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson

from fleet.signals import Form, Kind, SignalTable

_BREAK, _OPEN, _CLOSE, _ARRAY, _BACKSLASH, _U = b"\n{}[\\u"
_COLONS = b":"
_NO_MARKS = bytes(set(range(256)) - {_BREAK, _OPEN, _CLOSE, _ARRAY, _BACKSLASH, *_COLONS})
_NUMBERS = frozenset({int, float, type(None)})
_BOOLEANS = frozenset({bool, type(None)})


class Look(NamedTuple):
    """What one pass over payloads, joined by line breaks, tells of them.

    `plain`: each payload is at most one flat object on one line, so that nothing needs a closer look.
    """

    plain: bool
    colons: int


def look(lines: int, joined: bytes) -> Look:
    """Look through `joined`, which has as many payloads as `lines`.

    A flat object has one brace each way and no bracket. `\\u` may be half a character, which JSON forbids and
    the parser lets pass; it is looked for where there is any backslash.
    """
    marks = joined.translate(None, _NO_MARKS)
    # Any other order of the marks needs a closer look.
    return Look(marks.translate(None, _COLONS) == (b"{}\n" * lines)[:-1], marks.count(_COLONS))


def doubtful(payloads: Sequence[bytes], joined: bytes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which payloads must be looked at one by one. Shape: (payloads,)."""
    sizes = np.fromiter(map(len, payloads), dtype=np.int64, count=len(payloads))
    ends = np.cumsum(sizes + 1)
    text = np.frombuffer(joined, dtype=np.uint8)

    def per_line(
        marks: np.ndarray[tuple[int], np.dtype[np.bool_]],
    ) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        lines = np.searchsorted(ends, np.flatnonzero(marks), side="right")
        return np.bincount(lines, minlength=len(payloads))

    breaks = per_line(text == _BREAK)
    breaks[:-1] -= 1  # the one that joins it to the next
    odd: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
        (breaks != 0) | (per_line(text == _OPEN) != 1) | (per_line(text == _CLOSE) != 1)
    )
    if b"[" in joined:
        odd |= per_line(text == _ARRAY) != 0
    if b"\\u" in joined:
        escapes = text == _BACKSLASH
        escapes[:-1] &= text[1:] == _U
        odd |= per_line(escapes) != 0
    return odd


class TypeCheck:
    """Tells whether the parser takes a payload of one kind of device; asked only after it refused a batch."""

    def __init__(self, signals: SignalTable, kind: Kind) -> None:
        self._types = {"ts": _NUMBERS, "seq": _NUMBERS}
        for signal in signals.for_kind(kind):
            if signal.is_numeric:
                self._types[signal.name] = _NUMBERS
            elif signal.form is Form.BOOLEAN:
                self._types[signal.name] = _BOOLEANS

    def fits(self, payload: bytes) -> bool:
        """Tell whether the payload is an object whose numbers are numbers and whose bools are bools."""
        try:
            value = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return False
        if type(value) is not dict:
            return False
        types = self._types
        return all(type(item) in types[name] for name, item in value.items() if name in types)
