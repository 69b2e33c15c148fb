"""The ingester's small parts: waits, the bounded buffer, settings, broker URLs, free milliseconds."""

import threading
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.broker_url import parse_broker_url
from fleet.clock import ManualClock
from fleet.errors import ConfigError
from fleet.wire import Reason, parse_topic
from ingest.decode.times import next_free
from ingest.link.backoff import Backoff
from ingest.link.buffer import MessageBuffer
from ingest.link.connection import Connection
from ingest.messages import Message, MessageBlock
from ingest.settings import IngestSettings

chances = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 5000), chances)
def test_a_wait_never_leaves_its_bounds(attempt: int, chance: float) -> None:
    assert 0.25 <= Backoff(0.5, 30.0).delay_s(attempt, chance) <= 30.0


@given(st.integers(0, 100), chances)
def test_waits_grow_with_the_attempts(attempt: int, chance: float) -> None:
    backoff = Backoff(0.5, 30.0)
    assert backoff.delay_s(attempt + 1, chance) >= backoff.delay_s(attempt, chance)


def test_jitter_spreads_the_waits() -> None:
    assert Backoff(1.0, 30.0).delay_s(0, 0.0) == 1.0
    assert Backoff(1.0, 30.0).delay_s(0, 0.999) < 0.51


def read(*sizes: int) -> MessageBlock:
    """Return messages with payloads of these sizes, as they come from one read."""
    return MessageBlock.of([Message("t", b"x" * size, 1, False, at, 0) for at, size in enumerate(sizes)])


def test_the_buffer_is_full_until_what_was_taken_is_released() -> None:
    buffer = MessageBuffer(1000)
    for _ in range(3):
        buffer.put(read(100))
    assert not buffer.has_room()
    taken = buffer.take(10, 0)
    assert taken is not None
    assert len(taken) == 3
    assert not buffer.has_room()
    buffer.release(taken)
    assert buffer.has_room()
    assert buffer.bytes_in_flight == 0


@given(st.lists(st.lists(st.integers(0, 500), min_size=1, max_size=5)), st.integers(1, 7))
def test_the_buffer_gives_all_messages_once_in_their_order(reads: list[list[int]], enough: int) -> None:
    buffer = MessageBuffer(10**6)
    put = [read(*sizes) for sizes in reads]
    for one in put:
        buffer.put(one)
    taken: list[Message] = []
    while len(buffer):
        part = buffer.take(enough, 0)
        assert part is not None
        assert 0 < len(part) < enough + 5, "never more reads than it takes"
        taken += part
        buffer.release(part)
    assert taken == [message for one in put for message in one]
    assert buffer.take(enough, 0) is None
    assert buffer.bytes_in_flight == 0


@given(st.lists(st.tuples(st.text(), st.binary(), st.integers(0, 2), st.booleans()), max_size=9), st.data())
def test_a_block_of_messages_is_the_messages(
    said: list[tuple[str, bytes, int, bool]], data: st.DataObject
) -> None:
    messages = [Message(*one, at, 10**12 + at, at % 3) for at, one in enumerate(said)]
    block = MessageBlock.of(messages)
    assert list(block) == messages == [block[at] for at in range(len(block))]
    cut = data.draw(st.integers(0, len(messages)))
    assert list(block[cut:]) == messages[cut:]
    assert list(MessageBlock.joined([block[:cut], block[cut:]])) == messages
    assert block.size == block[:cut].size + block[cut:].size


def test_taking_waits_for_the_first_message_and_no_longer() -> None:
    buffer = MessageBuffer(1000)
    taken: list[MessageBlock | None] = []
    thread = threading.Thread(target=lambda: taken.append(buffer.take(5, 30)))
    thread.start()
    buffer.put(read(100))
    thread.join(5)
    assert [part and len(part) for part in taken] == [1]


@pytest.mark.parametrize(("at_once", "gathers_s"), [(300, 0.1), (2_500, 0.2)])
def test_a_commit_is_waited_for_longer_where_messages_are_very_dense(at_once: int, gathers_s: float) -> None:
    buffer, times = MessageBuffer(10**9), iter(range(10_000))
    with (
        patch("ingest.link.buffer.monotonic", lambda: next(times) / 100),
        patch.object(buffer._changed, "wait", lambda _s: buffer.put(read(1))),
    ):
        buffer.put(read(*[1] * at_once))
        assert len(buffer.take(10**6, 0) or ()) == at_once, "of the first nobody knows yet that it is dense"
        buffer.put(read(*[1] * at_once))
        gathered = len(buffer.take(10**6, 0) or ()) - at_once
    assert gathered == round(gathers_s * 100) - 1, "one came at each look at the clock"


@given(st.sets(st.integers(0, 50)), st.integers(0, 50))
def test_the_next_free_millisecond_is_the_first_that_is_not_taken(taken: set[int], received: int) -> None:
    ts = next_free(received, taken)
    assert ts not in taken
    assert set(range(received, ts)) <= taken


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("mqtt://h", ("mqtt", "h", 1883, None, None)),
        ("mqtt://h:2000", ("mqtt", "h", 2000, None, None)),
        ("mqtts://u:p%40ss@h", ("mqtts", "h", 8883, "u", "p@ss")),
        ("ws://u@h:9001/x", ("ws", "h", 9001, "u", None)),
        ("wss://[::1]", ("wss", "::1", 443, None, None)),
    ],
)
def test_a_broker_url_is_taken_apart(url: str, parts: tuple[object, ...]) -> None:
    address = parse_broker_url(url)
    assert (address.scheme, address.host, address.port, address.username, address.password) == parts
    assert address.tls == (address.scheme in ("mqtts", "wss"))
    assert "p@ss" not in str(address)


@pytest.mark.parametrize(
    "url", ["", "h:1883", "http://h", "mqtt://", "mqtt://h:x", "mqtt://h:99999", "mqtt://h/path"]
)
def test_a_broker_url_that_is_none_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^broker: [^\n]*$"):
        parse_broker_url(url)


def test_no_error_shows_a_password() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_broker_url("http://u:secret@h")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("client_id", ""),
        ("mqtt_version", "4"),
        ("session_expiry_s", 1),
        ("receive_maximum", 0),
        ("receive_maximum", 65_536),
        ("keepalive_s", 0),
        ("buffer_bytes", 1000),
        ("batch_messages", 0),
        ("retention_ms", 0),
        ("quarantine_rows", 0),
        ("quarantine_rows_per_device", 10_001),
        ("tls_cert", "x"),
    ],
)
def test_a_setting_out_of_range_is_named_with_what_is_allowed(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=key):
        IngestSettings(parse_broker_url("mqtt://h"), **{key: value})  # type: ignore[arg-type]


def test_a_topic_that_is_not_utf_8_reaches_the_decoder_as_text_that_is_no_topic_of_ours() -> None:
    settings = IngestSettings(parse_broker_url("mqtt://h"))
    connection = Connection(settings, ManualClock(7), lambda _: None, lambda: True)
    named = connection._names[b"sweepwatch/v1/s1/robot/\xff/telemetry"]
    connection.close(0)
    assert isinstance(parse_topic(named), Reason)
