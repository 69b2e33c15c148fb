"""Reports by every door: they become a request, and the request becomes or joins the case of its device."""

import io
import re
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from fastapi.testclient import TestClient
from helpers.api import (
    HTML,
    NOW,
    House,
    add_device,
    anonymous,
    client_of,
    csrf_of,
    open_house,
    raise_alert,
    signed_in,
)
from helpers.desk_emptied import empty_desk
from PIL import Image

from fleet.clock import HOUR_MS
from fleet.events import Subject
from fleet.grants import Permission
from storage.records.events import events_after


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        add_device(made, "R1", site="pudong", serial="SN-1001")
        add_device(made, "R2", site="pudong")
        add_device(made, "R3", site="xuhui")
        add_device(made, "R9", site="xuhui")
        yield made


@pytest.fixture
def house(shared: House) -> House:
    empty_desk(shared)
    return shared


@pytest.fixture
def client(house: House) -> TestClient:
    return client_of(house)


def jpeg(colour: str = "red") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(target, "JPEG")
    return target.getvalue()


def report(client: TestClient, **more: object) -> dict[str, object]:
    answer = client.post("/api/v1/hooks/reports", json={"words": "it won't charge"} | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_report_of_a_device_opens_its_case_and_the_next_joins_it(client: TestClient) -> None:
    first = report(client, device="sn-1001", contact="a@x.org", suits=["after_20"], suits_on="2026-11-25")
    assert (first["state"], first["device_id"], first["site"]) == ("placed", "R1", "pudong")
    assert first["proposals"][0]["fault"] == "charging_failure"  # type: ignore[index]
    assert first["fault"] is None, "a proposal is none that a person chose"
    case = client.get(f"/api/v1/tickets/{first['ticket_id']}").json()
    assert (case["fault"], case["level"], case["origin"], case["part"]) == ("unclear", "L2", "reported", None)
    again = report(client, device="R1", fault="charging_failure", words="it stands on its dock, dead")
    assert again["ticket_id"] == first["ticket_id"]
    case = client.get(f"/api/v1/tickets/{first['ticket_id']}").json()
    assert case["faults"] == ["charging_failure", "unclear"], "what says what it is names the case"
    assert len(client.get("/api/v1/tickets").json()["items"]) == 1


def test_a_report_joins_the_case_that_a_model_opened(house: House, client: TestClient) -> None:
    raise_alert(house, "R9", "brush_jam", 0.9)
    found = report(client, device="R9", words="hair all around the brush", fault="brush_jam")
    case = client.get(f"/api/v1/tickets/{found['ticket_id']}").json()
    assert (case["faults"], case["origin"]) == (["brush_jam"], "proactive")


def test_a_report_sent_again_with_its_key_changes_nothing(client: TestClient) -> None:
    body, key = {"words": "漏水", "device": "R1"}, {"Idempotency-Key": "k-1"}
    first, second = (client.post("/api/v1/hooks/reports", json=body, headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert len(client.get("/api/v1/requests").json()["items"]) == 1


def test_a_report_of_no_device_waits_and_a_person_places_it(client: TestClient) -> None:
    found = report(client, site="pudong", words="one of them drips water", contact="desk 7")
    assert (found["state"], found["ticket_id"]) == ("waiting", None)
    waiting = client.get("/api/v1/requests", params={"state": "waiting"}).json()["items"]
    assert [each["id"] for each in waiting] == [found["id"]]
    path = f"/api/v1/requests/{found['id']}"
    placed = client.post(f"{path}/place", json={"device_id": "R2", "fault": "water_leak"}).json()
    assert (placed["state"], placed["device_id"], placed["fault"]) == ("placed", "R2", "water_leak")
    again = client.post(f"{path}/place", json={"device_id": "R1"})
    assert (again.status_code, again.json()["detail"]) == (409, f"request {found['id']} is placed already")


def test_the_same_words_of_the_same_contact_join_the_case_and_others_are_shown_as_likely(
    client: TestClient,
) -> None:
    said = {"site": "pudong", "words": "Water on the floor!", "contact": "Desk 7"}
    first = report(client, **said)
    second = report(client, **said | {"words": "water  on the FLOOR", "contact": "desk 7"})
    client.post(f"/api/v1/requests/{first['id']}/place", json={"device_id": "R1", "fault": "water_leak"})
    assert client.get(f"/api/v1/requests/{second['id']}").json()["ticket_id"] == 1, "placed with the first"
    assert report(client, **said)["ticket_id"] == 1
    other = report(client, site="pudong", words="there is a puddle, it leaks", contact="somebody else")
    assert other["ticket_id"] is None
    doubles = client.get(f"/api/v1/requests/{other['id']}").json()["doubles"]
    assert [(each["ticket_id"], each["device_id"]) for each in doubles] == [(1, "R1")]
    assert report(client, site="xuhui", words="Water on the floor!", contact="Desk 7")["ticket_id"] is None


def test_what_is_wrong_can_be_said_later_and_a_request_be_dismissed(client: TestClient) -> None:
    placed = report(client, device="R1")
    named = client.post(f"/api/v1/requests/{placed['id']}/fault", json={"fault": "charging_failure"}).json()
    assert named["fault"] == "charging_failure"
    assert "charging_failure" in client.get("/api/v1/tickets/1").json()["faults"]
    waits = report(client, site="pudong", words="hello")
    path = f"/api/v1/requests/{waits['id']}/dismiss"
    assert client.post(path, json={"reason": " "}).status_code == 422
    assert client.post(path, json={"reason": "an advertisement"}).json()["state"] == "dismissed"
    assert client.post(path, json={"reason": "an advertisement"}).status_code == 409


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        ({"words": "   ", "device": "R1"}, 422, "words: say what is wrong; required"),
        ({"words": "x" * 2_001, "device": "R1"}, 422, "words: at most 2000 characters"),
        ({"device": "nobody"}, 404, 'there is no device "nobody"'),
        ({"site": "nowhere"}, 404, 'there is no site "nowhere"'),
        ({"device": "R1", "fault": "worker_fall"}, 422, "'worker_fall' is no fault of a robot; allowed:"),
        ({"device": "R1", "suits_on": "tomorrow"}, 422, "is no date; allowed: 2026-11-30"),
        ({"device": "R1", "suits_on": "2020-01-01"}, 422, "suits_on: allowed: from today on"),
        ({"device": "R1", "suits": ["midnight"]}, 422, "suits.0: Input should be 'before_8'"),
        ({"device": "R1", "mood": "bad"}, 422, "mood"),
    ],
)
def test_a_bad_report_is_refused_with_what_is_allowed(
    client: TestClient, more: dict[str, object], status: int, says: str
) -> None:
    answer = client.post("/api/v1/hooks/reports", json={"words": "broken"} | more)
    assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text


def test_a_token_of_one_site_reports_there_alone(house: House) -> None:
    client = client_of(house, Permission.TICKETS_REPORT, sites=frozenset({"pudong"}))
    assert report(client)["site"] == "pudong", "without any it is the token's own"
    assert client.post("/api/v1/hooks/reports", json={"words": "x", "device": "R3"}).status_code == 404
    assert client.post("/api/v1/hooks/reports", json={"words": "x", "site": "xuhui"}).status_code == 404
    two = client_of(house, Permission.TICKETS_REPORT, sites=frozenset({"pudong", "xuhui"}))
    answer = two.post("/api/v1/hooks/reports", json={"words": "x"})
    assert answer.json()["detail"] == "site: required, where no device is named"


def message(text: str = "R1 does not charge", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Message-ID"] = "Li Wei <li@x.org>", "desk@y.org", "<1@x.org>"
    made["Subject"] = headers.pop("Subject", "A problem")
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def mailed(client: TestClient, made: EmailMessage | bytes) -> dict[str, object]:
    raw = made if isinstance(made, bytes) else made.as_bytes()
    answer = client.post("/api/v1/hooks/mail", content=raw, headers={"Content-Type": "message/rfc822"})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_message_becomes_a_request_once_with_the_files_that_can_be_taken(client: TestClient) -> None:
    made = message("我们的机器人 SN-1001 不吸尘了\n\nOn Monday somebody wrote:\n> R3 leaks")
    made.add_attachment(jpeg(), maintype="image", subtype="jpeg", filename="大厅.jpg")
    made.add_attachment(b"<svg onload=alert(1)>", maintype="image", subtype="png", filename="evil.png")
    first, second = mailed(client, made), mailed(client, made)
    assert first["request_id"] == second["request_id"] and first["ticket_id"] == 1
    assert len(first["refused"]) == 1 and "evil.png" in first["refused"][0]  # type: ignore[index,arg-type]
    found = client.get(f"/api/v1/requests/{first['request_id']}").json()
    assert (found["device_id"], found["channel"], found["contact"], found["language"]) == (
        "R1",
        "mail",
        "li@x.org",
        "zh",
    )
    assert "R3" not in found["words"], "what was quoted is another's"
    assert [each["name"] for each in found["files"]] == ["大厅.jpg"]
    assert len(client.get("/api/v1/tickets/1/files").json()["items"]) == 1


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto_Submitted": "auto-replied"}, "an automatic reply"),
        ({"Precedence": "bulk"}, "a message to many"),
        ({"List_Id": "<a.b>"}, "a message to many"),
        ({"Return_Path": "<>"}, "a bounce"),
    ],
)
def test_what_a_machine_sends_makes_nothing(client: TestClient, headers: dict[str, str], why: str) -> None:
    assert mailed(client, message(**headers)) == {
        "request_id": None,
        "ticket_id": None,
        "ignored": why,
        "refused": [],
    }
    assert client.get("/api/v1/requests").json()["items"] == []


