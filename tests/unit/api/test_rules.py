"""Rules in the API and on their pages: looked at, checked, tried, kept as versions, put to work."""

import html
import re

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_readings, signed_in

from alerts.judging.rule_file import rules_text
from fleet.events import Subject
from fleet.grants import Role
from fleet.people import RoleAt
from fleet.principals import schedule
from storage.records.events import events_of

V1 = "/api/v1/rules"
SMALL = rules_text()[: rules_text().index("  # Its level is that of the code")]
WARM = SMALL.replace("when: battery_temp_c >= 60", "when: battery_temp_c >= 30").replace("< 52", "< 28")

SPILLED = """
  - name: spilled
    kind: robot
    fault: water_leak
    level: L3
    when: event one of spilled_water, eror
    clear: event error_cleared
    opens_ticket: false
    text: {en: It spilled., zh: 洒水了。}
"""


def page_of(text: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", text))


def test_the_rules_at_work_are_listed_with_what_they_raised(client: TestClient) -> None:
    found = client.get(V1).json()
    assert found["version"] == 0
    hot = next(each for each in found["items"] if each["name"] == "battery_hot")
    assert (hot["when"], hot["clear"], hot["for_s"]) == ("battery_temp_c >= 60", "battery_temp_c < 52", 30)
    assert (hot["raised_7d"], hot["examples"]) == (0, 2)
    assert (hot["only"], hot["months"], hot["hours"], hot["stuck_s"]) == ({}, [], None, None)
    clogged = next(each for each in found["items"] if each["levels"] == {"L2": "filter_clog_pct >= 98"})
    assert clogged["level"] == "L3"
    (by_age,) = [each for each in found["items"] if each["only"]][:1]
    assert by_age["only"] == {"not_group": ["worn_under_40", "worn_over_55"]} and by_age["stuck_s"] == 120


def test_an_event_that_is_nearly_called_as_a_known_one_is_doubted(
    client: TestClient, manager: TestClient
) -> None:
    found = client.post(f"{V1}/check", json={"document": SMALL + SPILLED}).json()
    assert (found["usable"], found["mistakes"]) == (True, [])
    assert found["doubts"] == ['rules.spilled: event "eror" is in no rule that ships; did you mean error?']
    csrf = csrf_of(manager.get("/rules/edit", headers=HTML).text)
    form = {"csrf": csrf, "document": SMALL + SPILLED, "step": "check"}
    shown = manager.post("/rules/edit", data=form, headers=HTML).text
    assert "To look at again" in shown and "did you mean error?" in shown
    assert client.post(f"{V1}/check", json={"document": SMALL}).json()["doubts"] == []


def test_a_check_names_each_mistake_with_its_line_and_keeps_nothing(client: TestClient) -> None:
    wrong = SMALL.replace("when: battery_temp_c", "when: battery_tmp_c")
    found = client.post(f"{V1}/check", json={"document": wrong}).json()
    (mistake,) = found["mistakes"]
    assert not found["usable"]
    assert wrong.splitlines()[mistake["line"] - 1].strip() == "when: battery_tmp_c >= 60"
    assert "did you mean battery_temp_c" in mistake["text"]
    fine = client.post(f"{V1}/check", json={"document": WARM}).json()
    assert (fine["usable"], fine["rules"]) == (True, 2)
    changed = next(each for each in fine["changes"] if each["rule"] == "battery_hot")
    assert [each["key"] for each in changed["keys"]] == ["when", "clear"]
    assert [each["number"] for each in client.get(f"{V1}/versions").json()["items"]] == [0]


def test_examples_are_tried(client: TestClient) -> None:
    fine = client.post(f"{V1}/test", json={"document": SMALL}).json()
    assert fine["holds"]
    failing = client.post(f"{V1}/test", json={"document": WARM}).json()
    bad = [each for each in failing["items"] if not each["holds"]]
    assert (failing["holds"], bad[0]["rule"], bad[0]["expected"][0]) == (False, "battery_hot", "pending")


def test_a_proposed_document_is_tried_on_the_past_before_against_after(
    house: House, client: TestClient
) -> None:
    """Given a week of a robot that warms up to 32 degrees, the lower threshold would have told of it."""
    nothing = client.post(f"{V1}/backtest", json={"document": WARM, "days": 7})
    assert (nothing.status_code, "nothing to replay" in nothing.json()["detail"]) == (409, True)
    add_readings(house, "R1", days=7)
    asked = {"document": WARM, "days": 7, "rule": "battery_hot"}
    found = client.post(f"{V1}/backtest", json=asked).json()
    assert found["readings_every_s"] == 600
    (hot,) = found["rules"]
    assert hot["before"]["alerts"] == 0
    assert hot["after"]["alerts"] >= 3
    assert hot["after"]["most"][0]["device_id"] == "R1"
    others = client.post(f"{V1}/backtest", json=asked | {"devices": ["R9"]}).json()
    assert others["rules"][0]["after"]["alerts"] == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "give a document or a version"),
        ({"document": WARM, "version": 0}, "give a document or a version"),
        ({"version": 0, "rule": "battery_hott"}, "did you mean battery_hot"),
        ({"version": 9}, "no version 9"),
        ({"version": 0, "days": 91}, "days"),
        ({"version": 0, "dayz": 1}, "dayz"),
    ],
)
def test_a_backtest_that_cannot_be_asked_for_is_refused(
    client: TestClient, body: dict[str, object], said: str
) -> None:
    answer = client.post(f"{V1}/backtest", json=body)
    assert answer.status_code in (404, 422)
    assert said in answer.text


