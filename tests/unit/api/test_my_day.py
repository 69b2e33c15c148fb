"""An engineer's own day on their phone, and who is away: pages and API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, NOW, House, add_device, client_of, csrf_of, open_house, signed_in

from desk.dispatch.assigning import Sent
from desk.parts.stock import Moving
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.customers import Contact, Customer
from fleet.engineers import Engineer
from fleet.grants import Role
from fleet.part_catalogue import Part
from fleet.people import RoleAt
from fleet.principals import person, schedule
from fleet.sites import Site
from fleet.stock import PlaceKind, StockPlace
from fleet.text import Text
from fleet.tickets import TicketState as T
from storage.records.customers import keep_customer
from storage.records.engineers import keep_engineer
from storage.records.people import person_by_email
from storage.records.sites import describe_site

LI = person("li")
HERE = (31.23, 121.47)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, dispatch={"planner": "insertion", "cpu_s": 0.2}) as made:
        add_device(made, "R1", site="pudong")
        add_device(made, "R2", site="pudong")
        with made.desk.transaction() as session:
            keep_customer(session, Customer("acme", contact=Contact("Ann", "+86 21 555", "ann@x.example")))
            describe_site(
                session,
                Site("pudong", Text("Pudong hall", "浦东馆"), "", "acme", "1 Century Ave", *HERE),
            )
        by, stock = schedule("tests"), made.app.state.services.parts.stock
        made.services.service.part(Part("brush-bearing"), by)
        for place, kind in (("van", PlaceKind.VAN), ("depot", PlaceKind.DEPOT)):
            stock.place(StockPlace(place, kind), by)
            stock.receive(Moving(place, "brush-bearing", 4), by)
        yield made


@pytest.fixture
def phone(house: House) -> TestClient:
    client = signed_in(house, RoleAt(Role.ENGINEER), email="chen@example.org")
    with house.desk.transaction() as session:
        known = person_by_email(session, "chen@example.org")
        assert known is not None
        keep_engineer(
            session,
            Engineer("chen", "Chen", known.id, skills=frozenset({"mechanical"}), van="van", home=HERE),
        )
    client.headers.update(HTML)
    return client


def visit(house: House, device: str = "R1", after: int = HOUR_MS) -> int:
    number = house.tickets.report(device, "brush_jam", LI, "it rattles")
    assigning = house.app.state.services.dispatch.assigning
    assigning.assign(number, Sent("chen", NOW + after, 20 * MINUTE_MS), LI)
    return number


def press(phone: TestClient, address: str, **fields: str) -> int:
    said = {"csrf": csrf_of(phone), **fields}
    return phone.post(address, data=said, follow_redirects=False).status_code


def test_a_day_shows_where_when_what_and_with_what(house: House, phone: TestClient) -> None:
    number = visit(house)
    page = phone.get("/my-day").text
    for shown in ("Pudong hall", "1 Century Ave", "+86 21 555", "1 ×", "van", f"#{number}", "Accept"):
        assert shown in page, shown
    assert 'href="/my-day"' in phone.get("/tickets").text
    chinese = phone.get("/my-day", headers={"accept-language": "zh-CN"}).text
    assert "我的一天" in chinese and "浦东馆" in chinese and "接单" in chinese


def test_buttons_move_a_visit_on_to_where_the_case_asks_what_was_wrong(
    house: House, phone: TestClient
) -> None:
    number = visit(house)
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        assert press(phone, f"/my-day/{number}", state=state) == 303
    page = phone.get("/my-day").text
    assert "Done: say what was wrong" in page
    assert press(phone, f"/my-day/{number}", state="repaired") == 422
    assert press(phone, f"/my-day/{number}", state="nonsense") == 422
    assert press(phone, "/my-day/999", state="accepted") == 404


def test_what_else_is_there_is_offered_and_done_in_the_same_visit(house: House, phone: TestClient) -> None:
    number = visit(house)
    other = house.tickets.report("R2", "brush_jam", LI, "so does this one")
    assert "While you are here" not in phone.get("/my-day").text
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        press(phone, f"/my-day/{number}", state=state)
    assert "While you are here" in phone.get("/my-day").text
    api = client_of(house)
    (offer,) = api.get(f"/api/v1/tickets/{number}/on-the-spot").json()["items"]
    assert (offer["ticket_id"], offer["what"], offer["hindered"]) == (other, "reported", None)
    assert press(phone, f"/my-day/{number}/on-the-spot", other=str(other), device="R2") == 303
    page = phone.get("/my-day").text
    assert page.count('id="visit-') == 2
    assert press(phone, f"/my-day/{number}/on-the-spot", other=str(other), device="R2") == 409
    assert "is there anyway" in api.get(f"/tickets/{other}", headers=HTML).text
    assert api.post(f"/api/v1/tickets/{number}/on-the-spot", json={"ticket_id": other}).status_code == 409


def test_tomorrow_the_van_takes_along_what_it_lacks(house: House, phone: TestClient) -> None:
    stock = house.app.state.services.parts.stock
    stock.move(Moving("van", "brush-bearing", 4, to="depot"), schedule("tests"))
    visit(house, after=DAY_MS + HOUR_MS)
    page = phone.get("/my-day").text
    assert "For tomorrow" in page and "Take along" in page


def test_who_is_no_engineer_is_told_so(house: House) -> None:
    manager = signed_in(house, RoleAt(Role.MANAGER), email="m@example.org")
    manager.headers.update(HTML)
    assert "No engineer has your account" in manager.get("/my-day").text
    assert 'href="/my-day"' not in manager.get("/tickets").text


def test_an_engineer_who_is_away_is_planned_for_nothing(house: House, phone: TestClient) -> None:
    manager = signed_in(house, RoleAt(Role.MANAGER), email="m@example.org")
    manager.headers.update(HTML)
    said = {"csrf": csrf_of(manager), "first": "2026-11-22", "last": "2026-11-23"}
    answer = manager.post("/engineers/chen/absences", data=said, follow_redirects=False)
    assert answer.status_code == 303
    assert "You are away" in phone.get("/my-day").text
    assert "away until" in manager.get("/dispatch").text
    api = client_of(house)
    (kept,) = api.get("/api/v1/engineers/chen/absences").json()["items"]
    wrong = said | {"last": "2026-11-01"}
    assert manager.post("/engineers/chen/absences", data=wrong).status_code == 422
    assert manager.post("/engineers/chen/absences", data=said | {"first": "x"}).status_code == 422
    path = f"/engineers/chen/absences/{kept['id']}/end"
    assert manager.post(path, data={"csrf": said["csrf"]}, follow_redirects=False).status_code == 303
    assert api.get("/api/v1/engineers/chen/absences").json()["items"] == []


def test_a_plan_that_waits_stands_on_the_day_with_its_cause(house: House, phone: TestClient) -> None:
    house.tickets.report("R1", "brush_jam", LI, "it rattles")
    with house.desk.transaction() as session:
        keep_engineer(
            session,
            Engineer(
                "chen",
                "Chen",
                skills=frozenset({"mechanical"}),
                van="van",
                home=HERE,
                shifts={"sun": ("07:00-20:00",)},
            ),
        )
    (made,) = house.services.replanner.tick()
    manager = signed_in(house, RoleAt(Role.MANAGER), email="m@example.org")
    manager.headers.update(HTML)
    board = manager.get("/dispatch").text
    assert "waits to be applied" in board and "a new case (#1)" in board
    assert "Planned anew because" in manager.get(f"/dispatch/plans/{made.id}").text
    found = client_of(house).get("/api/v1/dispatch/plans").json()["items"]
    assert [each["causes"] for each in found] == [[{"cause": "new_case", "ticket_id": 1, "engineer": ""}]]
