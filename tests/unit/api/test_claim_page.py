"""The console's page of claiming a device: what is refused says why and keeps what was entered."""

from collections.abc import Iterator
from html import unescape

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, csrf_of, open_house, signed_in

from access.devices.claims import Claims
from fleet.grants import Role
from fleet.people import RoleAt, Scope
from fleet.principals import schedule
from fleet.signals import Kind
from storage.records.device_credentials import credentials_of


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        for device, site in (("R1", "pudong"), ("R2", "jingan")):
            add_device(made, device, site=site)
        yield made


@pytest.fixture(scope="module")
def manager(house: House) -> TestClient:
    return signed_in(house, RoleAt(Role.MANAGER, Scope.SITE, "pudong"), email="manager@example.org")


def offered(house: House, serial: str) -> str:
    claims = Claims(house.desk, house.clock, house.app.state.services.devices)
    return claims.offer([serial], Kind.ROBOT, "CR-200", schedule("tests"))[0].code


def claim(client: TestClient, language: str = "en", **form: str) -> tuple[int, str]:
    client.get("/claim", params={"lang": language})
    answer = client.post("/claim", data={"csrf": csrf_of(client), **form}, headers=HTML)
    return answer.status_code, unescape(answer.text)


def test_whoever_has_the_label_claims_a_device_and_sees_its_password_once(
    house: House, manager: TestClient
) -> None:
    code = offered(house, "S-1")
    status, page = claim(manager, serial=" S-1 ", code=code.lower(), site="pudong", id="lobby")
    assert status == 200
    assert "shown only this once" in page
    with house.desk.transaction() as session:
        assert len(credentials_of(session, "lobby")) == 1
    assert claim(manager, serial="S-1", code=code, site="pudong", id="lobby")[0] == 404


def test_what_is_refused_says_why_and_keeps_what_was_entered(house: House, manager: TestClient) -> None:
    code = offered(house, "S-2")
    status, page = claim(manager, serial="S-2", code="WRONG", site="pudong")
    assert status == 404
    assert "no device has this serial number and code" in page
    assert 'value="S-2"' in page
    assert "序列号与代码不匹配" in claim(manager, "zh", serial="S-2", code="WRONG", site="pudong")[1]
    status, page = claim(manager, serial="S-2", code=code, site="jingan")
    assert status == 422
    assert "there is no site" in page
    status, page = claim(manager, serial="S-2", code=code, site="pudong", id="R1")
    assert status == 200, "a device that came before its credential is given one"
    assert 'href="/devices/R1"' in page


def test_only_ones_own_sites_are_offered_and_only_to_whoever_lets_devices_in(
    house: House, manager: TestClient
) -> None:
    page = manager.get("/claim", headers=HTML).text
    assert 'value="pudong"' in page
    assert "jingan" not in page
    engineer = signed_in(house, RoleAt(Role.ENGINEER), email="engineer@example.org")
    assert engineer.get("/claim", headers=HTML).status_code == 403
    assert 'href="/claim"' not in engineer.get("/", headers=HTML).text
    assert 'href="/claim"' in manager.get("/", headers=HTML).text
