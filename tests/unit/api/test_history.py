"""Past cases by the API: each row by itself, and only for who manages the service."""

from collections.abc import Iterator

import pytest
from helpers.api import NOW, House, add_device, client_of, open_house

from fleet.clock import DAY_MS, to_rfc3339
from fleet.grants import Permission
from storage.records.repairs import confirmed_repairs

PATH = "/api/v1/history/cases"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        add_device(made, "R1", site="pudong")
        yield made


def test_each_case_is_taken_or_refused_by_itself_and_once(house: House) -> None:
    manager = client_of(house, Permission.FLEET_READ, Permission.SERVICE_MANAGE)
    opened = to_rfc3339(NOW - 2 * DAY_MS)
    good = {
        "device_id": "R1",
        "faults": ["brush_jam"],
        "opened": opened,
        "repaired": to_rfc3339(NOW - DAY_MS),
    }
    body = {"cases": [good, {"device_id": "R9", "faults": ["brush_jam"], "opened": opened}]}
    looked = manager.post(PATH, json=body | {"dry_run": True})
    assert (looked.status_code, looked.json()["counts"]) == (200, {"new": 1, "known": 0, "refused": 1})
    assert confirmed_repairs(house.desk).is_empty()
    said = manager.post(PATH, json=body).json()
    assert said["counts"] == {"new": 1, "known": 0, "refused": 1}
    assert said["items"][1]["reason"] == 'device: there is no device "R9"'
    assert manager.get(f"/api/v1/tickets/{said['items'][0]['ticket_id']}").json()["state"] == "confirmed"
    assert manager.post(PATH, json=body).json()["counts"] == {"new": 0, "known": 1, "refused": 1}


def test_a_misspelt_key_is_refused(house: House) -> None:
    manager = client_of(house, Permission.FLEET_READ, Permission.SERVICE_MANAGE)
    case = {"device_id": "R1", "opened": to_rfc3339(NOW - DAY_MS), "fault": "brush_jam"}
    assert manager.post(PATH, json={"cases": [case]}).status_code == 422
