"""A backtest says what the engine would have raised: the same, however much of the past it skips."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from helpers.desk_rooms import NOON, Rooms, add_devices, open_rooms
from sqlalchemy import select

from alerts.backtest import outcome
from alerts.backtest import replay as replaying
from alerts.backtest.backtest import Asked, run_backtest
from alerts.backtest.groups import Group, groups_of
from alerts.backtest.past import Raised
from alerts.backtest.replay import Replayed, replay
from alerts.engine import AlertEngine
from alerts.judging.rule_file import load_rules
from alerts.judging.rules import Rule
from fleet.alerts import AlertState
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from fleet.codes import load_codes
from fleet.errors import InvalidInput, NotEnoughHistory, NotFound
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.ports import TelemetryStore
from storage.records.alerts import NOT_SUSTAINED, AlertRow
from storage.records.devices import Devices, DeviceSummary, ReportedEvent
from storage.records.events import events_after
from storage.series.duckdb.store import DuckDbStore

RULES = """
rules:
  - {name: hot, kind: robot, fault: battery_overheat, level: L1, when: battery_temp_c >= 60,
     clear: battery_temp_c < 52, for: 30s, opens_ticket: true, text: {en: hot, zh: 热}}
  - {name: warm, kind: robot, fault: battery_overheat, level: L3, when: battery_temp_c >= 55,
     for: 4m, opens_ticket: false, text: {en: warm, zh: 温}}
  - {name: full, kind: robot, fault: dustbin_full, level: L3, when: dustbin_pct >= 90,
     clear: dustbin_pct < 80, for: 1m, opens_ticket: false, text: {en: full, zh: 满}}
  - {name: leaks, kind: robot, fault: water_leak, level: L2, when: event leak, clear: event dry, for: 20s,
     opens_ticket: true, text: {en: leaks, zh: 漏}}
  - {name: stands, kind: robot, fault: by_code, level: L1, when: state is error, for: 30s,
     opens_ticket: true, text: {en: stands, zh: 停}}
  - {name: says, kind: robot, fault: by_code, level: L3, when: 'error_code matches ".+"',
     opens_ticket: true, text: {en: says, zh: 报}}
  - {name: tells, kind: robot, fault: by_code, level: L3, when: event error,
     opens_ticket: true, text: {en: tells, zh: 报}}
  - {name: gone, kind: robot, fault: comms_loss, level: L2, when: offline, absent: 6m, for: 1m,
     opens_ticket: false, text: {en: gone, zh: 失}}
