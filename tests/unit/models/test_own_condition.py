"""Units with declared signals: what a step shows, regimes of set-points, and lives that ended to compare."""

import numpy as np
import polars as pl
import pytest

from fleet.clock import HOUR_MS
from fleet.signals import Role
from models.features.condition import learn_condition, lives_among, steps_of
from models.features.own import OwnKind, OwnSignal, channels_of
from models.features.regimes import MOST_REGIMES, learn_regimes
from models.features.windows import Floats


def test_levels_counters_and_states_become_channels() -> None:
    kind = OwnKind(
        (OwnSignal("heat"), OwnSignal("turns", Role.COUNTER), OwnSignal("mode", Role.STATE, ("1", "2")))
    )
    readings = pl.DataFrame(
        {
            "unit": ["A"] * 4,
            "ts": [0, 1, HOUR_MS, HOUR_MS + 1],
            "heat": [1.0, 3.0, None, 5.0],
            "turns": [10, 12, 15, 2],
            "mode": [1, 2, 2, 2],
        }
    )
    told = channels_of(readings, kind)
    assert told["heat"].to_list() == [2.0, 5.0]
    assert told["heat:top"].to_list() == [3.0, 5.0]
    assert told["heat:spread"].to_list() == [1.0, 0.0]
    assert told["turns"].to_list() == [0.0, 2.0], "a counter that fell began anew"
    assert told["mode=2"].to_list() == [0.5, 1.0]


def at_points(points: int, rows: int = 4_000) -> tuple[Floats, Floats]:
    """Return set-points that wander a little around some points, and signals that these explain."""
    rng = np.random.default_rng(0)
    which = rng.integers(0, points, rows)
    place, level = rng.normal(size=(points, 2)) * 10, rng.normal(size=(points, 5)) * 20
    return place[which] + rng.normal(0, 0.01, (rows, 2)), level[which] + rng.normal(size=(rows, 5))


@pytest.mark.parametrize("points", [1, 2, 6])
def test_there_are_as_many_regimes_as_points_at_which_units_are_run(points: int) -> None:
    setpoints, signals = at_points(points)
    regimes = learn_regimes(setpoints, signals)
    assert len(regimes.parts["mean"]) == points < MOST_REGIMES
    assert regimes.standard(setpoints, signals).std(axis=0) == pytest.approx(np.ones(5), abs=0.05)


def test_without_set_points_there_is_one_regime_and_what_stands_still_says_nothing() -> None:
    signals = np.column_stack([np.random.default_rng(0).normal(size=100), np.full(100, 7.0)])
    regimes = learn_regimes(np.empty((100, 0)), signals)
    assert regimes.moving.tolist() == [True, False]
    assert (regimes.standard(np.empty((100, 0)), signals)[:, 1] == 0).all()


def test_what_lives_had_left_where_they_stood_alike_is_told_in_steps_of_the_load_to_come() -> None:
    """Units wear by load alone: those fed twice as much last half as long, and a unit knows how it is fed."""
    rng = np.random.default_rng(0)
    frames = []
    for number in range(12):
        load = 1.0 if number % 2 else 2.0
        wear = np.arange(1, int(120 / load) + 1) * load
        frames.append(
            pl.DataFrame(
                {
                    "unit": f"U{number:02d}",
                    "ts": np.arange(len(wear)) * HOUR_MS,
                    "load": load,
                    "wear": wear + rng.normal(0, 0.5, len(wear)),
                }
            )
        )
    kind = OwnKind((OwnSignal("load"), OwnSignal("wear")), load="load")
    steps = steps_of(channels_of(pl.concat(frames), kind))
    ended = np.ones(12, dtype=bool)
    condition = learn_condition(kind, steps, ended)
    told = condition.look(steps, lives_among(ended))[:, -6]
    left = steps.step[steps.last][steps.unit] - steps.step
    assert np.abs(told - left)[5:].mean() < 4
