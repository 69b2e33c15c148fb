"""Fleets of unknown make: judged without a model, a label or a ticket, in whatever order they are fed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.harness.foreign_fleet import ForeignFleet, Make, foreign_fleet
from benchmarks.harness.foreign_judge import first_week_z
from benchmarks.harness.foreign_room import ForeignRoom, part_of
from fleet.clock import DAY_MS
from fleet.faults import FAULTS, UNUSUAL, predicted_faults
from fleet.readings import ReadingBatch
from fleet.risks import UNSURE, Scoring, risk_frame
from fleet.signals import STANDARD_SIGNALS, Kind
from models.anomaly.expected import Expected
from models.anomaly.fleet import LEAST_COHORT, judge, learn_usual
from models.anomaly.levels import Levels, joined
from models.anomaly.risk import (
    ALERT_SCORE,
    EXPLAIN_FROM,
    alert_threshold,
    anomaly_risks,
    drivers,
    probability,
)
from models.anomaly.scoring import LARGEST_SAMPLE, sample
from models.anomaly.watched import TOLD_BY_DEVICE, WATCHED, part_named
from models.scoring.explanation import PARTS, sentence

SMALL = Make(devices=30, days=16)
SUCTION = next(row for row, each in enumerate(WATCHED) if each.measure.name == "suction_pa_running")
MEASURES, DAYS = len(WATCHED), 30


@pytest.fixture(scope="module")
def fleet() -> ForeignFleet:
    return foreign_fleet(4, SMALL)


@pytest.fixture
def room(tmp_path: Path, fleet: ForeignFleet) -> Iterator[ForeignRoom]:
    made = ForeignRoom(tmp_path / "room", fleet)
    yield made
    made.close()


def levels_of(devices: int, seed: int = 0, last: int = 20_000) -> Levels:
    """Return a fleet in which nothing happens but noise of 2 %."""
    noise = np.random.default_rng(seed).normal(1, 0.02, (MEASURES, DAYS, devices))
    return Levels((50 * noise).astype(np.float32), np.full(devices, last), np.zeros(devices, dtype=np.int64))


def score_of(levels: Levels) -> np.ndarray:
    return judge(levels, learn_usual(levels)).score


def test_a_fleet_without_models_has_a_risk_for_every_robot(room: ForeignRoom, fleet: ForeignFleet) -> None:
    room.feed()
    scoring = room.scorer.score()
    assert sorted(scoring.frame["device_id"]) == fleet.devices
    assert set(scoring.frame["fault"]) == {UNUSUAL}
    assert scoring.frame["risk"].is_between(0, 1).all()


def test_a_fleet_fed_robot_by_robot_is_judged_as_one_fed_at_once(tmp_path: Path) -> None:
    """Each robot ends at another time, weeks apart, and a pass comes between any two."""
    apart = foreign_fleet(5, Make(devices=10, days=36, ends_apart_days=25))
    at_once, one_by_one = ForeignRoom(tmp_path / "a", apart), ForeignRoom(tmp_path / "b", apart)
    at_once.feed()
    expected = at_once.risks()
    for device in reversed(apart.devices):
        one_by_one.feed(part_of(apart, [device]))
        found = one_by_one.risks()
    assert set(expected) == set(apart.devices)
    assert found == pytest.approx(expected, abs=1e-6)
    at_once.close()
    one_by_one.close()


def test_hours_that_came_late_are_seen(room: ForeignRoom, fleet: ForeignFleet, tmp_path: Path) -> None:
    frame = fleet.batch.frame
    late = (frame["device_id"] == fleet.devices[3]) & (frame["ts"] < frame["ts"].max() - 4 * DAY_MS)
    room.feed(ReadingBatch(Kind.ROBOT, frame.filter(~late)))
    before = room.risks()
    room.feed(ReadingBatch(Kind.ROBOT, frame.filter(late)))
    after = room.risks()
    whole = ForeignRoom(tmp_path / "whole", fleet)
    whole.feed()
    assert after[fleet.devices[3]] != before.get(fleet.devices[3])
    assert after[fleet.devices[3]] == pytest.approx(whole.risks()[fleet.devices[3]], abs=1e-3)
    whole.close()


def test_a_robot_of_a_few_days_says_that_it_is_hardly_known(room: ForeignRoom, fleet: ForeignFleet) -> None:
    frame = fleet.batch.frame
    young = (frame["device_id"] == fleet.devices[0]) & (frame["ts"] < frame["ts"].max() - 5 * DAY_MS)
    room.feed(ReadingBatch(Kind.ROBOT, frame.filter(~young)))
    told = room.scorer.score().frame.filter(pl.col("device_id") == fleet.devices[0])
    assert told["confidence"].to_list() == [UNSURE]


def test_foreign_failures_are_ranked_better_than_by_a_z_score(tmp_path: Path) -> None:
    """Three makes; the margin is the benchmark's to measure, here it only must be there."""
    ours, theirs = [], []
    for seed in (21, 22, 23):
        made = foreign_fleet(seed, Make(devices=50, days=24))
        room = ForeignRoom(tmp_path / str(seed), made)
        room.feed()
        risks = room.risks()
        ours.append(roc_auc_score(made.fails_within, [risks[device] for device in made.devices]))
        theirs.append(roc_auc_score(made.fails_within, first_week_z(made.batch.frame, made.devices)))
        room.close()
    assert np.mean(ours) > np.mean(theirs) + 0.03
    assert np.mean(ours) > 0.62


