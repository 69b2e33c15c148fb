"""Care through the API and the console: mutes with preview, notes, acknowledgements for a time, incidents."""

import re

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, NOW, House, add_device, raise_alert, signed_in
from helpers.care_rows import add_incident

from fleet.clock import HOUR_MS
from fleet.grants import Role
from fleet.notices import ChannelKind
from fleet.outbox import Destination
from fleet.people import RoleAt
from storage.records.destinations import add_destination
from storage.records.people import add_person

V1 = "/api/v1"


@pytest.fixture
def alert(house: House) -> int:
    """Return the alert of R1, as care has taken it in and told a manager of it."""
    with house.desk.transaction() as session:
        manager = add_person(session, "ada@x.example", "Ada", NOW, [RoleAt(Role.MANAGER)])
        way = Destination(0, manager.id, "robot", ChannelKind.DINGTALK, "robot", made_at=NOW)
        add_destination(session, way, {"token": "token-of-ada"})
    raise_alert(house, "R1", "brush_jam", 0.9)
    return 1


def test_an_alert_says_what_is_told_of_it(client: TestClient, alert: int) -> None:
    care = client.get(f"{V1}/alerts/{alert}").json()["care"]
    assert (care["reason"], care["tellings"], care["incident"]) == ("first", 1, None)
    assert client.get(f"{V1}/alerts").json()["items"][0]["care"] == care


def test_an_acknowledgement_holds_as_long_as_one_says_and_is_extended(
    house: House, client: TestClient, alert: int
) -> None:
    path = f"{V1}/alerts/{alert}/acknowledge"
    first = client.post(path, json={"reason": "on my way", "for": "4h"}).json()
    assert first["care"]["ack_until"] == "2026-11-22T12:00:00.000Z"
    house.clock.ms = NOW + HOUR_MS
    again = client.post(path, json={"reason": "part is late", "for": "4h"}).json()
    assert again["care"]["ack_until"] == "2026-11-22T13:00:00.000Z"
    assert client.post(path, json={"reason": "again"}).status_code == 409
    refused = client.post(path, json={"reason": "for ever", "for": "300d"})
    assert refused.status_code == 422
    assert "allowed: 1m to 30d" in refused.json()["detail"]


def test_a_note_is_kept_and_shown(client: TestClient, alert: int) -> None:
    made = client.post(f"{V1}/alerts/{alert}/notes", json={"text": "the belt is ordered"})
    assert made.status_code == 201
    assert [each["text"] for each in client.get(f"{V1}/alerts/{alert}/notes").json()["items"]] == [
        "the belt is ordered"
    ]
    assert client.post(f"{V1}/alerts/{alert}/notes", json={"text": " "}).status_code == 422


def test_a_mute_tells_before_what_it_would_hide(client: TestClient, alert: int) -> None:
    asked = {"matcher": {"fault": "brush_jam"}, "end": "2026-11-22T10:00:00Z", "reason": "works"}
    preview = client.post(f"{V1}/mutes/preview", json=asked).json()
    assert (preview["open"], preview["alerts"], preview["tellings_7d"]) == (1, [alert], 1)
    assert (preview["matching"], preview["begins"], preview["hints"]) == (1, None, [])
    assert client.get(f"{V1}/mutes").json()["items"] == []
    made = client.post(f"{V1}/mutes", json=asked)
    assert made.status_code == 201
    assert made.json()["holds"] is True
    ended = client.delete(f"{V1}/mutes/{made.json()['id']}", params={"reason": "done early"}).json()
    assert (ended["holds"], ended["ended_at"]) == (False, "2026-11-22T08:00:00.000Z")
    assert client.delete(f"{V1}/mutes/{made.json()['id']}").status_code == 409


def test_the_preview_of_a_mute_keeps_to_its_times(client: TestClient, alert: int) -> None:
    asked = {"matcher": {"fault": "brush_*"}, "reason": "works"}
    later = asked | {"start": "2026-12-22T08:00:00Z", "end": "2026-12-23T08:00:00Z"}
    preview = client.post(f"{V1}/mutes/preview", json=later).json()
    assert (preview["open"], preview["matching"], preview["tellings_7d"]) == (0, 1, 1)
    assert preview["begins"] == "2026-12-22T08:00:00.000Z"
    nights = {"days": [0, 1, 2, 3, 4, 5, 6], "start": "22:00", "end": "06:00", "zone": "UTC"}
    preview = client.post(f"{V1}/mutes/preview", json=asked | {"weekly": nights}).json()
    assert (preview["open"], preview["begins"], preview["tellings_7d"]) == (0, "2026-11-22T22:00:00.000Z", 0)


