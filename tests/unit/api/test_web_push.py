"""A browser as a destination: the button's page, the worker that is handed out, and how an end is told."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, anonymous, csrf_of, open_house, signed_in

from api.console.render.browsers import browser_name
from fleet.grants import Role
from fleet.people import RoleAt
from notify.channels.push import public_key_of
from storage.records.destinations import end_destination
from storage.records.events import events_after
from storage.records.push_keys import push_key
from sweepwatch.run.push import contact_of
from sweepwatch.settings.notify import MailSettings, NotifySettings, PushSettings
from sweepwatch.settings.server import ServerSettings
from sweepwatch.settings.settings import Settings

PAGE, BROWSER = "/account/notices", "/account/notices/browser"
P256DH = base64.urlsafe_b64encode(b"\x04" + bytes(64)).decode().rstrip("=")
SUBSCRIPTION = {
    "endpoint": "https://push.example/send/tok0123456789",
    "p256dh": P256DH,
    "auth": "AAECAwQFBgcICQoLDA0ODw",
}
PHONE = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        yield made


@pytest.fixture
def client(house: House) -> TestClient:
    client = signed_in(house, RoleAt(Role.ENGINEER))
    client.headers["user-agent"] = PHONE
    return client


def mine(client: TestClient) -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get("/api/v1/me/destinations").json()["items"]
    return found


def subscribe(client: TestClient, **changed: str) -> str:
    form = {"csrf": csrf_of(client)} | SUBSCRIPTION | changed
    return client.post(BROWSER, data=form, headers=HTML, follow_redirects=True).text


def test_push_is_there_without_any_setting_and_its_key_is_told_in_public_alone(
    house: House, client: TestClient
) -> None:
    from py_vapid import Vapid

    page = client.get(PAGE, headers=HTML).text
    assert "Send notices to this browser" in page
    told = client.get(BROWSER).json()
    with house.desk.transaction() as session:
        secret = push_key(session)
        events = repr(events_after(session, 0, 1000))
    assert secret is not None
    assert told == {"key": public_key_of(Vapid.from_string(secret)), "csrf": csrf_of(client)}
    assert f'data-push-key="{told["key"]}"' in page
    for text in (page, str(told), events, client.get("/api/v1/openapi.json").text):
        assert secret not in text


def test_the_button_makes_this_browser_a_destination_once_under_its_own_name(client: TestClient) -> None:
    assert "Saved." in subscribe(client)
    page = subscribe(client)
    (one,) = mine(client)
    assert (one["channel"], one["name"]) == ("push", "Chrome, Android")
    assert one["shown"].startswith("push.example (")
    for part in ("tok0123456789", P256DH, SUBSCRIPTION["auth"]):
        assert part not in page + str(one)
    moved = subscribe(client, endpoint="https://push.example/send/b", before=SUBSCRIPTION["endpoint"])
    assert "Saved." in moved
    assert [each["id"] for each in mine(client)] == [one["id"]]


def test_what_is_no_subscription_is_refused_on_the_page(client: TestClient) -> None:
    answer = client.post(BROWSER, data={"csrf": csrf_of(client)} | SUBSCRIPTION | {"auth": ""}, headers=HTML)
    assert answer.status_code == 422
    assert "push: auth" in answer.text
    assert mine(client) == []


def test_without_the_pages_token_nothing_is_kept(client: TestClient) -> None:
    assert client.post(BROWSER, data=SUBSCRIPTION).status_code == 403
    assert mine(client) == []


def test_a_browser_that_is_gone_is_told_of_on_the_page_and_in_the_api(
    house: House, client: TestClient
) -> None:
    subscribe(client)
    (one,) = mine(client)
    with house.desk.transaction() as session:
        why = "HTTP 410: this browser wants no more of these"
        end_destination(session, int(one["id"]), why, house.clock.ms)
    english, chinese = (client.get(f"{PAGE}?lang={each}", headers=HTML).text for each in ("en", "zh"))
    assert "nothing goes there any more" in english
    assert "不再向此处发送" in chinese and "HTTP 410：此浏览器已不再接收通知" in chinese
    assert f"{PAGE}/{one['id']}/test" not in english, "there is nothing to test"
    (ended,) = mine(client)
    assert ended["ended_at"] is not None
    admin = signed_in(house, RoleAt(Role.ADMIN), email="admin@example.org")
    person = client.get("/api/v1/me").json()["id"]
    listed = admin.get(f"/api/v1/destinations?person_id={person}").json()["items"]
    assert [(each["id"], each["ended_at"]) for each in listed] == [(one["id"], ended["ended_at"])]
    subscribe(client, endpoint="https://push.example/send/new")
    (fresh,) = mine(client)
    assert fresh["name"] == "Chrome, Android" and fresh["ended_at"] is None


def test_the_worker_stands_at_the_root_and_is_looked_up_anew(house: House) -> None:
    answer = anonymous(house).get("/worker.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert "worker-src 'self'" in answer.headers["content-security-policy"]
    assert "manifest-src 'self'" in answer.headers["content-security-policy"]
    manifest = anonymous(house).get("/static/manifest.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    assert manifest.json()["display"] == "standalone", "iPhones take notices of nothing else"
    for icon in manifest.json()["icons"]:
        assert anonymous(house).get(icon["src"]).headers["content-type"] == icon["type"]


def test_who_switched_it_off_has_none(tmp_path: Path) -> None:
    with open_house(tmp_path, notify=NotifySettings(push=PushSettings(enabled=False))) as house:
        client = signed_in(house, RoleAt(Role.ENGINEER))
        assert "Send notices to this browser" not in client.get(PAGE, headers=HTML).text
        assert client.get(BROWSER).status_code == 404
        answer = client.post(BROWSER, data={"csrf": csrf_of(client)} | SUBSCRIPTION, headers=HTML)
        assert answer.status_code == 422
        with house.desk.transaction() as session:
            assert push_key(session) is None


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (PHONE, "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140) Gecko Firefox/140.0", "Firefox, Mac"),
        ("curl/8", "Browser"),
        ("", "Browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent: str, name: str) -> None:
    assert browser_name(agent) == name


@pytest.mark.parametrize(
    ("settings", "contact"),
    [
        (Settings(), "mailto:sweepwatch@localhost"),
        (Settings(server=ServerSettings(public_url="https://sweep.example:8443")), "https://sweep.example"),
        (
            Settings(notify=NotifySettings(mail=MailSettings(host="m.example", sender="a@m.example"))),
            "mailto:a@m.example",
        ),
        (
            Settings(notify=NotifySettings(push=PushSettings(contact="mailto:b@x.example"))),
            "mailto:b@x.example",
        ),
    ],
)
def test_push_services_reach_us_as_we_are_known(settings: Settings, contact: str) -> None:
    assert contact_of(settings) == contact
