"""Notices in a real browser: from the button to the notification that is shown.

The maker's push service is out of reach here: `subscribe` answers what it would, with the address of a local
receiver, and what that receives is handed to the worker as the service would hand it over.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from helpers.api import House, open_house
from helpers.browser import watched
from helpers.publishing import wait_until
from helpers.way_in import let_in
from joserfc import jwt
from joserfc.jwk import ECKey
from playwright.sync_api import Browser, BrowserContext, Page, Worker, expect

from benchmarks.harness.receivers import HttpReceiver, http_receiver
from fleet.principals import schedule
from notify.ports import Said
from notify.sender import Sender
from storage.records.destinations import all_destinations
from sweepwatch.settings.notify import NotifySettings

PAGE = "/account/notices"
BUTTON = {"en": "Send notices to this browser", "zh": "向此浏览器发送通知"}
ON = {"en": "This browser gets notices.", "zh": "此浏览器正在接收通知。"}
AUTH = b"0123456789abcdef"
SERVICE = """(() => {
  const told = TOLD;
  const kept = () => localStorage.getItem("subscribed");
  const subscription = () => ({
    endpoint: told.endpoint,
    options: { applicationServerKey: Uint8Array.from(atob(kept().replace(/-/g, "+").replace(/_/g, "/")),
      (one) => one.charCodeAt(0)).buffer },
    toJSON: () => told,
    unsubscribe: async () => { localStorage.removeItem("subscribed"); return true; },
  });
  PushManager.prototype.getSubscription = async () => kept() && subscription();
  PushManager.prototype.subscribe = async (options) => {
    if (!options.userVisibleOnly) throw new DOMException("refused", "NotAllowedError");
    localStorage.setItem("subscribed", options.applicationServerKey);
    return subscription();
  };
})();"""
"""In place of a push service. TOLD is what it tells of a subscription."""


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class BrowsersKeys:
    """The keys that a browser makes when it subscribes."""

    def __init__(self, receiver: HttpReceiver) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.told = {
            "endpoint": f"{receiver.url}/send/tok0123456789",
            "keys": {"p256dh": _b64(public), "auth": _b64(AUTH)},
        }

    def opened(self, body: bytes) -> dict[str, Any]:
        raw = http_ece.decrypt(body, private_key=self.private, auth_secret=AUTH, version="aes128gcm")
        told: dict[str, Any] = json.loads(raw)
        return told


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    notify = NotifySettings(allow_private_targets=True)
    with open_house(tmp_path_factory.mktemp("house"), notify=notify) as made:
        yield made


@pytest.fixture
def context(browser: Browser, house: House, host: str) -> Iterator[BrowserContext]:
    made = browser.new_context()
    let_in(made, house, int(host.rpartition(":")[2]))
    made.set_default_timeout(60_000)
    yield made
    made.close()
    services = house.app.state.services
    with house.desk.transaction() as session:
        left = all_destinations(session)
    for each in left:
        services.notices.remove(each.id, schedule("tests"))


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_receiver() as made:
        made.status = 201
        yield made


def _allow(context: BrowserContext, host: str) -> None:
    context.grant_permissions(["notifications"], origin=f"http://{host}")


def _send_all(house: House) -> None:
    services = house.app.state.services
    sender = Sender(house.desk, services.notices.channels, Said("https://c.example/"), house.clock, "tests")
    for destination, _ in sender.due():
        sender.send_to(destination)


def _push(context: BrowserContext, page: Page, host: str, data: str) -> None:
    """Hand a push to the worker of a page, as a push service does by the browser."""
    session = context.new_cdp_session(page)
    registered: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda found: registered.extend(each["registrationId"] for each in found["registrations"]),
    )
    session.send("ServiceWorker.enable")
    wait_until(lambda: page.evaluate("1") and bool(registered))
    push = {"origin": f"http://{host}", "registrationId": registered[-1], "data": data}
    session.send("ServiceWorker.deliverPushMessage", push)


_COUNT = """() => {
  self.shown = 0;
  const show = self.registration.showNotification.bind(self.registration);
  self.registration.showNotification = async (...what) => {
    await show(...what);
    self.shown += 1;
  };
}"""


def _counted(context: BrowserContext, page: Page) -> Worker:
    """Return a page's worker, which counts what it has shown.

    Chromium forgets a notification when the list of them is asked for while it is put up: so tests wait for
    the worker, and ask for the list once it stands.
    """
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    (worker,) = context.service_workers
    worker.evaluate(_COUNT)
    return worker


def _shown(page: Page, worker: Worker, times: int) -> list[dict[str, Any]]:
    wait_until(lambda: worker.evaluate("self.shown") == times)
    found: list[dict[str, Any]] = page.evaluate(_SHOWN)
    return found


_SHOWN = """async () => {
  const worker = await navigator.serviceWorker.getRegistration("/");
  const shown = await worker.getNotifications();
  return shown.map(({ title, body, tag, lang, data, requireInteraction }) =>
    ({ title, body, tag, lang, data, requireInteraction }));
}"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_from_the_button_to_the_notification(
    context: BrowserContext, house: House, host: str, receiver: HttpReceiver, language: str
) -> None:
    _allow(context, host)
    keys = BrowsersKeys(receiver)
    context.add_init_script(SERVICE.replace("TOLD", json.dumps(keys.told)))
    page = context.new_page()
    watch = watched(page, host)
    page.goto(f"http://{host}{PAGE}?lang={language}")
    page.get_by_role("button", name=BUTTON[language]).click()
    expect(page.get_by_text(ON[language])).to_be_visible()
    (destination,) = (
        row for row in house.app.state.services.notices.of(1) if row.channel == "push" and not row.ended_at
    )
    assert destination.name == "Chrome, Linux"
    assert page.evaluate("localStorage.getItem('subscribed')") == house.app.state.services.notices.push_key()

    page.locator("form[action$='/test'] button").click()
    expect(page.get_by_role("status").first).to_be_visible()
    _send_all(house)
    (asked,) = receiver.asked
    signed, _, public = asked.headers["authorization"].removeprefix("vapid t=").partition(",k=")
    point = base64.urlsafe_b64decode(public + "==")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(signed, ECKey.import_key(pem), ["ES256"]).claims
    assert (claims["aud"], claims["sub"]) == (receiver.url, "mailto:sweepwatch@localhost")
    assert public == page.evaluate("localStorage.getItem('subscribed')"), "signed by whom it subscribed to"

    told, worker = keys.opened(asked.body), _counted(context, page)
    _push(context, page, host, json.dumps(told))
    (shown,) = _shown(page, worker, 1)
    assert (shown["title"], shown["body"], shown["tag"]) == (told["title"], told["body"], told["key"])
    assert shown["data"] == {"link": told["link"] or "/"}
    assert watch.complaints == []


