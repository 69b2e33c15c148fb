"""Names that no signal has are found by a look at one message a device and hour, and are harmless to show."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.ingesting import NOW, Bench
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from fleet.clock import HOUR_MS, ManualClock
from fleet.errors import StoreRejected
from fleet.signals import Kind
from ingest.decode.shown import shown_name as shown
from ingest.messages import Message
from ingest.metrics import export
from ingest.watch.unknown import names_in
from storage.records.unknown_signals import MAX_NAMES, UnknownSignal, UnknownSignals


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, StoreRejected)
    yield made
    made.close()


def send(bench: Bench, device: str, at: int = NOW, kind: str = "robot", **keys: object) -> None:
    bench.parts = replace(bench.parts, clock=ManualClock(at))
    payload = json.dumps({"ts": at, "seq": 1, "battery_pct": 50.0} | keys).encode()
    bench.commit([Message(f"sweepwatch/v1/s1/{kind}/{device}/telemetry", payload, 1, False, 1, at)])


def found(bench: Bench) -> list[tuple[str, str, str]]:
    bench.parts.watch.flush()
    return [(one.name, one.kind, one.example_device) for one in UnknownSignals(bench.desk).all()]


def test_a_name_that_no_signal_of_its_kind_has_is_listed_with_an_example(bench: Bench) -> None:
    send(bench, "R1", temprature=3, x_m=1)
    send(bench, "T1", kind="tool", use_s=3, drive_rpm=4)
    assert sorted(found(bench)) == [("drive_rpm", "tool", "T1"), ("temprature", "robot", "R1")]


def test_one_message_a_device_and_hour_is_looked_at(bench: Bench) -> None:
    send(bench, "R1", first=1)
    send(bench, "R1", at=NOW + HOUR_MS - 1, second=1)
    assert [name for name, _, _ in found(bench)] == ["first"]
    send(bench, "R1", at=NOW + HOUR_MS, third=1)
    assert sorted(name for name, _, _ in found(bench)) == ["first", "third"]


def test_a_name_keeps_its_first_example_and_the_time_of_its_last_sight(bench: Bench) -> None:
    send(bench, "R1", odd=1)
    found(bench)
    send(bench, "R2", at=NOW + 9, odd=1)
    found(bench)
    assert UnknownSignals(bench.desk).all() == [UnknownSignal("odd", "robot", "R1", NOW, NOW + 9)]


def test_names_that_a_dialect_met_are_listed_too(bench: Bench) -> None:
    bench.parts.watch.look([], [], [], {(Kind.ROBOT, "temp"): ("R9", NOW)}, NOW)
    assert found(bench) == [("temp", "robot", "R9")]


def test_the_first_hundred_names_are_kept(bench: Bench) -> None:
    send(bench, "R1", **{f"a{n}": 1 for n in range(70)})
    found(bench)
    send(bench, "R2", at=NOW + 1, **{f"b{n}": 1 for n in range(70)}, a3=1)
    names = found(bench)
    assert len(names) == MAX_NAMES
    assert sum(name.startswith("a") for name, _, _ in names) == 70


def test_no_name_of_a_device_becomes_a_metric(bench: Bench) -> None:
    send(bench, "R1", very_odd_name=1)
    found(bench)
    registry = CollectorRegistry()
    export(registry, bench.ledger.snapshot, lambda: True)
    assert "very_odd_name" not in generate_latest(registry).decode()


def test_an_array_is_looked_into_and_what_is_no_reading_is_passed_over() -> None:
    known = frozenset({"ts", "x_m"})
    assert set(names_in(b'[{"ts": 1, "a": 1}, 5, {"b": {"c": 1}}]', known)) == {"a", "b"}
    for rubbish in (b"", b"5", b"{", b'"text"', b"\xff", b"[]"):
        assert list(names_in(rubbish, known)) == []


@given(st.text())
def test_a_name_is_short_and_printable_however_it_came(name: str) -> None:
    assert shown(name).isprintable()
    assert len(shown(name)) <= 64


def test_names_that_people_can_read_stay_as_they_are() -> None:
    assert shown("温度_c") == "温度_c"
    assert shown("a\n<b>") == "a\\n<b>"
    assert shown("n" * 65) == "n" * 63 + "…"
