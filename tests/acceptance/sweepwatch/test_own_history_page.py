"""The example of docs/own-history.md: its files are written, its lines are run, and nothing is refused.

The published data are used where a folder with them is beside the project; else files of the same form.
"""

import gzip
import re
from contextlib import closing
from pathlib import Path

import pytest
from helpers.histories import invoke

from storage.records.database import open_desk
from storage.records.model_cards import CHAMPION, cards
from storage.records.repairs import confirmed_repairs, renewals
from sweepwatch.data_folder import DESK

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "own-history.md"
PUBLISHED = ROOT.parent / "shared" / "data" / "public" / "azure-pdm"
FEW = {
    "machines": "machineID,model,age\n1,model3,18\n2,model4,7\n",
    "telemetry_hourly_20": "datetime,machineID,volt,rotate,pressure,vibration\n"
    "2015-01-01 06:00:00,1,176.2179,418.5041,113.0779,45.0877\n"
    "2015-01-01 07:00:00,2,162.8792,402.7475,95.4605,43.4140\n",
    "failures": "datetime,machineID,failure\n2015-01-05 06:00:00,1,comp4\n",
    "errors": "datetime,machineID,errorID\n2015-01-03 07:00:00,1,error1\n",
    "maint": "datetime,machineID,comp\n2014-06-01 06:00:00,1,comp2\n2014-06-01 06:00:00,1,comp4\n",
}


def blocks(kind: str) -> list[str]:
    """Return the blocks of code of a kind on the page, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if PUBLISHED.exists():
        return PUBLISHED
    made = tmp_path / "few"
    made.mkdir()
    for name, text in FEW.items():
        (made / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return made


def test_the_lines_of_the_page_run(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sweepwatch.toml").write_text(blocks("toml")[0], encoding="utf-8")
    for text in blocks("yaml"):
        name = re.match(r"# (\S+)\n", text)
        assert name is not None
        Path(name[1]).write_text(text, encoding="utf-8")
    lines = blocks("console")[0].splitlines()
    assert len(lines) == 5
    for line in lines[: 5 if folder == PUBLISHED else 4]:
        words = line.replace("FOLDER", str(folder)).split()[1:]
        code, said = invoke(*words, "--config", "sweepwatch.toml", "--data", "var")
        assert code == 0, said
        assert "refused, " not in said, said
    with closing(open_desk(f"sqlite:///{tmp_path / 'var' / DESK}")) as desk:
        repairs, lives = confirmed_repairs(desk), renewals(desk)
        assert {"M1", "comp4_failure"} <= {word for row in repairs.rows() for word in row}
        assert lives.height > repairs.height
        learned = {card.fault for card in cards(desk) if card.state == CHAMPION}
    assert (tmp_path / "OUT" / "MAP.yaml").exists()
    assert learned == ({"comp1_failure", "comp2_failure"} if folder == PUBLISHED else set())
