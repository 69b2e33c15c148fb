"""A small history is proved through HTTP, from the files to the report, by a process of its own."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers.api import House, client_of, open_house
from helpers.histories import invoke
from helpers.proofs import history_in

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.signals import STANDARD_SIGNALS
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.history import write_history
from storage.records.database import open_desk
from storage.series.duckdb.store import DuckDbStore
from sweepwatch.data_folder import DESK, TELEMETRY
from sweepwatch.run.proof_folder import ProofFolder
from sweepwatch.run.proof_process import ProofProcess, Task
from sweepwatch.run.proofs_at_work import working_at
from sweepwatch.settings.settings import Settings

END = 1_760_000_400_000 // DAY_MS * DAY_MS
DAYS, DEVICES = 10, 10


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
def exported(lived: Path) -> Path:
    """Return its history as files."""
    folder = lived.parent / f"{lived.name}-out"
    code, said = invoke("export", "--data", str(lived), "--to", str(folder))
    assert code == 0, said
    return folder


@pytest.fixture(scope="module")
def house(lived: Path, exported: Path) -> Iterator[House]:
    del exported  # before the store is this house's
    with open_house(lived) as made, working_at(made.app.state.services.proofs, made.services):
        yield made


def ended(client: Any, proof_id: int) -> dict[str, Any]:
    """Wait for a proof; return it. Its progress goes on only."""
    for _ in range(2_000):
        found: dict[str, Any] = client.get(f"/api/v1/proofs/{proof_id}").json()
        if found["state"] not in ("waiting", "running"):
            return found
        time.sleep(0.2)
    raise AssertionError(f"it does not end: {found}")


def test_a_proof_ends_when_its_house_does_however_that_ends(tmp_path: Path) -> None:
    """All that a killed house still does is to let go of its end of the pipe."""
    folder = ProofFolder(tmp_path / "1")
    folder.path.mkdir()
    process = ProofProcess(folder, Task(history_in(tmp_path / "history"), None), Settings(data=tmp_path))
    pipe = process._child.stdin
    assert process.poll() is None and pipe is not None
    pipe.close()
    for _ in range(600):
        if process.poll() is not None:
            break
        time.sleep(0.1)
    assert process.poll() == 1
    assert not folder.report.exists()


def test_files_and_the_own_past_are_proved_and_say_the_same(house: House, exported: Path) -> None:
    client = client_of(house)
    files = [("map", ("MAP.yaml", (exported / "MAP.yaml").read_bytes()))]
    files += [
        (part, (f"{part}.csv", (exported / f"{part}.csv").read_bytes())) for part in ("repairs", "devices")
    ]
    files += [("events", ("events.csv", (exported / "events.csv").read_bytes()))]
    files += [
        ("telemetry", (each.name, each.read_bytes())) for each in sorted(exported.glob("telemetry/*.parquet"))
    ]
    sent = client.post("/api/v1/proofs/upload", files=files)
    assert sent.status_code == 201, sent.text
    own = client.post("/api/v1/proofs", json={"source": "own"})
    assert own.status_code == 201, own.text
    told = []
    for each in (sent.json()["id"], own.json()["id"]):
        found = ended(client, each)
        assert found["state"] == "done", found
        assert any("rows read" in line for line in found["words"])
        report = client.get(f"/api/v1/proofs/{each}/report/prove.json")
        told.append(report.json())
        assert client.get(f"/api/v1/proofs/{each}/report/prove.pdf?language=zh").content.startswith(b"%PDF")
        assert found["sentence"]["en"] == told[-1]["sentence"]["en"]
        left = {one.name for one in (house.services.folder.root / "proofs" / str(each)).iterdir()}
        assert not left & {"history", "work"}
    assert told[0] == told[1]
    assert told[0]["whole"]["breakdowns"] >= 1
