"""Timed scenarios: what a fleet does, and which alerts come and go, on a clock that is moved by hand."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, batch_of, open_rooms

from alerts import engine
from alerts.engine import AlertEngine
from alerts.judging.by_ticket import DeviceEnds
from alerts.judging.decisions import SETTLE_MS
from alerts.judging.rule_file import load_rules
from fleet.alerts import AlertState
from fleet.clock import ManualClock
from fleet.errors import Conflict, InvalidInput, NotFound, StoreUnavailable
from fleet.events import Event, Subject
from fleet.principals import person
from fleet.signals import Kind
from storage.records.devices import Device


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = open_rooms(tmp_path)
    yield rooms
    rooms.desk.close()


def test_what_was_wrong_with_a_device_ends_when_another_takes_its_place(rooms: Rooms) -> None:
    rooms.robot("R1", 0, battery_temp_c=61.0)
    rooms.robot("R1", 30, battery_temp_c=62.0)
    rooms.robot("R2", 0, battery_temp_c=61.0)
    reason = "fell down the stairs"
    event = Event(NOON + 60_000, Subject.DEVICE, "R1", "replaced", person("Li Wei"), reason)
    DeviceEnds(rooms.engine).handle(event)
    assert {(one.device_id, one.state) for one in rooms.engine.open_alerts()} == {("R2", AlertState.PENDING)}
    DeviceEnds(rooms.engine).handle(event)
    rooms.robot("R1", 120, battery_temp_c=61.0)
    assert "R1" in {one.device_id for one in rooms.engine.open_alerts()}, "the new one is as hot"


def test_a_hot_battery_is_pending_then_fires_then_clears(rooms: Rooms) -> None:
    rooms.robot("R1", 0, battery_temp_c=61.0)
    assert rooms.history() == [("battery_overheat", "pending", "first")]
    assert rooms.fired == []
    rooms.robot("R1", 30, battery_temp_c=62.0)
    assert rooms.history() == [("battery_overheat", "firing", "for_elapsed")]
    (alert,) = rooms.fired
    assert (alert.device_id, alert.level, alert.since, alert.opens_ticket) == ("R1", "L1", NOON, True)
    assert alert.evidence["signal"] == "battery_temp_c"
    assert (alert.evidence["value"], alert.evidence["threshold"], alert.evidence["ts"]) == (61.0, 60.0, NOON)
    rooms.robot("R1", 60, battery_temp_c=55.0)
    assert rooms.history() == [("battery_overheat", "firing", "for_elapsed")], "55 is between: hysteresis"
    rooms.robot("R1", 90, battery_temp_c=51.0)
    assert rooms.history() == [("battery_overheat", "resolved", "cleared")]
    assert [alert.state for alert in rooms.changed] == ["pending", "firing", "resolved"]


def test_a_short_peak_never_fires(rooms: Rooms) -> None:
    rooms.robot("R1", 0, battery_temp_c=61.0)
    rooms.robot("R1", 10, battery_temp_c=58.0)
    rooms.robot("R1", 40, battery_temp_c=61.0)
    assert rooms.history() == [
        ("battery_overheat", "resolved", "not_sustained"),
        ("battery_overheat", "pending", "first"),
    ]
    assert rooms.fired == []


def test_one_wild_sample_is_not_thirty_seconds_of_heat(rooms: Rooms) -> None:
    """A robot that starts cold says 85 °C once, and then no temperature for a while."""
    rooms.robot("R1", 0, battery_temp_c=85.0)
    rooms.tick(600)
    assert rooms.fired == []
    rooms.robot("R1", 700, battery_temp_c=22.0)
    assert rooms.history()[-1] == ("battery_overheat", "resolved", "not_sustained")


def test_a_pending_alert_fires_by_the_clock_when_a_second_reading_agreed(rooms: Rooms) -> None:
    rooms.robot("R1", 0, battery_temp_c=61.0)
    rooms.robot("R1", 10, battery_temp_c=62.0)
    rooms.tick(29)
    assert rooms.fired == []
    rooms.tick(30)
    assert [alert.reason for alert in rooms.fired] == ["for_elapsed"]


def test_a_replayed_past_is_not_hurried_by_the_clock(rooms: Rooms) -> None:
    rooms.robot("R1", -86_400, battery_temp_c=61.0)
    rooms.tick(5)
    assert rooms.history() == [("battery_overheat", "pending", "first")]


def test_a_backlog_in_one_batch_gives_the_same_alerts_as_its_readings_one_by_one(tmp_path: Path) -> None:
    temperatures = [61.0, 62.0, None, 63.0, 57.0, 40.0, 61.0, 40.0, 61.0, 61.0, 61.0, 61.0]
    times = [NOON + 15_000 * i for i in range(len(temperatures))]
    histories = []
    for name in ("bulk", "single"):
        folder = tmp_path / name
        folder.mkdir()
        rooms = open_rooms(folder)
        if name == "bulk":
            order = [5, 0, 11, 3, 1, 2, 4, 10, 9, 6, 7, 8]
            rooms.engine.observe(
                batch_of(
                    Kind.ROBOT,
                    ["R1"] * len(order),
                    [times[i] for i in order],
                    battery_temp_c=[temperatures[i] for i in order],
                )
            )
        else:
            for ts, value in zip(times, temperatures, strict=True):
                rooms.engine.observe(batch_of(Kind.ROBOT, ["R1"], [ts], battery_temp_c=[value]))
        histories.append((rooms.history(), [(alert.since, alert.reason) for alert in rooms.changed]))
        rooms.desk.close()
    assert histories[0] == histories[1]
    assert [state for _, state, _ in histories[0][0]] == ["resolved", "resolved", "firing"]


def test_a_recurrence_is_a_new_alert_that_names_the_old_one(rooms: Rooms) -> None:
    for after_s, temperature in ((0, 61.0), (30, 61.0), (60, 40.0), (90, 61.0), (120, 61.0)):
        rooms.robot("R1", after_s, battery_temp_c=temperature)
    first, second = rooms.fired
    assert first.id != second.id
    assert second.evidence["previous_alert"] == first.id
    assert ("battery_overheat", "pending", f"recurrence_of:{first.id}") not in rooms.history()
    assert rooms.changed[3].reason == f"recurrence_of:{first.id}"


def test_a_late_reading_neither_clears_nor_raises_what_newer_ones_decided(rooms: Rooms) -> None:
    rooms.robot("R1", 0, battery_temp_c=61.0)
    rooms.robot("R1", 40, battery_temp_c=61.0)
    rooms.robot("R1", 20, battery_temp_c=30.0)
    assert rooms.history()[-1][1] == "firing", "it was cool before it was hot again"
    rooms.robot("R1", 100, battery_temp_c=30.0)
    rooms.robot("R1", 90, battery_temp_c=61.0)
    assert rooms.history() == [("battery_overheat", "resolved", "cleared")]


def test_an_sos_waits_for_a_person_and_then_may_come_again(rooms: Rooms) -> None:
    rooms.band(0, sos=True)
    rooms.band(1, sos=False)
    (alert,) = rooms.fired
    assert rooms.history() == [("worker_sos", "firing", "first")]
    rooms.clock.advance(60_000)
    rooms.engine.resolve(alert.id, person("Chen"), "spoke to the worker")
    rooms.band(50, sos=True)
    assert [state for _, state, _ in rooms.history()] == ["resolved", "firing"]


def test_each_shipped_signal_rule_fires_on_what_it_is_about(rooms: Rooms) -> None:
    for after_s in (0, 300):
        rooms.robot("R1", after_s, dustbin_pct=97.0, filter_clog_pct=91.0)
        rooms.band(after_s, sos=True, fall=True, battery_pct=10.0)
        rooms.engine.observe(batch_of(Kind.TOOL, ["T1"], [NOON + after_s * 1000], consumable_pct=[3.0]))
    wants_ticket = {alert.fault: alert.opens_ticket for alert in rooms.fired}
    assert wants_ticket == {
        "dustbin_full": False,
        "filter_clog": False,
        "worker_sos": True,
        "worker_fall": True,
        "wristband_battery": False,
        "tool_consumable_spent": False,
    }


def test_a_robot_that_falls_silent_is_offline_after_half_an_hour_and_back_when_heard(rooms: Rooms) -> None:
    rooms.heard("R2", 29 * 60)
    rooms.tick(30 * 60 - 1)
    assert rooms.fired == []
    rooms.tick(30 * 60)
    assert [(alert.device_id, alert.fault) for alert in rooms.fired] == [("R1", "comms_loss")]
    rooms.heard("R1", 31 * 60)
    rooms.tick(31 * 60)
    assert rooms.history() == [("comms_loss", "resolved", "heard_again")]


def test_who_is_heard_while_thousands_fall_silent_is_not_absent_and_each_has_its_own_time(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rooms.desk.transaction() as session:
        session.add_all(
            Device(id=f"A{n}", kind="robot", site="hall", model="CR", registered_at=NOON, last_seen=NOON)
            for n in range(4)
        )

    def a_minute_passes(_seconds: float) -> None:
        rooms.clock.ms += 60_000
        rooms.heard("A3", (rooms.clock.ms - NOON) / 1000)

    monkeypatch.setattr(engine, "_AT_ONCE", 2)
    monkeypatch.setattr(engine, "sleep", a_minute_passes)
    rooms.heard("R1", 29 * 60)
    rooms.heard("R2", 29 * 60)
    rooms.tick(30 * 60)
    fired = {alert.device_id: alert.updated - NOON for alert in rooms.fired}
    assert fired == {"A0": 1_800_000, "A1": 1_800_000, "A2": 1_860_000}


def test_our_own_downtime_is_not_the_fleets(rooms: Rooms) -> None:
    rooms.clock.ms = NOON + 86_400_000
    rooms.restart()
    rooms.tick(86_400 + 29 * 60)
    assert rooms.fired == []
    rooms.tick(86_400 + 30 * 60)
    assert {alert.device_id for alert in rooms.fired} == {"R1", "R2"}


def test_a_last_will_fires_after_its_grace_unless_the_robot_returns(rooms: Rooms) -> None:
    rooms.heard("R1", 0, status="offline")
    rooms.heard("R2", 0, status="offline")
    rooms.heard("W1", 0, status="offline")
    rooms.heard("R2", 60)
    rooms.tick(119)
    assert rooms.fired == []
    rooms.tick(120)
    assert [(alert.device_id, alert.rule) for alert in rooms.fired] == [("R1", "robot_offline")]
    assert (rooms.fired[0].evidence["signal"], rooms.fired[0].evidence["value"]) == ("status", "offline")
    rooms.heard("R1", 180)
    rooms.tick(180)
    assert rooms.history() == [("comms_loss", "resolved", "heard_again")]


def test_a_will_that_arrives_while_readings_go_on_is_no_loss(rooms: Rooms) -> None:
    rooms.heard("R1", 0, status="offline")
    rooms.heard("R1", 119, status="offline")
    rooms.tick(120)
    assert rooms.history() == []
    rooms.tick(119 + 120)
    assert rooms.history() == [("comms_loss", "firing", "first")]


def test_an_offline_device_hides_its_other_pending_alerts(rooms: Rooms) -> None:
    rooms.heard("R1", 0, status="offline")
    rooms.tick(120)
    rooms.robot("R1", 130, battery_temp_c=70.0)
    rooms.tick(400)
    assert rooms.history() == [
        ("comms_loss", "firing", "first"),
        ("battery_overheat", "pending", "first"),
    ]


def test_a_risk_over_its_threshold_fires_at_once_with_its_drivers(rooms: Rooms) -> None:
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.5), a_risk("R2", NOON, 0.49)])
    (alert,) = rooms.fired
    assert (alert.device_id, alert.fault, alert.rule, alert.level) == ("R1", "brush_jam", "risk", "L2")
    assert alert.opens_ticket
    assert alert.evidence["risk"] == 0.5
    assert alert.evidence["threshold"] == 0.5
    assert alert.evidence["model"] == "brush_jam-1"
    assert alert.evidence["drivers"][0]["signal"] == "brush_current_a"


def test_a_risk_clears_after_two_low_scorings_in_a_row_on_newer_readings(rooms: Rooms) -> None:
    hour = 3_600_000
    for step, risk in enumerate((0.8, 0.29, 0.4, 0.29)):
        rooms.engine.observe_risks([a_risk("R1", NOON + step * hour, risk)])
    rooms.engine.observe_risks([a_risk("R1", NOON + 3 * hour, 0.1)])
    assert rooms.history() == [("brush_jam", "firing", "first")], (
        "0.4 broke the row; the same reading twice is one"
    )
    rooms.engine.observe_risks([a_risk("R1", NOON + 4 * hour, 0.29)])
    assert rooms.history() == [("brush_jam", "resolved", "cleared")]
    rooms.engine.observe_risks([a_risk("R1", NOON + 5 * hour, 0.9)])
    assert rooms.history()[-1] == ("brush_jam", "firing", "recurrence_of:1")


def test_after_a_repair_the_old_risk_may_settle(rooms: Rooms) -> None:
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.8)])
    rooms.engine.resolve("1", person("Chen"), "brush replaced")
    rooms.engine.observe_risks([a_risk("R1", NOON + 3_600_000, 0.8)])
    assert len(rooms.history()) == 1
    rooms.engine.observe_risks([a_risk("R1", NOON + SETTLE_MS, 0.8)])
    assert rooms.history()[-1] == ("brush_jam", "firing", "recurrence_of:1")


def test_a_risk_turns_a_rules_alert_into_one_that_wants_a_ticket(rooms: Rooms) -> None:
    rooms.robot("R1", 0, filter_clog_pct=95.0)
    rooms.robot("R1", 300, filter_clog_pct=95.0)
    assert [alert.opens_ticket for alert in rooms.fired] == [False]
    rooms.engine.observe_risks([a_risk("R1", NOON + 300_000, 0.9, fault="filter_clog")])
    rooms.engine.observe_risks([a_risk("R1", NOON + 600_000, 0.9, fault="filter_clog")])
    assert [(alert.id, alert.opens_ticket, alert.reason) for alert in rooms.fired] == [
        ("1", False, "for_elapsed"),
        ("1", True, "wanted_by:risk"),
    ]
    assert rooms.fired[1].evidence["also"]["risk"] == 0.9


def test_who_acknowledged_and_why_is_kept_and_the_alert_still_clears(rooms: Rooms) -> None:
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.8)])
    alert = rooms.engine.acknowledge("1", person("Li Na"), "on my way")
    assert (alert.state, alert.reason) == (AlertState.ACKNOWLEDGED, "acknowledged_by:Li Na")
    assert [
        (event.principal.kind, event.principal.name, event.before, event.after, event.reason)
        for event in rooms.told
    ] == [
        ("model", "risk", None, "firing", "first"),
        ("person", "Li Na", "firing", "acknowledged", "on my way"),
    ]
    for step in (1, 2):
        rooms.engine.observe_risks([a_risk("R1", NOON + step, 0.0)])
    assert rooms.history() == [("brush_jam", "resolved", "cleared")]


@pytest.mark.parametrize("alert_id", ["9", "x", "", "-1", "9" * 30, "²"])
def test_an_unknown_alert_is_not_found(rooms: Rooms, alert_id: str) -> None:
    with pytest.raises(NotFound, match="there is no alert"):
        rooms.engine.acknowledge(alert_id, person("Li"), "why not")


def test_a_change_by_a_person_needs_a_name_a_reason_and_a_fitting_state(rooms: Rooms) -> None:
    rooms.robot("R1", 0, battery_temp_c=61.0)
    with pytest.raises(InvalidInput, match="a reason is required"):
        rooms.engine.resolve("1", person("Li"), "  ")
    with pytest.raises(InvalidInput, match="who"):
        rooms.engine.resolve("1", person(" "), "because")
    with pytest.raises(InvalidInput, match="1 to 64"):
        rooms.engine.resolve("1", person("x" * 65), "because")
    with pytest.raises(Conflict, match="alert 1 is pending; acknowledged is possible from: firing"):
        rooms.engine.acknowledge("1", person("Li"), "because")
    rooms.engine.resolve("1", person("Li"), "sensor was in the sun")
    with pytest.raises(Conflict, match="alert 1 is resolved"):
        rooms.engine.resolve("1", person("Li"), "again")


def test_open_and_pending_alerts_survive_a_restart(rooms: Rooms) -> None:
    rooms.robot("R1", 0, battery_temp_c=61.0)
    rooms.engine.observe_risks([a_risk("R2", NOON, 0.8)])
    before = rooms.engine.open_alerts()
    rooms.restart()
    assert rooms.engine.open_alerts() == before
    rooms.robot("R1", 30, battery_temp_c=61.0)
    rooms.engine.observe_risks([a_risk("R2", NOON + 1, 0.8)])
    assert rooms.history() == [
        ("battery_overheat", "firing", "for_elapsed"),
        ("brush_jam", "firing", "first"),
    ]


def test_an_alert_whose_rule_left_the_file_ends(rooms: Rooms) -> None:
    rooms.robot("R1", 0, battery_temp_c=61.0)
    rooms.rules = tuple(rule for rule in rooms.rules if rule.name != "battery_hot")
    rooms.restart()
    rooms.tick(1)
    assert rooms.history() == [("battery_overheat", "resolved", "rule_removed")]


def test_concurrent_raises_by_several_engines_leave_exactly_one_open_alert(rooms: Rooms) -> None:
    """Each engine believes that nothing is open; the database decides, and the losers follow its alert."""
    engines = [AlertEngine(rooms.desk, load_rules(), ManualClock(NOON)) for _ in range(6)]
    barrier = threading.Barrier(len(engines))
    failures: list[Exception] = []

    def race(engine: AlertEngine) -> None:
        barrier.wait()
        try:
            engine.observe_risks([a_risk(device, NOON, 0.9) for device in ("R1", "R2")])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=race, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(rooms.history()) == [("brush_jam", "firing", "first")] * 2
    assert len(rooms.fired) == 2, "only the winner tells"
    assert all(len(engine.open_alerts()) == 2 for engine in engines)


def test_a_change_made_elsewhere_is_taken_over_not_overwritten(rooms: Rooms) -> None:
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.8)])
    other = AlertEngine(rooms.desk, rooms.rules, rooms.clock)
    other.resolve("1", person("Li"), "no fault found")
    for step in (1, 2):
        rooms.engine.observe_risks([a_risk("R1", NOON + step, 0.0)])
    assert rooms.history() == [("brush_jam", "resolved", "resolved_by:Li")]
    assert rooms.engine.open_alerts() == []


def test_when_the_database_is_away_nothing_is_remembered_and_the_same_call_can_be_repeated(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreUnavailable("desk database: gone")

    with monkeypatch.context() as patch:
        patch.setattr(rooms.desk, "transaction", away)
        with pytest.raises(StoreUnavailable):
            rooms.band(0, sos=True)
    assert rooms.engine.open_alerts() == []
    assert rooms.fired == []
    rooms.band(0, sos=True)
    rooms.band(0, sos=True)
    assert [alert.fault for alert in rooms.fired] == ["worker_sos"]
