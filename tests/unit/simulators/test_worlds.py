"""Worlds differ where models could cheat, repeat by seed, and give the same tiles as a store would."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.errors import ConfigError
from fleet.faults import predicted_faults
from fleet.signals import STANDARD_SIGNALS, Kind
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.lived import LivedFleet, live, live_on
from simulators.tiling import robot_tiles
from simulators.worlds import DEFAULT_WORLD, WORLDS, find_world
from storage.series.duckdb.store import DuckDbStore

END = 1_795_200_000_000 // HOUR_MS * HOUR_MS
JUDGED = ("a", "b", "c")
STEP = 20 * MINUTE_MS
PREDICTED = {fault.code for fault in predicted_faults(Kind.ROBOT)}


@pytest.fixture(scope="module")
def lived() -> dict[str, LivedFleet]:
    return {name: live(name, 3, 60, 60, end_ms=END, step_ms=HOUR_MS) for name in JUDGED}


def test_tiles_are_those_that_a_store_makes_of_the_same_readings(tmp_path: Path) -> None:
    """Except sums in another order: to float tolerance."""
    ours, theirs = (FleetSimulator(FleetConfig(12, 5, END, 4.0, "c"), STANDARD_SIGNALS) for _ in range(2))
    store = DuckDbStore.open(tmp_path / "t.duckdb", STANDARD_SIGNALS)
    columns = theirs.run_robots(144, 10 * MINUTE_MS)
    store.write(theirs.batch(Kind.ROBOT, columns, 10 * MINUTE_MS))
    made = robot_tiles(
        STANDARD_SIGNALS, ours.roster.cards[Kind.ROBOT], ours.run_robots(144, 10 * MINUTE_MS), END, 6
    )
    kept = store.tiles(Kind.ROBOT, END, END + DAY_MS)
    store.close()
    assert_frame_equal(
        made.sort("device_id", "hour"), kept.sort("device_id", "hour"), check_column_order=False, abs_tol=1e-6
    )


def test_rises_are_those_of_a_store_when_a_counter_dips(tmp_path: Path) -> None:
    ours = FleetSimulator(FleetConfig(12, 5, END, 4.0, "c"), STANDARD_SIGNALS)
    columns = ours.run_robots(144, 10 * MINUTE_MS)
    for robot, step in enumerate((6, 7, 11, 12, 70, 71, 72, 73)):
        for name in ("run_s", "area_m2", "bumper_hits"):
            columns.numbers[name][step, robot] = (0.0, columns.numbers[name][step, robot] // 2)[robot % 2]
    store = DuckDbStore.open(tmp_path / "t.duckdb", STANDARD_SIGNALS)
    store.write(ours.batch(Kind.ROBOT, columns, 10 * MINUTE_MS))
    made = robot_tiles(STANDARD_SIGNALS, ours.roster.cards[Kind.ROBOT], columns, END, 6)
    kept = store.tiles(Kind.ROBOT, END, END + DAY_MS)
    store.close()
    rises = ["device_id", "hour", "run_s.rise", "area_m2.rise", "bumper_hits.rise"]
    assert_frame_equal(made.sort("device_id", "hour").select(rises), kept.select(rises))


def test_the_same_seed_gives_the_same_life_and_another_seed_another() -> None:
    first, again, other = (live("b", seed, 8, 5, end_ms=END, step_ms=HOUR_MS) for seed in (1, 1, 2))
    assert first.tiles.equals(again.tiles)
    assert first.truth.to_dicts() == again.truth.to_dicts()
    assert not first.tiles.equals(other.tiles)


def test_worlds_share_no_device_model_site_or_pace() -> None:
    worlds = [WORLDS[name] for name in JUDGED]
    for i, one in enumerate(worlds):
        for other in worlds[i + 1 :]:
            assert not {m.name for m in one.robot_models} & {m.name for m in other.robot_models}
            assert not {s.name for s in one.region.site_types} & {s.name for s in other.region.site_types}
            assert asdict(one.region.climate) != asdict(other.region.climate)
            paces = {s.code: s.days for s in one.faults.specs}
            assert all(paces[s.code] != s.days for s in other.faults.specs if s.code in PREDICTED)
            assert one.faults.growth != other.faults.growth


def test_at_least_a_tenth_of_the_faults_of_every_world_come_without_warning(
    lived: dict[str, LivedFleet],
) -> None:
    assert all(world.faults.sudden_share >= 0.10 for world in WORLDS.values())
    for fleet in lived.values():
        shapes = [entry.shape for entry in fleet.truth if entry.fault in PREDICTED]
        assert len(shapes) > 60
        assert 0.04 <= shapes.count("sudden") / len(shapes) <= 0.3
        assert {"linear", "exponential", "stepwise", "intermittent"} <= set(shapes)


def test_some_repairs_find_nothing_and_some_change_the_wrong_part(lived: dict[str, LivedFleet]) -> None:
    repairs = pl.concat([fleet.repairs for fleet in lived.values()])
    nothing = repairs.filter(pl.col("confirmed") == "none").height
    wrong = repairs.filter((pl.col("confirmed") != "none") & (pl.col("confirmed") != pl.col("fault"))).height
    assert 0.02 <= nothing / repairs.height <= 0.15
    assert 0 < wrong / repairs.height <= 0.1
    assert all((fleet.confirmed()["fault"] != "none").all() for fleet in lived.values())


def test_a_wrong_part_leaves_the_fault_and_it_is_reported_again(lived: dict[str, LivedFleet]) -> None:
    fleet = lived["c"]
    wrong = fleet.repairs.filter(
        (pl.col("confirmed") != "none") & (pl.col("confirmed") != pl.col("fault"))
    ).row(0, named=True)
    assert fleet.truth.is_failing(wrong["device_id"], wrong["fault"], wrong["ended"])
    renewed = fleet.renewals.filter(
        (pl.col("device_id") == wrong["device_id"]) & (pl.col("ts") == wrong["ended"])
    )
    assert renewed["fault"].to_list() == [wrong["confirmed"]]


def test_a_model_without_a_sensor_never_sends_its_signal(lived: dict[str, LivedFleet]) -> None:
    fleet = lived["b"]
    model = pl.col("device_id").replace_strict(fleet.models)
    heard = fleet.tiles.group_by(model.alias("model")).agg(pl.col("filter_clog_pct.n").sum())
    counts = dict(heard.iter_rows())
    assert counts["Kestrel-S"] == 0
    assert counts["Kestrel-M"] > 0


def test_a_fleet_goes_on_where_it_was(lived: dict[str, LivedFleet]) -> None:
    """What is kept of the tiles is the caller's choice; the truth of each stretch is its own."""
    fleet = FleetSimulator(FleetConfig(20, 1, END - 20 * DAY_MS, world="a"), STANDARD_SIGNALS)
    first = live_on(fleet, 10, HOUR_MS, pl.concat)
    second = live_on(fleet, 10, HOUR_MS, lambda pieces: pl.concat(each.select("hour") for each in pieces))
    assert second.start == first.end == first.tiles["hour"].max() + HOUR_MS
    assert second.tiles["hour"].min() == first.end
    assert all(entry.onset >= second.start for entry in second.truth)


