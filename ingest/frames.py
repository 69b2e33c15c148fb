"""Cuts whole PUBLISH packets out of the bytes that a broker sends; docs/decisions/0008 says why.

Pure: bytes in, frames out. Whatever is no PUBLISH of QoS 0 or 1 is passed on as it came.
"""

from typing import NamedTuple

_PUBLISH = 0x30
_TYPE, _QOS, _RETAIN = 0xF0, 0x06, 0x01
_CONTINUED, _DIGIT = 0x80, 0x7F
_VARINT_BYTES = 4


class MalformedFrame(Exception):
    """The bytes are no MQTT: where the next packet begins cannot be known, so the connection must end."""


Frame = tuple[bytes, bytes, int, bool, int]
"""One PUBLISH: topic as sent, payload, QoS, retain flag, packet id (0 at QoS 0).

A bare tuple, made in an eighth of the time that a named one takes.
"""


class Cut(NamedTuple):
    """What came whole: the PUBLISH frames of QoS 0 and 1, and the bytes of all other packets; in order."""

    frames: list[Frame]
    others: bytes


class FrameCutter:
    """Cuts one connection's stream, however it is split; `v5` tells MQTT 5 (its properties) from 3.1.1.

    A topic alias instead of a topic is malformed: we announce that we take none.
    """

    def __init__(self, *, v5: bool) -> None:
        self._v5 = v5
        self._parts: list[bytes] = []
        self._missing = 1

    def feed(self, chunk: bytes) -> Cut:
        """Take the next bytes; return what is whole now. Raises MalformedFrame."""
        self._parts.append(chunk)
        # A packet of many chunks is joined once, when its last byte is there.
        self._missing -= len(chunk)
        if self._missing > 0:
            return Cut([], b"")
        data = chunk if len(self._parts) == 1 else b"".join(self._parts)
        try:
            cut, used = _cut(data, self._v5)
        except IndexError as error:
            raise MalformedFrame("a PUBLISH ends within its header") from error
        rest = data[used:]
        self._parts = [rest] if rest else []
        self._missing = _missing(rest)
        return cut


def _cut(data: bytes, v5: bool) -> tuple[Cut, int]:
    """Cut what is whole in `data`; return it, and how many bytes that was."""
    frames: list[Frame] = []
    others: list[bytes] = []
    start, end = 0, len(data)
    while start + 2 <= end:
        length, body = data[start + 1], start + 2
        if length & _CONTINUED:
            size = _varint(data, start + 1)
            if size is None:
                break
            length, body = size
        stop = body + length
        if stop > end:
            break
        head = data[start]
        if head & _TYPE == _PUBLISH and head & _QOS <= 2:
            # One pass without a call per field: this is all that happens to each message while it is read.
            begin = body + 2
            at = topic_end = begin + (data[body] << 8) + data[body + 1]
            qos = mid = 0
            if head & _QOS:
                qos, mid = 1, (data[at] << 8) + data[at + 1]
                at += 2
            if v5:
                properties = data[at]
                at += 1 + properties if properties < _CONTINUED else _skipped(data, at)
            if at > stop or topic_end == begin:
                raise MalformedFrame("a PUBLISH without a topic, or shorter than its header")
            frames.append((data[begin:topic_end], data[at:stop], qos, head & _RETAIN == 1, mid))
        else:
            others.append(data[start:stop])
        start = stop
    return Cut(frames, b"".join(others)), start


def _skipped(data: bytes, at: int) -> int:
    """Return how many bytes a length at `at` and the properties that it counts take."""
    size = _varint(data, at)
    if size is None:
        raise MalformedFrame("a PUBLISH shorter than its header")
    length, body = size
    return body - at + length


def _varint(data: bytes, at: int) -> tuple[int, int] | None:
    """Return the variable byte integer at `at` and where it ends; None where its end is not there yet."""
    value = 0
    for place in range(_VARINT_BYTES):
        if at + place >= len(data):
            return None
        digit = data[at + place]
        value |= (digit & _DIGIT) << 7 * place
        if digit < _CONTINUED:
            return value, at + place + 1
    raise MalformedFrame("a length of more than four bytes")


def _missing(rest: bytes) -> int:
    """Return how many bytes must come, at the least, before the packet at the start of `rest` is whole."""
    size = _varint(rest, 1)
    if size is None:
        return 1
    length, body = size
    return body + length - len(rest)