def test_what_made_a_robot_strange_is_said_in_two_languages(room: ForeignRoom) -> None:
    room.feed()
    told = max(room.scorer.score().risks(), key=lambda risk: risk.risk)
    assert 1 <= len(told.drivers) <= 3
    assert told.risk >= alert_threshold(models=False)
    course = told.drivers[0].course
    assert course is not None
    assert len(course.own) == DAYS
    assert course.start + DAYS * course.every > told.ts
    against = {"usual": ("its last weeks", "前几周"), "peers": ("the usual for this model", "同型号常值")}
    for driver in told.drivers:
        english, chinese = against[driver.feature.rpartition(":")[2]]
        assert english in sentence(driver, STANDARD_SIGNALS, "en")
        assert (driver.part is None) == (driver is not told.drivers[0])
        assert chinese in sentence(driver, STANDARD_SIGNALS, "zh")


def test_the_part_that_it_points_at_is_named_first() -> None:
    levels = levels_of(40)
    levels.values[SUCTION, -3:, 0] *= 0.8
    first, *others = drivers(levels, judge(levels, learn_usual(levels)), 0)
    assert (first.part, [each.part for each in others]) == ("airflow", [None] * len(others))
    assert sentence(first, STANDARD_SIGNALS, "en").startswith("Points at the fan or filter: Suction while")
    assert sentence(first, STANDARD_SIGNALS, "zh").startswith("指向风机或滤网：运行时吸力")


def test_every_part_that_is_watched_has_a_name() -> None:
    assert {part for each in WATCHED if (part := part_named(each))} <= PARTS.keys()


def test_a_robot_worn_from_the_start_stands_out_among_its_model() -> None:
    """It shows no change, and is told by what others of its model show, sooner where less is known."""
    levels = levels_of(40)
    levels.values[SUCTION, :, 0] *= 0.8
    levels.values[SUCTION, :, 1] *= 1.2
    young = levels.of(np.arange(len(levels)))
    young.values[:, :-8] = np.nan
    found = judge(levels, learn_usual(levels))
    assert found.score[0] == found.score.max()
    assert score_of(young)[0] > found.score[0]
    assert found.score[1] < np.median(found.score) + 0.5
    first = drivers(levels, found, 0)[0]
    assert (first.signal, first.feature) == ("suction_pa", "suction_pa_running:peers")
    assert first.value == pytest.approx(40, abs=2)
    assert first.usual == pytest.approx(50, abs=1)


def test_what_devices_report_of_themselves_ranks_and_raises_nothing() -> None:
    """Another firmware counts errors ten times as often, on every day: no reason to set out."""
    levels = levels_of(60)
    told = [row for row, each in enumerate(WATCHED) if each.measure.name in TOLD_BY_DEVICE]
    before = score_of(levels)[0]
    levels.values[told, -3:, 0] *= 10
    assert before < score_of(levels)[0] < ALERT_SCORE


def test_in_a_restless_fleet_no_more_than_one_of_ten_stands_out() -> None:
    """Half of the robots of a fleet are moved to other work at once: that is nobody's wear."""
    levels = levels_of(60, seed=5)
    rng = np.random.default_rng(0)
    levels.values[:, -3:, :30] *= rng.normal(1, 0.2, (MEASURES, 1, 30)).astype(np.float32)
    assert (score_of(levels) >= ALERT_SCORE).mean() <= 0.1


def test_how_often_a_robot_reports_changes_no_rate(tmp_path: Path) -> None:
    """From a day on one robot sends half of its readings; nothing of it looks unusual."""
    made = foreign_fleet(6, Make(devices=24, days=20))
    frame = made.batch.frame
    thinned = (
        (frame["device_id"] == made.devices[2])
        & (frame["ts"] > frame["ts"].max() - 3 * DAY_MS)
        & (frame["seq"] % 2 == 1)
    )
    risks = []
    for name, kept in (("whole", frame), ("thinned", frame.filter(~thinned))):
        room = ForeignRoom(tmp_path / name, made)
        room.feed(ReadingBatch(Kind.ROBOT, kept))
        risks.append(room.risks()[made.devices[2]])
        room.close()
    assert risks[1] < 2 * risks[0] + 0.02


