"""A backtest says what the engine would have raised: the same, however much of the past it skips."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
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
from fleet.risks import Risk, risk_frame
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


LATER = """
rules:
  - {name: dusty, kind: robot, fault: filter_clog, level: L3,
     when: mean of hourly max of dustbin_pct over 12h >= 70,
     clear: mean of hourly max of dustbin_pct over 12h < 55,
     opens_ticket: false, text: {en: dusty, zh: 脏}}
  - {name: wears, kind: robot, fault: brush_wear, level: L3,
     when: risk of brush_wear >= 0.5 and remaining life of brush_wear < 9d,
     clear: risk of brush_wear < 0.3, for: 1h, opens_ticket: false, text: {en: wears, zh: 磨}}
"""


def ended(rooms: Rooms, rule: str) -> Found:
    """Return what the engine over the desk has raised by a rule."""
    with rooms.desk.transaction() as session:
        rows = session.scalars(select(AlertRow).where(AlertRow.rule == rule)).all()
        return sorted(
            (r.device_id, r.fault, r.rule, r.since, r.resolved_at)
            for r in rows
            if r.state != AlertState.PENDING and r.reason != NOT_SUSTAINED
        )


def test_rules_over_hours_are_replayed_from_tiles(
    tmp_path: Path, rooms: Rooms, store: TelemetryStore
) -> None:
    """Given days of dust, when hours are replayed, then alerts are those of who saw each hour."""
    begin, hours = NOON // HOUR_MS * HOUR_MS, 60
    names = ("device_id", "site", "ts", "received", "dustbin_pct")
    rows: dict[str, list[object]] = {name: [] for name in names}
    for number, device in enumerate(ROBOTS):
        for step in range(hours * 4):
            ts = begin + step * HOUR_MS // 4 + number
            level = 60 + 25 * np.sin(2 * np.pi * (step / 4 + 3 * number) / 30)
            for name, value in zip(rows, (device, "hall", ts, ts, level), strict=True):
                rows[name].append(value)
    store.write(ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, dict(rows), len(rows["ts"])))
    rules = rules_of(tmp_path, LATER)[:1]
    found = run_backtest(past_of(rooms, store), (), rules, Asked(3, rule="dusty")).rules[0].after
    (group,) = groups_of(rules)
    end = begin + hours * HOUR_MS
    quick = replay(past_of(rooms, store), group, begin, end, None)
    engine = AlertEngine(rooms.desk, rules, ManualClock(end), load_codes())
    for hour in range(begin, end, HOUR_MS):
        engine.observe_hours(Kind.ROBOT, store.tiles(Kind.ROBOT, hour, hour + HOUR_MS))
    slow = ended(rooms, "dusty")
    assert sorted((e.device_id, e.fault, e.rule, e.since, e.until) for e in quick) == slow
    assert found is not None
    # The hour of the newest reading is not over for it.
    assert found.alerts == sum(since < end for *_, since, _ in slow) >= len(ROBOTS)


def test_rules_over_models_are_replayed_from_what_these_said(
    tmp_path: Path, rooms: Rooms, store: TelemetryStore
) -> None:
    """Given what was scored each hour, when it is replayed, then alerts are those that came of it."""
    begin, hours = NOON // HOUR_MS * HOUR_MS, 40
    robots = ROBOTS[:3]
    store.write(
        ReadingBatch.from_columns(
            STANDARD_SIGNALS,
            Kind.ROBOT,
            {
                "device_id": robots,
                "site": ["hall"] * 3,
                "ts": [begin, begin, begin + hours * HOUR_MS],
                "received": [begin] * 3,
            },
            3,
        )
    )
    rules = rules_of(tmp_path, LATER)[1:]
    with pytest.raises(NotEnoughHistory, match="no risks of any robot are stored"):
        run_backtest(past_of(rooms, store), (), rules, Asked(3))
    engine = AlertEngine(rooms.desk, rules, ManualClock(begin), load_codes())
    for hour in range(hours):
        ts = begin + hour * HOUR_MS
        said = [
            (device, ts, float(np.clip(0.5 + 0.45 * np.sin(hour / 4 + number), 0, 1)), 5.0 + 5 * number)
            for number, device in enumerate(robots)
        ]
        engine.observe_risks(
            [
                Risk(device, "brush_wear", ts, risk, 2.0, "m1", (), life_d=life)
                for device, ts, risk, life in said
            ]
        )
        frame = pl.DataFrame(said, schema=["device_id", "ts", "risk", "life_p50_d"], orient="row")
        store.write_risks(risk_frame(frame.with_columns(fault=pl.lit("brush_wear"), model=pl.lit("m1"))))
        engine.tick(ts)
    found = run_backtest(past_of(rooms, store), (), rules, Asked(3)).rules[0].after
    slow = ended(rooms, "wears")
    assert found is not None
    assert found.alerts == len(slow) >= 2
    assert {device for device, _ in found.devices} == {device for device, *_ in slow} == {"A0"}
