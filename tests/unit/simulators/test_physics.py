"""What simulated devices do obeys physics: signs, ranges, counters, and what each fault does to signals."""

from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.faults import predicted_faults
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Form, Kind, Role
from simulators.fault_process import FAULT_SPECS
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.randomness import hashed_uniform
from simulators.robots import open_circuit_v

START = 1_790_000_400_000
STEP = 600_000
DAY_STEPS = 144


def _lived(
    simulator: FleetSimulator, steps: int, step_ms: int = STEP
) -> tuple[dict[Kind, ReadingBatch], set[str]]:
    """Return the readings of a run, and the devices that got a new battery in it."""
    batches = {
        kind: simulator.batch(kind, columns, step_ms)
        for kind, columns in simulator.run(steps, step_ms).items()
    }
    parts = [e for e in simulator.take_events() if e.code == "part_replaced"]
    return batches, {e.device_id for e in parts if e.detail["part"] == "battery-pack"}


def _robots(simulator: FleetSimulator, steps: int) -> pl.DataFrame:
    return _lived(simulator, steps)[0][Kind.ROBOT].frame


def _fleet(seed: int = 1, devices: int = 20, hazard: float = 1.0) -> FleetSimulator:
    return FleetSimulator(FleetConfig(devices, seed, START, hazard), STANDARD_SIGNALS)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32), step_ms=st.sampled_from([5_000, 60_000, 600_000]))
def test_whatever_the_seed_values_stay_in_range_and_signs_and_counters_are_right(
    seed: int, step_ms: int
) -> None:
    simulator = _fleet(seed, devices=20, hazard=6.0)
    batches, new_batteries = _lived(simulator, 2 * DAY_STEPS, step_ms)
    for kind, batch in batches.items():
        for signal in STANDARD_SIGNALS.numeric(kind):
            values = batch.frame[signal.name].drop_nulls()
            assert values.is_between(signal.low, signal.high).all(), signal.name
            if signal.form is Form.WHOLE:
                assert (values == values.floor()).all(), signal.name
            if signal.role is Role.COUNTER:
                kept = batch.frame.filter(
                    ~pl.col("device_id").is_in(list(new_batteries) if signal.name == "charge_cycles" else [])
                )
                falls = kept.drop_nulls(signal.name).select(
                    (pl.col(signal.name).diff().over("device_id") < 0).any()
                )
                assert not falls.item(), signal.name
    robots = batches[Kind.ROBOT].frame
    assert set(robots.filter(pl.col("battery_current_a") > 0)["state"].unique()) <= {"charging"}
    still = robots.filter(~pl.col("state").is_in(["cleaning", "returning"]))
    for name in ("drive_rpm", "drive_current_a", "brush_rpm", "fan_rpm", "suction_pa"):
        assert still[name].null_count() == still.height, name


def test_same_seed_same_readings_and_another_seed_others() -> None:
    first, again, other = (_lived(_fleet(seed), 2 * DAY_STEPS)[0] for seed in (5, 5, 6))
    for kind in Kind:
        assert first[kind].frame.equals(again[kind].frame)
        assert not first[kind].frame.equals(other[kind].frame)


