"""The data folder is refused with one clear line when it cannot be used."""

import json
import os
from pathlib import Path

import pytest

from fleet.errors import DataFolderError
from sweepwatch.data_folder import FORMAT, open_data_folder


def test_it_is_made_with_its_format_and_opened_again(tmp_path: Path) -> None:
    root = tmp_path / "a" / "b"
    open_data_folder(root).close()
    assert json.loads((root / "format.json").read_text()) == {"format": FORMAT}
    again = open_data_folder(root)
    assert again.folder("models").is_dir()
    again.close()


def test_a_second_process_is_told_who_holds_it(tmp_path: Path) -> None:
    held = open_data_folder(tmp_path)
    with pytest.raises(DataFolderError, match=f"in use by another sweepwatch .process {os.getpid()}."):
        open_data_folder(tmp_path)
    held.close()
    open_data_folder(tmp_path).close()


def test_a_newer_format_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text('{"format": 999}')
    with pytest.raises(DataFolderError, match="newer version .format 999"):
        open_data_folder(tmp_path)
    assert (tmp_path / "format.json").read_text() == '{"format": 999}'


@pytest.mark.parametrize("text", ["", "[]", '{"format": "x"}', "{}"])
def test_a_damaged_format_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "format.json").write_text(text)
    with pytest.raises(DataFolderError, match=r"format\.json is damaged"):
        open_data_folder(tmp_path)


def test_a_folder_that_cannot_be_made_is_named() -> None:
    with pytest.raises(DataFolderError, match="/proc/nowhere cannot be written"):
        open_data_folder(Path("/proc/nowhere"))


def test_a_file_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(DataFolderError, match="cannot be written"):
        open_data_folder(tmp_path / "f")


def test_what_is_in_it_is_for_its_user_alone_whatever_the_umask_and_whoever_made_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        root = tmp_path / "var"
        (root / "models").mkdir(parents=True)
        old = root / "models" / "old.skops"
        old.write_bytes(b"of an earlier version")
        old.chmod(0o644)
        folder = open_data_folder(root)
        (folder.folder("broker") / "new").write_bytes(b"")
        folder.close()
    finally:
        os.umask(before)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (root, *root.rglob("*"))}
    files = {"lock", "format.json", "old.skops", "new"}
    assert modes == {name: "0o600" if name in files else "0o700" for name in modes}
    assert len(modes) == 7
