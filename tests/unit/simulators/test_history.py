"""The written past is consistent: readings, devices, repairs, events and the ground truth tell one story."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from helpers.fresh_desk import fresh_desk
from sqlalchemy import select

from fleet.errors import ConfigError
from fleet.events import Subject
from fleet.faults import FAULTS, predicted_faults
from fleet.principals import schedule
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.sla import deadlines, load_policy
from fleet.tickets import Ticket, TicketKind
from fleet.workflows import WORKFLOWS
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.ground_truth import GroundTruth
from simulators.history import HistorySummary, write_history
from storage.ports import Receipt
from storage.records.database import DeskDatabase
from storage.records.devices import Device, DeviceEvent
from storage.records.events import events_of
from storage.records.paging import Asked
from storage.records.ticket_lists import TicketFilter, find_tickets

END = 1_790_000_000_000
DAY = 86_400_000
HOUR = 3_600_000
PREDICTED = {fault.code for fault in predicted_faults(Kind.ROBOT)}

MAIN_LINE = WORKFLOWS[TicketKind.REPAIR].line


class RecordingStore:
    """Takes batches as a telemetry store does, and keeps them."""

    def __init__(self) -> None:
        self.batches: list[ReadingBatch] = []

    def write(self, batch: ReadingBatch) -> Receipt:
        self.batches.append(batch)
        return Receipt(len(batch), 0, 0)

    def frame(self, kind: Kind) -> pl.DataFrame:
        return pl.concat([batch.frame for batch in self.batches if batch.kind is kind])


@dataclass
class Past:
    simulator: FleetSimulator
    store: RecordingStore
    desk: DeskDatabase
    summary: HistorySummary
    shares: list[float]


def _write(desk: DeskDatabase, days: float, devices: int = 60, seed: int = 4, step_ms: int = 600_000) -> Past:
    simulator = FleetSimulator(FleetConfig(devices, seed, 0), STANDARD_SIGNALS)
    store, shares = RecordingStore(), []
    summary = write_history(
        simulator,
        store,  # type: ignore[arg-type]  # the one method that is used
        desk,
        days,
        end_ms=END,
        step_ms=step_ms,
        progress=shares.append,
    )
    return Past(simulator, store, desk, summary, shares)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    desk = fresh_desk(tmp_path_factory.mktemp("past") / "desk.db")
    yield _write(desk, 45, step_ms=1_800_000)
    desk.close()


def _tickets(past: Past) -> list[Ticket]:
    with past.desk.transaction() as session:
        return list(find_tickets(session, TicketFilter(), Asked("id", 100_000, None, "")).rows)


def test_every_predicted_fault_fails_often_enough_to_learn_from(past: Past) -> None:
    failures = Counter(entry.fault for entry in past.simulator.truth if entry.failure is not None)
    assert all(failures[code] >= 6 for code in PREDICTED), failures
    assert sum(failures[code] for code in PREDICTED) / len(PREDICTED) >= 13, failures


def test_most_failures_give_warning_and_at_least_a_tenth_come_without() -> None:
    sudden = total = 0
    for seed in range(3):
        simulator = FleetSimulator(FleetConfig(100, seed, 0, hazard=3.0), STANDARD_SIGNALS)
        simulator.run(24 * 12, HOUR)
        failed = [e for e in simulator.truth if e.fault in PREDICTED and e.failure is not None]
        assert all(e.warning == (e.failure != e.onset) for e in failed)
        sudden, total = sudden + sum(not e.warning for e in failed), total + len(failed)
    assert 0.10 <= sudden / total <= 0.35


def test_warned_failures_show_before_they_happen(past: Past) -> None:
    """The signals of a robot in its last day before a failure with warning differ from its own first days."""
    robots = past.store.frame(Kind.ROBOT)
    shifts = []
    for entry in past.simulator.truth:
        if entry.fault != "filter_clog" or entry.failure is None or not entry.warning:
            continue
        own = robots.filter(pl.col("device_id") == entry.device_id)
        before = own.filter(pl.col("ts") < entry.onset)["filter_clog_pct"].mean()
        last = own.filter(pl.col("ts").is_between(entry.failure - DAY, entry.failure))[
            "filter_clog_pct"
        ].mean()
        if before is not None and last is not None:
            shifts.append(last - before)  # type: ignore[operator]
    assert len(shifts) >= 4
    assert sum(shift > 10 for shift in shifts) >= 0.7 * len(shifts)


def test_most_robots_are_healthy_at_any_moment(past: Past) -> None:
    sick: dict[int, set[str]] = defaultdict(set)
    days = range(5, 45)
    for entry in past.simulator.truth:
        for day in days:
            if entry.fault in PREDICTED and entry.failing_at(past.summary.start_ms + day * DAY):
                sick[day].add(entry.device_id)
    robots = len(past.simulator.roster.cards[Kind.ROBOT])
    assert sum(len(sick[day]) for day in days) / (robots * len(days)) < 0.5


def test_tickets_and_ground_truth_agree(past: Past) -> None:
    tickets = _tickets(past)
    assert len(tickets) == past.summary.tickets > 50
    truth = past.simulator.truth
    for ticket in tickets:
        assert truth.is_failing(ticket.device_id, ticket.fault, ticket.opened_at)
        entry = next(
            e
            for e in truth
            if (e.device_id, e.fault) == (ticket.device_id, ticket.fault) and e.failing_at(ticket.opened_at)
        )
        assert entry.failure is not None
        assert entry.failure <= ticket.opened_at < (ticket.solved_at or 0) <= END
        if ticket.confirmed_fault == "none":
            assert entry.repaired_at is None or entry.repaired_at > (ticket.solved_at or 0)
        else:
            assert ticket.confirmed_fault == ticket.fault
            assert entry.repaired_at == ticket.solved_at
            assert entry.repaired_by == "engineer"
        assert (ticket.solved_at or 0) - ticket.opened_at <= 3 * DAY + HOUR
    repaired = [e for e in truth if e.repaired_by == "engineer"]
    confirmed = [ticket for ticket in tickets if ticket.confirmed_fault != "none"]
    assert len(repaired) == len(confirmed)


def test_a_few_tickets_have_a_wrong_diagnosis(past: Past) -> None:
    tickets = _tickets(past)
    wrong = sum(ticket.confirmed_fault == "none" for ticket in tickets)
    assert 0 < wrong / len(tickets) < 0.15


def test_tickets_are_what_the_catalogue_and_the_states_allow(past: Past) -> None:
    for ticket in _tickets(past):
        fault = FAULTS[ticket.fault]
        likely = ticket.likely
        assert likely is not None
        assert (likely.level, likely.part, likely.skill) == (fault.level, fault.part, fault.skill)
        assert (ticket.origin, ticket.state) == ("reported", "confirmed")
        with past.desk.transaction() as session:
            line = events_of(session, Subject.TICKET, str(ticket.id))
        assert [event.after for event in line] == [str(state) for state in MAIN_LINE]
        assert [event.before for event in line] == [None, *(str(state) for state in MAIN_LINE[:-1])]
        assert [event.at for event in line] == sorted(event.at for event in line)
        assert {event.principal for event in line} == {schedule("history")}
        assert {event.what for event in line} == {"opened", "state"}
        due = deadlines(load_policy(), fault.level, ticket.opened_at)
        assert (ticket.respond_due, ticket.on_site_due, ticket.solve_due) == (
            due.respond,
            due.on_site,
            due.solve,
        )


def test_every_engineers_repair_is_announced_as_a_replaced_part(past: Past) -> None:
    with past.desk.transaction() as session:
        events = list(session.scalars(select(DeviceEvent).where(DeviceEvent.code == "part_replaced")))
    told = {(event.device_id, event.ts, event.detail["fault"]) for event in events}
    confirmed = [t for t in _tickets(past) if t.confirmed_fault != "none"]
    assert {(t.device_id, t.solved_at, t.fault) for t in confirmed} == told
    assert all(event.detail["part"] == FAULTS[event.detail["fault"]].part for event in events)


def test_the_past_ends_with_failures_and_degradations_that_have_no_ticket(past: Past) -> None:
    under_way = [e for e in past.simulator.truth if e.fault in PREDICTED and e.repaired_at is None]
    assert any(entry.failure is None for entry in under_way)
    open_since = {(e.device_id, e.fault): e.onset for e in under_way}
    for ticket in _tickets(past):
        onset = open_since.get((ticket.device_id, ticket.fault))
        assert onset is None or ticket.opened_at < onset or ticket.confirmed_fault == "none"


def test_devices_and_sites_are_registered_with_what_was_last_seen(past: Past) -> None:
    newest = {
        device: ts
        for kind in Kind
        for device, ts in past.store.frame(kind).group_by("device_id").agg(pl.col("ts").max()).iter_rows()
    }
    sites = {site.id for site in past.simulator.roster.sites}
    with past.desk.transaction() as session:
        devices = list(session.scalars(select(Device)))
    assert len(devices) == past.summary.devices == 60
    for device in devices:
        assert device.newest_ts == device.last_seen == newest[device.id]
        assert device.site in sites
        assert device.model != "unknown"
        assert device.registered_at == past.summary.start_ms
        assert device.battery_pct is not None
        assert (device.commissioned or "") < "2026-09"
    assert Counter(device.kind for device in devices) == {"robot": 48, "tool": 6, "wristband": 6}


def test_progress_rises_to_one_and_memory_is_bounded(past: Past) -> None:
    assert past.shares == sorted(past.shares)
    assert past.shares[-1] == 1.0
    assert past.summary.complete
    assert max(len(batch) for batch in past.store.batches) <= 40_000
    assert sum(len(batch) for batch in past.store.batches) == past.summary.readings


def test_a_cancelled_past_says_so_and_stays_consistent(tmp_path: Path) -> None:
    desk = fresh_desk(tmp_path / "desk.db")
    simulator = FleetSimulator(FleetConfig(400, 1, 0), STANDARD_SIGNALS)
    store, asked = RecordingStore(), iter([False, True])
    summary = write_history(
        simulator,
        store,
        desk,
        30,
        end_ms=END,
        cancelled=lambda: next(asked),  # type: ignore[arg-type]
    )
    assert not summary.complete
    assert summary.end_ms == simulator.now_ms < END
    assert max(batch.frame["ts"].max() for batch in store.batches) <= summary.end_ms  # type: ignore[type-var]
    desk.close()


def test_history_refuses_a_fleet_that_has_lived_and_days_that_make_no_sense(tmp_path: Path) -> None:
    desk = fresh_desk(tmp_path / "desk.db")
    simulator = FleetSimulator(FleetConfig(3, 1, END), STANDARD_SIGNALS)
    with pytest.raises(ConfigError, match="positive"):
        write_history(simulator, RecordingStore(), desk, 0, end_ms=END)  # type: ignore[arg-type]
    simulator.advance_to(END + 10_000)
    simulator.readings_now()
    with pytest.raises(ConfigError, match="already lived"):
        write_history(simulator, RecordingStore(), desk, 1, end_ms=END)  # type: ignore[arg-type]
    desk.close()


def test_the_ground_truth_is_written_and_read_back(past: Past, tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    past.simulator.truth.write(path)
    assert GroundTruth.read(path).to_dicts() == past.simulator.truth.to_dicts()