def test_robots_keep_their_sites_hours() -> None:
    robots = _robots(_fleet(hazard=0), 7 * DAY_STEPS)
    office = robots.filter(pl.col("site").str.starts_with("office"))
    local_hour = ((pl.col("ts") + 8 * 3_600_000) // 3_600_000) % 24
    share = office.group_by(local_hour.alias("hour")).agg((pl.col("state") == "cleaning").mean()).sort("hour")
    by_hour = dict(share.iter_rows())
    assert max(by_hour[hour] for hour in range(18, 23)) > 0.25
    assert by_hour[2] < 0.02
    assert robots["state"].eq("cleaning").mean() > 0.15


EFFECTS = {
    "battery_wear": ("battery_health_pct", -1),
    "battery_overheat": ("battery_temp_c", 1),
    "charging_failure": ("battery_current_a", -1),
    "drive_motor_wear": ("drive_current_a", 1),
    "brush_jam": ("brush_current_a", 1),
    "brush_wear": ("brush_current_a", -1),
    "fan_motor_wear": ("fan_rpm", -1),
    "filter_clog": ("suction_pa", -1),
    "water_leak": ("clean_water_pct", -1),
    "lidar_misaligned": ("localization_pct", -1),
    "wheel_slip": ("wheel_slip_pct", 1),
    "comms_loss": ("rssi_dbm", -1),
}


@pytest.fixture(scope="module")
def healthy() -> pl.DataFrame:
    return _robots(_fleet(hazard=0), 2 * DAY_STEPS)


@cache
def _with_fault(code: str) -> pl.DataFrame:
    simulator = _fleet(hazard=0)
    for card in simulator.roster.cards[Kind.ROBOT]:
        simulator.inject(card.id, code, 0.55)
    robots = _robots(simulator, 2 * DAY_STEPS)
    return robots.filter(pl.col("error_code").is_null())


def test_every_predicted_fault_has_an_effect_to_be_tested() -> None:
    assert set(EFFECTS) == {fault.code for fault in predicted_faults(Kind.ROBOT)}
    assert set(EFFECTS) | {"dustbin_full"} == {spec.code for spec in FAULT_SPECS}


@pytest.mark.parametrize(("code", "signal", "sign"), [(c, s, d) for c, (s, d) in EFFECTS.items()])
def test_a_fault_moves_its_signal_the_way_physics_says(
    healthy: pl.DataFrame, code: str, signal: str, sign: int
) -> None:
    seen = pl.col("state") == "charging" if code == "charging_failure" else pl.lit(value=True)
    failing, well = _with_fault(code).filter(seen)[signal], healthy.filter(seen)[signal]
    shift = (failing.mean() - well.mean()) / well.std()  # type: ignore[operator]
    assert sign * shift > 0.15, shift


def test_drive_wear_raises_current_and_heat_and_lowers_speed(healthy: pl.DataFrame) -> None:
    worn = _with_fault("drive_motor_wear").filter(pl.col("state") == "cleaning")
    well = healthy.filter(pl.col("state") == "cleaning")
    assert worn["drive_current_a"].mean() > 1.15 * well["drive_current_a"].mean()  # type: ignore[operator]
    assert worn["drive_temp_c"].mean() > well["drive_temp_c"].mean() + 3  # type: ignore[operator]
    assert worn["drive_rpm"].mean() < 0.98 * well["drive_rpm"].mean()  # type: ignore[operator]


def test_no_signal_gives_the_severity_away(healthy: pl.DataFrame) -> None:
    """A threshold on the best signal does not tell half-grown faults from healthy robots without error."""
    for code, (signal, sign) in EFFECTS.items():
        failing = _with_fault(code)
        values = [sign * f[signal].drop_nulls().to_numpy() for f in (healthy, failing)]
        assert np.quantile(values[0], 0.99) > np.quantile(values[1], 0.2), code


def test_hard_used_healthy_robots_look_worn() -> None:
    simulator = _fleet(3, devices=150, hazard=0)
    robots = _robots(simulator, 2 * DAY_STEPS).filter(pl.col("state") == "cleaning")
    hard = {
        card.id
        for card, is_hard in zip(simulator.roster.cards[Kind.ROBOT], simulator.roster.hard_use, strict=True)
        if is_hard
    }
    assert 2 <= len(hard) <= 20
    health = robots.group_by(pl.col("device_id").is_in(list(hard)).alias("hard")).agg(
        pl.col("battery_health_pct").mean()
    )
    by_use = dict(health.iter_rows())
    assert by_use[True] < by_use[False] - 4


def test_lost_readings_leave_gaps_in_seq_and_none_is_repeated() -> None:
    robots = _robots(_fleet(), 4 * DAY_STEPS)
    steps = robots.sort("device_id", "ts").select(pl.col("seq").diff().over("device_id")).drop_nulls()["seq"]
    assert steps.min() == 1
    assert 0 < (steps > 1).mean() < 0.1  # type: ignore[operator]
    assert robots["ts"].is_between(START, START + 4 * DAY_STEPS * STEP).all()


def test_sensors_miss_values_now_and_then(healthy: pl.DataFrame) -> None:
    temperatures = healthy.filter(pl.col("state") == "cleaning")["battery_temp_c"]
    assert 0 < temperatures.null_count() / len(temperatures) < 0.05


def test_robots_without_a_tank_have_no_water_signals_and_no_leak() -> None:
    simulator = _fleet(2, devices=60, hazard=20)
    robots = _robots(simulator, 3 * DAY_STEPS)
    dry = [card.id for card in simulator.roster.cards[Kind.ROBOT] if card.model == "CR-100"]
    assert dry
    assert (
        robots.filter(pl.col("device_id").is_in(dry))["clean_water_pct"].null_count()
        == robots.filter(pl.col("device_id").is_in(dry)).height
    )
    assert not [entry for entry in simulator.truth if entry.fault == "water_leak" and entry.device_id in dry]


@given(soc=st.floats(0, 1), more=st.floats(0, 1))
def test_a_fuller_cell_never_has_a_lower_voltage(soc: float, more: float) -> None:
    low, high = sorted((soc, more))
    assert open_circuit_v(np.array([low]))[0] <= open_circuit_v(np.array([high]))[0]
    assert 3.0 <= open_circuit_v(np.array([soc]))[0] <= 4.2


def test_hashed_numbers_are_uniform_and_depend_on_every_key() -> None:
    index = np.arange(20_000)
    numbers = hashed_uniform(1, 2, index)
    assert abs(numbers.mean() - 0.5) < 0.01
    assert abs(np.quantile(numbers, 0.1) - 0.1) < 0.01
    assert not np.array_equal(numbers, hashed_uniform(1, 3, index))
    assert not np.array_equal(numbers, hashed_uniform(2, 2, index))
    assert np.array_equal(
        hashed_uniform(1, 2, index[:, None], index[:3])[5, 1], hashed_uniform(1, 2, index[5:6], index[1:2])[0]
    )
