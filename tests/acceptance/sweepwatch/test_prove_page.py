"""A small history is proved through HTTP, from the files to the report, by a process of its own."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.api import House, client_of, open_house
from helpers.lived import export_of, live
from helpers.proofs import history_in

from sweepwatch.run.proof_folder import ProofFolder
from sweepwatch.run.proof_process import ProofProcess, Task
from sweepwatch.run.proofs_at_work import working_at
from sweepwatch.settings.settings import Settings

DAYS, DEVICES = 10, 10


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of an installation with a short past."""
    return live(tmp_path_factory.mktemp("lived"), DEVICES, DAYS)


@pytest.fixture(scope="module")
def exported(lived: Path) -> Path:
    """Return its history as files."""
    return export_of(lived)


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
