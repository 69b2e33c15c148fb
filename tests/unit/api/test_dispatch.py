"""Dispatch in the API and on its pages: suggestions, assignments, appointments by link, plans of a day."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.api import HTML, NOW, House, add_device, anonymous, client_of, csrf_of, open_house, signed_in

from fleet.clock import DAY_MS, HOUR_MS, to_rfc3339
from fleet.customers import Contact, Customer
from fleet.engineers import Engineer
from fleet.grants import Role
from fleet.people import RoleAt
from fleet.principals import person
from fleet.sites import Site
from fleet.tickets import TicketState as T
from storage.records.customers import keep_customer
from storage.records.engineers import keep_engineer
from storage.records.sites import describe_site

LI = person("li")
HERE, NORTH = (31.23, 121.47), (31.33, 121.47)


class Town:
    """A house with two robots at one site and two engineers."""

    def __init__(self, house: House) -> None:
        self.house, self.api, self.browser = house, client_of(house), anonymous(house, HTML)
        add_device(house, "R1", site="pudong")
        add_device(house, "R2", site="pudong")
        with house.desk.transaction() as session:
            keep_customer(session, Customer("acme", contact=Contact("Ann", "", "ann@x.example")))
            describe_site(session, Site("pudong", customer="acme", lat=HERE[0], lon=HERE[1]))
            for name, home in (("chen", HERE), ("mia", NORTH)):
                keep_engineer(session, Engineer(name, name, skills=frozenset({"mechanical"}), home=home))

    def case(self, device: str = "R1") -> int:
        return self.house.tickets.report(device, "brush_jam", LI, "it rattles")

    def send(self, number: int, **more: Any) -> Any:
        body = {"engineer": "chen", "arrives": to_rfc3339(NOW + 26 * HOUR_MS), "travel_min": 20} | more
        return self.api.put(f"/api/v1/tickets/{number}/assignment", json=body)

    def page(self, path: str) -> str:
        answer = self.api.get(path, headers=HTML)
        assert answer.status_code == 200, answer.text
        return str(answer.text)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with open_house(tmp_path, dispatch={"planner": "insertion", "cpu_s": 0.2}) as house:
        yield Town(house)


def test_suggestions_say_what_speaks_for_and_against_each(town: Town) -> None:
    number = town.case()
    found = town.api.get(f"/api/v1/tickets/{number}/suggestions").json()
    assert [each["engineer"] for each in found["candidates"]] == ["chen", "mia"]
    assert "nearest" in {point["what"] for point in found["candidates"][0]["points"]}
    page = town.page(f"/tickets/{number}/dispatch")
    assert "the shortest way" in page and "km away" in page and "Send chen" in page
    chinese = town.api.get(f"/tickets/{number}/dispatch", headers=HTML | {"accept-language": "zh-CN"}).text
    assert "路程最短" in chinese and "派 chen" in chinese


def test_an_assignment_is_shown_on_its_case_told_and_called_off(town: Town) -> None:
    number = town.case()
    sent = town.send(number, tell=True)
    assert sent.status_code == 200, sent.text
    assert sent.json()["assignments"][0]["engineer"] == "chen"
    assert sent.json()["appointment"]["state"] == "told"
    page = town.page(f"/tickets/{number}")
    assert "Who goes there" in page and "<b>chen</b>" in page and "told, no answer yet" in page
    assert town.send(town.case("R2")).status_code == 409
    gone = town.api.post(f"/api/v1/tickets/{number}/assignment/release", json={"reason": "ill"})
    assert (gone.json()["assignments"][0]["state"], gone.json()["appointment"]["state"]) == (
        "released",
        "off",
    )
    assert town.api.post(f"/api/v1/tickets/{number}/appointment").status_code == 409


def test_a_customer_confirms_or_moves_by_a_link_and_to_look_records_nothing(town: Town) -> None:
    number = town.case()
    town.send(number, tell=True)
    link = town.api.post(f"/api/v1/tickets/{number}/appointment-link").json()["link"]
    path = link[link.index("/a/") :]
    for _ in range(3):
        assert "Our engineer comes" in town.browser.get(path).text
    town.browser.head(path)
    assert _appointment(town, number)["state"] == "told"
    nothing = town.browser.post(path, data={"answer": "move"}, follow_redirects=False)
    assert nothing.status_code == 422 and "say when it would suit" in nothing.text
    moved = {"answer": "move", "rather": ["after_20", "weekends"], "remark": "children <b>sleep</b>"}
    assert town.browser.post(path, data=moved, follow_redirects=False).status_code == 303
    found = _appointment(town, number)
    assert (found["state"], found["rather"]) == ("move", ["after_20", "weekends"])
    assert "children &lt;b&gt;sleep" in town.page(f"/tickets/{number}")
    assert town.browser.post(path, data={"answer": "confirmed"}, follow_redirects=False).status_code == 303
    town.house.tickets.change_state(number, T.ACCEPTED, LI, "")
    town.house.tickets.change_state(number, T.EN_ROUTE, LI, "")
    late = town.browser.post(path, data=moved, follow_redirects=False)
    assert late.status_code == 409 and "on the way" in late.text
    for wrong in (path[:-1], "/a/", "/a/x", "/f/" + path[3:], "/c/" + path[3:]):
        assert town.browser.get(wrong).status_code == 404


def test_an_appointment_is_written_to_the_customer(town: Town) -> None:
    number = town.case()
    town.send(number, tell=True)
    events = town.api.get(f"/api/v1/tickets/{number}").json()["events"]
    assert "appointment" in [each["what"] for each in events]


def test_a_plan_is_looked_at_and_applied_once(town: Town) -> None:
    one, two = town.case(), town.case("R2")
    sunday = town.api.post("/api/v1/dispatch/plans", json={}).json()
    assert sunday["changes"] == [], "nobody works"
    monday = to_rfc3339(NOW + DAY_MS)[:10]
    made = town.api.post("/api/v1/dispatch/plans", json={"day": monday}).json()
    assert {each["ticket_id"] for each in made["changes"]} == {one, two}
    page = town.page(f"/dispatch/plans/{made['id']}")
    assert "Apply this plan" in page and "who are able" in page
    done = town.api.post(f"/api/v1/dispatch/plans/{made['id']}/apply", json={"tell": True}).json()
    assert done["refused"] == {} and done["applied_at"]
    again = town.api.post(f"/api/v1/dispatch/plans/{made['id']}/apply", json={})
    assert again.status_code == 409
    assert "Apply this plan" not in town.page(f"/dispatch/plans/{made['id']}")
    board = town.page(f"/dispatch?day={monday}")
    assert f"#{one}" in board and f"#{two}" in board
    listed = town.api.get("/api/v1/assignments", params={"day": monday}).json()["items"]
    assert {each["ticket_id"] for each in listed} == {one, two}
    refused = town.api.post("/api/v1/dispatch/plans", json={"day": "2020-01-01"})
    assert (refused.status_code, "from today on" in refused.json()["detail"]) == (422, True)


def test_by_the_pages_a_manager_sends_somebody_with_a_reason(town: Town) -> None:
    number = town.case()
    client = signed_in(town.house, RoleAt(Role.MANAGER))
    form = {"csrf": csrf_of(client), "engineer": "chen", "arrives": "2026-11-23T14:30", "travel_min": "15"}
    bad = client.post(f"/tickets/{number}/dispatch", data=form | {"arrives": "soon"}, follow_redirects=False)
    assert bad.status_code == 422 and "date and a time" in bad.text
    done = client.post(f"/tickets/{number}/dispatch", data=form | {"held": "1"}, follow_redirects=False)
    assert done.status_code == 303, done.text
    found = town.api.get(f"/api/v1/tickets/{number}/assignments").json()["assignments"][0]
    assert (found["arrives"], found["held"]) == ("2026-11-23T14:30:00.000Z", True)
    answer = {"csrf": csrf_of(client), "answer": "move", "rather": "mornings"}
    client.post(f"/tickets/{number}/appointment", data={"csrf": csrf_of(client)})
    told = client.post(f"/tickets/{number}/appointment/answer", data=answer, follow_redirects=False)
    assert told.status_code == 303, told.text
    assert _appointment(town, number)["rather"] == ["mornings"]
    for wrong in ({"travel_min": "-1"}, {"engineer": "nobody"}, {"helper": "chen"}):
        assert client.post(f"/tickets/{number}/dispatch", data=form | wrong).status_code in (404, 422)


def test_an_empty_house_says_what_is_missing(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        add_device(house, "R1", site="nowhere")
        number = house.tickets.report("R1", "brush_jam", LI, "it rattles")
        api = client_of(house)
        page = api.get(f"/tickets/{number}/dispatch", headers=HTML).text
        assert "nobody said where its site is" in page and "There is nobody to send" in page
        assert "No engineer is described yet" in api.get("/dispatch", headers=HTML).text
        made = api.post("/api/v1/dispatch/plans", json={}).json()
        assert [each["why"] for each in made["left"]] == ["no_position"]


def _appointment(town: Town, number: int) -> dict[str, Any]:
    found: dict[str, Any] = town.api.get(f"/api/v1/tickets/{number}/assignments").json()["appointment"]
    return found


def test_days_are_walked_through(town: Town) -> None:
    town.send(town.case())
    tomorrow = to_rfc3339(NOW + DAY_MS)[:10]
    assert "chen" in town.page(f"/dispatch?day={tomorrow}")
    assert town.api.get("/dispatch?day=2026-13-01", headers=HTML).status_code == 422


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_at_the_end_of_the_calendar_is_refused_in_words(town: Town, day: str) -> None:
    boss = signed_in(town.house, RoleAt(Role.MANAGER), email="manager@example.org")
    for address in ("/dispatch", "/my-day", "/api/v1/assignments", "/api/v1/dispatch/plans"):
        assert town.api.get(address, params={"day": day}).status_code == 422, address
    assert town.api.get("/api/v1/stock/van-lists", params={"day": day}).status_code == 422
    said = {"csrf": csrf_of(boss), "day": day, "begins": day, "ends": day}
    for address in ("/dispatch/plans", "/engineers/chen/absences"):
        assert boss.post(address, data=said).status_code == 422, address
