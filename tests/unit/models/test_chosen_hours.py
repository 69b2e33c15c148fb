"""Terms of chosen hours: what a signal says in hours in which a robot did one thing only."""

import numpy as np
import polars as pl
import pytest

from models.features import chosen_hours
from models.features.definitions import by_name, features_of
from models.features.terms import Term, values

LEVEL, CURRENT = "clean_water_pct", "battery_current_a"


def hours_of(**columns: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema_overrides=dict.fromkeys(columns, pl.Float64))


def sums(tiles: pl.DataFrame, *terms: Term) -> list[list[float]]:
    return np.asarray(values(terms, tiles)).tolist()


def charging(share: list[float], fullest: list[float | None], current: list[float | None]) -> pl.DataFrame:
    """Return hours of 60 readings: the share of them that charged, the fullest the battery got."""
    tiles = hours_of(
        **{
            "state.charging.n": [60 * each for each in share],
            "battery_pct.max": fullest,
            f"{CURRENT}.n": [None if each is None else 60.0 for each in current],
            f"{CURRENT}.mean": current,
            "battery_pct.first": [20.0] * len(share),
            "battery_pct.last": [50.0] * len(share),
        }
    )
    return tiles.with_columns(readings=pl.lit(60))


def test_only_whole_hours_of_charging_below_the_taper_count() -> None:
    tiles = charging([1.0, 0.95, 0.5, 1.0, 1.0], [60.0, 80.0, 60.0, 97.0, None], [8.0, 6.0, -2.0, 1.5, 8.0])
    total, count, rise, hours = sums(
        tiles,
        chosen_hours.charging_total(CURRENT),
        chosen_hours.charging_count(CURRENT),
        chosen_hours.charging_rise("battery_pct"),
        chosen_hours.charging_hours("battery_pct"),
    )
    assert total == [480.0, 360.0, 0.0, 0.0, 0.0]
    assert count == [60.0, 60.0, 0.0, 0.0, 0.0]
    assert rise == [30.0, 30.0, 0.0, 0.0, 0.0]
    assert hours == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_a_robot_that_says_no_current_or_no_state_has_no_charging_hour() -> None:
    silent = charging([1.0], [60.0], [None])
    assert sums(silent, chosen_hours.charging_total(CURRENT), chosen_hours.charging_count(CURRENT)) == [
        [0],
        [0],
    ]
    stateless = charging([1.0], [60.0], [8.0]).drop("state.charging.n")
    assert sums(stateless, chosen_hours.charging_count(CURRENT)) == [[0.0]]


def test_water_that_goes_while_nobody_works_is_counted_and_a_filling_is_not() -> None:
    tiles = hours_of(
        **{
            f"{LEVEL}.first": [90.0, 86.0, 80.0, 20.0, 50.0],
            f"{LEVEL}.last": [86.0, 86.5, 60.0, 100.0, None],
            "run_s.rise": [0.0, 0.0, 1800.0, 0.0, 0.0],
        }
    )
    fall, hours = sums(tiles, chosen_hours.idle_fall(LEVEL), chosen_hours.idle_hours(LEVEL))
    assert fall == [4.0, -0.5, 0.0, 0.0, 0.0]
    assert hours == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_noise_of_a_tight_tank_adds_up_to_nothing() -> None:
    rng = np.random.default_rng(7)
    ends = 60 + rng.normal(0, 0.8, (2, 4_000))
    tiles = hours_of(
        **{
            f"{LEVEL}.first": ends[0].tolist(),
            f"{LEVEL}.last": ends[1].tolist(),
            "run_s.rise": [0.0] * 4_000,
        }
    )
    (fall,), (hours,) = (
        np.sum(sums(tiles, term), axis=1)
        for term in (chosen_hours.idle_fall(LEVEL), chosen_hours.idle_hours(LEVEL))
    )
    assert fall / hours == pytest.approx(0.0, abs=0.06)


@pytest.mark.parametrize(
    ("fault", "measure"),
    [
        ("charging_failure", "charge_current_before_taper"),
        ("charging_failure", "charge_rate_before_taper"),
        ("water_leak", "water_idle"),
    ],
)
def test_the_fault_that_they_are_for_sees_them(fault: str, measure: str) -> None:
    assert any(each.measure.name == measure for each in features_of(fault))
    assert f"{measure}:step" in by_name()
