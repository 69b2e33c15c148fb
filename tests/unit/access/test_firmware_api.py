"""Roll-outs over HTTP and in the console: planned, begun, held, taken back, seen by whom they concern."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, client_of, csrf_of, open_house, signed_in

from fleet.grants import Permission, Role
from fleet.people import RoleAt, Scope

IMAGE = {"version": "1.5.0", "url": "https://fw.example.org/1.5.0.bin", "sha256": "ab" * 32, "size": 1024}
PLAN = {"firmware": IMAGE, "model": "CR-200"}
ROLLOUTS = "/api/v1/firmware/rollouts"
WHY = {"reason": "new brush control"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        for n in range(20):
            site = ("pudong", "jingan")[n % 2]
            add_device(made, f"R{n:02d}", site=site, model="CR-200", firmware="1.4.2")
        add_device(made, "R90", site="pudong", model="CR-350", firmware=None)
        yield made


@pytest.fixture(scope="module")
def client(house: House) -> TestClient:
    return client_of(house)


def test_versions_are_counted_by_model(client: TestClient) -> None:
    items = client.get("/api/v1/firmware").json()["items"]
    assert items == [
        {"model": "CR-200", "devices": 20, "versions": [{"version": "1.4.2", "devices": 20}]},
        {"model": "CR-350", "devices": 1, "versions": [{"version": None, "devices": 1}]},
    ]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"firmware": IMAGE | {"sha256": "x"}}, "firmware.sha256"),
        ({"firmware": IMAGE | {"url": "ftp://x"}}, "firmware.url"),
        ({"model": "CR-1"}, "model"),
        ({"sites": ["nowhere-of-mine"]}, "model"),
        ({"region": "north"}, "region"),
        ({"stages": [{"share": 0.5}, {"share": 0.1}]}, "stages"),
        ({"stages": [{"share": 0.5, "soak_h": 0.1}]}, "soak_h"),
    ],
)
def test_what_cannot_be_rolled_out_is_refused_by_name(
    client: TestClient, change: dict[str, object], named: str
) -> None:
    answer = client.post(ROLLOUTS, json=PLAN | change)
    assert answer.status_code == 422
    assert named in answer.text


def test_a_rollout_is_planned_begun_held_and_ended_with_who_and_why(house: House, client: TestClient) -> None:
    made = client.post(ROLLOUTS, json=PLAN | {"stages": [{"share": 0.1}, {"share": 1}], "seed": 7})
    assert made.status_code == 201
    assert (made.json()["state"], made.json()["stage"]) == ("draft", 0)
    assert made.json()["allowed"] == ["start", "cancel"]
    address = made.headers["location"]
    begun = client.post(f"{address}/start", json=WHY).json()
    assert (begun["state"], begun["stage"]) == ("running", 1)
    assert [(each["devices"], each["by_state"]) for each in begun["cohorts"]] == [
        (2, {"waiting": 2}),
        (18, {"later": 18}),
    ]
    assert (
        "device-days" in begun["cohorts"][0]["sees"]["en"]
        or "cannot be seen" in begun["cohorts"][0]["sees"]["en"]
    )
    turns = client.get(f"{address}/devices", params={"limit": 2}).json()
    assert [each["state"] for each in turns["items"]] == ["waiting", "waiting"]
    assert {each["site"] for each in turns["items"]} == {"pudong", "jingan"}, "drawn from each site"
    assert turns["items"][0]["before"] == "1.4.2"
    assert client.post(f"{address}/start", json=WHY).status_code == 409
    second = client.post(ROLLOUTS, json=PLAN | {"firmware": IMAGE | {"version": "1.6.0"}})
    other = client.post(f"{second.headers['location']}/start", json=WHY)
    assert other.status_code == 409
    assert "another roll-out" in other.text
    assert client.post(f"{address}/pause", json=WHY).json()["state"] == "paused"
    assert client.post(f"{address}/resume", json=WHY).json()["state"] == "running"
    assert client.post(f"{address}/skip", json=WHY).json()["stage"] == 2
    last = client.post(f"{address}/skip", json=WHY)
    assert last.status_code == 409
    assert "last stage" in last.text
    back = client.post(f"{address}/roll-back", json=WHY)
    assert back.status_code == 422
    assert "1.4.2" not in back.text, "no device was offered anything, so none had a version before"
    assert client.post(f"{address}/cancel", json={"reason": " "}).status_code == 422
    ended = client.post(f"{address}/cancel", json=WHY).json()
    assert ended["state"] == "cancelled"
    assert ended["cohorts"][1]["by_state"] == {"later": 18}
    assert [(each["what"], each["after"]) for each in ended["events"]] == [
        ("planned", "draft"),
        ("start", "running"),
        ("pause", "paused"),
        ("resume", "running"),
        ("skip", "running"),
        ("cancel", "cancelled"),
    ]
    assert all(each["who"] == "tests" for each in ended["events"])
    assert {each["reason"] for each in ended["events"][1:]} == {WHY["reason"]}


def test_a_manager_reaches_no_further_than_their_sites(house: House, client: TestClient) -> None:
    everywhere = client.post(ROLLOUTS, json=PLAN).json()
    both = frozenset({"pudong"})
    manager = client_of(house, Permission.FIRMWARE_MANAGE, Permission.FLEET_READ, sites=both)
    assert everywhere["sites"] is None
    for method, path in (("GET", ""), ("POST", "/start"), ("GET", "/devices")):
        body = WHY if method == "POST" else None
        assert manager.request(method, f"{ROLLOUTS}/{everywhere['id']}{path}", json=body).status_code == 404
    assert manager.post(ROLLOUTS, json=PLAN | {"sites": ["jingan"]}).status_code == 422
    own = manager.post(ROLLOUTS, json=PLAN).json()
    assert own["sites"] == ["pudong"]
    assert [each["id"] for each in manager.get(ROLLOUTS).json()["items"]] == [own["id"]]
    items = manager.get("/api/v1/firmware").json()["items"]
    assert [each["devices"] for each in items] == [10, 1]


def test_the_console_plans_and_shows_a_rollout_in_both_languages(house: House) -> None:
    browser = signed_in(house, RoleAt(Role.MANAGER, Scope.SITE, "jingan"))
    form = {"model": "CR-200", "version": "1.7.0", "url": IMAGE["url"], "sha256": "AB" * 32, "size": "1024"}
    form |= {"place": "site jingan", "stages": "10 50 100", "soak": "24", "csrf": csrf_of(browser)}
    refused = browser.post("/firmware", data=form | {"size": "many"}, headers=HTML)
    assert refused.status_code == 422
    assert 'value="1.7.0"' in refused.text, "what was entered is still there"
    made = browser.post("/firmware", data=form, follow_redirects=False)
    assert made.status_code == 303
    address = made.headers["location"]
    begun = browser.post(f"{address}/start", data={"why": "pilot", "csrf": form["csrf"]}, headers=HTML)
    assert begun.status_code == 200
    assert "Offering the firmware" in begun.text
    assert "Stopped by itself" not in begun.text
    for language, word in (("en", "Nothing has been compared yet."), ("zh", "尚未开始比较。")):
        page = browser.get(f"{address}?lang={language}", headers=HTML).text
        assert word in page
        assert "pilot" in page
    chinese = browser.get("/firmware?lang=zh", headers=HTML)
    assert chinese.status_code == 200
    assert "各阶段占比" in chinese.text
    browser.get("/firmware?lang=en")
    viewer = signed_in(house, RoleAt(Role.VIEWER), email="viewer@example.org")
    assert '<form class="door' not in viewer.get("/firmware", headers=HTML).text
    held = browser.post(f"{address}/start", data={"why": "again", "csrf": form["csrf"]}, headers=HTML)
    assert held.status_code == 409