"""
ROBOTS = [f"A{n}" for n in range(12)]
GRID_MS = 5_000
LONG_MS = 2 * HOUR_MS
Found = list[tuple[str, str, str, int, int | None]]


def rules_of(folder: Path, text: str = RULES) -> tuple[Rule, ...]:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return load_rules(path)


def some_past(seed: int) -> tuple[ReadingBatch, list[ReportedEvent]]:
    """Return hours of restless robots: values that wander over every threshold, gaps, codes and events."""
    random = np.random.default_rng(seed)
    columns: dict[str, list[object]] = {
        name: [] for name in ("device_id", "ts", "battery_temp_c", "dustbin_pct", "state", "error_code")
    }
    events = []
    for number, device in enumerate(ROBOTS):
        ts, temp, dust, word, code = NOON, 50.0, 60.0, "cleaning", ""
        while ts < NOON + LONG_MS:
            temp = float(np.clip(temp + random.normal(0, 4), 20, 75))
            dust = float(np.clip(dust + random.normal(0, 6), 0, 100))
            if random.random() < 0.1:
                word = str(random.choice(["cleaning", "error", "docked"]))
            if random.random() < 0.1:
                code = str(random.choice(["", "B12", "M31", "what"]))
            sent = number < 10 or temp >= 40  # calm ones hardly matter
            row = (
                device,
                ts,
                temp if sent else 30.0,
                dust if sent else 10.0,
                word if sent else "docked",
                code,
            )
            for name, value in zip(columns, row if sent else (*row[:-1], ""), strict=True):
                columns[name].append(value)
            if random.random() < 0.02:
                what = str(random.choice(["leak", "dry", "error"]))
                events.append(ReportedEvent(device, ts, what, {"code": "M31"}, ts))
            pause = 20 * MINUTE_MS if random.random() < 0.01 else random.choice([10, 20, 60]) * 1000
            ts += int(pause)
    rows = len(columns["ts"])
    whole = columns | {"site": ["hall"] * rows, "received": columns["ts"]}
    return ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, dict(whole), rows), events


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    made = open_rooms(tmp_path)
    add_devices(made.desk, dict.fromkeys(ROBOTS, Kind.ROBOT), last_seen=NOON)
    with closing(made.desk):
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TelemetryStore]:
    with closing(DuckDbStore.open(tmp_path / "t.duckdb", STANDARD_SIGNALS)) as made:
        yield made


def past_of(rooms: Rooms, store: TelemetryStore) -> Replayed:
    return Replayed(store, rooms.desk, STANDARD_SIGNALS, load_codes())


def as_it_happened(rooms: Rooms, group: Group, batch: ReadingBatch, events: list[ReportedEvent]) -> Found:
    """Return what the engine raises when it judges each moment as it comes, with ticks between them."""
    clock = ManualClock(NOON)
    engine = AlertEngine(rooms.desk, group.rules, clock, load_codes())
    by_time = {key[0]: part for key, part in batch.frame.partition_by("ts", as_dict=True).items()}
    end = int(batch.frame["ts"].max()) + 1  # type: ignore[arg-type,operator]
    for now in range(NOON, end, GRID_MS):
        clock.ms = now
        if now in by_time:
            heard = by_time[now]["device_id"].to_list()
            Devices(rooms.desk).record_summaries([DeviceSummary(each, last_seen=now) for each in heard])
            engine.observe(ReadingBatch(Kind.ROBOT, by_time[now]))
        engine.observe_events([event for event in events if event.ts == now])
        engine.tick(now)
    with rooms.desk.transaction() as session:
        rows = session.scalars(select(AlertRow)).all()
        return sorted(
            (row.device_id, row.fault, row.rule, row.since, row.resolved_at)
            for row in rows
            if row.device_id in ROBOTS and row.state != AlertState.PENDING and row.reason != NOT_SUSTAINED
        )


@pytest.mark.parametrize("fault", ["battery_overheat", "dustbin_full", "water_leak", "by_code", "comms_loss"])
def test_it_says_what_would_have_been_raised_moment_by_moment(
    tmp_path: Path, rooms: Rooms, store: TelemetryStore, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a restless past, when it is replayed in long pieces, then alerts are those of the slow way."""
    monkeypatch.setattr(replaying, "PIECE_MS", HOUR_MS // 2)
    batch, events = some_past(1)
    store.write(batch)
    Devices(rooms.desk).record_events(events)
    (group,) = [each for each in groups_of(rules_of(tmp_path)) if each.rules[0].fault == fault]
    end = int(batch.frame["ts"].max()) + 1  # type: ignore[arg-type,operator]
    quick = replay(past_of(rooms, store), group, NOON, end, None)
    slow = as_it_happened(rooms, group, batch, events)
    found = sorted((each.device_id, each.fault, each.rule, each.since, each.until) for each in quick)
    assert found == slow
    assert len(found) >= 3


def write_heat(store: TelemetryStore, device: str, since: int, minutes: int) -> None:
    """Let a robot be hot for some minutes, within an hour of readings of every minute."""
    times = [since + minute * MINUTE_MS for minute in range(60)]
    columns: dict[str, object] = {
        "device_id": [device] * 60,
        "site": ["hall"] * 60,
        "ts": times,
        "received": times,
        "battery_temp_c": [70.0 if minute < minutes else 30.0 for minute in range(60)],
    }
    store.write(ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, columns, 60))