def test_a_notification_opens_its_link_and_one_that_comes_twice_is_one(
    context: BrowserContext, host: str
) -> None:
    _allow(context, host)
    page = context.new_page()
    page.goto(f"http://{host}{PAGE}?lang=en")
    page.evaluate("navigator.serviceWorker.register('/worker.js', {scope: '/'})")
    worker = _counted(context, page)
    link = f"http://{host}/n/none"
    told = {"key": "k1", "title": "[L1] Jam", "body": "R1", "link": link, "level": "L1", "language": "en"}
    for _ in range(2):
        _push(context, page, host, json.dumps(told))
    _push(context, page, host, "no JSON at all")
    plain, jam = sorted(_shown(page, worker, 3), key=lambda one: one["title"])
    assert (jam["title"], jam["requireInteraction"], plain["title"]) == ("[L1] Jam", True, "Sweepwatch")
    opened = """async () => {
      const [jam] = await self.registration.getNotifications({ tag: "k1" });
      const seen = [];
      self.clients.openWindow = async (address) => seen.push(address);
      const click = new NotificationEvent("notificationclick", { notification: jam });
      self.dispatchEvent(click);
      await new Promise((done) => setTimeout(done, 300));
      return seen;
    }"""
    assert worker.evaluate(opened) == [link]
    wait_until(lambda: len(page.evaluate(_SHOWN)) == 1)


