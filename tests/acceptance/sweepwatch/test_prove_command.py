"""`sweepwatch prove`: a past from files or of an installation becomes a report; nothing else changes."""

import json
import re
from pathlib import Path

import pytest
from helpers.histories import invoke
from helpers.lived import export_of, live

from fleet.errors import ConfigError, InvalidInput

DAYS, DEVICES = 12, 12


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of an installation with a short past."""
    return live(tmp_path_factory.mktemp("lived"), DEVICES, DAYS)


@pytest.fixture(scope="module")
def exported(installation: Path) -> Path:
    """Return the history of the installation as files."""
    return export_of(installation)


@pytest.fixture(scope="module")
def told(installation: Path, exported: Path) -> dict[str, object]:
    """Return the report on the exported files, with page and paper beside it."""
    out, elsewhere = installation.parent / "report", installation.parent / "elsewhere"
    arguments = ["--history", str(exported), "--data", str(elsewhere), "--report", str(out), "--json"]
    code, said = invoke("prove", *arguments)
    assert code == 0, said
    assert not elsewhere.exists(), "a proof on files makes no installation"
    found: dict[str, object] = json.loads(said)
    return found


def test_a_short_past_is_told_of_with_its_counts_and_without_figures_it_cannot_bear(
    told: dict[str, object],
) -> None:
    whole, about = told["whole"], told["about"]
    assert isinstance(whole, dict) and isinstance(about, dict)
    assert about["robots"] >= 8
    assert whole["breakdowns"] >= 1
    assert sum(told["not_foreseen"].values()) + whole["foreseen"]["count"] == whole["breakdowns"]  # type: ignore[attr-defined]
    assert told["once_learned"] is None
    assert len(told["missing"]["too_few_failures"]) == 12  # type: ignore[index]


def test_files_and_store_give_the_same_report(installation: Path, told: dict[str, object]) -> None:
    code, said = invoke("prove", "--data", str(installation), "--json")
    assert code == 0, said
    assert json.loads(said) == told


def test_page_and_paper_need_nothing_else(installation: Path, told: dict[str, object]) -> None:
    out = installation.parent / "report"
    page = (out / "prove.html").read_text(encoding="utf-8")
    assert told["sentence"]["en"].split(":")[0] in page  # type: ignore[index]
    assert "src=" not in page and "<link" not in page and "<script" not in page
    assert (out / "prove.pdf").read_bytes().startswith(b"%PDF")
    assert json.loads((out / "prove.json").read_text(encoding="utf-8")) == told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--history", "nowhere"], "is no folder"),
        (["--history", "."], "MAP.yaml"),
        (["--map", "x.yaml", "--data", "nothing"], "--history"),
        (["--data", "nothing"], "holds no installation"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ConfigError, InvalidInput), match=re.escape(said)):
        invoke("prove", *arguments)


def test_days_that_are_none_are_refused(installation: Path) -> None:
    for wrong in (["--from", "soon"], ["--from", "2031-01-01"], ["--until", "2026-02-30"]):
        with pytest.raises(ConfigError, match=wrong[0]):
            invoke("prove", "--data", str(installation), *wrong)