def test_models_of_few_robots_have_no_peers() -> None:
    levels = levels_of(20)
    levels.models[: LEAST_COHORT - 1] = 1
    levels.values[SUCTION, :, : LEAST_COHORT - 1] *= 0.5
    found = judge(levels, learn_usual(levels))
    assert (found.above[:, : LEAST_COHORT - 1] == 0).all()
    assert (found.above[:, LEAST_COHORT - 1 :] > 0).any()


def test_a_change_for_the_worse_counts_more_than_one_for_the_better() -> None:
    levels = levels_of(40)
    before = score_of(levels)
    levels.values[SUCTION, -3:, 0] *= 0.8
    levels.values[SUCTION, -3:, 1] *= 1.2
    score = score_of(levels)
    assert score[0] == score.max()
    assert score[0] > score[1] > before[1]


def test_what_happens_to_all_robots_of_a_model_is_nobody_s_fault() -> None:
    levels = levels_of(40, seed=1)
    levels.values[:, -3:, 20:] *= 0.7
    levels.models[20:] = 1
    score = score_of(levels)
    assert score[20:].mean() < score[:20].mean() + 0.2


def test_the_order_of_devices_and_a_signal_that_never_came_change_nothing() -> None:
    levels = levels_of(30, seed=2)
    levels.values[4] = np.nan
    order = np.random.default_rng(0).permutation(30)
    found = judge(levels.of(order), learn_usual(levels.of(order)))
    np.testing.assert_allclose(found.score, score_of(levels)[order], atol=1e-4)
    assert found.known.all()
    silent = Levels(np.full_like(levels.values, np.nan), levels.last, levels.models)
    assert not judge(silent, learn_usual(silent)).known.any()


def test_a_robot_alone_in_the_world_is_held_against_itself() -> None:
    levels = levels_of(1)
    levels.values[SUCTION, -3:] *= 0.8
    assert judge(levels, learn_usual(levels)).score[0] > 1


def test_in_a_fleet_that_often_fails_nobody_is_sent_for_a_robot_of_which_nothing_is_unusual() -> None:
    levels = levels_of(20, seed=5)
    found = judge(levels, learn_usual(levels))
    names, often = [f"r{number}" for number in range(20)], Expected(weekly_rate=0.5)
    risks = anomaly_risks(names, [0] * 20, levels, found, models=False, expected=often)
    assert (found.score < EXPLAIN_FROM).any()
    for score, risk in zip(found.score, risks["risk"], strict=True):
        assert score >= EXPLAIN_FROM or risk < alert_threshold(models=False)


def test_robots_whose_days_lie_apart_share_what_happened_on_the_same_days() -> None:
    """A dip that everyone had on one calendar day is no change of those who ended on it."""
    early, late = levels_of(20, seed=3, last=20_000), levels_of(20, seed=4, last=20_003)
    early.values[:, -1:] *= 0.8
    late.values[:, -4:-3] *= 0.8
    both = joined([early, late])
    assert score_of(both)[:20].max() < 1.5


def test_of_many_robots_a_sample_of_each_model_is_compared_with() -> None:
    models = np.array([0, 1, 1] * 1000)
    chosen = sample(models)
    assert np.bincount(models[chosen]).tolist() == [250, 286]
    assert np.bincount(models[chosen]).max() <= LARGEST_SAMPLE


def test_the_catalogue_has_the_fault_but_no_model_learns_it() -> None:
    assert FAULTS[UNUSUAL].horizon_days is None
    assert UNUSUAL not in {fault.code for fault in predicted_faults(Kind.ROBOT)}


def test_beside_models_unusual_behaviour_weighs_less() -> None:
    score = np.array([0.0, 1.0, 4.0])
    alone, beside = probability(score, models=False), probability(score, models=True)
    assert (np.diff(alone) > 0).all()
    assert (beside < alone).all()
    assert probability(np.array([ALERT_SCORE]), models=False)[0] == alert_threshold(models=False)
    assert probability(np.array([ALERT_SCORE]), models=True)[0] < alert_threshold(models=True)


def test_no_alert_where_a_known_fault_explains_the_strangeness() -> None:
    rows = [
        ("r1", "filter_clog", 0.6),
        ("r1", UNUSUAL, 0.9),
        ("r2", "filter_clog", 0.1),
        ("r2", UNUSUAL, 0.9),
    ]
    frame = pl.DataFrame(rows, schema=["device_id", "fault", "risk"], orient="row").with_columns(
        ts=0, model=pl.col("fault"), drivers=pl.lit("[]")
    )
    scoring = Scoring(risk_frame(frame), {"filter_clog": 0.5, UNUSUAL: 0.5})
    told = {(risk.device_id, risk.fault) for risk in scoring.notable([])}
    assert told == {("r1", "filter_clog"), ("r2", UNUSUAL)}
    assert ("r1", UNUSUAL) in {(r.device_id, r.fault) for r in scoring.notable([("r1", UNUSUAL)])}
