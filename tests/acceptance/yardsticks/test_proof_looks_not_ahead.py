"""A replay cannot look ahead: whatever comes after a day, no decision before it is another one."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from helpers.past_fleets import END, TilesInMemory, small_past
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fleet.clock import DAY_MS
from fleet.past_cases import PastCase
from models.learning.proof import Proof
from models.learning.settings import TrainingSettings
from yardsticks.proof.past import PastFleet, known_at
from yardsticks.proof.replay import Replayed, Way, replay
from yardsticks.proof.schooling import Pace

ROBOTS, DAYS, FAULT = 14, 26, "wheel_slip"
START = END - DAYS * DAY_MS
WAY = Way(
    TrainingSettings(least_failures=2, least_positives=6, trees=4, least_leaf_rows=2),
    Pace(every_days=5),
    every_hours=24,
)
"""Few trees of few failures: what is learned here is bad, and must not be learned from what is to come."""
Decisions = list[tuple[object, ...]]


@pytest.fixture(scope="module", autouse=True)
def every_model_is_used() -> Iterator[None]:
    """Let models score that prove nothing: of so few failures none would be used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Proof, "proved", property(lambda _self: True))
        yield


@cache
def past() -> tuple[TilesInMemory, PastFleet]:
    """Return a small past in which all failures are called one, so that it has enough to learn from."""
    tiles, fleet = small_past(ROBOTS, DAYS)
    cases = [replace(case, faults=(FAULT,) * bool(case.faults), suspected=()) for case in fleet.cases]
    return tiles, replace(fleet, cases=cases)


def replayed(tiles: TilesInMemory, fleet: PastFleet, end: int = END) -> Replayed:
    """Replay a past up to `end`."""
    with TemporaryDirectory() as folder:
        return replay(tiles, fleet, Path(folder), end, WAY)


def unsigned(model: str | None) -> str | None:
    """Return a model's id without the check sum of its file, which holds the time at which it was written."""
    return model and model.rsplit("-", 1)[0]


def decisions(found: Replayed, before: int) -> Decisions:
    """Return all that was decided before a time: warnings, what was trained, and every risk."""
    warned: Decisions = [
        (each.at, each.device_id, each.fault, each.risk, each.threshold, unsigned(each.model), each.drivers)
        for each in found.warnings
        if each.at < before
    ]
    trained: Decisions = [
        (each.at, each.rows, [replace(one, seconds=0.0, model=unsigned(one.model)) for one in each.faults])
        for each in found.trainings
        if each.at < before
    ]
    said = found.store.said_by(before).with_columns(pl.col("model").str.replace("-[0-9a-f]{8}$", ""))
    return [*warned, *trained, *said.rows()]


@cache
def usual() -> Replayed:
    """Return what comes of the past as it was."""
    return replayed(*past())


def other_tiles(tiles: TilesInMemory, day: int, scale: float, shift: int) -> TilesInMemory:
    """Return tiles of which all from a day on are others: scaled, moved on by hours, some left out."""
    later = pl.col("hour") >= day
    floats = [name for name, kind in tiles.frame.schema.items() if kind == pl.Float64]
    before, after = tiles.frame.filter(~later), tiles.frame.filter(later)
    after = after.with_columns(pl.col(floats) * scale).with_columns(pl.col("hour") + shift * 3_600_000)
    after = after.filter(pl.col("hour") < END, pl.col("device_id").hash(seed=day) % 3 != 0)
    return TilesInMemory(pl.concat([before, after]))


def other_case(case: PastCase, day: int, fault: str) -> PastCase | None:
    """Return a case as it might have gone on: what was done before the day stays, all else is another."""
    if case.opened >= day:
        return replace(case, faults=(fault,), suspected=()) if case.opened % 2 else None
    if known_at(case) >= day:
        return replace(case, faults=(fault,), suspected=(), repaired=day + DAY_MS, confirmed=day + DAY_MS)
    return case


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # a replay takes seconds: nobody waits for smaller examples
    suppress_health_check=list(HealthCheck),
)
@given(
    day=st.integers(min_value=15, max_value=DAYS - 2),
    scale=st.floats(min_value=0.1, max_value=5.0),
    shift=st.integers(min_value=0, max_value=40),
    fault=st.sampled_from(["brush_wear", "battery_wear", "comms_loss"]),
)
def test_no_decision_before_a_day_depends_on_what_comes_after_it(
    day: int, scale: float, shift: int, fault: str
) -> None:
    """Readings are scaled, shifted and left out, cases are others, go on otherwise or never come."""
    tiles, fleet = past()
    at = START + day * DAY_MS + DAY_MS // 2
    cut = START + (day + 1) * DAY_MS
    cases = [changed for case in fleet.cases if (changed := other_case(case, at, fault)) is not None]
    events = [replace(each, ts=each.ts + 1) if each.ts > at else each for each in fleet.events]
    other = replayed(
        other_tiles(tiles, at // 3_600_000 * 3_600_000, scale, shift),
        replace(fleet, cases=cases, events=events),
        cut,
    )
    assert decisions(other, at) == decisions(usual(), at)


def test_the_small_past_has_decisions_to_compare() -> None:
    """The property above says nothing of a past in which nothing is decided."""
    found = usual()
    assert found.first_model is not None
    assert found.warnings
    assert FAULT in found.store.said_by(END)["fault"].to_list()
    assert len(found.trainings) >= 2


def test_what_comes_later_does_change_what_is_decided_then() -> None:
    """The changes above are such as decisions see: made early, later decisions are others."""
    tiles, fleet = past()
    day = START + 9 * DAY_MS
    other = replayed(other_tiles(tiles, day, 3.0, 0), fleet)
    assert decisions(other, END) != decisions(usual(), END)
