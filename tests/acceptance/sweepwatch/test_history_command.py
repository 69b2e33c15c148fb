"""`sweepwatch import` and `export`: a history in, out, and in elsewhere; broken off, beside a running one."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import polars as pl
import pytest
from helpers.histories import HOURS, given, imported, invoke, write_history
from helpers.influx2 import Influx2
from polars.testing import assert_frame_equal

from fleet.errors import ConfigError, DataFolderError
from fleet.signals import STANDARD_SIGNALS, Kind
from models.features.history import gather
from models.learning.settings import TrainingSettings
from storage.records.database import DeskDatabase, open_desk
from storage.records.repairs import confirmed_repairs, renewals
from storage.series.duckdb.store import DuckDbStore
from storage.series.influx.store import InfluxStore
from sweepwatch.data_folder import DESK, TELEMETRY, open_data_folder

SMALL_BLOCKS = (
    "import ingest.history.sources as s; s.BLOCK_BYTES = 20_000; import ingest.history.readings_in as r; "
    "r._ROWS_AT_ONCE = 500; from sweepwatch.cli import main; main()"
)
PARTS = ("devices", "telemetry", "repairs", "events")


def desk_of(data: Path) -> DeskDatabase:
    return open_desk(f"sqlite:///{data / DESK}")


def readings_of(data: Path) -> int:
    with closing(DuckDbStore.open(data / TELEMETRY, STANDARD_SIGNALS)) as store:
        return int(store.days(Kind.ROBOT)["readings"].sum())


def test_it_is_looked_at_first_then_taken_and_repeated_it_changes_nothing(tmp_path: Path) -> None:
    data, files = tmp_path / "var", given(write_history(tmp_path / "history"))
    code, said = invoke("import", "--data", str(data), *files)
    assert (code, data.exists()) == (0, False)
    assert f"telemetry: {4 * HOURS:,} rows read, {4 * HOURS:,} taken" in said
    assert "Nothing was written; with --yes it is taken in." in said
    first, second = imported(data, files), imported(data, files)
    for part, new in zip(PARTS, (4, 4 * HOURS, 4, 1), strict=True):
        found = first["parts"][part]
        assert (found["read"], found["new"], found["refused"]) == (new, new, 0), part
    assert second["parts"]["telemetry"]["known"] == 4 * HOURS
    assert second["parts"]["repairs"]["known"] == 3
    assert readings_of(data) == 4 * HOURS
    with closing(desk_of(data)) as desk:
        assert confirmed_repairs(desk)["fault"].to_list() == ["brush_wear", "filter_clog"]
        assert renewals(desk).height == 3  # and the filter that was replaced before it failed


def test_every_refused_row_is_in_the_file_of_refusals(tmp_path: Path) -> None:
    folder = write_history(tmp_path / "history")
    with (folder / "telemetry.csv").open("a", encoding="utf-8") as file:
        file.write("V1,noon,1,1,run\n" * 20 + "V77,2025-03-01,1,1,run\n")
    rejects = tmp_path / "rejects.csv"
    code, said = invoke("import", "--data", str(tmp_path / "var"), *given(folder), "--rejects", str(rejects))
    assert code == 1
    assert "refused, bad_ts: 20" in said
    found = pl.read_csv(rejects)
    assert found["reason"].value_counts(sort=True).rows() == [("bad_ts", 20), ("unregistered", 1)]
    assert min(found["line"]) == 4 * HOURS + 2


def test_killed_in_the_midst_of_it_the_same_command_goes_on(tmp_path: Path) -> None:
    data, files = tmp_path / "var", given(write_history(tmp_path / "history", devices=40))
    command = [sys.executable, "-c", SMALL_BLOCKS, "import", "--data", str(data), *files, "--yes", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        begun = monotonic()
        while not any((data / "imports").glob("*.json")):
            assert process.poll() is None and monotonic() - begun < 60
            sleep(0.005)
        process.send_signal(signal.SIGKILL)
    (note,) = (data / "imports").glob("*.json")
    assert 0 < json.loads(note.read_text())["ledger"]["parts"]["telemetry"]["read"] < 40 * HOURS
    said = imported(data, files)
    assert said["resumed"] is True
    counts = said["parts"]["telemetry"]
    assert (counts["read"], counts["taken"], counts["refused"]) == (40 * HOURS, 40 * HOURS, 0)
    assert said["parts"]["devices"]["read"] == 40
    assert readings_of(data) == 40 * HOURS
    assert not list((data / "imports").glob("*"))


def test_beside_a_running_installation_it_says_who_has_the_folder(tmp_path: Path) -> None:
    data, files = tmp_path / "var", given(write_history(tmp_path / "history"))
    with (
        closing(open_data_folder(data)),
        pytest.raises(DataFolderError, match="in use by another sweepwatch"),
    ):
        invoke("import", "--data", str(data), *files, "--yes")


def test_without_a_map_or_with_a_wrong_one_it_says_so(tmp_path: Path) -> None:
    folder = write_history(tmp_path / "history")
    (folder / "map.yaml").write_text("devices: {device: unit, site: place}\n", encoding="utf-8")
    said = "there is no telemetry in it, but a file is given; there are: devices"
    with pytest.raises(ConfigError, match=said):
        invoke("import", "--data", str(tmp_path / "var"), *given(folder, "telemetry"))


def test_what_one_installation_exports_another_takes_into_another_store(
    tmp_path: Path, influx2: Influx2
) -> None:
    first, second, out = tmp_path / "a", tmp_path / "b", tmp_path / "out"
    imported(first, given(write_history(tmp_path / "history")))
    invoke("export", "--data", str(first), "--to", str(out))
    address = influx2.bucket_for(tmp_path)
    url = str(address).replace("://", f"://{address.token}@")
    files = [
        word
        for part in PARTS
        for word in (f"--{part}", str(out / (part if part == "telemetry" else f"{part}.csv")))
    ]
    said = imported(second, ["--map", str(out / "MAP.yaml"), *files], "--store", url)
    assert sum(each["refused"] for each in said["parts"].values()) == 0
    with (
        closing(DuckDbStore.open(first / TELEMETRY, STANDARD_SIGNALS)) as one,
        closing(InfluxStore(address, STANDARD_SIGNALS)) as other,
        closing(desk_of(first)) as desk,
        closing(desk_of(second)) as other_desk,
    ):
        devices = [f"V{number}" for number in range(4)]
        readings = [each.readings(Kind.ROBOT, devices, 0, 2**45).frame for each in (one, other)]
        assert_frame_equal(*readings)
        assert_frame_equal(confirmed_repairs(desk), confirmed_repairs(other_desk))
        assert_frame_equal(renewals(desk), renewals(other_desk))
        rows = [gather(*each, TrainingSettings()) for each in ((one, desk), (other, other_desk))]
        assert rows[0].rows.height > 0
        assert_frame_equal(rows[0].rows, rows[1].rows)
        assert_frame_equal(*(pl.DataFrame(each.features) for each in rows))
