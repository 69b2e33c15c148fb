"""Remaining life on public data: a turbofan's cycles and a filter's seconds, by the model of the product."""

import os
from pathlib import Path

import pytest

from yardsticks import cmapss, hse_filter
from yardsticks.lives_of_units import tell
from yardsticks.mapped import read_map

PUBLIC = Path(__file__).parents[3].parent / "shared" / "data" / "public"


def public(name: str) -> Path:
    """Return a folder of public data; without it skip the test, or fail it in CI."""
    if not (PUBLIC / name).exists():
        if os.environ.get("CI"):
            pytest.fail(f"{PUBLIC / name} is missing")
        pytest.skip(f"{PUBLIC / name} is not there")
    return PUBLIC / name


def test_the_real_engines_figures_are_reached() -> None:
    case = cmapss.prepared(public("cmapss"), "FD001", "FD001")
    told = cmapss.judge(case, tell(case.taught, case.asked, 0))
    assert told["rmse"] <= 10.8
    assert told["nasa_score"] <= 190
    assert 0.75 <= told["coverage_p10_p90"] <= 0.85
    assert told["band_cycles"] <= 25


def test_the_real_filters_are_told_nearly_as_well_on_every_seventh_run_as_on_all() -> None:
    """All of them take minutes; these are no easier."""
    mapped = read_map("hse-filter")
    files = hse_filter.files_in(public("hse-filter"), "", "train.csv")
    folds = hse_filter.left_out_in_turn(mapped, hse_filter.runs_in(mapped, files), 7)
    told = hse_filter.judge(folds, [tell(fold.taught, fold.asked, 0) for fold in folds])
    assert told["rmse_s"] <= 10.0
    assert 0.7 <= told["coverage_p10_p90"] <= 0.95
