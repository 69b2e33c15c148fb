"""The pages and routes of proofs: begun, looked at, read in either language, and deleted once one is sure."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, client_of, csrf_of, open_house, signed_in
from helpers.proofs import Stage, history_in, succeed

from fleet.grants import Role
from fleet.people import RoleAt, Scope
from sweepwatch.run.proofs_at_work import ProofsAtWork
from sweepwatch.settings.server import ServerSettings


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path / "var", server=ServerSettings(upload_mb=1)) as made:
        history_in(made.services.folder.root / "histories" / "fleet-2025")
        yield made


@pytest.fixture
def api(house: House) -> TestClient:
    return client_of(house)


@pytest.fixture
def manager(house: House) -> TestClient:
    return signed_in(house, RoleAt(Role.MANAGER))


def sent_of(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Return the files of a history as a form sends them."""
    files = {
        part: (f"{part}.csv", (folder / f"{part}.csv").read_bytes()) for part in ("telemetry", "repairs")
    }
    return files | {"map": ("m.yaml", (folder / "MAP.yaml").read_bytes())}


def work(house: House) -> None:
    services = house.services
    proofs = house.app.state.services.proofs
    stage = Stage(succeed)
    works = ProofsAtWork(proofs, services.settings, services.store, services.desk, house.clock, stage)
    with closing(works):
        works.look()


def test_a_proof_is_begun_read_and_deleted_by_the_api(house: House, api: TestClient) -> None:
    asked = {"source": "folder", "folder": "fleet-2025", "from": "2025-03-02"}
    begun = api.post("/api/v1/proofs", json=asked)
    assert begun.status_code == 201, begun.text
    assert begun.json()["state"] == "waiting" and begun.json()["since"] == "2025-03-02"
    at = f"/api/v1/proofs/{begun.json()['id']}"
    assert api.get(f"{at}/report/prove.pdf").status_code == 404
    work(house)
    done = api.get(at).json()
    assert done["state"] == "done" and done["sentence"]["zh"] == "3 次故障中本可预见 2 次。"
    assert done["words"] and done["progress"]["refused"] == 2
    assert [each["id"] for each in api.get("/api/v1/proofs").json()["items"]] == [done["id"]]
    for file, begins in (("prove.pdf", b"%PDF"), ("prove.html", b"<!doctype"), ("prove.json", b"{")):
        answer = api.get(f"{at}/report/{file}", params={"language": "zh"})
        assert answer.content.startswith(begins)
        assert "attachment" in answer.headers["content-disposition"]
        assert "sandbox" in answer.headers["content-security-policy"]
    assert 'lang="zh-CN"' in api.get(f"{at}/report/prove.html?language=zh").text
    assert api.post(f"{at}/again").status_code == 409
    assert api.delete(at).status_code == 204
    assert api.get(at).status_code == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"source": "folder", "folder": "../x"}, "fleet-2025"),
        ({"source": "own", "from": "soon"}, "from"),
        ({"source": "files"}, "source"),
        ({"sorce": "own"}, "sorce"),
    ],
)
def test_what_is_wrong_is_said(api: TestClient, body: dict[str, str], said: str) -> None:
    answer = api.post("/api/v1/proofs", json=body)
    assert answer.status_code == 422 and said in answer.json()["detail"]


def test_files_are_sent_by_the_api_and_too_much_is_refused(api: TestClient, tmp_path: Path) -> None:
    files = sent_of(history_in(tmp_path / "sent"))
    begun = api.post("/api/v1/proofs/upload", files=files, data={"from": "2025-03-02"})
    assert begun.status_code == 201, begun.text
    assert begun.json()["source"] == "files" and begun.json()["since"] == "2025-03-02"
    large = api.post("/api/v1/proofs/upload", files=files | {"events": ("e.csv", b"x" * 3_000_000)})
    assert large.status_code == 413
    assert api.post("/api/v1/proofs/upload", json={}).status_code == 422


def test_a_manager_proves_a_folder_on_the_page_and_reads_the_report(
    house: House, manager: TestClient
) -> None:
    empty = manager.get("/prove", headers=HTML).text
    assert "None yet." in empty and "fleet-2025" in empty
    form = {"csrf": csrf_of(manager), "source": "folder", "folder": "fleet-2025", "since": ""}
    begun = manager.post("/prove", data=form, follow_redirects=False)
    assert begun.status_code == 303, begun.text
    at = begun.headers["location"]
    waiting = manager.get(at, headers=HTML).text
    assert "It waits for its turn" in waiting and 'data-refresh="2"' in waiting
    work(house)
    page = manager.get(at, headers=HTML).text
    assert "Of 3 breakdowns 2 would have been foreseen." in page and "data-refresh" not in page
    assert manager.get(f"{at}/cases/1.svg").text.startswith("<svg")
    assert manager.get(f"{at}/cases/2.svg").status_code == 404
    assert "3 次故障中本可预见 2 次。" in manager.get(f"{at}?lang=zh", headers=HTML).text
    assert "本可预见" in manager.get("/prove?lang=zh", headers=HTML).text


def test_deleting_asks_first(house: House, manager: TestClient) -> None:
    csrf = csrf_of(manager)
    begun = manager.post("/prove", data={"csrf": csrf, "source": "own"}, follow_redirects=False)
    at = begun.headers["location"]
    unsure = manager.post(f"{at}/delete", data={"csrf": csrf}, follow_redirects=False)
    assert unsure.status_code == 422 and house.app.state.services.proofs.all()
    sure = manager.post(f"{at}/delete", data={"csrf": csrf, "sure": "yes"}, follow_redirects=False)
    assert sure.status_code == 303 and not house.app.state.services.proofs.all()


def test_a_map_that_is_wrong_comes_back_on_the_page(
    house: House, manager: TestClient, tmp_path: Path
) -> None:
    files = sent_of(history_in(tmp_path / "sent"))
    wrong = files | {"map": ("m.yaml", b"telemetry: {device: unit, tme: at}\n")}
    form = {"csrf": csrf_of(manager), "from": ""}
    answer = manager.post("/prove/upload", data=form, files=wrong, follow_redirects=False)
    assert answer.status_code == 422
    assert "MAP.yaml:1" in answer.text and not house.app.state.services.proofs.all()
    assert manager.post("/prove/upload", data=form, files=files, follow_redirects=False).status_code == 303


def test_files_of_another_page_are_refused(manager: TestClient) -> None:
    files = {"map": ("m.yaml", b"x")}
    assert manager.post("/prove/upload", data={"csrf": "x"}, files=files).status_code == 403


def test_who_sees_some_sites_alone_is_not_shown_it(house: House) -> None:
    add_device(house, "R1", site="pudong")
    client = signed_in(house, RoleAt(Role.MANAGER, Scope.SITE, "pudong"))
    assert client.get("/prove", headers=HTML).status_code == 403
    assert 'href="/prove"' not in client.get("/", headers=HTML).text
