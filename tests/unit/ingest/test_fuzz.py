"""Whatever devices send: the ingester goes on, accounts for each reading, and stores the good ones."""

import json
from collections.abc import Iterator
from itertools import product

import pytest
from helpers.ingesting import NOW, Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.errors import StoreRejected
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import DEFAULT_RETENTION_MS, parse_topic
from ingest.decode.lines import LineDecoder
from ingest.decode.payload import parse
from ingest.messages import Message
from ingest.watch.roster import Roster


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("fuzz"), StoreRejected)
    yield made
    made.close()


names = st.sampled_from([signal.name for signal in STANDARD_SIGNALS] + ["colour", "", "ts", "seq"])
numbers = st.integers() | st.floats() | st.sampled_from([NOW, 0, 5.0, -1, 2**53, 1e300, 1e400])
scalars = st.none() | st.booleans() | numbers | st.text(max_size=5) | st.sampled_from(["idle", "E1"])
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))
readings = st.fixed_dictionaries(
    {}, optional={"ts": st.just(NOW) | scalars, "seq": scalars, "battery_pct": scalars}
).flatmap(lambda base: st.dictionaries(names, values, max_size=4).map(lambda more: base | more))
bodies = readings | st.lists(readings | values, max_size=4) | values


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw JSON that is nearly right: bytes put in, taken out, or changed."""
    payload = bytearray(json.dumps(draw(bodies)).encode())
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(payload)))
        payload[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(payload)


payloads = mutated() | st.binary(max_size=40) | bodies.map(lambda body: json.dumps(body).encode())
levels = st.sampled_from(["s1", "s2", "events", "a b", "R1", "R2", "T1", "robot", "tool", "wristband", ""])
topics = st.builds(
    lambda site, kind, device, channel: f"sweepwatch/v1/{site}/{kind}/{device}/{channel}",
    st.sampled_from(["s1", "s1", "s1", "s2", "events"]) | levels | st.text(max_size=3),
    st.sampled_from(list(Kind)) | levels,
    levels | st.text(max_size=3),
    st.sampled_from(["telemetry", "telemetry", "telemetry", "status", "event", "info", "cmd/reply"]),
)


@st.composite
def crowds(draw: st.DrawFn) -> list[Message]:
    """Draw a few topics and payloads, and return each payload on each topic, some retained."""
    pairs = product(
        draw(st.lists(topics, min_size=3, max_size=6)), draw(st.lists(payloads, min_size=6, max_size=12))
    )
    retained = draw(st.integers(1, 10))
    return [
        Message(topic, payload, 1, number % retained == 1, 1, NOW)
        for number, (topic, payload) in enumerate(pairs)
    ]


def expected(message: Message) -> int:
    """Return how many readings a message counts as where its topic is taken."""
    value = parse(message.payload)
    return len(value) if isinstance(value, list) else 1


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(batch=crowds())
def test_every_reading_of_thousands_of_odd_messages_is_accounted_for(
    bench: Bench, batch: list[Message]
) -> None:
    before = bench.ledger.snapshot()
    good = Message("sweepwatch/v1/s1/robot/GOOD/telemetry", b'{"ts":%d,"x_m":1}' % NOW, 1, False, 1, NOW)
    bench.commit([*batch, good])
    after = bench.ledger.snapshot()
    assert after.received == after.written + after.duplicate + after.quarantined
    ours = [message for message in batch if parse_topic(message.topic) is not None]
    telemetry = [message for message in ours if message.topic.endswith("/telemetry")]
    received = after.received - before.received
    assert len(telemetry) + 1 <= received <= sum(map(expected, telemetry)) + 1
    assert after.messages.total() - before.messages.total() == len(batch) + 1  # type: ignore[attr-defined]
    assert bench.stored("GOOD") == [(NOW, None)]
    assert after.written + after.duplicate > before.written + before.duplicate
    for item in bench.quarantine.find(limit=20).items:
        assert item.detail


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(crowds())
def test_what_becomes_of_a_reading_does_not_depend_on_its_neighbours(batch: list[Message]) -> None:
    def fresh() -> LineDecoder:
        roster = Roster(lambda _: {}, open_registration=True)
        return LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)

    together = fresh().decode(batch)
    one_by_one = fresh()
    alone = [one_by_one.decode([message]) for message in batch]
    assert together.refused == [evidence for part in alone for evidence in part.refused]
    for kind in Kind:
        assert together.rows.get(kind, []) == [row for part in alone for row in part.rows.get(kind, [])]
