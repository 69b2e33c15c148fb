"""One hard hour of a few devices ends line by line as docs/wire.md says: both decoders, both stores."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from helpers.influx import Influxd
from helpers.ingesting import NOW, Bench

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.errors import StoreRejected
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import DEFAULT_RETENTION_MS
from ingest.decode.bulk import BulkDecoder
from ingest.decode.lines import LineDecoder
from ingest.ledger import LedgerSnapshot
from ingest.messages import Message
from ingest.watch.roster import Roster
from ingest.watch.stream import StreamWatch
from storage.ports import TelemetryStore
from storage.records.gaps import Gaps
from storage.series.influx.store import InfluxStore

HOUR_AGO = NOW - HOUR_MS
STEP = 10 * SECOND_MS
TOPIC = "sweepwatch/v1/s1/robot/{}/telemetry"
Row = tuple[float | None, float | None, float | None]
"""`seq`, `battery_pct`, `x_m`."""


@dataclass(frozen=True)
class Sent:
    """What a device publishes, and when it reaches us."""

    body: Any
    received: int = NOW
    retain: bool = False

    def message(self, device: str) -> Message:
        payload = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return Message(TOPIC.format(device), payload, 1, self.retain, 1, self.received)


@dataclass(frozen=True)
class Case:
    """What one device sends, commit by commit, and what must have become of it."""

    commits: Sequence[Sequence[Sent]]
    rows: Mapping[int, Row]
    late: int = 0
    duplicate: int = 0
    quarantined: Sequence[tuple[str, bytes]] = ()
    gaps: Sequence[tuple[int, int, int]] = ()
    """Run, first and last number."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0


def reading(seq: int | None, ts: int | None, battery: float = 50.0, **more: Any) -> dict[str, Any]:
    made = {"ts": ts, "seq": seq, "battery_pct": battery} | more
    return {name: value for name, value in made.items() if value is not None}


def rows(*readings: dict[str, Any]) -> dict[int, Row]:
    return {one["ts"]: (one.get("seq"), one.get("battery_pct"), one.get("x_m")) for one in readings}


def encoded(*bodies: Any) -> list[bytes]:
    """Return each element of an array with the bytes that it has there."""
    return [json.dumps(body).encode() for body in bodies]