def test_a_message_that_names_no_device_is_of_where_its_sender_reported_before(client: TestClient) -> None:
    assert mailed(client, message("the robot is strange"))["ticket_id"] is None
    mailed(client, _other("<2@x.org>", "R2 leaks"))
    third = mailed(client, _other("<3@x.org>", "and it squeals"))
    found = client.get(f"/api/v1/requests/{third['request_id']}").json()
    assert (found["site"], found["state"]) == ("pudong", "waiting")


def _other(message_id: str, text: str) -> EmailMessage:
    made = message(text)
    del made["Message-ID"]
    made["Message-ID"] = message_id
    return made


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@b\nSubject: =?utf-8?b?////?=\nContent-Type: text/plain; charset=nonsense\n\n\xff\xfe R1",
        b"From: <<<>>>\nContent-Type: multipart/mixed; boundary=x\n\n--x\n--x\n"
        b"Content-Type: multipart/mixed; boundary=x\n\nR1 broken",
        b"Subject: R1\nContent-Type: text/html\n\n<style>a{}</style><p>R1 <script>x</script>broken",
        b"Subject: " + b"R1 " * 30_000 + b"\n\n",
    ],
)
def test_a_malformed_message_is_read_as_far_as_it_goes(client: TestClient, raw: bytes) -> None:
    assert mailed(client, raw)["ignored"] in (None, "it says nothing")


