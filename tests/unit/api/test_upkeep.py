"""Maintenance and inspections in the API and on pages."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, House, add_device, client_of, open_house
from sqlalchemy import update

from fleet.clock import DAY_MS
from fleet.principals import Principal, PrincipalKind
from fleet.service import InspectionLevel
from storage.records.devices import Device
from storage.records.inspections import Finished, add_inspections

HTML = {"accept": "text/html"}
LI = Principal(PrincipalKind.PERSON, "7", "Li")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yield a house of three robots whose maintenance was reckoned; tests leave each other's robots alone."""
    with open_house(tmp_path_factory.mktemp("house")) as made:
        for number, site in enumerate(("hongqiao", "pudong", "jingan"), 1):
            add_device(made, f"R{number}", site=site)
        made.app.state.services.work.maintenance.tick()
        yield made


@pytest.fixture(scope="module")
def client(house: House) -> TestClient:
    return client_of(house)


@pytest.fixture
def planned(house: House) -> House:
    house.clock.ms = NOW
    return house


def test_what_is_due_is_listed_by_date_and_left_out_for_a_reason(planned: House, client: TestClient) -> None:
    items = client.get("/api/v1/maintenance").json()["items"]
    assert [each["due_at"] for each in items] == sorted(each["due_at"] for each in items)
    assert {each["plan"] for each in items} == {"quarter", "half", "year"} and len(items) == 9
    assert items[0]["name"]["zh"].endswith("保养") and not items[0]["overdue"]
    at_jingan = client.get("/api/v1/maintenance?site=jingan&limit=2").json()
    assert {each["device_id"] for each in at_jingan["items"]} == {"R3"}
    following = client.get(f"/api/v1/maintenance?site=jingan&limit=2&cursor={at_jingan['next_cursor']}")
    assert len(following.json()["items"]) == 1
    refused = client.post("/api/v1/devices/R1/maintenance/weekly/skip", json={"reason": "why"})
    assert refused.status_code == 422 and "allowed: quarter, half, year" in refused.json()["detail"]
    assert client.post("/api/v1/devices/R1/maintenance/year/skip", json={"reason": ""}).status_code == 422
    assert client.post("/api/v1/devices/R1/maintenance/year/skip", json={"reason": "x"}).status_code == 204
    (due,) = client.get("/api/v1/maintenance?device=R1&plan=year").json()["items"]
    assert due["due_at"] == "2027-11-22T08:00:00.000Z"


def test_an_inspection_is_done_by_its_form_and_counts_for_the_engineer(
    planned: House, client: TestClient
) -> None:
    number = planned.tickets.report("R1", "brush_jam", LI, "it squeals")
    case = Finished(number, "pudong", "R1", "7", "Li")
    with planned.desk.transaction() as session:
        add_inspections(session, InspectionLevel.LEADER, [case], NOW - 9 * DAY_MS, NOW - DAY_MS)
        add_inspections(session, InspectionLevel.SELF, [case], NOW, NOW + DAY_MS)
    (leader,) = client.get("/api/v1/inspections?overdue=true").json()["items"]
    assert (leader["level"], leader["engineer_name"], leader["overdue"]) == ("leader", "Li", True)
    address = f"/api/v1/inspections/{leader['id']}"
    wrong = client.put(address, json={"items": ["leader.colour"]})
    assert wrong.status_code == 422 and "allowed: leader.diagnosis" in wrong.json()["detail"]
    done = client.put(address, json={"items": ["leader.diagnosis"], "remark": "thin"}).json()
    assert (done["score"], [item["ok"] for item in done["items"]]) == (30, [True, False, False, False])
    assert client.put(address, json={"items": []}).status_code == 409
    (own,) = client.get("/api/v1/inspections?open=true&ticket=" + str(number)).json()["items"]
    refused = client.post(f"/inspections/{own['id']}?lang=zh", data={"ok": "self.run"})
    assert refused.status_code == 403 and "自检由该工单的工程师 Li 完成" in refused.text
    assert client.get("/api/v1/inspections/scores").json()["items"] == [
        {"engineer": "7", "name": "Li", "inspections": 1, "mean": 30.0}
    ]
    page = client.get("/inspections?lang=zh&open=false", headers=HTML).text
    assert "组长抽检" in page and "30.0" in page


def test_a_repairs_page_shows_what_is_due_too(planned: House, client: TestClient) -> None:
    planned.clock.ms = NOW + 60 * DAY_MS
    number = planned.tickets.report("R2", "brush_jam", LI, "it squeals")
    page = client.get(f"/tickets/{number}?lang=zh", headers=HTML).text
    assert "同时该做保养" in page
    hint = planned.app.state.services.work.maintenance.hints(planned.tickets.read(number))[0]
    assert client.post(f"/api/v1/tickets/{number}/maintenance/{hint.plan.id}").status_code == 204
    again = client.post(f"/api/v1/tickets/{number}/maintenance/{hint.plan.id}")
    assert again.status_code == 409 and "not due soon" in again.json()["detail"]


def test_a_ticket_of_maintenance_says_what_is_due_and_what_the_customer_can_do(
    planned: House, client: TestClient
) -> None:
    planned.clock.ms = NOW + 91 * DAY_MS
    with planned.desk.transaction() as session:
        session.execute(update(Device).values(last_seen=planned.clock.ms))
    assert planned.app.state.services.work.maintenance.tick() >= 3
    items = client.get("/api/v1/tickets?kind=maintenance").json()["items"]
    assert {each["fault"] for each in items} == {"maintenance"}
    (quarter,) = client.get("/api/v1/maintenance?device=R3&plan=quarter").json()["items"]
    page = client.get(f"/tickets/{quarter['ticket_id']}?lang=zh", headers=HTML).text
    assert "季度保养" in page and "您可先自行处理" in page and "客户保养提醒" in page
    assert "季度保养" in client.get("/maintenance?lang=zh&overdue=true", headers=HTML).text
