"""The frame cutter: whole PUBLISH packets, however the stream is split, and all other packets for paho."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.link.frames import Cut, FrameCutter, MalformedFrame
from ingest.link.mqtt_client import pubacks

Frame = tuple[bytes, bytes, int, bool, int]
"""Topic, payload, QoS, retain flag, packet id."""


def rows(cut: Cut) -> list[Frame]:
    """Return the frames of a cut one by one."""
    if cut.frames is None:
        return []
    topics, payloads, qos, retain, mids = cut.frames
    return list(zip(topics, payloads, qos.tolist(), retain.tolist(), mids.tolist(), strict=True))


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + varint(len(body)) + body


def publish(frame: Frame, *, v5: bool, properties: bytes = b"") -> bytes:
    topic, payload, qos, retain, mid = frame
    body = struct.pack("!H", len(topic)) + topic
    if qos:
        body += struct.pack("!H", mid)
    if v5:
        body += varint(len(properties)) + properties
    return packet(0x30 | qos << 1 | retain, body + payload)


def cut_in_pieces(stream: bytes, cuts: list[int], *, v5: bool) -> tuple[list[Frame], bytes]:
    """Feed a stream in pieces that end at `cuts`; return all that came out."""
    cutter = FrameCutter(v5=v5)
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    parts = [cutter.feed(stream[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
    return [frame for part in parts for frame in rows(part)], b"".join(part.others for part in parts)


frames = st.integers(0, 1).flatmap(
    lambda qos: st.tuples(
        st.binary(min_size=1, max_size=20),
        st.binary(max_size=300),
        st.just(qos),
        st.booleans(),
        st.integers(1, 65_535) if qos else st.just(0),
    )
)
others = st.builds(
    packet,
    st.sampled_from([0x20, 0x40, 0x50, 0x62, 0x90, 0xB0, 0xD0, 0xE0, 0xF0, 0x34, 0x35]),  # 0x34: QoS 2
    st.binary(max_size=200),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(frames | others, max_size=12), st.lists(st.integers(0, 3000), max_size=15), st.booleans())
def test_any_split_of_the_stream_gives_the_same_frames_and_leaves_other_packets_as_they_are(
    items: list[Frame | bytes], cuts: list[int], v5: bool
) -> None:
    stream = b"".join(item if isinstance(item, bytes) else publish(item, v5=v5) for item in items)
    found, left = cut_in_pieces(stream, cuts, v5=v5)
    assert found == [item for item in items if not isinstance(item, bytes)]
    assert left == b"".join(item for item in items if isinstance(item, bytes))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152])
@pytest.mark.parametrize("qos", [0, 1])
def test_properties_of_every_length_are_skipped(size: int, qos: int) -> None:
    frame = (b"a/b", b'{"ts":1}', qos, False, 7 * qos)
    stream = publish(frame, v5=True, properties=b"\x26" * size) + publish(frame, v5=True)
    assert cut_in_pieces(stream, [5, 70_000], v5=True) == ([frame, frame], b"")


def test_a_packet_fed_byte_by_byte_comes_out_with_its_last_byte() -> None:
    frame = (b"a", b"x" * 200, 1, True, 5)
    stream = publish(frame, v5=False)
    cutter = FrameCutter(v5=False)
    for at in range(len(stream) - 1):
        assert cutter.feed(stream[at : at + 1]) == Cut(None, b"")
    assert rows(cutter.feed(stream[-1:])) == [frame]


@pytest.mark.parametrize(
    ("stream", "v5"),
    [
        (b"\x30\xff\xff\xff\xff\x01", False),
        (b"\xd0\x80\x80\x80\x80\x01", False),
        (packet(0x30, b"\x00\x05ab"), False),
        (packet(0x30, b"\x00\x05ab") + packet(0x30, b"\x00\x01abcdefgh"), False),
        (packet(0x30, b"\x00"), False),
        (packet(0x30, b""), False),
        (packet(0x32, b"\x00\x01a\x00"), False),
        (packet(0x30, b"\x00\x01a"), True),
        (packet(0x30, b"\x00\x01a\x05ab"), True),
        (packet(0x30, b"\x00\x01a\xff\xff\xff\xff\x01"), True),
        (packet(0x30, b"\x00\x01a\x80"), True),
        (packet(0x30, b"\x00\x00payload"), False),
        (packet(0x30, b"\x00\x00\x03\x23\x00\x01payload"), True),  # an alias for a topic
    ],
)
def test_what_is_no_mqtt_is_malformed(stream: bytes, v5: bool) -> None:
    with pytest.raises(MalformedFrame):
        FrameCutter(v5=v5).feed(stream)


@given(st.lists(st.integers(0, 65_535), min_size=1, max_size=50))
def test_acknowledgements_in_bulk_are_one_puback_for_each_packet_id_in_order(mids: list[int]) -> None:
    assert pubacks(mids) == b"".join(b"\x40\x02" + struct.pack("!H", mid) for mid in mids)
