"""The pages of on-call duty: who, gaps in words, overrides by the schedule's clock, the plan."""

import re

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, NOW, House, csrf_of, signed_in
from httpx2 import Response

from fleet.grants import Role
from fleet.people import RoleAt, Scope
from fleet.principals import schedule
from storage.records.people import add_person, disable

PLAN = """\
schedules:
  - name: night
    zone: Asia/Shanghai
    sites: [hongqiao]
    layers:
      - {name: main, people: [ada@x.org, bo@x.org], start: 2026-11-16, every: week,
         handover: mon 08:00, hours: "18:00-08:00"}
"""


@pytest.fixture
def planned(house: House) -> House:
    """Return a house with a plan. It is 16:00 on Sunday in Shanghai, Ada's week."""
    with house.desk.transaction() as session:
        for email, name in (("ada@x.org", "Ada"), ("bo@x.org", "Bo")):
            add_person(session, email, name, NOW, [])
    house.app.state.services.planning.apply(PLAN, 0, schedule("tests"), "first plan")
    return house


def page(client: TestClient, path: str = "/duty", language: str = "en") -> str:
    answer = client.get(f"{path}?lang={language}", headers=HTML)
    assert answer.status_code == 200
    plain = re.sub(r"<[^>]+>", " ", answer.text.split("<main", 1)[1])
    return " ".join(plain.split())


def post(client: TestClient, path: str, **form: str) -> Response:
    return client.post(path, data={"csrf": csrf_of(client), **form}, headers=HTML, follow_redirects=False)


HOURS = {"schedule": "night", "begins": "2026-11-22T17:00", "ends": "2026-11-22T19:00", "reason": "swap"}


def test_gaps_and_the_next_shift_stand_in_words_by_the_schedules_clock(planned: House) -> None:
    admin = signed_in(planned)
    text = page(admin)
    assert "night times of Asia/Shanghai" in text
    assert "Now: nobody the schedule has nobody then · somebody again from Sun 22 Nov 18:00" in text
    assert "nobody on call Mon 23 Nov 08:00 – 18:00" in text
    assert "Mon 23 Nov 00:00–08:00 Ada 08:00–18:00 nobody the schedule has nobody then 18:00–24:00 Bo" in text
    chinese = page(admin, language="zh")
    assert "当前： 无人 该时段未排班 · 恢复值班： 11月22日周日 18:00" in chinese


def test_an_override_of_which_a_later_one_takes_a_part_says_so(planned: House) -> None:
    admin = signed_in(planned)
    post(admin, "/duty/overrides", **HOURS, person="bo@x.org")
    assert "A later override" not in page(admin)
    post(admin, "/duty/overrides", **HOURS | {"begins": "2026-11-22T18:00"}, person="ada@x.org")
    text = page(admin)
    assert text.count("A later override takes a part of these hours.") == 1
    assert text.index(": Bo ·") < text.index("A later override") < text.index(": Ada ·")
    assert "17:00–18:00 Bo override 18:00–19:00 Ada override" in text


def test_whoever_left_is_named_in_the_gap(planned: House) -> None:
    with planned.desk.transaction() as session:
        disable(session, 1, NOW)
    assert "Ada: may not sign in any more" in page(signed_in(planned))


def test_hours_are_taken_by_the_schedules_clock_and_given_back(planned: House) -> None:
    admin = signed_in(planned)
    answer = post(admin, "/duty/overrides", **HOURS, person="bo@x.org")
    assert (answer.status_code, answer.headers["location"]) == (303, "/duty?saved=1")
    text = page(admin)
    assert "Sun 22 Nov 17:00 – 19:00 CST : Bo · swap Li Wei" in text
    assert "17:00–19:00 Bo override 19:00–24:00 Ada" in text
    assert post(admin, "/duty/overrides/1/end", reason="back").status_code == 303
    assert "17:00–19:00" not in page(admin)
    refused = post(admin, "/duty/overrides/1/end", reason="again")
    assert refused.status_code == 409
    assert "override 1 is over already" in refused.text


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "person: give an e-mail address"),
        ({"person": "eve@x.org"}, "nobody with the address"),
        ({"nobody": "yes", "ends": "2026-11-22T16:00"}, "the begin or now, within 400 days"),
        ({"nobody": "yes", "begins": "soon"}, "begins: write a time"),
        ({"nobody": "yes", "begins": "2026-13-22T16:00"}, "begins: write a time"),
        ({"nobody": "yes", "reason": " "}, "a reason is required"),
    ],
)
def test_what_cannot_be_taken_is_said_and_the_form_is_kept(
    planned: House, form: dict[str, str], says: str
) -> None:
    answer = post(signed_in(planned), "/duty/overrides", **(HOURS | form))
    assert answer.status_code == 422
    assert says in answer.text
    assert 'value="2026-11-22T' in answer.text


def test_a_plan_is_checked_and_put_in_force(planned: House) -> None:
    admin = signed_in(planned)
    wrong = PLAN.replace("every: week", "every: fortnight").replace("\n", "\r\n")
    answer = post(admin, "/duty/plan", text=wrong, after="1", do="apply", reason="try")
    assert answer.status_code == 422
    assert "plan:6: schedules.night.layers.main.every: " in answer.text
    checked = post(admin, "/duty/plan", text=PLAN, after="1", do="check")
    assert "not in force yet" in checked.text
    assert post(admin, "/duty/plan", text="{}", after="1", do="apply", reason="less").status_code == 303
    text = page(admin, "/duty/plan")
    assert "2 in force" in text
    assert "less" in text
    assert "name: night" in admin.get("/duty/plan?version=1", headers=HTML).text
    stale = post(admin, "/duty/plan", text=PLAN, after="1", do="apply", reason="stale")
    assert stale.status_code == 409
    assert "was applied meanwhile" in stale.text


def test_a_viewer_sees_who_is_on_call_and_changes_nothing(planned: House) -> None:
    viewer = signed_in(planned, RoleAt(Role.VIEWER))
    text = page(viewer)
    assert "Ada" in text
    assert "Take hours" not in text
    assert viewer.get("/duty/plan", headers=HTML).status_code == 403


def test_a_sites_manager_takes_hours_and_another_site_sees_nothing(planned: House) -> None:
    ours = signed_in(planned, RoleAt(Role.MANAGER, Scope.SITE, "hongqiao"), email="a@example.org")
    assert "Take hours" in page(ours)
    assert post(ours, "/duty/overrides", **HOURS, nobody="yes").status_code == 303
    with planned.desk.transaction() as session:
        from fleet.sites import Site
        from storage.records.sites import describe_site

        describe_site(session, Site("jfk"))
    others = signed_in(planned, RoleAt(Role.MANAGER, Scope.SITE, "jfk"), email="b@example.org")
    assert "The plan has no schedule of your sites." in page(others)
    assert post(others, "/duty/overrides/1/end", reason="x").status_code == 404


def test_without_a_plan_the_page_says_what_holds(house: House) -> None:
    assert "alerts go to the managers of the site first" in page(signed_in(house))


def test_a_time_of_another_clock_than_the_pages_says_whose_it_is(planned: House) -> None:
    client = signed_in(planned, RoleAt(Role.MANAGER))
    text = page(client)
    assert "Sun 22 Nov 18:00 CST" in text, text
    answer = client.get("/duty?lang=en", headers=HTML).text
    assert "The times of a schedule are by its own clock" in answer
    assert "All times are those of UTC" not in answer
    assert "以各排班旁注明的时区为准" in client.get("/duty?lang=zh", headers=HTML).text
