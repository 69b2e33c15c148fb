"""`sweepwatch evaluate`: one JSON object or a table, and one clear line for what cannot be."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fleet.errors import ConfigError, InvalidInput, NotFound
from sweepwatch.commands import evaluate as evaluate_commands
from sweepwatch.commands.evaluate import YARDSTICKS, parse_seeds, run_evaluate
from yardsticks.report import Figure, Report, find_file, over_seeds, summary


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Put a yardstick in the place of skab's; return with what it was asked."""
    calls: list[Any] = []

    def evaluate(folder: Path, seeds: tuple[int, ...]) -> dict[str, Any]:
        calls.append((folder, seeds))
        figures = {"f1": Figure(0.8, 0.01), "far": Figure(float("nan"), 0.0)}
        return Report("skab", seeds, figures, {"always": {"f1": 0.7}}, "First rows train.").as_json()

    monkeypatch.setitem(YARDSTICKS, "skab", "json")
    monkeypatch.setattr(evaluate_commands, "import_module", lambda _: SimpleNamespace(evaluate=evaluate))
    return calls


def said(name: str, data: Path | None, *, seeds: str = "0,1", as_json: bool = False) -> str:
    lines: list[str] = []
    run_evaluate(name, data, seeds, as_json, lines.append)
    return "\n".join(lines)


def test_json_is_one_object_with_the_agreed_keys(asked: list[Any], tmp_path: Path) -> None:
    told = json.loads(said("skab", tmp_path, as_json=True))
    assert told["metrics"] == {"f1": {"mean": 0.8, "sd": 0.01}, "far": {"mean": None, "sd": 0.0}}
    assert (told["name"], told["seeds"], told["protocol"]) == ("skab", [0, 1], "First rows train.")
    assert told["baselines"] == {"always": {"f1": 0.7}}
    assert asked == [(tmp_path, (0, 1))]


def test_the_table_shows_spread_baselines_and_protocol(asked: list[Any], tmp_path: Path) -> None:
    shown = said("skab", tmp_path)
    assert "f1         0.8 ± 0.01" in shown
    assert "always f1  0.7" in shown
    assert shown.endswith("Protocol: First rows train.")


def test_a_folder_that_holds_the_yardsticks_folder_does_too(asked: list[Any], tmp_path: Path) -> None:
    (tmp_path / "skab").mkdir()
    said("skab", tmp_path)
    assert asked == [(tmp_path / "skab", (0, 1))]


def test_what_cannot_be_evaluated_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="no yardstick 'skap'; there are skab, azure-pdm"):
        said("skap", tmp_path)
    with pytest.raises(ConfigError, match="azure-pdm needs its data: .* --data DIR"):
        said("azure-pdm", None)
    with pytest.raises(InvalidInput, match="is no folder"):
        said("azure-pdm", tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match=r"holds neither machines.csv nor machines.csv.gz"):
        said("azure-pdm", tmp_path)
    monkeypatch.setitem(YARDSTICKS, "simulated", "sweepwatch.no_such_module")
    with pytest.raises(NotFound, match="simulated is not part of this version yet"):
        said("simulated", None)


@pytest.mark.parametrize("text", ["", "a", "1,,2", "1,1", "-1"])
def test_seeds_that_are_no_list_of_numbers_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--seeds"):
        parse_seeds(text)


def test_spread_is_the_sample_deviation_and_none_for_one_seed() -> None:
    assert summary([1.0, 3.0]) == Figure(2.0, pytest.approx(2**0.5))
    assert summary([0.5]) == Figure(0.5, 0.0)
    assert over_seeds((2, 4), lambda seed: {"x": float(seed)})[0] == {"x": summary([2.0, 4.0])}
    with pytest.raises(InvalidInput, match="seeds"):
        over_seeds((), lambda _: {})


def test_a_file_is_found_plain_or_packed(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(b"")
    assert find_file(tmp_path, "a.csv") == tmp_path / "a.csv.gz"
    with pytest.raises(InvalidInput, match=r"is no folder.*b.csv"):
        find_file(tmp_path / "none", "b.csv")


def test_a_horizon_is_for_those_that_take_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--horizon: skab takes none; parts does"):
        run_evaluate("skab", tmp_path, "0", False, print, 6)