@pytest.mark.parametrize(
    ("matcher", "hint"),
    [
        ({"model": "CR-*"}, None),
        ({"fault": "brush_*"}, None),
        ({"device": "R*"}, None),
        ({"fault": "battery_wer"}, "did you mean battery_wear?"),
        ({"site": "atlantis"}, 'site: "atlantis" fits nothing known'),
        ({"model": "XX-*"}, 'model: "XX-*" fits nothing known'),
        ({"device": "R9"}, 'device: "R9" fits nothing known'),
    ],
)
def test_a_mute_of_what_nobody_knows_is_doubted_and_a_star_is_any_text(
    client: TestClient, alert: int, matcher: dict[str, str], hint: str | None
) -> None:
    asked = {"matcher": matcher, "end": "2026-11-22T10:00:00Z", "reason": "works"}
    preview = client.post(f"{V1}/mutes/preview", json=asked).json()
    assert preview["open"] == (1 if hint is None else 0)
    made = client.post(f"{V1}/mutes", json=asked)
    assert made.status_code == 201, "a hint is no error: it may still come"
    assert made.json()["hints"] == preview["hints"]
    assert (hint or "") in " ".join(preview["hints"]) and bool(preview["hints"]) == bool(hint)


def test_a_mute_of_more_than_90_days_is_confirmed(client: TestClient) -> None:
    asked = {"matcher": {"fault": "brush_jam"}, "end": "2027-05-22T10:00:00Z", "reason": "works"}
    refused = client.post(f"{V1}/mutes", json=asked)
    assert refused.status_code == 422 and "allowed: up to 90 days, or confirm it" in refused.json()["detail"]
    assert client.post(f"{V1}/mutes", json=asked | {"confirmed": True}).status_code == 201


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"end": "2026-11-29T12:00:00"}, "a time without a zone"),
        ({"end": "2029-11-29T12:00:00Z", "confirmed": True}, "allowed: up to 366 days"),
        ({"matcher": {"fault": "worker_sos", "device": "W*"}}, "allowed: one device, for 1 h at most"),
        ({"matcher": {}}, "allowed: site, region"),
        ({"end": None}, "allowed: a time, until_resolved"),
        ({"matcher": {"fault": "worker_sos", "site": "a"}}, "allowed: one device, for 1 h at most"),
        ({"end": "2026-11-21T10:00:00Z"}, "end: it must be after the start"),
        (
            {"weekly": {"days": [9], "start": "22:00", "end": "06:00", "zone": "Asia/Shanghai"}},
            "allowed: one or more of 0 (Monday) to 6",
        ),
        (
            {"weekly": {"days": [1], "start": "22:00", "end": "06:00", "zone": "Asia/Nowhere"}},
            "allowed: IANA names",
        ),
    ],
)
def test_a_mute_that_cannot_be_says_what_can(
    client: TestClient, change: dict[str, object], allowed: str
) -> None:
    asked = {"matcher": {"fault": "brush_jam"}, "end": "2026-11-22T10:00:00Z", "reason": "works"} | change
    refused = client.post(f"{V1}/mutes", json=asked)
    assert refused.status_code == 422, refused.text
    assert allowed in refused.json()["detail"]


def test_an_incident_is_shown_and_acknowledged(house: House, client: TestClient) -> None:
    with house.desk.transaction() as session:
        number = add_incident(session, "hongqiao", "R1", NOW)
    assert [each["id"] for each in client.get(f"{V1}/incidents").json()["items"]] == [number]
    done = client.post(f"{V1}/incidents/{number}/acknowledge", json={"reason": "calling them", "for": "2h"})
    assert (done.json()["state"], done.json()["next_at"]) == ("acknowledged", "2026-11-22T10:00:00.000Z")
    assert client.post(f"{V1}/incidents/{number}/acknowledge", json={"reason": "x"}).status_code == 409


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pages_say_why_nothing_is_told_in_both_languages(house: House, alert: int, language: str) -> None:
    with house.desk.transaction() as session:
        add_incident(session, "hongqiao", "R1", NOW)
    add_device(house, "R2")
    browser = signed_in(house, RoleAt(Role.ADMIN))
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/mutes", headers=HTML).text)
    assert found is not None
    csrf = found[1]
    form = {"fault": "filter_clog", "long": "8h", "why": "the floor is rebuilt", "csrf": csrf}
    shown = browser.post("/mutes", data=form | {"act": "preview"}, headers=HTML)
    assert shown.status_code == 200, shown.text
    begun = browser.post("/mutes", data=form | {"act": "mute"}, headers=HTML, follow_redirects=False)
    assert begun.status_code == 303, begun.text
    raise_alert(house, "R2", "filter_clog", 0.9)
    words = {"en": ("muted (mute 1)", "Incidents", "told first"), "zh": ("已静音", "事件", "首次通知")}
    wanted = words[language]
    page = browser.get(f"/alerts?lang={language}", headers=HTML).text
    assert wanted[0] in page
    assert wanted[1] in page
    one = browser.get(f"/alerts/{alert}?lang={language}", headers=HTML).text
    assert wanted[2] in one
    assert "the floor is rebuilt" in browser.get(f"/mutes?lang={language}", headers=HTML).text
