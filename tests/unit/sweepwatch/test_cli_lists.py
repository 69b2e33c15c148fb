"""`sweepwatch lists`: out, a look, in, and in again."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.fresh_desk import fresh_file

from sweepwatch.cli import cli
from sweepwatch.data_folder import DESK


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / DESK).write_bytes(fresh_file())
    return tmp_path


def run(folder: Path, *words: str) -> tuple[int, str]:
    ran = CliRunner().invoke(cli, ["lists", *words, "--data", str(folder / "var")])
    return ran.exit_code, ran.output


def test_a_list_comes_in_and_goes_out(folder: Path) -> None:
    file = folder / "customers.csv"
    file.write_text("id;name_zh;tier\nhotel;上海酒店;A\ninn;;D\n", encoding="gb18030")
    code, said = run(folder, "import", "customers", str(file), "--dry-run")
    assert code == 1
    assert said.splitlines() == [
        "line 2: hotel new",
        'line 3: inn refused: tier: "D" is none; allowed: A, B, C',
        'customers (GB18030, ";" between cells), would be: 1 new, 0 changed, 0 unchanged, 1 refused.',
    ]
    assert "nothing was taken: 1 new" in run(folder, "import", "customers", str(file), "--all-or-nothing")[1]
    assert "taken: 1 new" in run(folder, "import", "customers", str(file))[1]
    out = folder / "out.csv"
    assert run(folder, "export", "customers", str(out)) == (0, f"{out} has the list of customers.\n")
    assert out.read_bytes().startswith(b"\xef\xbb\xbfid,name_en")
    assert "0 new, 0 changed, 1 unchanged" in run(folder, "import", "customers", str(out))[1]
    assert "hotel,,上海酒店,A,basic" in run(folder, "export", "customers")[1]
