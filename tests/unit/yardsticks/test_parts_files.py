"""Series of parts are read from any file of the format, and what is wrong is named by file and line."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from fleet.errors import InvalidInput
from yardsticks.parts_files import read_series


def test_a_line_is_a_series_with_or_without_a_head_plain_or_packed(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("0,1,2\n5,0,1\n0,0,7\n")
    with gzip.open(tmp_path / "a.csv.gz", "wt") as packed:
        packed.write("jan,feb\n3,4.0\n\n")
    (tmp_path / "c.csv").write_text("0,1,1\n")
    (tmp_path / "notes.txt").write_text("not a series")
    told = read_series(tmp_path)
    np.testing.assert_array_equal(told, [[np.nan, 3, 4], [5, 0, 1], [0, 0, 7], [0, 1, 1]])


def test_months_before_the_part_was_kept_are_unknown_not_zero(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2,3\n,,2\n1,0,0\n")
    np.testing.assert_array_equal(read_series(tmp_path), [[np.nan, np.nan, 2], [1, 0, 0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,1\n2,x\n", r"a.csv, line 2, column 2: 'x' is no whole number"),
        ("0,1\n2,1.5\n", r"line 2, column 2: '1.5' is no whole number"),
        ("0,1\n2,-1\n", r"line 2, column 2: '-1' is no whole number"),
        ("0,1\n2,nan\n", r"line 2, column 2: 'nan' is no whole number"),
        ("0,1\n2,inf\n", r"line 2, column 2: 'inf' is no whole number"),
        ("0,1\n2,1e300\n", r"line 2, column 2: '1e300' is no whole number"),
        ("0,1\n1,1\n2,\n", r"line 3, column 2: '' is no whole number"),
        ("0,1\n1,1,1\n", r"line 2: 3 fields, others have 2"),
        ("0,1\n,\n", r"line 2: no month is filled in"),
        ("0,1\n", r"holds no series"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_series(tmp_path)


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no folder"):
        read_series(tmp_path / "none")
    with pytest.raises(InvalidInput, match=r"holds no series; they stand in files .csv"):
        read_series(tmp_path)
    for content in (b"\x1f\x8b\x08\x00broken", b"plain,text\n1,2\n"):
        (tmp_path / "a.csv.gz").write_bytes(content)
        with pytest.raises(InvalidInput, match=r"a.csv.gz cannot be read as CSV"):
            read_series(tmp_path)
    (tmp_path / "a.csv.gz").unlink()
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match=r"b.csv cannot be read as CSV"):
        read_series(tmp_path)
