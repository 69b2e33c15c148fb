"""cmapss: the figures are reached, other engines work too, and nothing is known before its cycle."""

from pathlib import Path

import numpy as np
import pytest

from fleet.errors import InvalidInput
from models.features.condition import Steps, learn_condition, lives_among
from models.features.regimes import Regimes
from models.features.windows import Floats
from yardsticks.cmapss import engines_in, evaluate, nasa_score, sets_in
from yardsticks.mapped import read_map


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
        np.savetxt(folder / f"{part}_{name}.txt.gz", np.vstack(tables), fmt=["%d"] * 2 + ["%.4f"] * 24)
    (folder / f"RUL_{name}.txt").write_text("".join(f"{each} \n" for each in left), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    whole = flown(10, 1)
    cut = [20 + 5 * place for place in range(10)]
    test = [table[:-each] for table, each in zip(whole, cut, strict=True)]
    return write(tmp_path_factory.mktemp("cmapss") / "data", "FD007", flown(24, 0), test, cut)


def test_other_engines_in_the_same_format_are_judged_and_beat_the_mean(small: Path) -> None:
    told = evaluate(small, [0])
    assert (told["name"], told["seeds"], told["details"]["set"]) == ("cmapss", [0], "FD007")
    assert set(told["metrics"]) == {"rmse", "nasa_score", "coverage_p10_p90", "band_cycles"}
    assert told["metrics"]["rmse"]["mean"] < 0.8 * told["baselines"]["rmse_mean"]


def test_later_cycles_change_nothing_that_was_said_before(small: Path) -> None:
    mapped = read_map("cmapss")
    seen = engines_in(mapped, small / "train_FD007.txt.gz")
    condition = learn_condition(mapped.kind, seen, np.ones(24, dtype=bool))
    asked = engines_in(mapped, small / "test_FD007.txt.gz")
    early = asked.step - asked.step[asked.first] < 30
    later = {name: np.where(early, each, 1e6) for name, each in asked.values.items()}
    changed = Steps(asked.unit, asked.step, asked.names, later)
    np.testing.assert_array_equal(condition.look(changed)[early], condition.look(asked)[early])


def test_points_that_are_flown_explain_what_sensors_show(small: Path) -> None:
    mapped = read_map("cmapss")
    seen = engines_in(mapped, small / "train_FD007.txt.gz")
    condition = learn_condition(mapped.kind, seen, np.ones(24, dtype=bool))
    regimes = Regimes(condition.parts["regimes"])
    assert np.shape(regimes.parts["mean"]) == (2, 21)
    standard = condition.standard(seen)
    age = np.arange(len(seen.unit)) - seen.first
    high = (seen.values["altitude"] > 1) & (age < 40)
    assert np.abs(standard[high].mean(axis=0)).max() < 0.2
    assert (standard[:, 0] == 0).all(), "a sensor that stands still says nothing"
    assert lives_among(np.array([True, False, True])).tolist() == [0, -1, 1]


def test_the_score_is_harder_on_late_than_on_early() -> None:
    true = np.array([50.0])
    assert nasa_score(true + 10, true) == pytest.approx(np.e - 1)
    assert nasa_score(true - 13, true) == pytest.approx(np.e - 1)


def test_what_cannot_be_read_is_said_in_one_line(small: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no train_NAME.txt"):
        sets_in(tmp_path)
    with pytest.raises(InvalidInput, match="is no folder"):
        sets_in(tmp_path / "none")
    (tmp_path / "train_X.txt").write_text("1 1 0 0 100 three" + " 1" * 20 + "\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"train_X.txt, line 1"):
        evaluate(tmp_path, [0])
    row = "1 2" + " 1" * 24 + "\n"
    (tmp_path / "train_X.txt").write_text(
        row.replace("1 2", "1 1", 1) + row.replace("1 2", "1 3", 1), "utf-8"
    )
    with pytest.raises(InvalidInput, match="cycles of unit E1 have a gap"):
        evaluate(tmp_path, [0])
    few = flown(4, 0)
    write(tmp_path / "few", "F", few, [table[:30] for table in few], [1, 2, 3, 4])
    with pytest.raises(InvalidInput, match="4 lives to learn from; 6 are needed"):
        evaluate(tmp_path / "few", [0])
    whole = flown(8, 0)
    write(tmp_path / "few", "F", whole, few, [1, 2, 3])
    with pytest.raises(InvalidInput, match="holds 3 lives for 4 test units"):
        evaluate(tmp_path / "few", [0])
