"""cmapss: the figures are reached, other engines work too, and nothing is known before its cycle."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fleet.errors import InvalidInput
from models.features.windows import Floats
from yardsticks import cmapss
from yardsticks.cmapss import SETTINGS, evaluate, judge, nasa_score, predict, prepared, rmse
from yardsticks.engine_features import look_at, open_eyes
from yardsticks.engine_files import Flights, read_engines, sets_in

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "public" / "cmapss"


def flown(engines: int, seed: int) -> list[Floats]:
    """Return engines run to failure, a table (cycles, 26) each, flown at two points."""
    rng = np.random.default_rng(seed)
    found = []
    for engine in range(1, engines + 1):
        length = int(rng.integers(80, 140))
        high = rng.random(length) < 0.5
        wear = np.exp(4 * (np.arange(length) / length - 1))
        table = np.zeros((length, 26))
        table[:, 0], table[:, 1] = engine, np.arange(1, length + 1)
        table[:, 2:5] = np.where(high[:, None], [35.0, 0.84, 60.0], [0.0, 0.0, 100.0])
        table[:, 2:4] += rng.normal(0, 0.0005, (length, 2))
        for sensor in range(21):
            base = 100.0 + 10 * sensor + 40.0 * high
            table[:, 5 + sensor] = base if sensor % 3 == 0 else base + rng.normal(0, 1, length)
        for sensor, sign in ((1, 1), (4, -1), (7, 1)):
            table[:, 5 + sensor] += sign * 8 * wear
        found.append(table)
    return found


def write(folder: Path, name: str, train: list[Floats], test: list[Floats], left: list[int]) -> Path:
    folder.mkdir(exist_ok=True)
    for part, tables in (("train", train), ("test", test)):
        np.savetxt(folder / f"{part}_{name}.txt.gz", np.vstack(tables), fmt="%.4f")
    (folder / f"RUL_{name}.txt").write_text("".join(f"{each} \n" for each in left), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = flown(10, 1)
    cut = [20 + 5 * place for place in range(10)]
    test = [table[:-each] for table, each in zip(whole, cut, strict=True)]
    return write(tmp_path_factory.mktemp("cmapss") / "data", "FD007", flown(24, 0), test, cut)


def real() -> Path:
    """Return the real data's folder; without it skip the test, or fail it in CI."""
    if not REAL.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{REAL} is missing")
        pytest.skip(f"{REAL} is not there")
    return REAL


def test_the_real_engines_figures_are_reached() -> None:
    case = prepared(read_engines(real(), "FD001"))
    told = judge(case, predict(case, 0))
    assert told["rmse"] <= 12.3
    assert told["nasa_score"] <= 230
    assert 0.7 <= told["coverage_p10_p90"] <= 0.9


def test_other_engines_in_the_same_format_are_judged_and_beat_the_mean(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way, with a tenth of the trees: how well the shipped settings do is tested above."""
    monkeypatch.setattr(
        cmapss, "SETTINGS", replace(SETTINGS, boosted_trees=20, band_trees=10, kernel_rows=200)
    )
    told = evaluate(small, [0])
    assert (told["name"], told["seeds"], told["details"]["set"]) == ("cmapss", [0], "FD007")
    assert set(told["metrics"]) == {"rmse", "nasa_score", "coverage_p10_p90", "band_cycles"}
    assert told["metrics"]["rmse"]["mean"] < 0.8 * told["baselines"]["rmse_mean"]


def test_later_cycles_change_nothing_that_was_said_before(small: Path) -> None:
    engines = read_engines(small, "FD007")
    eyes = open_eyes(engines.train)
    whole = look_at(engines.test, eyes)
    early = engines.test.cycle <= 30
    sensors = np.where(early[:, None], engines.test.sensors, 1e6)
    changed = Flights(engines.test.unit, engines.test.cycle, engines.test.settings, sensors)
    np.testing.assert_array_equal(look_at(changed, eyes)[early], whole[early])


def test_points_that_are_flown_explain_what_sensors_show(small: Path) -> None:
    train = read_engines(small, "FD007").train
    regimes = open_eyes(train).regimes
    assert len(regimes.points) == 2
    high = train.settings[:, 0] > 1
    standard = regimes.standard(train)
    assert np.abs(standard[high].mean(axis=0)).max() < 1e-6
    assert (standard[:, 0] == 0).all(), "a sensor that stands still says nothing"


def test_the_score_is_harder_on_late_than_on_early() -> None:
    true = np.array([50.0])
    assert nasa_score(true + 10, true) == pytest.approx(np.e - 1)
    assert nasa_score(true - 13, true) == pytest.approx(np.e - 1)
    assert rmse(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == pytest.approx(2**0.5)


def test_what_cannot_be_read_is_said_in_one_line(small: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no train_NAME.txt"):
        sets_in(tmp_path)
    with pytest.raises(InvalidInput, match="is no folder"):
        sets_in(tmp_path / "none")
    (tmp_path / "train_X.txt").write_text("1 1 0 0 100\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="has 5 columns; 26 are needed"):
        read_engines(tmp_path, "X")
    (tmp_path / "train_X.txt").write_text("1 2 three\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"train_X.txt cannot be read as numbers"):
        read_engines(tmp_path, "X")
    (tmp_path / "train_X.txt").write_text("1 2" + " 0" * 24 + "\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="unit 1 has cycle 2 where 1 should be"):
        read_engines(tmp_path, "X")
    (tmp_path / "train_X.txt").unlink()
    (tmp_path / "train_X.txt.gz").write_bytes(gzip.compress(b"1 1")[:-4])
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_engines(tmp_path, "X")
    few = flown(4, 0)
    write(tmp_path / "few", "F", few, [table[:30] for table in few], [1, 2, 3, 4])
    with pytest.raises(InvalidInput, match="4 lives to learn from; 6 are needed"):
        evaluate(tmp_path / "few", [0])
    write(tmp_path / "few", "F", few, few, [1, 2, 3])
    with pytest.raises(InvalidInput, match="holds 3 lives for 4 test units"):
        evaluate(tmp_path / "few", [0])
