"""skab: other files of the same format work, bad ones are named, and the figures are reached."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from fleet.errors import InvalidInput
from models.anomaly.score import limit_for
from yardsticks.skab import FALSE_ALARM_BUDGET, LEARNED, evaluate, read_runs

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "public" / "skab"
SIGNALS = (
    "Accelerometer1RMS",
    "Accelerometer2RMS",
    "Current",
    "Pressure",
    "Temperature",
    "Thermocouple",
    "Voltage",
    "Volume Flow RateRMS",
)
HEADER = ";".join(["datetime", *SIGNALS, "anomaly", "changepoint"])


def lines(seed: int, rows: int = 700, fault: tuple[int, int] = (500, 600)) -> list[str]:
    rng = np.random.default_rng(seed)
    values = rng.normal(50, 1, (rows, len(SIGNALS)))
    values[fault[0] : fault[1], 3] += 4
    bad = [int(fault[0] <= row < fault[1]) for row in range(rows)]
    return [
        f"2020-03-09 10:{row // 60 % 60:02}:{row % 60:02};"
        + ";".join(f"{v:.4f}" for v in each)
        + f";{bad[row]}.0;0.0"
        for row, each in enumerate(values)
    ]


def write(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    text = "\n".join([HEADER, *rows, ""])
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")


def test_other_files_plain_or_zipped_give_every_metric(tmp_path: Path) -> None:
    write(tmp_path / "own.csv", lines(1))
    write(tmp_path / "other.csv.gz", lines(2))
    write(tmp_path / "nothing-wrong.csv", lines(3, fault=(0, 0)))
    (tmp_path / "readme.txt").write_text("not a run", encoding="utf-8")
    told = evaluate(tmp_path, [0])
    assert set(told["metrics"]) == {"roc_auc_per_file", "mar_at_far_13_55", "f1", "far", "mar"}
    assert told["metrics"]["roc_auc_per_file"]["mean"] > 0.9
    assert told["details"]["files"] == 3
    assert told["details"]["roc_auc_by_file"]["nothing-wrong.csv"] is None


def test_files_in_a_folder_valve1_are_found(tmp_path: Path) -> None:
    write(tmp_path / "valve1" / "0.csv", lines(1))
    assert [run.name for run in read_runs(tmp_path)] == ["0.csv"]


def test_several_folders_are_not_half_read(tmp_path: Path) -> None:
    write(tmp_path / "valve1" / "0.csv", lines(1))
    write(tmp_path / "other" / "0.csv", lines(2))
    with pytest.raises(
        InvalidInput, match=r"several places \(other, valve1\); name what is judged by --test"
    ):
        read_runs(tmp_path)
    assert len(read_runs(tmp_path, test="other")) == 1
    assert len(read_runs(tmp_path, test="other/0.csv, valve1")) == 2
    with pytest.raises(InvalidInput, match="valve3 is and holds no"):
        read_runs(tmp_path, test="other,valve3")


def test_a_file_that_is_not_known_refuses_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "0.csv", lines(1))
    (tmp_path / "1.parquet").write_bytes(b"?")
    with pytest.raises(InvalidInput, match=r"1\.parquet is no \.csv"):
        read_runs(tmp_path)


def test_how_many_rows_teach_is_an_argument(tmp_path: Path) -> None:
    write(tmp_path / "0.csv", lines(1))
    assert (
        evaluate(tmp_path, [0], train="200")["details"]["threshold"]
        != evaluate(tmp_path, [0])["details"]["threshold"]
    )
    with pytest.raises(InvalidInput, match="--train: 'all' is no number of rows"):
        evaluate(tmp_path, [0], train="all")


def test_labels_and_test_rows_do_not_move_the_threshold(tmp_path: Path) -> None:
    write(tmp_path / "0.csv", lines(1))
    rows = read_runs(tmp_path)[0].rows
    changed = rows.copy()
    changed[LEARNED:] += 100
    first, second = (limit_for(FALSE_ALARM_BUDGET, [each], LEARNED) for each in (rows, changed))
    # Sums depend on how memory is aligned, in their last bit.
    assert first == pytest.approx(second, rel=1e-12)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (lines(1, rows=300, fault=(0, 9)), "has 300 rows; more than 400 are needed"),
        (lines(1, fault=(0, 0)), "no normal or no anomalous row"),
        (
            [*lines(1)[:450], lines(1)[0].replace(";0.0;0.0", ";;0.0")],
            "empty field or a value that is no number",
        ),
        ([*lines(1)[:450], "2020-03-09 10:00:00;x;1;1;1;1;1;1;1;0;0"], "0.csv, line"),
    ],
)
def test_a_bad_file_is_named_in_one_line(tmp_path: Path, rows: list[str], said: str) -> None:
    write(tmp_path / "0.csv", rows)
    with pytest.raises(InvalidInput, match=said) as error:
        evaluate(tmp_path, [0])
    assert str(tmp_path) in str(error.value)


def test_a_folder_without_files_and_a_missing_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"is and holds no \.csv"):
        evaluate(tmp_path, [0])
    (tmp_path / "0.csv").write_text("datetime;Current\n2020;1\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="no column .*Accelerometer1RMS"):
        evaluate(tmp_path, [0])


def test_the_real_pump_s_figures_are_reached() -> None:
    if not REAL.exists():
        if os.environ.get("CI"):
            pytest.fail("the data of skab is missing")
        pytest.skip("the data of skab is missing")
    metrics = {name: each["mean"] for name, each in evaluate(REAL, [0])["metrics"].items()}
    assert metrics["roc_auc_per_file"] >= 0.92
    assert metrics["mar_at_far_13_55"] <= 0.20
    assert metrics["f1"] >= 0.80