def test_one_trial_at_a_time(house: House, client: TestClient) -> None:
    with house.app.state.services.trials._alone():
        answer = client.post(f"{V1}/test", json={"document": SMALL})
    assert answer.status_code == 409
    assert "other rules are being tried" in answer.json()["detail"]


def test_a_version_is_kept_put_to_work_with_a_reason_and_taken_back(house: House, client: TestClient) -> None:
    key, asked = {"Idempotency-Key": "once"}, {"document": WARM, "note": "earlier"}
    made = client.post(f"{V1}/versions", json=asked, headers=key)
    again = client.post(f"{V1}/versions", json=asked, headers=key)
    assert again.json() == made.json(), "asked twice, kept once"
    assert (made.status_code, made.json()["number"], made.json()["active"]) == (201, 1, False)
    refused = client.post(f"{V1}/versions/1/activate", json={"reason": "now", "over": 0})
    assert (refused.status_code, "examples fail" in refused.text) == (422, True)
    done = client.post(f"{V1}/versions/1/activate", json={"reason": "now", "over": 0, "force": True})
    assert done.json()["active"]
    assert client.get(V1).json()["version"] == 1
    late = client.post(f"{V1}/versions/0/activate", json={"reason": "back", "over": 0})
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "version 1 is at work by now, not 0; look at what it changed",
    )
    with house.desk.transaction() as session:
        told = events_of(session, Subject.RULES, "1")
    assert [(each.what, each.reason) for each in told] == [("proposed", "earlier"), ("activated", "now")]
    assert client.get(f"{V1}/versions/7").status_code == 404


@pytest.fixture
def manager(house: House) -> TestClient:
    return signed_in(house, RoleAt(Role.MANAGER))


