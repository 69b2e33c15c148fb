"""Every notebook runs from a clean kernel, and is committed with what it showed, small enough to read."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PUBLIC = ROOT.parent / "shared" / "data" / "public"
NEED_PUBLIC_DATA = ("public_yardsticks",)
MOST_BYTES = 500_000


def need_public_data() -> None:
    """Skip the test where the public data are missing; fail it in CI."""
    if not PUBLIC.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{PUBLIC} is missing")
        pytest.skip(f"{PUBLIC} is not there")


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs_from_a_clean_kernel(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if file.stem in NEED_PUBLIC_DATA:
        need_public_data()
    monkeypatch.setitem(os.environ, "PYTHONPATH", str(ROOT))
    monkeypatch.setitem(os.environ, "PUBLIC_DATA", str(PUBLIC))
    monkeypatch.setitem(os.environ, "PUBLIC_PART", "12")  # all of it is judged in tests/unit/yardsticks
    monkeypatch.setitem(os.environ, "ROBOTS", "48")  # what is committed was shown by more of them
    notebook = nbformat.read(file, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert shown
    assert not [output for output in shown if output.output_type == "error"]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_committed_with_its_charts_and_without_a_machines_path(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.encode()) <= MOST_BYTES
    assert "<svg" in text
    assert str(ROOT) not in text
    assert str(PUBLIC) not in text


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
