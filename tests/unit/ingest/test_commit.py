"""A commit makes everything durable, once, whatever fails in between."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers.ingesting import NOW, Bench
from prometheus_client import CollectorRegistry, generate_latest

from access.devices.commands import Commands
from fleet.clock import ManualClock
from fleet.commands import CommandState, Order, Reply
from fleet.errors import StoreRejected, StoreUnavailable
from fleet.principals import person
from fleet.readings import ReadingBatch
from fleet.signals import Kind
from fleet.wire import Reason
from ingest.commit import Commit
from ingest.decode.decoded import Columns, News
from ingest.messages import Message
from ingest.metrics import export
from ingest.watch.summaries import Summaries
from storage.records.devices import Device, DeviceEvent


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, StoreRejected)
    yield made
    made.close()


def message(
    body: object, device: str = "R1", channel: str = "telemetry", kind: str = "robot", received: int = NOW
) -> Message:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Message(f"sweepwatch/v1/s1/{kind}/{device}/{channel}", payload, 1, False, 1, received)


def reading(ts: int | None, battery: float, device: str = "R1", received: int = NOW) -> Message:
    return message({"ts": ts, "battery_pct": battery}, device, received=received)


def balance(bench: Bench) -> tuple[int, int, int, int]:
    ledger = bench.ledger.snapshot()
    assert ledger.received == ledger.written + ledger.duplicate + ledger.quarantined
    return ledger.received, ledger.written, ledger.duplicate, ledger.quarantined


def test_readings_evidence_registration_and_ledger_come_of_one_commit(bench: Bench) -> None:
    bench.commit(
        [
            reading(NOW - 2, 50.0),
            message({"ts": NOW - 1, "battery_pct": 9}, "T1", kind="tool"),
            message(b"rubbish"),
        ]
    )
    assert bench.stored() == [(NOW - 2, 50.0)]
    assert bench.stored("T1", Kind.TOOL) == [(NOW - 1, 9.0)]
    assert set(bench.devices.placements()) == {"R1", "T1"}
    (item,) = bench.quarantine.find().items
    assert (item.device_id, item.reason, item.payload) == ("R1", Reason.BAD_JSON, b"rubbish")
    assert balance(bench) == (3, 2, 0, 1)


def test_the_same_message_again_is_a_duplicate_stored_once(bench: Bench) -> None:
    bench.commit([reading(NOW, 50.0)])
    bench.commit([reading(NOW, 50.0), reading(NOW, 50.0)])
    assert bench.stored() == [(NOW, 50.0)]
    assert balance(bench) == (3, 1, 2, 0)


def test_late_readings_are_counted(bench: Bench) -> None:
    bench.commit([reading(NOW, 50.0)])
    bench.commit([reading(NOW - 5, 60.0)])
    assert bench.ledger.snapshot().late == 1
    assert bench.stored() == [(NOW - 5, 60.0), (NOW, 50.0)]


def test_a_commit_goes_on_where_it_failed_and_counts_nothing_twice(bench: Bench) -> None:
    commit = Commit([reading(NOW, 50.0), message(b"rubbish")], bench.parts)
    bench.store.errors = [StoreUnavailable("away"), StoreUnavailable("away")]
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            commit.run()
        assert balance(bench) == (0, 0, 0, 0)
        assert not bench.quarantine.find().items
    commit.run()
    assert balance(bench) == (2, 1, 0, 1)
    assert bench.quarantine.find().items[0].count == 1


def test_an_observer_that_can_be_retried_makes_the_commit_wait_without_writing_again(
    tmp_path: Path,
) -> None:
    seen: list[int] = []
    errors: list[Exception] = [StoreUnavailable("the alerts' database is locked")]

    def observer(batch: ReadingBatch) -> None:
        if errors:
            raise errors.pop()
        seen.append(len(batch))

    bench = Bench(tmp_path, StoreRejected, [observer])
    try:
        commit = Commit([reading(NOW, 50.0), reading(NOW + 1, 51.0)], bench.parts)
        with pytest.raises(StoreUnavailable):
            commit.run()
        assert not seen
        commit.run()
        assert seen == [2]
        assert balance(bench) == (2, 2, 0, 0)
    finally:
        bench.close()


def test_an_observer_that_fails_otherwise_is_logged_and_counted_and_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    def broken(_: ReadingBatch) -> None:
        raise KeyError("a mistake in a rule")

    bench = Bench(tmp_path, StoreRejected, [broken, lambda batch: seen.append(len(batch))])
    try:
        with caplog.at_level(logging.ERROR):
            bench.commit([reading(NOW, 50.0)])
        assert "a mistake in a rule" in caplog.text
        assert seen == [1]
        assert bench.stored() == [(NOW, 50.0)]
        assert bench.ledger.snapshot().observer_errors == 1
    finally:
        bench.close()


def test_a_reading_that_the_store_rejects_is_quarantined_and_its_neighbours_are_stored(
    bench: Bench,
) -> None:
    bench.store.refuses = 13.0
    bench.commit([reading(NOW + n, float(n + 10)) for n in range(9)])
    assert [battery for _, battery in bench.stored()] == [10.0, 11.0, 12.0, 14.0, 15.0, 16.0, 17.0, 18.0]
    (item,) = bench.quarantine.find().items
    assert (item.reason, item.detail) == (Reason.STORE_REJECTED, "the store wants none of it")
    assert json.loads(item.payload)["battery_pct"] == 13.0
    assert balance(bench) == (9, 8, 0, 1)


def test_a_store_that_tells_what_it_rejects_is_asked_once(bench: Bench) -> None:
    bench.store.refuses, bench.store.tells = 13.0, True
    bench.commit([reading(NOW + n, 13.0 if n % 2 else 50.0) for n in range(200)])
    assert bench.store.writes == 1
    assert len(bench.stored()) == 100
    assert balance(bench) == (200, 100, 0, 100)
    item = bench.quarantine.find().items[0]
    assert (item.reason, item.detail) == (Reason.STORE_REJECTED, "the store wants none of it")


@pytest.mark.parametrize("tells", [False, True])
def test_a_store_that_rejects_everything_makes_the_commit_wait_and_nothing_is_given_up(
    bench: Bench, tells: bool
) -> None:
    bench.store.refuses, bench.store.tells = 13.0, tells
    commit = Commit([reading(NOW, 13.0), reading(NOW + 1, 13.0)], bench.parts)
    for _ in range(2):
        with pytest.raises(StoreRejected):
            commit.run()
    assert not bench.quarantine.find().items
    bench.store.refuses = None
    commit.run()
    assert balance(bench) == (2, 2, 0, 0)


def test_readings_without_a_time_get_the_next_free_millisecond_of_their_device(bench: Bench) -> None:
    bench.commit([reading(NOW, 1.0), reading(NOW + 2, 2.0), reading(NOW, 1.0, "R2")])
    bench.commit([reading(None, 3.0), reading(NOW + 3, 4.0), reading(None, 5.0), reading(None, 6.0, "R3")])
    assert bench.stored() == [
        (NOW, 1.0),
        (NOW + 1, 3.0),
        (NOW + 2, 2.0),
        (NOW + 3, 4.0),
        (NOW + 4, 5.0),
    ]
    assert bench.stored("R3") == [(NOW, 6.0)]
    assert balance(bench) == (7, 7, 0, 0)


def test_many_readings_without_a_time_swallow_none(bench: Bench) -> None:
    bench.commit([reading(NOW + n, 1.0) for n in range(0, 3000, 2)])
    bench.commit([reading(None, 2.0, received=NOW + n % 3) for n in range(1600)])
    assert balance(bench) == (3100, 3100, 0, 0)
    assert len(bench.stored()) == 3100


def test_news_of_devices_is_stored(bench: Bench) -> None:
    bench.commit(
        [
            message({"model": "CR-200"}, channel="info"),
            message({"ts": NOW, "code": "part_replaced", "detail": {"part": "fan"}}, channel="event"),
            message(b"online", channel="status"),
            reading(NOW - 9, 70.0),
            reading(NOW - 5, 69.0),
            message({"ts": NOW - 1, "x_m": 1}),
        ]
    )
    bench.devices.record_summaries(bench.parts.summaries.take())
    with bench.desk.transaction() as session:
        device = session.get_one(Device, "R1")
        event = session.query(DeviceEvent).one()
    assert (device.model, device.status, device.last_seen) == ("CR-200", "online", NOW)
    assert (device.newest_ts, device.battery_pct) == (NOW - 1, 69.0)
    assert (event.code, event.detail) == ("part_replaced", {"part": "fan"})


def test_summaries_that_could_not_be_written_are_written_with_the_next(bench: Bench) -> None:
    summaries = bench.parts.summaries
    bench.commit([reading(NOW - 9, 70.0), message(b"online", channel="status")])
    taken = summaries.take()
    bench.commit([message({"ts": NOW - 5, "x_m": 1}), message(b"offline", channel="status")])
    summaries.put_back(taken)
    (summary,) = summaries.take()
    assert (summary.newest_ts, summary.battery_pct, summary.status) == (NOW - 5, 70.0, "offline")
    assert not summaries.take()


@pytest.mark.parametrize(("by_columns", "by_itself"), [(NOW, NOW + 7), (NOW + 7, NOW)])
def test_a_device_was_heard_when_its_last_message_came_by_either_path(
    by_columns: int, by_itself: int
) -> None:
    summaries = Summaries()
    frame = pl.DataFrame({"device_id": ["R1"], "received": [by_columns]})
    summaries.add_heard(Columns(frame, np.zeros(1, dtype=np.int64)))
    summaries.add_news(News(seen={"R1": by_itself}))
    (summary,) = summaries.take()
    assert (summary.device_id, summary.last_seen) == ("R1", NOW + 7)


def test_the_ledger_is_exported_under_the_names_of_the_contract(bench: Bench) -> None:
    bench.commit([reading(NOW, 50.0), reading(NOW, 50.0), message({"battery_pct": 500}), message(b"")])
    bench.commit([message({"ts": NOW + 1, "battery_pct": 500, "x_m": 1}), message(b"x", channel="status")])
    registry = CollectorRegistry()
    export(registry, bench.ledger.snapshot, lambda: True)
    shown = generate_latest(registry).decode()
    for line in (
        'sweepwatch_ingest_readings_total{outcome="received"} 5.0',
        'sweepwatch_ingest_readings_total{outcome="written"} 2.0',
        'sweepwatch_ingest_readings_total{outcome="duplicate"} 1.0',
        'sweepwatch_ingest_readings_total{outcome="quarantined"} 2.0',
        'sweepwatch_ingest_quarantined_total{reason="no_signal"} 1.0',
        'sweepwatch_ingest_quarantined_total{reason="empty"} 1.0',
        'sweepwatch_ingest_values_dropped_total{reason="out_of_range"} 1.0',
        'sweepwatch_ingest_messages_total{outcome="quarantined",topic="status"} 1.0',
        "sweepwatch_ingest_connected 1.0",
    ):
        assert line in shown.splitlines()


def test_what_a_device_answers_reaches_its_command_and_nobody_elses(bench: Bench) -> None:
    bench.commit([reading(NOW - 2, 50.0), reading(NOW - 2, 50.0, "R2")])
    commands = Commands(bench.desk, ManualClock(NOW))
    (made,) = commands.order([Order("R1", "dock", "storm")], person("Li"), NOW)
    command_id = made.command_id or ""

    def answered(device: str, state: str) -> CommandState:
        bench.commit([message({"id": command_id, "state": state}, device, "cmd/reply")])
        return commands.states([command_id])[command_id].state

    assert answered("R2", "done") is CommandState.QUEUED
    assert answered("R1", "received") is CommandState.RECEIVED
    assert answered("R1", "obeyed") is CommandState.RECEIVED
    assert answered("R1", "done") is CommandState.DONE
    assert balance(bench) == (2, 2, 0, 0), "answers are no readings"


def test_an_answer_is_not_acknowledged_before_the_desk_has_it(bench: Bench) -> None:
    seen: list[str] = []

    def away_once(replies: Sequence[Reply]) -> None:
        seen.append(replies[0].command_id)
        if len(seen) == 1:
            raise StoreUnavailable("the desk is away")

    bench.parts = replace(bench.parts, reply_observers=[away_once])
    commit = Commit([message({"id": "c1", "state": "done"}, channel="cmd/reply")], bench.parts)
    with pytest.raises(StoreUnavailable):
        commit.run()
    commit.run()
    assert seen == ["c1", "c1"]
