"""Every dropped value can be found: whose, which, why, an example, and when; in both decoders alike."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.decoders import in_bulk, reference
from helpers.ingesting import NOW, Bench

from fleet.errors import StoreRejected
from fleet.signals import Kind
from ingest.messages import Message
from storage.records.devices import Device, Placement
from storage.records.dropped_values import DroppedValue, DroppedValues

KNOWN = {name: Placement("s1", Kind.ROBOT) for name in ("R1", "R2")}
ODD = [
    ("R1", {"x_m": 1, "battery_pct": 300}),
    ("R1", {"x_m": 2, "battery_pct": -0.5, "state": "washing"}),
    ("R2", {"x_m": 3, "battery_pct": "81"}),
    ("R2", {"x_m": 4, "error_code": "E 17", "floor": 1.5}),
    ("R2", {"battery_pct": 400}),  # nothing is left: quarantined, and so not counted as dropped
]


def message(device: str, body: Any, at: int = NOW, channel: str = "telemetry") -> Message:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(f"sweepwatch/v1/s1/robot/{device}/{channel}", payload, 1, False, 1, at)


def telemetry() -> list[Message]:
    return [message(device, {"ts": NOW + n, **body}, NOW + n) for n, (device, body) in enumerate(ODD)]


@pytest.mark.parametrize("make", [reference, in_bulk])
def test_both_decoders_name_each_dropped_value(make: Any) -> None:
    out = make(KNOWN).decode(telemetry())
    assert sorted(out.drops.listed(), key=lambda one: (one.device_id, one.signal, one.reason)) == [
        DroppedValue("R1", "battery_pct", "out_of_range", "-0.5", 2, NOW, NOW + 1),
        DroppedValue("R1", "state", "unknown_state", '"washing"', 1, NOW + 1, NOW + 1),
        DroppedValue("R2", "battery_pct", "wrong_type", '"81"', 1, NOW + 2, NOW + 2),
        DroppedValue("R2", "error_code", "bad_text", '"E 17"', 1, NOW + 3, NOW + 3),
        DroppedValue("R2", "floor", "wrong_type", "1.5", 1, NOW + 3, NOW + 3),
    ]
    assert out.counts.dropped.total() == 6


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    made = Bench(tmp_path, StoreRejected)
    yield made
    made.close()


def test_a_commit_lists_them_and_a_later_one_counts_on_with_the_newest_example(bench: Bench) -> None:
    bench.commit([message("R1", {"ts": NOW, "x_m": 1, "battery_pct": 300})])
    bench.commit([message("R1", {"ts": NOW + 1, "x_m": 1, "battery_pct": 301}, NOW + 1)])
    page = bench.dropped.find()
    assert page.items == (DroppedValue("R1", "battery_pct", "out_of_range", "301", 2, NOW, NOW + 1),)
    assert (page.after, page.evicted) == (None, 0)


def test_a_device_that_sends_rubbish_evicts_its_own_rows_and_not_its_neighbours(bench: Bench) -> None:
    few = DroppedValues(bench.desk, rows_per_device=2, rows_in_all=4)
    few.add([DroppedValue("R2", "x_m", "out_of_range", "1", 1, 0, 0)])
    for n, signal in enumerate(("a", "b", "c")):
        few.add([DroppedValue("R1", signal, "wrong_type", "1", 1, n + 1, n + 1)])
    assert [(one.device_id, one.signal) for one in few.find().items] == [
        ("R1", "c"),
        ("R1", "b"),
        ("R2", "x_m"),
    ]
    assert few.find().evicted == 1
    few.add([DroppedValue(f"R{n}", "x_m", "wrong_type", "1", 1, n, n) for n in (7, 8)])
    assert [one.device_id for one in few.find().items] == ["R8", "R7", "R1", "R1"]
    assert few.find(device="R1", limit=1).after is not None


def test_a_part_that_nobody_knows_and_a_date_that_is_none_are_told_and_kept_as_text(bench: Bench) -> None:
    bench.commit(
        [
            message("R1", {"code": "part_replaced", "detail": {"part": "brushes"}}, channel="event"),
            message("R1", {"code": "part_replaced", "detail": {"fault": ["x"]}}, NOW + 1, channel="event"),
            message("R1", {"code": "part_replaced", "detail": {"part": "main-brush"}}, NOW + 2, "event"),
            message("R1", {"code": "part_replaced"}, NOW + 3, channel="event"),
            message("R1", {"commissioned": "1 March", "model": 5}, NOW + 4, channel="info"),
        ]
    )
    assert {(one.signal, one.reason, one.example, one.count) for one in bench.dropped.find().items} == {
        ("part", "unknown_part", "null", 2),
        ("fault", "unknown_fault", '["x"]', 1),
        ("commissioned", "bad_date", '"1 March"', 1),
        ("model", "wrong_type", "5", 1),
    }
    assert bench.ledger.snapshot().values_dropped == {
        "unknown_part": 2,
        "unknown_fault": 1,
        "bad_date": 1,
        "wrong_type": 1,
    }
    with bench.desk.transaction() as session:
        assert session.get_one(Device, "R1").commissioned == "1 March"
    bench.commit([message("R1", {"commissioned": "2026-03-01"}, channel="info")])
    bench.commit([message("R1", {"commissioned": "2026-04-01"}, channel="info")])
    with bench.desk.transaction() as session:
        assert session.get_one(Device, "R1").commissioned == "2026-03-01", "a date that is known stands"


def test_a_reading_without_a_signal_names_the_keys_that_were_there(bench: Bench) -> None:
    keys = {"temprature": 1, "battery_pct": 300, "a": 1, "b\n": 1, "c": 1, "d": 1, "e": 1}
    bench.commit([message("R1", {"ts": NOW, "seq": 1, **keys}), message("R1", {"ts": NOW})])
    assert {item.detail for item in bench.quarantine.find().items} == {
        "no known signal of a robot is left; its keys are temprature, battery_pct (out_of_range), a, b\\n, c "
        "and 2 more",
        "no known signal of a robot is left; it has no other key than ts and seq",
    }


@pytest.mark.parametrize(
    ("channel", "payload", "detail"),
    [
        ("status", b"onlin\xc3\xa9", '"onlin\u00e9" is neither online nor offline'),
        ("status", b"\xff\x00", "ff 00 (hex) is neither online nor offline"),
        ("event", b'{"code": null}', "code must be 1 to 64 of A-Z a-z 0-9 _ - . :, got null"),
        ("event", b'{"code": {"a": true}}', 'code must be 1 to 64 of A-Z a-z 0-9 _ - . :, got {"a":true}'),
        ("telemetry", b'{"ts": true, "x_m": 1}', "ts must be a number of milliseconds since 1970, got true"),
        ("telemetry", b'{"ts": "a", "x_m": 1}', 'ts must be a number of milliseconds since 1970, got "a"'),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_json(
    bench: Bench, channel: str, payload: bytes, detail: str
) -> None:
    bench.commit([message("R1", payload, channel=channel)])
    assert [item.detail for item in bench.quarantine.find().items] == [detail]