def test_what_is_no_message_is_refused(client: TestClient) -> None:
    for raw in (b"", b"\n\nhello"):
        answer = client.post("/api/v1/hooks/mail", content=raw, headers={"Content-Type": "message/rfc822"})
        assert answer.status_code == 422, answer.text


def test_the_code_on_a_device_reports_it_without_a_sign_in(house: House, client: TestClient) -> None:
    path = client.post("/api/v1/devices/R1/report-links").json()["path"]
    visitor = anonymous(house, HTML | {"accept-language": "zh-CN"})
    page = visitor.get(path).text
    assert "CR-200" in page and "R1" not in page and "SN-1001" not in page and "报修" in page
    asked = visitor.post(path, data={"words": "充不进电", "stage": "next"}).text
    assert 'value="charging_failure"' in asked
    form = {
        "words": "充不进电",
        "stage": "send",
        "fault": "charging_failure",
        "contact": "138",
        "suits": "day",
    }
    sent = visitor.post(path, data=form, files={"pictures": ("a.jpg", jpeg())}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}?saved=1")
    shown = visitor.get(f"{path}?saved=1").text
    assert "谢谢" in shown and "已于" in shown
    (request,) = client.get("/api/v1/requests").json()["items"]
    assert (request["channel"], request["language"], request["fault"]) == ("qr", "zh", "charging_failure")
    assert len(client.get("/api/v1/tickets/1/files").json()["items"]) == 1
    refused = visitor.post(path, data=form, files={"pictures": ("a.jpg", b"<html>")})
    assert refused.status_code == 422 and "JPEG" in refused.text
    with house.desk.transaction() as session:
        by = [
            each.principal.kind for each in events_after(session, 0, 999) if each.subject is Subject.REQUEST
        ]
    assert set(by) == {"customer"}


