"""Files of tickets by the API: taken once, given back to be saved, and never of another ticket."""

import io
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import House, add_device, client_of, csrf_of, open_house, signed_in
from helpers.desk_emptied import empty_desk
from PIL import Image

from fleet.case_files import FileLimits
from fleet.grants import Permission
from fleet.principals import schedule

PATH = "/api/v1/tickets/1/files"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        for device, site in (("R1", "pudong"), ("R2", "pudong"), ("R3", "xuhui")):
            add_device(made, device, site=site)
        yield made


@pytest.fixture
def house(shared: House) -> House:
    empty_desk(shared)
    for device in ("R1", "R2"):
        shared.tickets.report(device, "brush_jam", schedule("tests"), "it squeals")
    shared.app.state.services.intake.files.limits = FileLimits()
    return shared


@pytest.fixture
def client(house: House) -> TestClient:
    return client_of(house)


def png(colour: tuple[int, int, int] = (255, 0, 0)) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (400, 300), colour).save(target, "PNG")
    return target.getvalue()


def test_a_file_is_there_once_and_comes_back_to_be_saved(client: TestClient) -> None:
    sent = {"file": ("../漏水\r\nX: y.html", png(), "text/html")}
    first = client.post(PATH, files=sent)
    assert first.status_code == 201, first.text
    assert first.json() == client.post(PATH, files=sent).json(), "the same again is the same"
    (item,) = client.get(PATH).json()["items"]
    assert (item["kind"], item["media_type"], item["by"]) == ("photo", "image/png", "tests")
    shown = client.get(f"{PATH}/1")
    assert shown.headers["content-disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''%E6%BC%8F%E6%B0%B4" in shown.headers["content-disposition"]
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert shown.headers["cache-control"] == "private, max-age=3600"
    with Image.open(io.BytesIO(shown.content)) as opened:
        assert opened.size == (400, 300)
    small = client.get(f"{PATH}/1/thumbnail")
    assert small.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(small.content)) as opened:
        assert max(opened.size) == 320
    history = client.get("/api/v1/tickets/1").json()["events"]
    assert [each["what"] for each in history].count("file") == 1


@pytest.mark.parametrize(
    "path", ["/api/v1/tickets/2/files/1", f"{PATH}/2", "/api/v1/tickets/9/files", f"{PATH}/9/thumbnail"]
)
def test_a_file_is_of_its_ticket_alone(client: TestClient, path: str) -> None:
    client.post(PATH, files={"file": ("a.png", png())})
    assert client.get(path).status_code == 404


def test_what_is_not_taken_says_why(client: TestClient) -> None:
    page = client.post(PATH, files={"file": ("photo.png", b"<script>alert(1)</script>", "image/png")})
    assert page.status_code == 422
    assert page.json()["detail"] == (
        '"photo.png": the file is none of those that are taken; '
        "allowed: JPEG, PNG, WebP and GIF pictures, and PDF"
    )
    assert client.post(PATH, data={"kind": "photo"}).json()["detail"] == (
        "file: required, as multipart/form-data"
    )
    large = client.post(PATH, files={"file": ("a.png", png() + b"\0" * 10 * 2**20)})
    assert (large.status_code, "allowed: 10 MB" in large.text) == (422, True)


def parts(total: int) -> Iterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    for _ in range(total // 65_536):
        yield b"\0" * 65_536


def test_a_gigabyte_is_refused_while_it_arrives(client: TestClient) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    announced = client.post(PATH, content=b"", headers=kind | {"Content-Length": str(2**30)})
    assert announced.status_code == 413
    arriving = client.post(PATH, content=parts(40 * 2**20), headers=kind)
    assert arriving.status_code == 413
    elsewhere = client.post("/api/v1/tickets/1/keep-open", content=parts(2 * 2**20), headers=kind)
    assert elsewhere.status_code == 413, "more is taken where files are, and nowhere else"


def test_a_case_has_so_many_files(house: House, client: TestClient) -> None:
    house.app.state.services.intake.files.limits = FileLimits(a_case=2)
    codes = [client.post(PATH, files={"file": ("a.png", png((n, 0, 0)))}).status_code for n in range(3)]
    assert codes == [201, 201, 422]


def test_another_sites_ticket_has_no_files_to_see_or_add(house: House, client: TestClient) -> None:
    client.post(PATH, files={"file": ("a.png", png())})
    foreign = client_of(house, Permission.FLEET_READ, Permission.TICKETS_REPORT, sites=frozenset({"xuhui"}))
    answers = [
        foreign.get(PATH),
        foreign.get(f"{PATH}/1"),
        foreign.post(PATH, files={"file": ("a.png", png())}),
    ]
    assert [each.status_code for each in answers] == [404, 404, 404]


def test_files_of_a_workers_case_are_for_who_sees_personal_data(house: House, client: TestClient) -> None:
    add_device(house, "W1", site="pudong", kind="wristband")
    number = house.tickets.report("W1", "worker_fall", schedule("tests"), "fell")
    path = f"/api/v1/tickets/{number}/files"
    file_id = client.post(path, files={"file": ("a.png", png())}).json()["id"]
    manager = client_of(house, Permission.FLEET_READ, Permission.TICKETS_REPORT)
    asked = [path, f"{path}/{file_id}", f"{path}/{file_id}/thumbnail"]
    assert [manager.get(each).status_code for each in asked] == [403, 403, 403]
    assert [client.get(each).status_code for each in asked] == [200, 200, 200]


def test_a_browser_adds_files_by_the_form_of_the_case(house: House, client: TestClient) -> None:
    browser = signed_in(house)
    form = {"csrf": csrf_of(browser)}
    sent = browser.post(
        "/tickets/1/files",
        data=form,
        files=[("files", ("a.png", png())), ("files", ("b.png", png((0, 9, 0))))],
    )
    assert sent.status_code == 200, sent.text
    assert sent.text.count('src="/api/v1/tickets/1/files/') == 2
    assert browser.get(f"{PATH}/1/thumbnail").status_code == 200
    refused = browser.post("/tickets/1/files?lang=zh", data=form, files={"files": ("a.svg", b"<svg>")})
    assert refused.status_code == 422 and "JPEG" in refused.text
