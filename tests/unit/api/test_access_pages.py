"""The console's pages of tokens and sites: made, shown once, ended; described by those who may."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, anonymous, csrf_of, open_house, signed_in
from httpx2 import Response

from api.console.render.words import word
from fleet.clock import DAY_MS
from fleet.grants import Permission, Role
from fleet.people import RoleAt, Scope


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        for device, site in (("R1", "pudong"), ("R2", "jingan")):
            add_device(made, device, site=site)
        yield made


@pytest.fixture(scope="module")
def admin(house: House) -> TestClient:
    client = signed_in(house, RoleAt(Role.ADMIN))
    client.headers["csrf-of-tests"] = csrf_of(client)
    return client


def post(client: TestClient, path: str, **form: object) -> Response:
    csrf = client.headers["csrf-of-tests"]
    return client.post(path, data={"csrf": csrf, **form}, headers=HTML)


def test_a_token_is_made_shown_once_renewed_and_revoked(house: House, admin: TestClient) -> None:
    asked = {"name": " erp ", "scope": ["fleet:read", "tickets:report"], "site": ["pudong"], "days": "30"}
    page = post(admin, "/tokens", **asked).text
    secret = re.search(r"sw_[\w-]{43}", page)
    assert secret
    (token,) = house.doors.tokens.all()
    assert (token.name, token.scopes, token.sites) == ("erp", ("fleet:read", "tickets:report"), {"pudong"})
    assert token.ends == house.clock.ms + 30 * DAY_MS
    held = anonymous(house, {"Authorization": f"Bearer {secret[0]}"})
    assert [item["id"] for item in held.get("/api/v1/devices").json()["items"]] == ["R1"]
    listed = admin.get("/tokens?lang=en").text
    assert secret[0] not in listed
    for shown in ("erp", "See the fleet", "Report faults", "pudong", "22 Dec 2026"):
        assert shown in listed
    assert "查看设备" in admin.get("/tokens?lang=zh").text
    admin.get("/tokens?lang=en")
    page = post(admin, f"/tokens/{token.id}/rotate").text
    assert "goes on for an hour" in page and secret[0] not in page
    newer = house.doors.tokens.all()[0]
    post(admin, f"/tokens/{token.id}/revoke")
    assert held.get("/api/v1/devices").status_code == 401
    assert "revoked" in admin.get("/tokens").text
    assert newer.id != token.id


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"name": "x"}, 422, "at least one is required"),
        ({"name": "", "scope": "fleet:read"}, 422, "name: "),
        ({"name": "x", "scope": "all"}, 422, "scopes: "),
        ({"name": "x", "scope": "fleet:read", "days": "-1"}, 422, "is no number of days"),
        ({"name": "x", "scope": "fleet:read", "days": "99999"}, 422, "days: "),
        ({"name": "x", "scope": "personal:read"}, 403, "no more than Li Wei"),
    ],
)
def test_a_token_that_cannot_be_is_said_and_what_was_typed_stays(
    admin: TestClient, form: dict[str, str], status: int, says: str
) -> None:
    answer = post(admin, "/tokens", **form)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
    if form.get("scope") == "fleet:read":
        assert re.search(r'value="fleet:read" checked', answer.text)


def test_a_site_is_described_in_both_languages(house: House, admin: TestClient) -> None:
    said = {"name_en": "Airport", "name_zh": "机场", "region": "east", "customer": "ACME"}
    said |= {"address": "1 Road", "lat": "31.1443", "lon": "121.8083", "zone": "Asia/Shanghai"}
    page = post(admin, "/sites/pudong", **said).text
    assert "Saved." in page and 'value="31.1443"' in page
    item = admin.get("/api/v1/sites/pudong").json()
    assert item == {
        "id": "pudong",
        "name": {"en": "Airport", "zh": "机场"},
        "region": "east",
        "customer": "ACME",
        "address": "1 Road",
        "lat": 31.1443,
        "lon": 121.8083,
        "zone": "Asia/Shanghai",
        "type": "",
    }
    assert "机场" in admin.get("/sites?lang=zh").text
    assert "Airport" in admin.get("/sites?lang=en").text
    post(admin, "/sites/pudong", name_en="Airport")
    assert admin.get("/api/v1/sites/pudong").json()["lat"] is None, "what is emptied is not known any more"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"lat": "91"}, "lat: "),
        ({"lon": "east"}, "lon: "),
        ({"lat": "nan"}, "lat: "),
        ({"zone": "Mars/X"}, "zone: "),
    ],
)
def test_what_cannot_be_said_of_a_site_is_refused_and_stays_typed(
    admin: TestClient, form: dict[str, str], says: str
) -> None:
    answer = post(admin, "/sites/jingan", customer="ACME", **form)
    assert (answer.status_code, says in answer.text) == (422, True)
    assert 'value="ACME"' in answer.text and f'value="{next(iter(form.values()))}"' in answer.text


def test_a_site_is_added_once(admin: TestClient) -> None:
    for site_id in ("", "a b", "é", "x" * 65, "a/b"):
        assert post(admin, "/sites", id=site_id, name_en="x").status_code == 422, site_id
    assert "Saved" not in post(admin, "/sites", id="to-come", name_en="To come").text
    assert admin.get("/sites/to-come").status_code == 200
    answer = post(admin, "/sites", id="to-come")
    assert (answer.status_code, "already" in answer.text) == (409, True)
    assert admin.get("/sites/nowhere", headers=HTML).status_code == 404


def test_a_manager_describes_their_own_sites_alone(house: House) -> None:
    manager = signed_in(house, RoleAt(Role.MANAGER, Scope.SITE, "jingan"), email="m@example.org")
    manager.headers["csrf-of-tests"] = csrf_of(manager)
    page = manager.get("/sites").text
    assert "jingan" in page and "pudong" not in page and 'action="/sites"' not in page
    assert post(manager, "/sites/jingan", name_en="Temple").status_code == 200
    for path in ("/sites/pudong", "/sites/to-come"):
        assert post(manager, path, name_en="x").status_code == 404
        assert manager.get(path, headers=HTML).status_code == 404
    assert post(manager, "/sites", id="more").status_code == 404
    assert manager.get("/tokens", headers=HTML).status_code == 403
    assert 'href="/tokens"' not in page and 'href="/sites"' in page
    viewer = signed_in(house, RoleAt(Role.VIEWER), email="v@example.org")
    assert viewer.get("/sites", headers=HTML).status_code == 403


def test_every_permission_has_words_in_both_languages() -> None:
    for permission in Permission:
        assert word("permission", permission, "en") != permission
        assert not word("permission", permission, "zh").isascii()