HOUR = [reading(3 + n, HOUR_AGO + n * STEP, 90 - n / 10) for n in range(360)]
BEFORE = [reading(n, HOUR_AGO - (3 - n) * STEP, 90.0) for n in range(3)]
AFTER = reading(363, NOW, 54.0)
SLOW = [reading(n, NOW + n * STEP - HOUR_MS) for n in range(3)]
SLOW_MENDED = [reading(n, NOW + n * STEP) for n in (3, 4)]
FAST = [reading(n, NOW + n * STEP + 5 * MINUTE_MS) for n in range(3)]
FAST_MENDED = [reading(n, NOW + n * STEP) for n in (3, 4)]
TOO_FAST = reading(5, NOW + 5 * STEP + 10 * MINUTE_MS + 1)
ROW = [reading(n, HOUR_AGO + n * STEP, float(n)) for n in range(10)]
NO_TS, NO_SIGNAL, AHEAD = reading(4, None), {"ts": HOUR_AGO + 5 * STEP, "seq": 5}, reading(6, NOW + DAY_MS)
OLD = reading(7, NOW - DEFAULT_RETENTION_MS - 1)
IN_SECONDS = reading(2, NOW // 1000)

CASES = {
    "an hour-long backlog as a single array, after the first live reading": Case(
        [
            [Sent(one, one["ts"]) for one in BEFORE],
            [Sent(AFTER)],
            [Sent(HOUR, NOW + SECOND_MS)],
        ],
        rows(*BEFORE, *HOUR, AFTER),
        late=360,
    ),
    "the same backlog ten times": Case(
        [[Sent(HOUR)] * 4, [Sent(HOUR)], [Sent(HOUR)] * 5],
        rows(*HOUR),
        duplicate=9 * 360,
    ),
    "a backlog with an element missing leaves its gap": Case(
        [[Sent(BEFORE)], [Sent([one for one in HOUR if one["seq"] not in (7, 8)])]],
        rows(*BEFORE, *(one for one in HOUR if one["seq"] not in (7, 8))),
        gaps=[(1, 7, 8)],
    ),
    "each bad element of a backlog goes alone, with its own bytes, and was seen": Case(
        [[Sent([*HOUR[:1], NO_TS, NO_SIGNAL, AHEAD, OLD, 5, [], {}, *HOUR[5:7]])]],
        rows(*HOUR[:1], *HOUR[5:7]),
        quarantined=list(
            zip(
                ["bad_ts", "no_signal", "future", "expired", "not_object", "not_object", "bad_ts"],
                encoded(NO_TS, NO_SIGNAL, AHEAD, OLD, 5, [], {}),
                strict=True,
            )
        ),
    ),
    "a clock an hour slow is believed, and mended without a gap": Case(
        [
            *([Sent(one, NOW + n * STEP)] for n, one in enumerate(SLOW)),
            [Sent(SLOW_MENDED[0], NOW + 3 * STEP), Sent(SLOW_MENDED[1], NOW + 4 * STEP)],
        ],
        rows(*SLOW, *SLOW_MENDED),
    ),
    "a clock five minutes fast is believed; mended, its readings are late": Case(
        [
            [Sent(one, NOW + n * STEP) for n, one in enumerate(FAST)],
            [Sent(FAST_MENDED[0], NOW + 3 * STEP)],
            [Sent(FAST_MENDED[1], NOW + 4 * STEP)],
        ],
        rows(*FAST, *FAST_MENDED),
        late=2,
    ),
    "a clock more than ten minutes fast is not, but its number was seen": Case(
        [
            [Sent(FAST_MENDED[1], NOW + 4 * STEP), Sent(TOO_FAST, NOW + 5 * STEP)],
            [Sent(reading(6, NOW + 6 * STEP), NOW + 6 * STEP)],
        ],
        rows(FAST_MENDED[1], reading(6, NOW + 6 * STEP)),
        quarantined=[("future", json.dumps(TOO_FAST).encode())],
    ),
    "seconds taken for milliseconds": Case(
        [[Sent(reading(1, NOW - STEP)), Sent(IN_SECONDS), Sent(reading(3, NOW))]],
        rows(reading(1, NOW - STEP), reading(3, NOW)),
        quarantined=[("bad_ts", json.dumps(IN_SECONDS).encode())],
    ),
    "readings out of order all come to their places": Case(
        [[Sent(ROW[n]) for n in order] for order in ([0, 1, 2], [5, 4], [3, 9, 7], [8, 6])],
        rows(*ROW),
        late=3,  # 3 behind 5; 8 and 6 behind 9; within a commit the store sees them together
    ),
    "readings out of order of which one never comes": Case(
        [[Sent(ROW[n]) for n in order] for order in ([0, 5], [9, 2, 1], [8, 4, 6, 7])],
        rows(*(one for one in ROW if one["seq"] != 3)),
        late=6,
        gaps=[(1, 3, 3)],
    ),
    "the same message ten times": Case(
        [[Sent(ROW[0])] * 4, [Sent(ROW[0])] * 3, [Sent(ROW[1]), *[Sent(ROW[0])] * 3]],
        rows(*ROW[:2]),
        duplicate=9,
    ),
    "the same device and time with other values: the last one wins, field by field": Case(
        [
            [Sent(reading(0, NOW, 50.0, x_m=1.0)), Sent({"ts": NOW, "seq": 0, "battery_pct": 51.0})],
            [Sent([{"ts": NOW, "seq": 0, "x_m": 2.0}])],
        ],
        {NOW: (0, 51.0, 2.0)},
        duplicate=2,
    ),
    "a number again with a new time changes nothing and is counted": Case(
        [[Sent(ROW[0]), Sent(ROW[1])], [Sent(reading(1, NOW - STEP))], [Sent(reading(2, NOW))]],
        rows(*ROW[:2], reading(1, NOW - STEP), reading(2, NOW)),
        repeated=1,
    ),
    "a restart begins a new run, and its gap is its own": Case(
        [
            [Sent(reading(100, HOUR_AGO)), Sent(reading(102, HOUR_AGO + STEP))],
            [Sent([reading(0, NOW - 3 * STEP), reading(1, NOW - 2 * STEP)]), Sent(reading(3, NOW))],
        ],
        rows(
            reading(100, HOUR_AGO),
            reading(102, HOUR_AGO + STEP),
            *(reading(0, NOW - 3 * STEP), reading(1, NOW - 2 * STEP), reading(3, NOW)),
        ),
        gaps=[(1, 101, 101), (2, 2, 2)],
    ),
    "without ts a reading gets the next free millisecond of its receipt": Case(
        [
            [Sent(reading(0, NOW, 1.0)), Sent({"battery_pct": 2.0}), Sent({"ts": None, "battery_pct": 3.0})],
            [Sent({"battery_pct": 4.0})],
        ],
        {NOW: (0, 1.0, None), **{NOW + n: (None, 1.0 + n, None) for n in (1, 2, 3)}},
    ),
    "a retained copy is a duplicate, and nothing at all without ts": Case(
        [[Sent(ROW[0])], [Sent(ROW[0], retain=True), Sent({"battery_pct": 9.0}, retain=True)]],
        rows(ROW[0]),
        duplicate=1,
        quarantined=[("retained_without_ts", b'{"battery_pct": 9.0}')],
    ),
    "values dropped leave the rest of a reading, and are not counted of a refused one": Case(
        [[Sent(reading(0, NOW, 101.0, x_m=True, y_m=1.0)), Sent(reading(1, 5, 101.0))]],
        {NOW: (0, None, None)},
        quarantined=[("bad_ts", json.dumps(reading(1, 5, 101.0)).encode())],
        dropped={"out_of_range": 1, "wrong_type": 1},
    ),
}
DEVICES = {name: f"D{number:02d}" for number, name in enumerate(CASES)}


def decoder_of(how: str, roster: Roster) -> BulkDecoder | LineDecoder:
    if how == "line":
        return LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
    return BulkDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS, few=1)


