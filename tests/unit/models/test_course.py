"""Courses: since when a deviation holds, and the days behind it, are what the tiles say."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from fleet.clock import DAY_MS, HOUR_MS
from fleet.risks import Course, Driver
from models.features.batch_windows import BatchWindows, Moments
from models.features.compute import Look
from models.features.definitions import all_features, by_name, parts_of, terms_of
from models.features.grid import TileGrid
from models.features.rolling import RollingTiles
from models.features.windows import NO_RESETS, FleetFacts
from models.scoring.course import Courses

START = 450_000
DAYS, ROBOTS = 40, 7
NOW = START + DAYS * 24 - 1


def tiles_of(level: Callable[[int, int], float], gaps: frozenset[int] = frozenset()) -> pl.DataFrame:
    """Return tiles of brush current: robot 0 is at `level(robot, day)`, and not heard on days in `gaps`."""
    rows = [
        (f"r{robot}", (START + hour) * HOUR_MS, 6, 6, level(robot, hour // 24))
        for robot in range(ROBOTS)
        for hour in range(DAYS * 24)
        if robot or hour // 24 not in gaps
    ]
    names = ["device_id", "hour", "readings", "brush_current_a.n", "brush_current_a.mean"]
    return pl.DataFrame(rows, schema=names, orient="row")


def seen(tiles: pl.DataFrame, name: str) -> Courses:
    """Return the courses of all robots, of whole windows and of rolling ones alike."""
    grid = TileGrid(terms_of(all_features()))
    grid.update(tiles)
    facts = FleetFacts(dict.fromkeys(grid.devices, "CR-1"), NO_RESETS)
    moments = Moments(np.arange(ROBOTS), np.full(ROBOTS, NOW))
    batch = Courses(by_name()[name], Look(BatchWindows(grid, facts, moments)))
    rolling = RollingTiles(terms_of(all_features()), parts_of(all_features()))
    rolling.know(facts)
    for piece in tiles.sort("hour").iter_slices(1_000):
        rolling.update(piece)
    served = Courses(by_name()[name], Look(rolling.at(rolling.rows_of(grid.devices))))
    np.testing.assert_array_equal(served.days, batch.days)
    for robot in range(ROBOTS):
        one, other = served.course(robot), batch.course(robot)
        assert one is not None
        assert other is not None
        for levels, others in ((one.own, other.own), (one.cohort, other.cohort)):
            np.testing.assert_allclose(np.array(levels, float), np.array(others, float), rtol=1e-3)
    return batch


def worn_for(days: int) -> Callable[[int, int], float]:
    return lambda robot, day: 3.0 if robot == 0 and day >= DAYS - days else 2.0 + 0.01 * (day % 2)


@pytest.mark.parametrize("name", ["brush_current_a:cohort", "brush_current_a:own"])
def test_a_deviation_is_told_from_the_day_on_which_it_began(name: str) -> None:
    assert seen(tiles_of(worn_for(6)), name).days[0] == 6


def test_days_without_a_reading_do_not_end_a_deviation() -> None:
    gaps = frozenset({DAYS - 3, DAYS - 4})
    assert seen(tiles_of(worn_for(6), gaps), "brush_current_a:cohort").days[0] == 6


def test_a_day_in_order_ends_it() -> None:
    broken = worn_for(9)
    tiles = tiles_of(lambda robot, day: 2.0 if day == DAYS - 5 else broken(robot, day))
    assert seen(tiles, "brush_current_a:cohort").days[0] == 4


def test_a_course_shows_the_last_30_days_against_the_cohort_and_the_baseline() -> None:
    course = seen(tiles_of(worn_for(6)), "brush_current_a:cohort").course(0)
    assert course is not None
    assert (course.start, course.every) == ((START + (DAYS - 30) * 24) * HOUR_MS, DAY_MS)
    assert course.own[-7:] == (2.01, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0)
    assert course.cohort[-2:] == (2.0, 2.01)
    assert course.baseline == pytest.approx(2.004, abs=1e-3)


@pytest.mark.parametrize("name", ["error_hours:cohort", "error_share:day", "run_share:day"])
def test_what_no_repair_renews_is_compared_as_well(name: str) -> None:
    tiles = tiles_of(worn_for(6))
    errors = pl.when((pl.col("device_id") == "r0") & (pl.col("hour") >= (NOW - 40) * HOUR_MS)).then(1)
    tiles = tiles.with_columns(errors.otherwise(0).alias("error_code.n"))
    tiles = tiles.with_columns(pl.lit(0.0).alias("run_s.first"), pl.lit(60.0).alias("run_s.last"))
    assert seen(tiles, name).days[0] == (0 if name.startswith("run") else 2)


def test_what_has_no_level_has_no_course() -> None:
    seen_age = tiles_of(worn_for(6))
    grid = TileGrid(terms_of(all_features()))
    grid.update(seen_age)
    facts = FleetFacts(dict.fromkeys(grid.devices, "CR-1"), NO_RESETS)
    look = Look(BatchWindows(grid, facts, Moments(np.arange(ROBOTS), np.full(ROBOTS, NOW))))
    courses = Courses(by_name()["brush_current_a:used"], look)
    assert courses.course(0) is None
    assert not courses.days.any()


def test_a_driver_comes_back_from_what_is_stored_of_it() -> None:
    course = Course(0, DAY_MS, (1.0, None), (2.0, 2.5), None)
    driver = Driver("brush_current_a", "brush_current_a:own", 1.5, 3.0, 2.0, "A", 6, course)
    assert Driver.from_dict(driver.to_dict()) == driver
    older = {key: value for key, value in driver.to_dict().items() if key not in ("days", "course")}
    assert Driver.from_dict(older).days is None
