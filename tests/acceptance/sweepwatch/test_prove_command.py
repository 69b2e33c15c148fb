"""`sweepwatch prove`: a past from files or of an installation becomes a report; nothing else changes."""

import json
import re
from contextlib import closing
from pathlib import Path

import pytest
from helpers.histories import invoke

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.errors import ConfigError, InvalidInput
from fleet.signals import STANDARD_SIGNALS
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.history import write_history
from storage.records.database import open_desk
from storage.series.duckdb.store import DuckDbStore
from sweepwatch.data_folder import DESK, TELEMETRY

END = 1_760_000_400_000 // DAY_MS * DAY_MS
DAYS, DEVICES = 12, 12


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of an installation with a short past."""
    folder = tmp_path_factory.mktemp("lived")
    with (
        closing(open_desk(f"sqlite:///{folder / DESK}")) as desk,
        closing(DuckDbStore.open(folder / TELEMETRY, STANDARD_SIGNALS, 1, 256)) as store,
    ):
        fleet = FleetSimulator(FleetConfig(DEVICES, 3, END - DAYS * DAY_MS, world="fast"), STANDARD_SIGNALS)
        write_history(fleet, store, desk, DAYS, end_ms=END, step_ms=30 * MINUTE_MS)
    return folder


@pytest.fixture(scope="module")
def exported(installation: Path) -> Path:
    """Return the history of the installation as files."""
    folder = installation.parent / f"{installation.name}-out"
    code, said = invoke("export", "--data", str(installation), "--to", str(folder))
    assert code == 0, said
    return folder


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