@pytest.mark.parametrize(
    ("hindrance", "words"),
    [
        (
            "PushManager.prototype.subscribe = () => Promise.reject(new DOMException('no', 'AbortError'))",
            "could not",
        ),
        ("Notification.requestPermission = async () => 'denied'", "refuses notices"),
        ("Notification.requestPermission = async () => 'default'", "was not answered"),
        ("delete window.PushManager", "cannot receive notices"),
        ("Object.defineProperty(window, 'isSecureContext', { value: false })", "by https"),
    ],
)
def test_what_hinders_a_browser_is_said_in_words(
    context: BrowserContext, house: House, host: str, hindrance: str, words: str
) -> None:
    _allow(context, host)
    context.add_init_script(hindrance)
    page = context.new_page()
    page.goto(f"http://{host}{PAGE}?lang=en")
    button = page.get_by_role("button", name=BUTTON["en"])
    if "window" not in hindrance:
        button.click()
    expect(page.locator("[data-when]:visible").last).to_contain_text(words)
    assert house.app.state.services.notices.of(1) == []


def test_permission_is_asked_for_by_the_button_alone(context: BrowserContext, host: str) -> None:
    context.add_init_script(
        "window.asked = 0;"
        "Notification.requestPermission = async () => { window.asked += 1; return 'default'; }"
    )
    page = context.new_page()
    page.goto(f"http://{host}{PAGE}?lang=en")
    button = page.get_by_role("button", name=BUTTON["en"])
    expect(button).to_be_visible()
    assert page.evaluate("window.asked") == 0
    button.click()
    wait_until(lambda: page.evaluate("window.asked") == 1)


_MOVED = """(service) => {
  const subscription = (name) => ({
    endpoint: service.replace("/send/", `/${name}/`),
    options: {},
    toJSON() { return { endpoint: this.endpoint, keys: KEYS }; },
  });
  const event = new ExtendableEvent("pushsubscriptionchange");
  event.oldSubscription = { endpoint: service };
  event.newSubscription = subscription("moved");
  self.dispatchEvent(event);
}"""
_MOVED_AWAY = """() => {
  self.fetch = async () => { throw new TypeError("signed out") };
  self.dispatchEvent(new ExtendableEvent("pushsubscriptionchange"));
}"""


def test_a_browser_whose_address_changed_says_so_by_itself_or_says_that_it_cannot(
    context: BrowserContext, house: House, host: str, receiver: HttpReceiver
) -> None:
    _allow(context, host)
    told = BrowsersKeys(receiver).told
    context.add_init_script(SERVICE.replace("TOLD", json.dumps(told)))
    page = context.new_page()
    page.goto(f"http://{host}{PAGE}?lang=en")
    page.get_by_role("button", name=BUTTON["en"]).click()
    expect(page.get_by_text(ON["en"])).to_be_visible()
    (before,) = house.app.state.services.notices.of(1)
    worker = _counted(context, page)
    moved = _MOVED.replace("KEYS", json.dumps(told["keys"]))
    worker.evaluate(moved, told["endpoint"])
    of_person = house.app.state.services.notices.of
    wait_until(lambda: page.evaluate("1") and of_person(1)[0].shown != before.shown)
    (after,) = of_person(1)
    assert (after.id, after.name) == (before.id, before.name)
    assert page.evaluate(_SHOWN) == []

    worker.evaluate(_MOVED_AWAY)
    (shown,) = _shown(page, worker, 1)
    assert shown["data"] == {"link": PAGE}
    assert "no more notices" in shown["body"]


def test_removed_on_the_page_the_browser_forgets_it_and_may_come_again_as_one(
    context: BrowserContext, house: House, host: str, receiver: HttpReceiver
) -> None:
    _allow(context, host)
    context.add_init_script(SERVICE.replace("TOLD", json.dumps(BrowsersKeys(receiver).told)))
    page = context.new_page()
    page.goto(f"http://{host}{PAGE}?lang=en")
    button = page.get_by_role("button", name=BUTTON["en"])
    button.click()
    expect(page.get_by_text(ON["en"])).to_be_visible()
    expect(button).to_be_hidden()
    expect(page.get_by_text("this browser", exact=True)).to_be_visible()
    page.locator("form[data-remove] button").click()
    expect(button).to_be_visible()
    assert page.evaluate("localStorage.getItem('subscribed')") is None
    assert house.app.state.services.notices.of(1) == []
    button.click()
    expect(page.get_by_text(ON["en"])).to_be_visible()
    assert len(house.app.state.services.notices.of(1)) == 1
