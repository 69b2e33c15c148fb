"""Cuts whole PUBLISH packets out of the bytes that a broker sends; docs/decisions/0008 says why.

Pure: bytes in, frames out. Whatever is no PUBLISH of QoS 0 or 1 is passed on as it came.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_PUBLISH = 0x30
_TYPE, _QOS, _RETAIN = 0xF0, 0x06, 0x01
_QOS_1 = 0x02
_CONTINUED, _DIGIT = 0x80, 0x7F
_VARINT_BYTES = 4

Places = NDArray[np.int64]
"""Indexes into the bytes. Shape: (packets,)."""


class MalformedFrame(Exception):
    """The bytes are no MQTT: where the next packet begins cannot be known, so the connection must end."""


class Frames(NamedTuple):
    """PUBLISH packets of QoS 0 and 1 by columns, in their order; every column has shape (packets,).

    By columns, since a Python object for each packet takes longer to make than to receive and parse it.
    """

    topics: list[bytes]
    """As sent."""
    payloads: list[bytes]
    qos: Places
    retain: NDArray[np.bool_]
    mids: NDArray[np.int64]
    """Packet ids, 0 at QoS 0."""


class Cut(NamedTuple):
    """What came whole: the frames (None where there was none), and the bytes of all other packets."""

    frames: Frames | None
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
            return Cut(None, b"")
        data = chunk if len(self._parts) == 1 else b"".join(self._parts)
        starts, used = _boundaries(data)
        cut = _cut(data, np.array(starts), used, v5=self._v5) if starts else Cut(None, b"")
        rest = data[used:]
        self._parts = [rest] if rest else []
        self._missing = _missing(rest)
        return cut


def _boundaries(data: bytes) -> tuple[list[int], int]:
    """Return where each whole packet starts, and where the last one ends.

    This loop alone runs for each packet: where one ends is only known from its start.
    """
    starts: list[int] = []
    add = starts.append
    start, end = 0, len(data)
    while start + 2 < end:
        length, second = data[start + 1], data[start + 2]
        if length < _CONTINUED:
            stop = start + 2 + length
        elif second < _CONTINUED:
            stop = start + 3 + (length - _CONTINUED) + (second << 7)  # which most have
        else:
            size = _varint(data, start + 1)
            if size is None:
                break
            stop = sum(size)
        if stop > end:
            break
        add(start)
        start = stop
    if start + 2 == end and not data[start + 1]:
        add(start)  # a packet without a body, a PINGRESP say, ends with its length
        start = end
    return starts, start


def _cut(data: bytes, starts: Places, used: int, *, v5: bool) -> Cut:
    """Cut the packets that start at `starts` out of `data`; the last of them ends at `used`."""
    text = np.frombuffer(data, dtype=np.uint8)
    stops = np.append(starts[1:], used)
    heads = text[starts]
    wanted = (heads & _TYPE == _PUBLISH) & (heads & _QOS <= _QOS_1)
    others = b""
    if not wanted.all():
        left = zip(starts[~wanted].tolist(), stops[~wanted].tolist(), strict=True)
        others = b"".join([data[start:stop] for start, stop in left])
        heads, starts, stops = heads[wanted], starts[wanted], stops[wanted]
    return Cut(_frames(data, text, heads, starts, stops, v5=v5) if len(heads) else None, others)


def _frames(
    data: bytes, text: NDArray[np.uint8], heads: NDArray[np.uint8], starts: Places, stops: Places, *, v5: bool
) -> Frames:
    """Read the fields of PUBLISH packets, all packets at once.

    Every step only moves on from the one before, so that one look at the end tells whether all stayed within
    their packets; until then a place beyond the data reads as its last byte.
    """
    bodies = starts + 2
    for _ in range(_VARINT_BYTES - 1):
        # As far as the bytes of the packet's length go on.
        more = text.take(bodies - 1, mode="clip") >= _CONTINUED
        if not more.any():
            break
        bodies += more
    begins = bodies + 2
    ends = begins + _uint16(text, bodies)
    qos = (heads & _QOS).astype(np.int64) >> 1
    mids = np.where(qos == 1, _uint16(text, ends), 0)
    at = ends + 2 * qos
    if v5:
        lengths = text.take(at, mode="clip")
        properties, at = at, at + 1 + lengths
        for place in np.flatnonzero(lengths >= _CONTINUED).tolist():
            at[place] = _skipped(data, int(properties[place]))
    if (at > stops).any() or (begins == ends).any():
        raise MalformedFrame("a PUBLISH without a topic, or shorter than its header")
    return Frames(
        topics=_slices(data, begins, ends),
        payloads=_slices(data, at, stops),
        qos=qos,
        retain=heads & _RETAIN == 1,
        mids=mids,
    )


def _uint16(text: NDArray[np.uint8], at: Places) -> Places:
    high = text.take(at, mode="clip").astype(np.int64)
    return (high << 8) + text.take(at + 1, mode="clip")


def _slices(data: bytes, begins: Places, ends: Places) -> list[bytes]:
    return [data[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]


def _skipped(data: bytes, at: int) -> int:
    """Return where the properties end whose length stands at `at`."""
    size = _varint(data, at)
    if size is None:
        raise MalformedFrame("a PUBLISH shorter than its header")
    length, body = size
    return body + length


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
