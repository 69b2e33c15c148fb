"""Drift: chance is not called drift, a change is, and the alert about it comes and goes once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.fresh_desk import fresh_desk
from hypothesis import given
from hypothesis import strategies as st

from alerts.engine import AlertEngine
from fleet.alerts import INSTALLATION, AlertState
from fleet.clock import DAY_MS, HOUR_MS, ManualClock
from fleet.findings import DRIFT, ModelFinding
from fleet.principals import person
from fleet.text import Text
from models.features.definitions import features_of
from models.registry.drift import (
    RecentRows,
    comparable,
    compared,
    drift_of,
    drifted_share,
    limit,
    reference,
    shares,
    stability,
)
from storage.records.database import DeskDatabase
from storage.records.events import events_after

FEATURES = features_of("brush_jam")
NOW = 1_795_334_400_000


def card(matrix: np.ndarray, devices: int) -> dict[str, object]:
    looked_at = compared(FEATURES)
    even = {FEATURES[index].name: 1 / len(looked_at) for index in looked_at}
    return {"reference": reference(matrix, FEATURES), "importance": even, "devices": devices}


def rows(seed: int, devices: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that resemble each other within a device, as real ones do; some are not known."""
    rng = np.random.default_rng(seed)
    own = np.repeat(rng.normal(size=(devices, len(FEATURES))), each, axis=0)
    matrix = own + 0.3 * rng.normal(size=own.shape)
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    return matrix, np.repeat(np.arange(devices), each)


@pytest.mark.parametrize("seed", range(4))
def test_another_sample_of_the_same_fleet_has_not_drifted(seed: int) -> None:
    trained, _ = rows(100 + seed, 60, 100)
    recent, devices = rows(200 + seed, 60, 7)
    assert drifted_share(drift_of(card(trained, 60), FEATURES, recent, devices)) < 0.05


def test_features_that_moved_are_named_with_their_share_of_the_decisions() -> None:
    trained, _ = rows(1, 200, 50)
    recent, devices = rows(2, 200, 7)
    looked_at = compared(FEATURES)
    moved = looked_at[: len(looked_at) // 2]
    recent[:, moved] += 2.5
    found = drift_of(card(trained, 200), FEATURES, recent, devices)
    assert {each.feature for each in found if each.drifted} == {FEATURES[i].name for i in moved}
    assert drifted_share(found) == pytest.approx(len(moved) / len(looked_at), abs=1e-3)


def test_what_the_rate_of_readings_and_the_time_of_day_move_is_not_compared() -> None:
    every = features_of("comms_loss") + features_of("charging_failure")
    kept = {every[index].name for index in compared(every)}
    assert "rssi_dbm:own" in kept
    for name in ("readings_per_hour:own", "charge_gain:own", "errors_per_run:day", "rssi_dbm_dip:own"):
        assert name not in kept
    assert not [name for name in kept if name.endswith((":trend_6h", ":trend_24h"))]


def test_rows_are_compared_when_a_day_of_them_lies_a_day_after_what_was_learned_from() -> None:
    end = {"end": NOW}
    minutes = NOW + np.arange(10) * 60_000
    assert not comparable(end, minutes).any()
    assert not comparable(end, minutes + 2 * DAY_MS).any()
    days = NOW + np.arange(5) * DAY_MS
    assert comparable(end, days).tolist() == [False, True, True, True, True]
    assert not comparable(end, np.empty(0, dtype=np.int64)).any()


def test_a_signal_that_never_arrives_is_drift() -> None:
    trained, _ = rows(1, 100, 50)
    recent, devices = rows(2, 100, 7)
    recent[:] = np.nan
    assert drifted_share(drift_of(card(trained, 100), FEATURES, recent, devices)) == pytest.approx(1.0)


def test_few_devices_and_cards_without_a_reference_say_nothing() -> None:
    trained, _ = rows(1, 60, 50)
    recent, devices = rows(2, 9, 7)
    assert drift_of(card(trained, 60), FEATURES, recent, devices) == ()
    assert drift_of({}, FEATURES, *rows(2, 60, 7)) == ()


def test_the_limit_of_small_fleets_leaves_room_for_chance() -> None:
    assert limit(9, 10_000, 10_000) == 0.25
    assert limit(9, 40, 40) > 1.0


@given(st.lists(st.floats(-5, 5) | st.just(float("nan")), min_size=1, max_size=50))
def test_shares_add_up_and_a_distribution_is_stable_against_itself(values: list[float]) -> None:
    found = shares(np.array(values), np.array([-1.0, 0.0, 2.0]))
    assert found.sum() == pytest.approx(1.0)
    assert stability(found, found) == 0.0
    assert stability(found, np.roll(found, 1)) >= 0.0


def test_recent_rows_hold_one_a_day_of_each_device_and_only_a_week() -> None:
    recent = RecentRows(capacity=60)
    names = [f"R{number}" for number in range(5)]
    for hour in range(0, 20 * 24, 6):
        recent.take(names, [NOW + hour * HOUR_MS] * 5, np.full((5, 3), float(hour)))
    matrix, devices, _ = recent.matrix()
    assert sorted(set(matrix[:, 0])) == [24.0 * day for day in range(13, 20)]
    assert np.bincount(devices).tolist() == [7] * 5


def test_recent_rows_of_a_large_fleet_are_a_sample() -> None:
    recent = RecentRows(capacity=70)
    for day in range(9):
        names = [f"R{number}" for number in range(1_000)]
        recent.take(names, [NOW + day * DAY_MS] * 1_000, np.zeros((1_000, 2)))
    assert 35 <= len(recent.matrix()[0]) <= 70


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskDatabase]:
    database = fresh_desk(tmp_path / "desk.sqlite")
    yield database
    database.close()


def finding(at: int, *, beyond: bool) -> ModelFinding:
    return ModelFinding("brush_jam", "m1", DRIFT, 0.4, beyond, at, Text("drifted", "漂移"), {"limit": 0.25})


def test_drift_raises_one_alert_without_a_ticket_and_ends_it_when_it_is_over(desk: DeskDatabase) -> None:
    engine = AlertEngine(desk, (), ManualClock(NOW))
    for hour in range(3):
        engine.observe_models([finding(NOW + hour * HOUR_MS, beyond=True)])
        engine.tick(NOW + hour * HOUR_MS)
    (alert,) = engine.open_alerts()
    assert (alert.device_id, alert.fault, alert.rule) == (INSTALLATION, "brush_jam", "model")
    assert alert.evidence["findings"][0]["text"] == {"en": "drifted", "zh": "漂移"}
    assert not alert.opens_ticket
    with desk.transaction() as session:
        assert [event.after for event in events_after(session, 0, 10)] == ["firing"]
    engine.observe_models([finding(NOW + DAY_MS, beyond=False)])
    assert engine.open_alerts() == []


def test_a_person_who_ended_the_alert_is_left_in_peace_for_a_week(desk: DeskDatabase) -> None:
    clock = ManualClock(NOW)
    engine = AlertEngine(desk, (), clock)
    engine.observe_models([finding(NOW, beyond=True)])
    engine.resolve(engine.open_alerts()[0].id, person("li.wei"), "new robots, known")
    clock.advance(6 * DAY_MS)
    engine.observe_models([finding(NOW + 6 * DAY_MS, beyond=True)])
    assert engine.open_alerts() == []
    clock.advance(2 * DAY_MS)
    engine.observe_models([finding(NOW + 8 * DAY_MS, beyond=True)])
    (again,) = engine.open_alerts()
    assert again.state is AlertState.FIRING
    assert again.reason.startswith("recurrence_of:")