def test_an_alert_was_right_when_its_fault_was_confirmed_within_the_horizon(tmp_path: Path) -> None:
    """Given a fault confirmed on day 20: an alert just before, or while it lasts, was right; others not."""
    rule, week = rules_of(tmp_path)[0], outcome.horizon_ms("battery_overheat")

    def raised(day: float, device: str = "A0") -> Raised:
        since = NOON + round(day * DAY_MS)
        return Raised(device, rule.fault, rule.name, rule.level, since, since + HOUR_MS)

    noticed, end = NOON + 20 * DAY_MS, NOON + 60 * DAY_MS
    repairs = {("A0", rule.fault): [outcome.Repaired(noticed, noticed + DAY_MS)]}

    def told(*alerts: Raised) -> outcome.RuleOutcome:
        return outcome.outcome_of(rule, alerts, repairs, NOON, end)

    just_before = 20 - 0.9 * week / DAY_MS
    assert (told(raised(just_before)).followed, told(raised(just_before)).foreseen) == (1, 1)
    assert told(raised(20.5)).followed == 1
    for wrong in (raised(21.5), raised(20 - 1.1 * week / DAY_MS), raised(just_before, "A1")):
        assert (told(wrong).followed, told(wrong).foreseen, told(wrong).precision) == (0, 0, 0.0)
    soon = told(raised(59.9))
    assert (soon.too_early, soon.precision, soon.faults) == (1, None, 1)


def test_before_and_after_are_told_with_what_a_repair_confirmed(
    tmp_path: Path, rooms: Rooms, store: TelemetryStore
) -> None:
    write_heat(store, "A0", NOON, 10)
    write_heat(store, "A1", NOON + DAY_MS, 30)
    write_heat(store, "A2", NOON + 60 * DAY_MS, 30)
    now = rules_of(tmp_path)
    later = rules_of(
        tmp_path,
        RULES.replace("clear: battery_temp_c < 52, for: 30s", "clear: battery_temp_c < 52, for: 15m"),
    )
    told = run_backtest(past_of(rooms, store), now, later, Asked(90))
    (hot,) = told.rules
    assert hot.rule == "hot" and hot.before and hot.after
    assert (hot.before.alerts, hot.after.alerts) == (3, 2)
    assert hot.before.devices == (("A0", 1), ("A1", 1), ("A2", 1))
    assert hot.before.shortest_ms == 10 * MINUTE_MS
    assert hot.before.too_early == 1
    assert told.readings_every_ms == MINUTE_MS
    assert told.start == NOON and told.end == NOON + 60 * DAY_MS + 59 * MINUTE_MS + 1


def test_a_backtest_changes_nothing(tmp_path: Path, rooms: Rooms, store: TelemetryStore) -> None:
    write_heat(store, "A0", NOON, 10)
    run_backtest(past_of(rooms, store), (), rules_of(tmp_path), Asked(1, rule="hot"))
    with rooms.desk.transaction() as session:
        assert session.scalars(select(AlertRow)).all() == []
        assert list(events_after(session, 0, 10)) == []


def test_what_cannot_be_replayed_is_said(tmp_path: Path, rooms: Rooms, store: TelemetryStore) -> None:
    past, rules = past_of(rooms, store), rules_of(tmp_path)
    with pytest.raises(NotEnoughHistory, match="nothing to replay"):
        run_backtest(past, (), rules, Asked(1))
    write_heat(store, "A0", NOON, 10)
    with pytest.raises(NotFound, match='there is no rule "hoot"; did you mean hot'):
        run_backtest(past, (), rules, Asked(1, rule="hoot"))
    with pytest.raises(InvalidInput, match="days: 0"):
        run_backtest(past, (), rules, Asked(0))
    assert run_backtest(past, rules, rules, Asked(1)).rules == ()
    silenced = run_backtest(past, rules, rules[1:], Asked(1)).rules
    assert [(each.rule, each.after) for each in silenced] == [("hot", None)]
