"""Both decoders give the same answers, whatever is sent."""

import json
from collections.abc import Sequence
from typing import Any

from helpers.decoders import in_bulk, outcome, reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.clock import DAY_MS
from fleet.signals import ROBOT_STATES, STANDARD_SIGNALS, Form, Kind, Signal
from fleet.wire import DEFAULT_RETENTION_MS, MAX_SEQ, topic_of
from ingest.messages import Message
from storage.records.devices import Placement

NOW = 1_763_800_000_000
DEVICES = [(kind, f"{kind[0].upper()}{number}") for kind in Kind for number in (1, 2)]
KNOWN = {device: Placement("s1", kind) for kind, device in DEVICES}


def values_of(signal: Signal) -> st.SearchStrategy[Any]:
    match signal.form:
        case Form.NUMBER:
            return st.floats(signal.low, signal.high) | st.integers(int(signal.low), int(signal.high))
        case Form.WHOLE:
            return st.integers(int(signal.low), int(signal.high)).flatmap(
                lambda n: st.sampled_from([n, float(n)])
            )
        case Form.BOOLEAN:
            return st.booleans()
        case Form.STATE:
            return st.sampled_from(ROBOT_STATES)
        case Form.TEXT:
            return st.from_regex(r"[A-Za-z0-9_.:-]{1,8}", fullmatch=True)


odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.sampled_from(
        ["", "5", "1e3", "true", "washing", "idle", 5.5, 1e3, 2**53, 2.0**53, 2**53 + 1, 1e300, -0.0]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["a", "ts"]), st.integers(), max_size=2),
)
OLDEST = NOW - DEFAULT_RETENTION_MS
odd_times = st.one_of(
    st.sampled_from([None, 0, -1, 1e300, "1763800000000", True, 1.7e12, 1_763_800_000]),
    st.sampled_from([NOW + 600_000, NOW + 600_001, NOW + 600_000.5, OLDEST, OLDEST - 1, OLDEST - 0.5]),
)
odd_numbers = st.sampled_from([None, -1, 5.0, 5.5, MAX_SEQ, MAX_SEQ + 1, MAX_SEQ - 1, 2**70, "5", True])


@st.composite
def readings(draw: st.DrawFn, kind: Kind) -> dict[str, Any]:
    """Draw a reading; one in three has something odd."""
    signals = draw(
        st.lists(st.sampled_from(STANDARD_SIGNALS.for_kind(kind)), min_size=1, max_size=5, unique=True)
    )
    reading: dict[str, Any] = {
        "ts": NOW - draw(st.integers(0, 5 * DAY_MS)),
        "seq": draw(st.integers(0, 10**6)),
    }
    reading |= {signal.name: draw(values_of(signal)) for signal in signals}
    match draw(st.integers(0, 11)):
        case 0:
            reading[draw(st.sampled_from([s.name for s in signals]))] = draw(odd_values)
        case 1:
            reading["ts"] = draw(odd_times)
        case 2:
            reading["seq"] = draw(odd_numbers)
        case 3:
            reading[draw(st.sampled_from(["colour", "x", "a:b", "\u00e9", 'q"']))] = draw(odd_values)
        case 4:
            del reading[draw(st.sampled_from(list(reading)))]
        case _:
            pass
    return reading


@st.composite
def payloads(draw: st.DrawFn, kind: Kind) -> bytes:  # noqa: PLR0911 - one way to spoil a message a line
    """Draw a payload: compact, spaced, pretty, an array, or mutated bytes."""
    reading = draw(readings(kind))
    match draw(st.integers(0, 9)):
        case 0:
            return json.dumps([reading, draw(readings(kind) | odd_values)]).encode()
        case 1:
            return json.dumps(reading, indent=1).encode()
        case 2:
            text = bytearray(json.dumps(reading).encode())
            at = draw(st.integers(0, len(text)))
            text[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=2))
            return bytes(text)
        case 3:
            return draw(st.sampled_from(RUBBISH))
        case 4:
            return json.dumps(reading, ensure_ascii=False).encode(errors="replace")
        case 5:
            return json.dumps(reading).encode() + draw(
                st.sampled_from([b"\n", b" ", b"\r\n", b"}", b"{}", b"\0"])
            )
        case _:
            return json.dumps(reading, separators=(",", ":")).encode()


RUBBISH = [
    b"",
    b" ",
    b"\n",
    b"{}",
    b"{}{}",
    b"5",
    b"null",
    b"[]",
    b"{",
    b"\xff",
    b'{"x_m":1e400}',
    b'{"x_m":NaN}',
    b'{"zone":"\\ud800"}',
    b'{"ts":1763800000000,"zone":5}',
    b'{"ts":1763800000000,\n"x_m":5}',
    b'{"ts":1763800000000,"x_m":5}\n{"ts":1763800000000,"x_m":6}',
    b'{"ts":1763800000000,"a":' + b'{"a":' * 40 + b"1" + b"}" * 41,
    b'{"ts":1763800000000,"x_m":01}',
    b"\xef\xbb\xbf{}",
]


@st.composite
def messages(draw: st.DrawFn) -> list[Message]:
    """Draw what a few devices say, mostly telemetry; some are new, some say it from elsewhere."""
    said = []
    for number in range(draw(st.integers(2, 14))):
        kind, device = draw(st.sampled_from(DEVICES))
        device = draw(st.sampled_from([device] * 9 + ["N1"]))
        site = draw(st.sampled_from(["s1"] * 15 + ["s2"]))
        channel = draw(st.sampled_from(["telemetry"] * 9 + ["status"]))
        payload = draw(payloads(kind))
        retained = draw(st.integers(0, 12)) == 0
        said.append(Message(topic_of(site, kind, device, channel), payload, 1, retained, 1, NOW + number))
    return said


def assert_same(batch: Sequence[Message]) -> None:
    bulk, line = in_bulk(KNOWN), reference(KNOWN)
    for _ in range(2):  # the second time, the bulk decoder has learned what comes
        assert outcome(bulk, batch) == outcome(line, batch)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(messages())
def test_both_decoders_give_the_same_readings_refusals_and_counts(batch: list[Message]) -> None:
    assert_same(batch)