@pytest.fixture
def influx_or_duckdb(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Bench], TelemetryStore]:
    def choose(bench: Bench) -> TelemetryStore:
        if request.param == "duckdb":
            return bench.store  # type: ignore[return-value]  # passes everything on by name
        server: Influxd = request.getfixturevalue("influxd_1")
        return InfluxStore(server.bucket_for(tmp_path), STANDARD_SIGNALS)

    return choose


@pytest.fixture
def hour(
    request: pytest.FixtureRequest, tmp_path: Path, influx_or_duckdb: Callable[[Bench], TelemetryStore]
) -> Iterator[Bench]:
    """Put the whole scenario through a bench, every case among the others."""
    bench = Bench(tmp_path, StoreRejected)
    store = influx_or_duckdb(bench)
    roster = Roster(bench.devices.placements, open_registration=True)
    bench.parts = replace(
        bench.parts,
        store=store,
        roster=roster,
        decoder=decoder_of(request.param, roster),
        watch=StreamWatch(bench.desk, store, STANDARD_SIGNALS, bench.ledger),
    )
    for number in range(max(len(case.commits) for case in CASES.values())):
        bench.commit(list(together(number)))
    yield bench
    if store is not bench.store:
        store.close()
    bench.close()


def together(number: int) -> Iterator[Message]:
    """Yield what all devices send for one commit, in turn: each is the others' neighbour."""
    sent = [
        [one.message(DEVICES[name]) for one in case.commits[number]]
        for name, case in CASES.items()
        if number < len(case.commits)
    ]
    for messages in zip_longest(*sent):
        yield from (message for message in messages if message is not None)


def kept_evidence(bench: Bench, device: str) -> list[tuple[str, bytes]]:
    return [(one.reason, one.payload) for one in bench.quarantine.find(device, limit=1000).items]


def expected_ledger() -> dict[str, int]:
    cases = CASES.values()
    written, duplicate = sum(len(case.rows) for case in cases), sum(case.duplicate for case in cases)
    quarantined = sum(len(case.quarantined) for case in cases)
    return {
        "received": written + duplicate + quarantined,
        "written": written,
        "duplicate": duplicate,
        "quarantined": quarantined,
        "late": sum(case.late for case in cases),
        "seq_repeated": sum(case.repeated for case in cases),
    }


@pytest.mark.parametrize("influx_or_duckdb", ["duckdb", "influxdb"], indirect=True)
@pytest.mark.parametrize("hour", ["bulk", "line"], indirect=True)
def test_the_hour_ends_as_the_contract_says(hour: Bench) -> None:
    for name, case in CASES.items():
        device = DEVICES[name]
        names = ["seq", "battery_pct", "x_m"]
        stored = hour.parts.store.history(Kind.ROBOT, device, names, 0, 2**45, 10**5)
        assert {ts: tuple(values) for ts, *values in stored.iter_rows()} == dict(case.rows), name
        assert sorted(kept_evidence(hour, device)) == sorted(case.quarantined), name
        gaps = [(gap.run, gap.first_seq, gap.last_seq) for gap in Gaps(hour.desk).find(device, 100).items]
        assert gaps == list(case.gaps), name
    ledger: LedgerSnapshot = hour.ledger.snapshot()
    assert {name: getattr(ledger, name) for name in expected_ledger()} == expected_ledger()
    reasons = Counter(reason for case in CASES.values() for reason, _ in case.quarantined)
    assert ledger.quarantined_by_reason == dict(reasons)
    dropped = sum((Counter(case.dropped) for case in CASES.values()), Counter())
    assert ledger.values_dropped == dict(dropped)
    newest = hour.parts.store.newest(Kind.ROBOT)
    assert newest == {DEVICES[name]: max(case.rows) for name, case in CASES.items()}
