"""The pages of incidents: the list, one incident with its members, and what people do about it there."""

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, NOW, House, add_device, anonymous, csrf_of, signed_in
from helpers.care_rows import add_incident, add_member, end_incident

from fleet.clock import HOUR_MS
from fleet.grants import Role
from fleet.people import RoleAt, Scope

_MANY = 60


@pytest.fixture
def number(house: House) -> int:
    """Return an incident of a site with more members than a page shows."""
    with house.desk.transaction() as session:
        made = add_incident(session, "hongqiao", "R1", NOW)
        for each in range(_MANY):
            add_member(session, made, f"D{each:02}", "hongqiao", NOW + each)
    return made


@pytest.fixture
def manager(house: House) -> TestClient:
    return signed_in(house, RoleAt(Role.MANAGER, Scope.SITE, "hongqiao"))


@pytest.mark.parametrize(
    ("language", "evidence", "chance"),
    [
        ("en", "9 of 10 devices at site hongqiao got it within 10 min.", "once in 10¹² such times"),
        ("zh", "站点 hongqiao：10 台设备中有 9 台在 10 分钟内出现。", "每 10¹² 个同样长的时段"),
    ],
)
def test_an_incidents_page_says_on_what_evidence_and_lists_its_members_in_pages(
    manager: TestClient, number: int, language: str, evidence: str, chance: str
) -> None:
    page = manager.get(f"/incidents/{number}?lang={language}", headers=HTML).text
    assert evidence in page and chance in page
    assert "D00" in page and "D59" not in page
    following = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "D59" in manager.get(following, headers=HTML).text


def test_the_list_shows_open_ones_and_those_that_are_over(
    house: House, manager: TestClient, number: int
) -> None:
    assert f'href="/incidents/{number}"' in manager.get("/incidents", headers=HTML).text
    assert f'href="/incidents/{number}"' not in manager.get("/incidents?show=over", headers=HTML).text
    with house.desk.transaction() as session:
        end_incident(session, number, NOW + HOUR_MS)
    assert f'href="/incidents/{number}"' not in manager.get("/incidents", headers=HTML).text
    assert f'href="/incidents/{number}"' in manager.get("/incidents?show=over", headers=HTML).text
    over = manager.get(f"/incidents/{number}", headers=HTML).text
    assert "all its devices are well again" in over
    assert "/acknowledge" not in over, "what is over is taken care of by nobody"


def test_it_is_taken_care_of_for_as_long_as_one_says_and_a_colleague_reads_who_does(
    house: House, manager: TestClient, number: int
) -> None:
    path = f"/incidents/{number}"
    form = {"csrf": csrf_of(manager), "why": "calling them", "long": "4h", "back": "incident"}
    done = manager.post(f"{path}/acknowledge", data=form, headers=HTML)
    assert done.status_code == 200 and "You take care of it until 22 Nov 12:00 UTC." in done.text
    other = signed_in(house, RoleAt(Role.MANAGER), email="bo@example.org")
    late = other.post(f"{path}/acknowledge", data=form | {"csrf": csrf_of(other), "long": ""}, headers=HTML)
    assert late.status_code == 409
    assert "takes care of it until 22 Nov 12:00 UTC." in late.text
    late = other.post(f"{path}/acknowledge?lang=zh", data=form | {"csrf": csrf_of(other), "long": ""})
    assert "已接手处理，有效至 11月22日 12:00 UTC。" in late.text
    assert "is possible from" not in late.text
    more = other.post(f"{path}/acknowledge", data=form | {"csrf": csrf_of(other), "long": "1d"}, headers=HTML)
    assert "acknowledgement extended" in other.get(f"{path}?lang=en", headers=HTML).text, more.text


def test_a_note_stays_with_an_incident(manager: TestClient, number: int) -> None:
    form = {"csrf": csrf_of(manager), "text": "the router was moved"}
    page = manager.post(f"/incidents/{number}/notes", data=form, headers=HTML).text
    assert "the router was moved" in page
    items = manager.get(f"/api/v1/incidents/{number}/notes").json()["items"]
    assert [each["text"] for each in items] == ["the router was moved"]
    blank = manager.post(f"/incidents/{number}/notes", data=form | {"text": " "}, headers=HTML)
    assert blank.status_code == 422


def test_who_is_of_another_site_or_may_only_look_changes_nothing(house: House, number: int) -> None:
    add_device(house, "R2", site="jingan")
    foreign = signed_in(house, RoleAt(Role.MANAGER, Scope.SITE, "jingan"), email="far@example.org")
    assert foreign.get(f"/incidents/{number}", headers=HTML).status_code == 404
    viewer = signed_in(house, RoleAt(Role.VIEWER), email="viewer@example.org")
    assert "/acknowledge" not in viewer.get(f"/incidents/{number}", headers=HTML).text
    assert (
        anonymous(house).get(f"/incidents/{number}", headers=HTML, follow_redirects=False).status_code == 303
    )


def test_incidents_come_in_pages_by_the_api(house: House, manager: TestClient, number: int) -> None:
    with house.desk.transaction() as session:
        end_incident(session, number, NOW + HOUR_MS)
        newer = add_incident(session, "hongqiao", "R1", NOW + HOUR_MS)
    asked = {"show": "all", "limit": "1"}
    first = manager.get("/api/v1/incidents", params=asked).json()
    assert [each["id"] for each in first["items"]] == [newer]
    second = manager.get("/api/v1/incidents", params=asked | {"cursor": first["next_cursor"]}).json()
    assert [each["id"] for each in second["items"]] == [number]
    assert second["next_cursor"] is None
