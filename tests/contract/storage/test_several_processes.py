"""What several processes share in the desk database: model files, and who does which job."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk

from fleet.clock import ManualClock
from fleet.errors import ModelRejected
from models.registry.files import DeskFiles, FolderFiles, ModelFiles
from storage.records.database import DeskDatabase, open_desk
from storage.records.leases import give_back_leases, take_lease
from sweepwatch.run.sharing import Leases


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskDatabase]:
    if request.param == "sqlite":
        opened = fresh_desk(tmp_path_factory.mktemp("desk") / "desk.db")
        yield opened
        opened.close()
        return
    opened = open_desk(request.getfixturevalue("postgres"))
    yield opened
    opened.close()


def test_a_job_is_its_holders_until_the_lease_runs_out_or_is_given_back(desk: DeskDatabase) -> None:
    assert take_lease(desk, "score", "one", 0, 100)
    assert not take_lease(desk, "score", "two", 99, 500)
    assert take_lease(desk, "score", "one", 99, 200)  # renewed
    assert take_lease(desk, "expire", "two", 99, 200)  # each job by itself
    assert take_lease(desk, "score", "two", 200, 300)  # the first did not come back
    assert not take_lease(desk, "score", "one", 250, 400)
    give_back_leases(desk, "two")
    assert take_lease(desk, "score", "one", 250, 400)


def test_of_many_that_ask_at_once_one_does_the_job(desk: DeskDatabase) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda who: take_lease(desk, "race", f"p{who}", 0, 100), range(8)))
    assert taken.count(True) == 1


def test_a_process_that_ended_is_followed_by_a_stand_by(desk: DeskDatabase) -> None:
    clock = ManualClock(0)
    first, second = (Leases(desk, clock, name) for name in ("first", "second"))
    assert first.claim("review", 60)
    assert not second.claim("review", 60)
    first.give_back()
    assert second.claim("review", 60)
    clock.ms += 60 * 1500 + 60_000
    assert first.claim("review", 60)


@pytest.fixture(params=["folder", "desk"])
def files(request: pytest.FixtureRequest, desk: DeskDatabase, tmp_path: Path) -> ModelFiles:
    return DeskFiles(desk) if request.param == "desk" else FolderFiles(tmp_path / "models")


def test_a_file_is_there_in_full_replaced_and_dropped(files: ModelFiles) -> None:
    body = bytes(range(256)) * 4096
    files.write("brush_jam/a.skops", b"before")
    files.write("brush_jam/a.skops", body)
    assert files.read("brush_jam/a.skops") == body
    files.drop("brush_jam/a.skops")
    files.drop("brush_jam/a.skops")
    with pytest.raises(ModelRejected, match=r"brush_jam/a\.skops cannot be read"):
        files.read("brush_jam/a.skops")


def test_nothing_outside_the_folder_is_read_or_written(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path / "models")
    with pytest.raises(ModelRejected, match="outside"):
        files.read("../secret")
    with pytest.raises(ModelRejected, match="outside"):
        files.write("/etc/x", b"")


def test_files_of_an_older_version_are_found_in_their_folder(desk: DeskDatabase, tmp_path: Path) -> None:
    FolderFiles(tmp_path).write("old/a.skops", b"old")
    assert DeskFiles(desk, before=tmp_path).read("old/a.skops") == b"old"