def test_a_fleet_keeps_its_world_when_it_is_saved(tmp_path: Path) -> None:
    fleet = FleetSimulator(FleetConfig(10, 1, END, world="b"), STANDARD_SIGNALS)
    fleet.save(tmp_path / "fleet.npz")
    assert FleetSimulator.load(tmp_path / "fleet.npz", STANDARD_SIGNALS).world is WORLDS["b"]


def test_an_unknown_world_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="fast, a, b, c"):
        find_world("d")
    with pytest.raises(ConfigError, match="world is 'd'"):
        FleetConfig(5, 1, END, world="d")
    with pytest.raises(ConfigError, match="part an hour"):
        live("a", 1, 3, 1, end_ms=END, step_ms=7 * MINUTE_MS)
    assert DEFAULT_WORLD == "fast"


def test_how_much_of_a_fault_shows_differs_from_robot_to_robot_but_not_whether_a_connection_is_lost() -> None:
    ways = replace(WORLDS["b"].faults, strength={"brush_wear": 1.1})
    drawn = ways.strengths(500, np.random.default_rng(1))
    rows = {spec.code: row for row, spec in enumerate(ways.specs)}
    assert (drawn[rows["comms_loss"]] == 1).all()
    assert drawn[rows["brush_wear"]].std() > 0.05
    assert drawn.max() <= 1.3
