"""`sweepwatch personal` exports and erases one person's data, alone and beside a running installation."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from time import sleep

import pytest
from click.testing import CliRunner
from helpers.batches import batch_of

from access.personal import PersonalData
from fleet.clock import HOUR_MS, SystemClock, to_rfc3339
from fleet.errors import ConfigError, DataFolderError, InvalidInput, StoreUnavailable
from fleet.events import Subject
from fleet.signals import Kind
from storage.records.database import open_desk
from storage.records.devices import Devices, Placement
from storage.records.events import events_of
from sweepwatch.cli import cli
from sweepwatch.commands import personal
from sweepwatch.data_folder import DESK, open_data_folder
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import Services, build

RATE = 191.25
NOW = SystemClock().now_ms()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "var"
    with closing(open_data_folder(root)) as folder, closing(opened(root, folder)) as services:
        rows = [
            {"device_id": "W1", "site": "s1", "ts": NOW - age * HOUR_MS, "heart_rate_bpm": RATE, "worn": True}
            for age in (49, 1)
        ]
        services.store.write(batch_of(rows, Kind.WRISTBAND))
        devices = {"W1": Placement("s1", Kind.WRISTBAND), "R1": Placement("s1", Kind.ROBOT)}
        Devices(services.desk).register(devices, NOW)
    return root


def opened(root: Path, folder: object) -> Services:
    return build(Settings(data=root), folder, SystemClock())  # type: ignore[arg-type]


def invoke(*arguments: str, data: Path, said: str | None = None) -> str:
    """Run a command in this process; raise what it raises."""
    ended = CliRunner().invoke(
        cli, ["personal", *arguments, "--data", str(data)], said, standalone_mode=False
    )
    if ended.exception is not None:
        raise ended.exception
    return ended.output


def rates(data: Path) -> list[float]:
    found = json.loads(invoke("export", "--device", "W1", data=data))
    assert len(found["readings"]) == 2
    return [one["heart_rate_bpm"] for one in found["readings"] if "heart_rate_bpm" in one]


def test_export_and_erase_of_a_span(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "w1.json"
    assert invoke("export", "--device", "W1", "--out", str(out), data=data) == ""
    assert json.loads(out.read_text())["units"]["heart_rate_bpm"] == "bpm"
    assert oct(out.stat().st_mode)[-3:] == "600"
    erase = ("erase", "--device", "W1", "--why", "asked for")
    assert "Nothing was erased." in invoke(*erase, data=data, said="n\n")
    assert rates(data) == [RATE, RATE]
    done = invoke(*erase, "--to", to_rfc3339(NOW - 24 * HOUR_MS), "--yes", data=data)
    assert "is gone from the desk and from the store" in done and "written anew" in done
    assert rates(data) == [RATE]
    invoke(*erase, "--yes", data=data)
    assert rates(data) == []
    modes = {oct(file.stat().st_mode)[-3:] for file in data.rglob("*") if file.is_file()}
    assert modes == {"600"}
    with closing(open_desk(f"sqlite:///{data / DESK}")) as desk, desk.transaction() as session:
        told = [each for each in events_of(session, Subject.DEVICE, "W1") if each.what == "erased"]
    assert [each.reason for each in told] == ["asked for"] * 2
    assert [sorted(each.data) for each in told] == [["erasure", "from", "to"]] * 2


def test_what_cannot_be_is_named(data: Path) -> None:
    why = ("--why", "x", "--yes")
    with pytest.raises(InvalidInput, match="R1 is a robot: only wristbands tell of a person"):
        invoke("erase", "--device", "R1", *why, data=data)
    with pytest.raises(ConfigError, match='--from "soon" is not usable: allowed: a date'):
        invoke("erase", "--device", "W1", "--from", "soon", *why, data=data)
    with pytest.raises(ConfigError, match="holds no installation"):
        invoke("export", "--device", "W1", data=data / "none")


@pytest.fixture
def held(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Yield what another process would hold, whose store no command can open."""
    with closing(open_data_folder(data)) as folder, closing(opened(data, folder)) as services:

        def refuse(*_: object) -> None:
            raise DataFolderError("it is held by another process (PID 7)")

        monkeypatch.setattr(personal, "open_store_of", refuse)
        yield services


def test_beside_a_running_installation_that_one_does_its_part(held: Services, data: Path) -> None:
    running = PersonalData(held.desk, held.store, held.signals, held.clock)

    def until_asked() -> None:
        while not running.carry_out():
            sleep(0.05)

    job = Thread(target=until_asked, daemon=True)
    job.start()
    said = invoke("erase", "--device", "W1", "--why", "asked for", "--yes", data=data)
    job.join(10)
    assert "stop the installation and run `sweepwatch store compact`" in said
    assert "heart_rate_bpm" not in held.store.latest(Kind.WRISTBAND, "W1")
    with pytest.raises(ConfigError, match="PID 7.*GET /api/v1/devices/W1/personal"):
        invoke("export", "--device", "W1", data=data)


def test_one_that_does_not_answer_is_told_of(
    held: Services, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(personal, "_WAIT_S", 0.0)
    with pytest.raises(StoreUnavailable, match="is noted and the desk's part is done; the store's waits"):
        invoke("erase", "--device", "W1", "--why", "asked for", "--yes", data=data)
    assert PersonalData(held.desk, held.store, held.signals, held.clock).carry_out() == 1
