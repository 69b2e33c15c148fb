"""The console in a real browser: each page, both languages, wide and narrow, with and without JavaScript."""

import dataclasses
from collections.abc import Iterator

import pytest
from helpers.api import NOW, House, furnish, open_house
from helpers.browser import load_images, watched
from helpers.models import trained
from helpers.noticed import Post
from helpers.way_in import let_in
from playwright.sync_api import Browser, Page, expect
from prometheus_client import CollectorRegistry
from pyotp import TOTP

from access.devices.claims import Claims
from access.sessions import Browser as Visit
from api.app import create_app
from fleet.clock import HOUR_MS
from fleet.grants import Role
from fleet.mutes import Matcher, Mute
from fleet.notices import ChannelKind
from fleet.people import RoleAt, Scope
from fleet.principals import schedule
from fleet.progress import StartProgress
from fleet.signals import Kind
from fleet.text import Text
from models.registry.registry import ModelRegistry
from notify.duty.planning import Hours
from storage.records.people import add_person
from sweepwatch.run.server import WebServer, listen

PAGES = {
    "/": {"en": "Fleet by risk", "zh": "设备风险排名"},
    "/devices/R0007": {"en": "R0007", "zh": "R0007"},
    "/alerts": {"en": "Alerts", "zh": "告警"},
    "/tickets": {"en": "Tickets", "zh": "工单"},
    "/tickets/1": {"en": "Brush jamming", "zh": "滚刷卡滞"},
    "/ingest": {"en": "Ingest", "zh": "数据接入"},
    "/ingest/gaps": {"en": "Gaps", "zh": "缺失区间"},
    "/ingest/quarantine": {"en": "Quarantine", "zh": "隔离区"},
}
PEOPLE_PAGES = {
    "/people": {"en": "People", "zh": "人员"},
    "/account": {"en": "Li Wei", "zh": "Li Wei"},
    "/tokens": {"en": "Tokens", "zh": "令牌"},
    "/sites/hongqiao": {"en": "hongqiao", "zh": "hongqiao"},
    "/claim": {"en": "Claim a device", "zh": "认领设备"},
    "/firmware": {"en": "Firmware", "zh": "固件"},
    "/incidents": {"en": "Incidents", "zh": "事件"},
    "/mutes": {"en": "Mutes", "zh": "静音"},
    "/duty": {"en": "On call", "zh": "值班"},
    "/duty/plan": {"en": "Duty plan", "zh": "值班计划"},
    "/rules": {"en": "Rules", "zh": "规则"},
    "/rules/edit": {"en": "Change the rules", "zh": "修改规则"},
    "/rules/versions/0": {"en": "Rules, version 0", "zh": "规则，版本 0"},
}
MODEL_PAGES = {
    "/models": {"en": "Models", "zh": "模型"},
    "/models/MODEL": {"en": "Brush jamming", "zh": "滚刷卡滞"},
    "/visits": {"en": "Plan visits", "zh": "安排上门"},
    "/prove": {"en": "What would it have done for your fleet?", "zh": "它本可为您的设备带来什么？"},
}
"""MODEL stands for the id of the model that the house has."""
EVERY_PAGE = PAGES | MODEL_PAGES | PEOPLE_PAGES
WIDTHS = (1440, 1280, 390)
"""A large screen, a desk, a phone."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        furnish(made)
        yield made


@pytest.fixture(scope="module")
def model(house: House, tmp_path_factory: pytest.TempPathFactory) -> str:
    result, details = trained("brush_jam")
    registry = ModelRegistry(house.desk, tmp_path_factory.mktemp("files"))
    return registry.save("brush_jam", result.classifier, result.threshold, NOW, details).id


LONG = "w" * 64


@pytest.fixture(scope="module")
def long_names(house: House) -> None:
    """Give the house a schedule, a rule, a mute and destinations with names as long as they may be."""
    services, someone = house.app.state.services, schedule("tests")
    newest = services.planning.newest()
    plan = f"schedules:\n  - {{name: {LONG}, zone: Asia/Shanghai, layers: [\n"
    plan += f"      {{name: main, people: [{LONG}@x.org], start: 2026-11-16, every: week,\n"
    plan += "       handover: mon 08:00}]}\n"
    with house.desk.transaction() as session:
        add_person(session, f"{LONG}@x.org", LONG, NOW, [])
    services.planning.apply(plan, newest.number if newest else 0, someone, LONG)
    until = NOW + HOUR_MS
    services.planning.override(Hours(LONG, None, NOW, until), someone, LONG, None)
    document = services.book.document(services.book.active()).replace("name: battery_hot", f"name: {LONG}")
    services.book.activate(services.book.propose(document, someone, LONG), someone, LONG, force=True)
    mute = Mute(0, Matcher(rule=LONG, site=LONG), NOW, until, LONG, "", NOW)
    services.care.mute(mute, someone)
    services.notices.channels[ChannelKind.MAIL] = Post(ChannelKind.MAIL, house.clock)
    to = services.notices.add(None, LONG, ChannelKind.MAIL, {"email": f"{LONG}@x.example"}, someone)
    services.notices.test(to.id, someone)


@pytest.fixture
def page(browser: Browser, house: House, host: str) -> Iterator[Page]:
    context = browser.new_context()
    let_in(context, house, int(host.rpartition(":")[2]))
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", EVERY_PAGE)
def test_a_page_fits_speaks_the_language_and_asks_nobody_else(
    page: Page, host: str, model: str, path: str, language: str
) -> None:
    watch = watched(page, host)
    address = path.replace("MODEL", model)
    page.goto(f"http://{host}{address}?lang={language}", wait_until="domcontentloaded")
    load_images(page)
    expect(page.locator("h1")).to_have_text(EVERY_PAGE[path][language])
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
    assert page.evaluate(broken) == []
    assert watch.complaints == []


@pytest.mark.parametrize("path", ["/duty", "/duty/plan", "/rules", "/mutes", "/notices", "/destinations"])
@pytest.mark.usefixtures("long_names")
def test_names_as_long_as_they_may_be_wrap(page: Page, host: str, path: str) -> None:
    """Names of 64 letters without a place to break, of a schedule, a rule, a mute and a destination."""
    page.goto(f"http://{host}{path}?lang=en", wait_until="domcontentloaded")
    assert LONG in page.content()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_field_has_a_label_every_image_a_text_and_every_table_its_heads(
    page: Page, host: str, model: str, path: str
) -> None:
    page.goto(f"http://{host}{path.replace('MODEL', model)}?lang=en", wait_until="domcontentloaded")
    nameless = (
        "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
        ".filter(field => !field.labels.length).map(field => field.outerHTML)"
    )
    assert page.evaluate(nameless) == []
    assert page.locator("img:not([alt])").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("main").count() == page.locator("h1").count() == 1


def test_a_ticket_is_moved_on_through_its_form_and_its_history_says_so(page: Page, host: str) -> None:
    watch = watched(page, host)
    page.goto(f"http://{host}/tickets/3?lang=en", wait_until="domcontentloaded")
    form = page.get_by_role("region", name="Change the state")
    form.get_by_label("New state").select_option("accepted")
    form.get_by_label("Reason").fill("the engineer passes by at noon")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-current=step]")).to_have_text("Accepted")
    newest = page.locator(".history li").first
    expect(newest).to_contain_text("Opened → Accepted")
    expect(newest).to_contain_text("the engineer passes by at noon")
    expect(newest).to_contain_text("Li Wei")
    assert watch.complaints == []


def test_a_form_without_what_it_requires_is_not_sent(page: Page, host: str) -> None:
    page.goto(f"http://{host}/tickets/4?lang=en", wait_until="domcontentloaded")
    said = page.get_by_role("region", name="Say something")
    said.get_by_role("button", name="Add").click()
    expect(said.locator("textarea:invalid")).to_have_count(1)
    expect(page.locator(".history li")).to_have_count(1)
    form = page.get_by_role("region", name="Change the state")
    form.get_by_label("New state").select_option("cancelled")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("a reason is required")
    expect(page.locator(".history li")).to_have_count(1)


def test_the_filters_lead_to_a_link_that_shows_the_same_again(page: Page, host: str) -> None:
    page.goto(f"http://{host}/?lang=en", wait_until="domcontentloaded")
    page.get_by_label("Site").select_option("pudong")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**site=pudong**")
    rows = page.locator("tbody tr th a").all_inner_texts()
    assert rows
    page.goto(page.url, wait_until="domcontentloaded")
    assert page.locator("tbody tr th a").all_inner_texts() == rows


def test_what_a_device_sent_wrongly_is_found_from_its_page_and_read_byte_by_byte(
    page: Page, host: str
) -> None:
    watch = watched(page, host)
    page.goto(f"http://{host}/devices/R0007?lang=en", wait_until="domcontentloaded")
    page.get_by_role("definition").get_by_role("link", name="4", exact=True).click()
    page.wait_for_url("**/ingest/quarantine?device=R0007")
    expect(page.locator("tbody tr")).to_have_count(4)
    page.get_by_label("Reason").select_option("bad_encoding")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**reason=bad_encoding**")
    page.locator("details.payload summary").click()
    expect(page.locator("details.payload pre")).to_contain_text("0050  50 51 52")
    expect(page.locator("details.payload pre")).to_contain_text("PQRST")
    assert watch.complaints == []


def test_a_list_refreshes_itself_while_nobody_types(page: Page, host: str) -> None:
    page.clock.install()
    page.goto(f"http://{host}/tickets?lang=en", wait_until="domcontentloaded")
    page.evaluate("document.querySelector('h1').textContent = 'old'")
    page.clock.run_for(16_000)
    expect(page.locator("h1")).to_have_text("Tickets")


def test_a_page_says_within_5_s_that_its_server_is_gone_and_that_it_is_back(page: Page, house: House) -> None:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    let_in(page.context, house, port)
    with WebServer(house.app, listener):
        page.goto(f"http://127.0.0.1:{port}/?lang=en", wait_until="domcontentloaded")
        expect(page.locator("#gone")).to_be_hidden()
    expect(page.locator("#gone")).to_be_visible(timeout=5_000)
    expect(page.locator("#gone")).to_contain_text("The server does not answer")
    expect(page.locator("main")).to_contain_text("R0007")
    with WebServer(house.app, listen("127.0.0.1", port)):
        expect(page.locator("#gone")).to_be_hidden(timeout=10_000)


def test_a_page_says_that_it_does_not_refresh_while_somebody_types(page: Page, host: str) -> None:
    page.goto(f"http://{host}/?lang=en", wait_until="domcontentloaded")
    expect(page.locator("#paused")).to_be_hidden()
    page.locator("main select, main input").first.focus()
    expect(page.locator("#paused")).to_have_text("Updates are paused while you type or read details.")
    page.locator("h1").click()
    expect(page.locator("#paused")).to_be_hidden()


def test_a_page_of_the_first_start_goes_on_by_itself_but_not_to_a_server_that_is_gone(
    page: Page, house: House
) -> None:
    house.progress.append(StartProgress(Text("Writing history", "写入历史"), 0.4))
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    let_in(page.context, house, port)
    with WebServer(house.app, listener):
        page.goto(f"http://127.0.0.1:{port}/?lang=en", wait_until="domcontentloaded")
        expect(page.locator(".progress")).to_contain_text("Writing history")
    expect(page.locator("#gone")).to_be_visible(timeout=5_000)
    expect(page.locator(".progress")).to_contain_text("Writing history")
    house.progress.clear()
    with WebServer(house.app, listen("127.0.0.1", port)):
        expect(page.locator(".progress")).to_have_count(0, timeout=10_000)


@pytest.mark.parametrize("path", PAGES)
def test_without_javascript_a_page_still_shows_its_content(
    browser: Browser, house: House, host: str, path: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    let_in(context, house, int(host.rpartition(":")[2]))
    page = context.new_page()
    page.goto(f"http://{host}{path}?lang=en", wait_until="domcontentloaded", timeout=60_000)
    expect(page.locator("h1")).to_have_text(PAGES[path]["en"])
    expect(page.locator("main")).to_contain_text("R0007")
    context.close()


def test_a_form_is_not_sent_to_a_server_that_is_gone_and_keeps_what_was_typed(
    page: Page, house: House
) -> None:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    let_in(page.context, house, port)
    with WebServer(house.app, listener):
        page.goto(f"http://127.0.0.1:{port}/tickets/4?lang=en")
        form = page.get_by_role("region", name="Change the state")
        form.get_by_label("Reason").fill("nobody answers the door")
    expect(page.locator("#gone")).to_be_visible(timeout=5_000)
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_label("Reason")).to_have_value("nobody answers the door")


def test_a_form_for_a_server_that_was_only_slow_is_sent_once_it_answers(page: Page, host: str) -> None:
    page.clock.install(time=0)
    page.goto(f"http://{host}/?lang=en", wait_until="domcontentloaded")
    # One route throughout: to take one away while a request is held in it can hold all that come after.
    away = [True]
    page.route("**/healthz", lambda route: route.abort() if away else route.continue_())
    page.clock.pause_at(10)  # no beat comes before the form does
    expect(page.locator("#gone")).to_be_visible(timeout=5_000)
    away.clear()
    page.get_by_label("Site").select_option("pudong")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**site=pudong**")


def test_on_a_phone_one_sees_where_one_is_and_the_newest_risk(page: Page, host: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"http://{host}/sites?lang=en", wait_until="domcontentloaded")
    expect(page.locator("nav [aria-current]").first).to_be_in_viewport(ratio=1)
    page.goto(f"http://{host}/devices/R0007?lang=en", wait_until="domcontentloaded")
    right = page.locator(".chart.wide").evaluate(
        "box => [box.querySelector('img').getBoundingClientRect().right, box.getBoundingClientRect().right]"
    )
    assert right[0] == pytest.approx(right[1], abs=1)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("width", "high"), [(1280, 60), (1024, 60), (390, 100)])
def test_the_header_breaks_nowhere_and_its_menu_opens_by_key(
    page: Page, host: str, language: str, width: int, high: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"http://{host}/tokens?lang={language}", wait_until="domcontentloaded")
    bar = page.locator(".bar").bounding_box()
    assert bar is not None and bar["height"] <= high
    cut = "one => one.scrollWidth > one.clientWidth"
    assert not page.locator(".account").evaluate(cut), "the name of who is signed in is whole"
    assert page.locator(".language").evaluate("one => one.getClientRects().length") == 1
    page.locator(".more summary").focus()
    page.keyboard.press("Enter")
    for each in page.locator(".more a").all():
        expect(each).to_be_in_viewport(ratio=1)


def test_nothing_moves_between_the_press_of_a_button_and_its_release(page: Page, host: str) -> None:
    page.goto(f"http://{host}/?lang=en", wait_until="domcontentloaded")
    page.get_by_label("Site").select_option("pudong")
    button = page.get_by_role("button", name="Show")
    button.hover()
    page.mouse.down()
    page.wait_for_timeout(300)  # so long a person may press
    expect(page.locator("#paused")).to_be_hidden()
    page.mouse.up()
    page.wait_for_url("**site=pudong**")


def test_a_label_fills_the_form_in_and_its_code_reaches_no_server(
    page: Page, house: House, host: str
) -> None:
    claims = Claims(house.desk, house.clock, house.app.state.services.devices)
    [offered] = claims.offer(["S 7"], Kind.ROBOT, "CR-200", schedule("tests"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url + str(request.headers)))
    page.goto(f"http://{host}/claim#serial=S+7&code={offered.code}", wait_until="domcontentloaded")
    expect(page.get_by_role("textbox", name="Serial number", exact=True)).to_have_value("S 7")
    expect(page.get_by_label("Code on the label")).to_have_value(offered.code)
    assert page.url == f"http://{host}/claim", "nor is it in the history"
    assert not [each for each in asked if offered.code in each]
    page.get_by_label("Site").select_option("hongqiao")
    page.get_by_role("textbox", name="Id Its").fill("lobby")
    page.get_by_role("button", name="Claim it").click()
    expect(page.locator("h1")).to_have_text("lobby")


def test_a_refresh_takes_nothing_that_was_typed_even_when_the_field_was_left(page: Page, host: str) -> None:
    page.clock.install()
    page.goto(f"http://{host}/tickets/4?lang=en", wait_until="domcontentloaded")
    page.get_by_label("Reason").first.fill("half a sentence")
    page.locator("h1").click()
    page.clock.run_for(61_000)
    expect(page.get_by_label("Reason").first).to_have_value("half a sentence")
    expect(page.locator("#paused")).to_be_visible()


def test_the_link_of_a_demo_signs_in_whoever_opens_it_and_says_so(browser: Browser, house: House) -> None:
    services = dataclasses.replace(house.app.state.services, demo=True, registry=CollectorRegistry())
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    with WebServer(create_app(services), listener):
        page = browser.new_context().new_page()
        page.goto(f"http://127.0.0.1:{port}/devices/R0007?lang=en", wait_until="domcontentloaded")
        expect(page.locator("h1")).to_have_text("Sign in")
        expect(page.locator("main")).to_contain_text("Open the link that the terminal printed")
        secret = house.doors.people.link_for_demo()
        page.goto(f"http://127.0.0.1:{port}/enter/{secret}", wait_until="domcontentloaded")
        expect(page.locator("h1")).to_have_text("Fleet by risk")
        expect(page.locator(".demo")).to_contain_text("A demo: the fleet is simulated")
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator("h1")).to_have_text("Sign in")
        page.context.close()


def test_a_second_step_is_set_up_and_asked_for_without_any_script(
    browser: Browser, house: House, host: str
) -> None:
    """A real browser, its policy kept and JavaScript off: QR code, code, recovery codes, signing in again."""
    context = browser.new_context(java_script_enabled=False)
    port = int(host.rpartition(":")[2])
    let_in(context, house, port, RoleAt(Role.VIEWER, Scope.SITE, "jingan"))
    page = context.new_page()
    watch = watched(page, host)
    page.goto(f"http://{host}/account/second-factor?lang=en")
    page.get_by_role("button", name="Set it up").click()
    page.wait_for_load_state()  # its style sheet gives the code its size
    drawn = page.locator("svg.qr").bounding_box()
    assert drawn and drawn["width"] == drawn["height"] == 220
    key = page.locator(".setup code").first.inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(TOTP(key).at(house.clock.ms // 1000))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    code = page.locator(".codes code").first.inner_text()
    person = next(each for each in house.doors.people.everybody() if each.second_factor)
    page.get_by_role("button", name="Sign out").click()
    waits = house.doors.sessions.enter(person, Visit("tests", "127.0.0.1"), "/alerts")
    held = {"name": f"sweepwatch_step_{port}", "value": waits.secret, "url": f"http://{host}"}
    context.add_cookies([held])
    page.goto(f"http://{host}/sign-in/code?lang=en")
    page.get_by_role("textbox", name="Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Alerts")
    assert watch.complaints == []
    context.close()
