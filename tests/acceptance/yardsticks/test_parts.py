"""parts: the figures of the public data are reached, and a store that orders by them holds less."""

import os
from pathlib import Path

import numpy as np
import pytest

from desk.parts.forecast.choice import pinball
from desk.parts.forecast.counts import Floats
from desk.parts.forecast.forecast import forecast
from desk.parts.forecast.hurdles import hurdles
from desk.parts.forecast.past import Past
from desk.parts.forecast.simple import Form, levels
from fleet.errors import InvalidInput
from sweepwatch.commands.evaluate import YARDSTICKS, run_evaluate
from yardsticks.parts import Split, evaluate, pinballs, prepared, scales
from yardsticks.parts_files import read_series

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "public" / "parts"


def written(folder: Path, series: Floats) -> Path:
    """Write series as the published file has them."""
    head = ",".join(map(str, range(series.shape[1])))
    np.savetxt(folder / "cut.csv", series, fmt="%d", delimiter=",", header=head, comments="")
    return folder


@pytest.fixture(scope="module")
def real() -> Floats:
    """Return the real series; without them skip the test, or fail it in CI."""
    if not REAL.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{REAL} is missing")
        pytest.skip(f"{REAL} is not there")
    return read_series(REAL)


@pytest.fixture(scope="module")
def cut(real: Floats, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("parts"), real[::10])


def test_the_figures_of_the_real_series_are_reached(real: Floats) -> None:
    split = Split(real, 72)
    told = forecast(split.past, 12)
    assert set(told.forms) == {Form.POOLED}, "what did better a year ago does not again"
    found = pinballs(split, {q: told.quantiles(q) for q in (0.95, 0.99)})
    assert found["pinball_95"] <= 0.442
    assert found["pinball_99"] <= 0.245


@pytest.mark.parametrize("series", [5, 20, 100])
def test_a_fleet_of_one_year_is_told_better_than_by_a_negative_binomial_each(
    real: Floats, series: int
) -> None:
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(1_000 // series):
        rows = rng.choice(len(real), series, replace=False)
        past, after = Past(real[rows, 48:60], 1), real[rows, 60:72]
        scale = scales(Past(real[rows, :60]))[:, None] + 0.02
        ours, plain = forecast(past, 12), levels(past)
        mine = [pinball(after, ours.quantiles(q), q) / scale for q in (0.95, 0.99)]
        each = [
            pinball(after, plain.quantiles(Form.NEGATIVE_BINOMIAL, q)[:, None], q) / scale
            for q in (0.95, 0.99)
        ]
        losses.append((np.mean(mine), np.mean(each)))
    own, theirs = np.mean(losses, axis=0)
    assert own < 0.97 * theirs


def test_plain_distributions_reach_what_the_reference_says(real: Floats) -> None:
    split, plain = Split(real, 72), levels(Split(real, 72).past)
    wanted = {
        Form.EMPIRICAL: (0.453, 0.252),
        Form.POISSON: (0.446, 0.330),
        Form.NEGATIVE_BINOMIAL: (0.445, 0.248),
    }
    for form, (loss_95, loss_99) in wanted.items():
        found = pinballs(split, {q: plain.quantiles(form, q)[:, None] for q in (0.95, 0.99)})
        assert found == {
            "pinball_95": pytest.approx(loss_95, abs=5e-4),
            "pinball_99": pytest.approx(loss_99, abs=5e-4),
        }


def test_a_part_of_the_series_in_another_folder_is_judged_whole(cut: Path) -> None:
    told = evaluate(cut, [0, 1])
    assert (told["name"], told["seeds"], told["details"]["series"]) == ("parts", [0, 1], 250)
    assert set(told["metrics"]) == {"pinball_95", "pinball_99", "stock_ratio_95"}
    assert all(figure["sd"] == pytest.approx(0, abs=1e-12) for figure in told["metrics"].values())
    assert told["metrics"]["stock_ratio_95"]["mean"] < 0.8
    assert told["details"]["stock_ratio_95_series_alike"] < 0.8
    ours = told["details"]["stock"]["ours"]
    assert 0.95 <= ours["fill"] < 0.96
    assert told["metrics"]["pinball_99"]["mean"] < told["baselines"]["poisson"]["pinball_99"]


def test_the_horizon_is_how_much_of_the_end_is_the_test(cut: Path) -> None:
    assert prepared(cut, 6).origin == 78
    assert prepared(cut, 12).test.shape == (250, 12)


def test_the_test_is_never_looked_at_before(cut: Path) -> None:
    split = prepared(cut)
    changed = split.series.copy()
    changed[:, 72:] = 9
    one, other = (hurdles(Split(each, 72).past, 12).quantiles(0.95) for each in (split.series, changed))
    np.testing.assert_array_equal(one, other)


def test_a_small_fleet_of_smooth_demand_is_judged_by_the_command(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    written(tmp_path, rng.poisson(rng.uniform(0.2, 5, (12, 1)), (12, 40)))
    lines: list[str] = []
    run_evaluate("parts", tmp_path, "0", False, lines.append, 8)
    shown = "\n".join(lines)
    assert "months_before" in shown and " 32" in shown
    assert "stock_ratio_95" in shown
    assert "parts" in YARDSTICKS


def test_what_cannot_be_judged_is_said_in_one_line(tmp_path: Path) -> None:
    written(tmp_path, np.ones((3, 20)))
    with pytest.raises(InvalidInput, match="series of 20 months; 12 to test and 12 before are needed"):
        evaluate(tmp_path, [0])
    with pytest.raises(InvalidInput, match="--horizon: 0 must be 1 month or more"):
        evaluate(tmp_path, [0], 0)
    with pytest.raises(InvalidInput, match="no series ever changes before the test"):
        evaluate(tmp_path, [0], 6)
    (tmp_path / "young.csv").write_text("," * 16 + "1,1,1\n")
    with pytest.raises(InvalidInput, match="series 4 begins less than 3 months before the test"):
        evaluate(tmp_path, [0], 4)