def csrf_of(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found
    return found[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_whole_way_from_an_idea_to_work_goes_by_forms_alone(
    house: House, manager: TestClient, language: str
) -> None:
    """Check, examples, past, version, work: no script is needed, and what was typed stays."""
    add_readings(house, "R1", days=7)
    listed = page_of(manager.get(f"/rules?lang={language}", headers=HTML).text)
    assert {"en": "The battery is dangerously hot.", "zh": "电池温度过高，存在危险。"}[language] in listed
    editor = manager.get("/rules/edit", headers=HTML).text
    csrf = csrf_of(editor)

    def step(name: str, document: str = WARM, **fields: str) -> tuple[int, str, str]:
        given = {"csrf": csrf, "document": document.replace("\n", "\r\n"), "step": name} | fields
        answer = manager.post("/rules/edit", data=given, headers=HTML, follow_redirects=False)
        return answer.status_code, page_of(answer.text), answer.headers.get("location", "")

    status, shown, _ = step("check", WARM.replace("level: L1", "level: L9", 1))
    assert (status, "L9" in shown) == (422, True)
    assert {"en": "Line ", "zh": "第 "}[language] in shown
    assert {"en": "rules.battery_hot.level: allowed: ", "zh": "规则 battery_hot，键 level 有误：可用："}[
        language
    ] in shown
    status, shown, _ = step("check")
    assert (status, "battery_temp_c >= 30" in shown) == (200, True)
    assert {"en": "2 rules can be used", "zh": "2 条规则可用"}[language] in shown
    status, shown, _ = step("test")
    assert {"en": "examples hold", "zh": "个示例中"}[language] in shown
    status, shown, _ = step("backtest", rule="battery_hot", days="7")
    assert (status, 'href="/devices/R1"' in shown) == (200, True)
    assert {"en": "that ended were over within", "zh": "条中，半数在"}[language] in shown
    assert {"en": "replayed in order of time", "zh": "按时间顺序重放"}[language] in shown
    status, shown, _ = step("backtest", rule="battery_hott")
    assert status == 404
    status, shown, _ = step("backtest", days="many")
    assert status == 422
    status, _, location = step("propose", note="earlier")
    assert (status, location) == (303, "/rules/versions/1")
    version = manager.get(location, headers=HTML).text
    assert "battery_temp_c >= 30" in html.unescape(version)

    def activate(**fields: str) -> int:
        given = {"csrf": csrf_of(version), "over": "0", "why": "now"} | fields
        return manager.post(
            f"{location}/activate", data=given, headers=HTML, follow_redirects=False
        ).status_code

    assert activate() == 422
    assert activate(force="yes", why="") == 422
    assert activate(force="yes") == 303
    assert activate(force="yes") == 409
    assert house.app.state.services.book.active() == 1
    assert {"en": "Put to work", "zh": "已启用"}[language] in manager.get(location, headers=HTML).text


def test_who_may_not_change_rules_sees_them_and_no_more(house: House) -> None:
    viewer = signed_in(house, RoleAt(Role.VIEWER))
    shown = viewer.get("/rules", headers=HTML)
    assert (shown.status_code, "/rules/edit" in shown.text) == (200, False)
    assert viewer.get("/rules/edit", headers=HTML).status_code == 403


@pytest.mark.parametrize(
    ("language", "limits"),
    [("en", ("Region: north", "Not of group: old")), ("zh", ("区域: north", "不属于设备组: old"))],
)
def test_rules_that_read_alike_are_told_apart_by_name_scope_and_levels(
    house: House, manager: TestClient, language: str, limits: tuple[str, str]
) -> None:
    limited = SMALL.replace(
        "    when: battery_temp_c >= 60",
        "    only: {region: north, not_group: old}\n    levels: {L1: battery_temp_c >= 70}\n"
        "    when: battery_temp_c >= 60",
    ).replace("level: L1", "level: L2", 1)
    limited = limited.replace("groups:\n", "groups:\n  old: [R9]\n", 1)
    book = house.app.state.services.book
    someone = schedule("tests")
    book.activate(book.propose(limited, someone, "by region"), someone, "tried", force=True)
    page = manager.get(f"/rules?lang={language}", headers=HTML).text
    assert "<code>battery_hot</code>" in page
    assert "<code>battery_temp_c &gt;= 70</code>" in page
    assert all(each in page for each in limits)