def test_a_link_ends_and_takes_so_much_an_hour(
    house: House, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = client.post("/api/v1/devices/R1/report-links").json()["path"]
    visitor = anonymous(house, HTML)
    form = {"words": "it squeals", "stage": "send"}
    monkeypatch.setattr("desk.intake.intake.BY_LINK_AN_HOUR", 2)
    codes = [visitor.post(path, data=form, follow_redirects=False).status_code for _ in range(3)]
    assert codes == [303, 303, 429]
    house.clock.ms = NOW + HOUR_MS + 1
    assert visitor.post(path, data=form, follow_redirects=False).status_code == 303
    assert client.delete("/api/v1/devices/R1/report-links").json() == {"ended": 1}
    assert visitor.get(path).status_code == 404
    assert visitor.get("/r/none").status_code == 404
    with house.desk.transaction() as session:
        assert path[3:] not in str([each.data for each in events_after(session, 0, 9999)])


def test_a_customers_link_is_of_a_site_and_asks_which_device(house: House, client: TestClient) -> None:
    path = client.post("/api/v1/sites/pudong/report-links").json()["path"]
    visitor = anonymous(house, HTML)
    page = visitor.get(path).text
    assert 'value="R1"' in page and 'value="R2"' in page and 'value="R3"' not in page
    form = {"words": "it leaks", "stage": "send"}
    assert visitor.post(path, data=form | {"device": "R3"}).status_code == 422
    visitor.post(path, data=form | {"device": "R2"})
    visitor.post(path, data=form)
    found = [
        (one["channel"], one["device_id"], one["state"])
        for one in client.get("/api/v1/requests").json()["items"]
    ]
    assert found == [("customer", None, "waiting"), ("customer", "R2", "placed")]


def test_staff_report_in_three_steps(house: House) -> None:
    browser = signed_in(house)
    csrf = csrf_of(browser)
    page = browser.get("/report?device=SN-1001").text
    assert "R1" in page and 'value="SN-1001"' in page
    form = {"csrf": csrf, "device": "SN-1001", "words": "it is offline"}
    asked = browser.post("/report", data=form | {"stage": "next"})
    assert 'value="comms_loss"' in asked.text and asked.status_code == 200
    sent = browser.post(
        "/report", data=form | {"stage": "send", "fault": "comms_loss"}, follow_redirects=False
    )
    assert sent.headers["location"] == "/tickets/1"
    shown = browser.get("/tickets/1").text
    assert "it is offline" in shown and "What is known of the device" in shown
    assert "joins case 1" in browser.get("/report?device=R1").text
    assert browser.post("/report", data=form | {"device": "no"}).status_code == 404
    form = {"csrf": csrf, "site": "pudong", "words": "no connection", "stage": "next"}
    likely = browser.post("/report", data=form).text
    assert 'name="joins" value="R1"' in likely
    joined = browser.post("/report", data=form | {"stage": "send", "joins": "R1"}, follow_redirects=False)
    assert joined.headers["location"] == "/tickets/1"
    waits = browser.post("/report", data=form | {"stage": "send"}, follow_redirects=False)
    assert re.fullmatch(r"/requests/\d+", waits.headers["location"])
    assert "no connection" in browser.get("/requests").text
    assert browser.get(waits.headers["location"]).status_code == 200
    placed = browser.post(
        f"{waits.headers['location']}/place", data={"csrf": csrf, "device_id": "R2"}, follow_redirects=False
    )
    assert placed.headers["location"] == "/tickets/2"


def test_a_dossier_shows_what_is_known(house: House, client: TestClient) -> None:
    report(client, device="R1", fault="brush_jam")
    for state in ("accepted", "en_route", "repairing", "repaired", "confirmed"):
        more = {"confirmed_fault": "brush_jam"} if state == "repaired" else {}
        client.patch("/api/v1/tickets/1", json={"state": state, "reason": "now"} | more)
    report(client, device="R1")
    found = client.get("/api/v1/devices/R1/dossier").json()
    assert (found["model"], found["serial"], found["open_case"]) == ("CR-200", "SN-1001", 2)
    assert [(each["ticket_id"], each["faults"], each["parts"]) for each in found["repairs"]] == [
        (1, ["brush_jam"], ["brush-bearing"])
    ]
    assert client.get("/api/v1/devices/none/dossier").status_code == 404
