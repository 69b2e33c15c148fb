"""The service desk in a real Chromium: each page fits with the longest names, customers need no script."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from helpers.api import NOW, House, add_device, open_house, raise_alert
from helpers.browser import load_images, watched
from helpers.way_in import let_in
from playwright.sync_api import Browser, Page, expect

from desk.dispatch.assigning import Sent
from desk.parts.stock import Moving
from desk.people.stars import StarsJudge
from fleet.assignments import AppointmentState, Rather
from fleet.clock import HOUR_MS
from fleet.complaints import Complaint, ComplaintClass
from fleet.customers import Contact, Contract, Customer, PlanName
from fleet.engineers import Certificate, Engineer
from fleet.feedback import FeedbackSource, Said, Visit
from fleet.grants import Role
from fleet.part_catalogue import Part
from fleet.people import RoleAt
from fleet.principals import Principal, PrincipalKind, schedule
from fleet.requests import Channel, NewRequest
from fleet.sites import Site
from fleet.stock import PlaceKind, StockPlace
from fleet.text import Text
from fleet.tickets import TicketState as T
from storage.records.people import add_person
from storage.records.sites import describe_site

LONG = "w" * 64
BY = schedule("tests")
PAGES = (
    "/tickets?show=all",
    "/tickets/1",
    "/tickets/2",
    "/tickets/3",
    "/tickets/4",
    "/report",
    "/requests",
    "/requests/1",
    "/complaints/new",
    "/maintenance",
    "/inspections",
    "/customers",
    f"/customers/{LONG}",
    "/engineers",
    "/engineers/li",
    "/lists",
    "/stock",
    f"/stock/places/{LONG}",
    f"/stock/places/{LONG}/count/{LONG}",
    "/orders",
    "/tickets/1/dispatch",
    "/dispatch?day=2026-11-23",
    "/dispatch/plans/1",
    "/callbacks",
    "/feedback",
    "/faults/brush_jam",
    "/indicators",
    "/indicators?month=2026-11",
    "/indicators/first_time_fix?month=2026-11",
)
WIDTHS = (1280, 390)
SHOTS = os.environ.get("SHOTS")
"""A folder for pictures of each page, for whoever wants to look at them."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        _furnish(made)
        yield made


def _furnish(house: House) -> None:
    """Make a site of a customer with the longest names: a proposed visit, a judged repair, a complaint."""
    services = house.app.state.services
    with house.desk.transaction() as session:
        li = add_person(session, "li.engineer@x.org", "Li Wei", NOW, [RoleAt(Role.ENGINEER)])
        describe_site(session, Site("pudong", name=Text(LONG, LONG), customer=LONG, region="east"))
    services.service.customer(
        Customer(LONG, Text(LONG, LONG), contact=Contact(LONG, "13900000000", f"{LONG}@x.org"), notes=LONG),
        BY,
    )
    services.service.contract(Contract(LONG, LONG, PlanName.GOLD, date(2026, 1, 1)), BY)
    certificate = Certificate(LONG, expires=date(2026, 12, 1))
    services.service.engineer(
        Engineer("li", LONG, account=li.id, skills=frozenset({"drive"}), certificates=(certificate,)), BY
    )
    add_device(house, "R1", site="pudong", risk=0.9, fault="brush_jam", risk_ts=NOW)
    raise_alert(house, "R1", "brush_jam", 0.9)
    engineer = Principal(PrincipalKind.PERSON, str(li.id), "Li Wei")
    house.tickets.change_state(1, T.ACCEPTED, engineer, "")
    add_device(house, "R2", site="pudong")
    number = house.tickets.report("R2", "brush_jam", engineer, LONG)
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        house.tickets.change_state(number, state, engineer, "")
    services.closing.visits.write(Visit(number, 0, "", None, 30, (), LONG, None, LONG), engineer)
    house.tickets.change_state(number, T.REPAIRED, engineer, "", confirmed=["brush_jam"])
    services.closing.feedback.record(number, Said(2, False, LONG), FeedbackSource.CALL, BY)
    said = Complaint(ComplaintClass.MAJOR, LONG * 3, LONG, LONG)
    services.work.complaints.file(said, BY, device_id="R2")
    services.intake.reports.take(NewRequest(Channel.STAFF, LONG * 2, LONG, LONG, site="pudong"), BY)
    _stock(house, number)
    _dispatch(house)
    StarsJudge(house.desk, services.service, house.clock).tick()


def _dispatch(house: House) -> None:
    """Send somebody by a plan, with a window that the customer would rather have at another time."""
    services = house.app.state.services
    home = (31.23, 121.47)
    with house.desk.transaction() as session:
        here = Site("pudong", name=Text(LONG, LONG), customer=LONG, region="east", lat=31.24, lon=121.48)
        describe_site(session, here)
    skills = frozenset({"mechanical", "electrical"})
    services.service.engineer(Engineer("m" * 64, LONG, skills=skills, home=home), BY)
    add_device(house, "R3", site="pudong")
    number = house.tickets.report("R3", "filter_clog", BY, LONG)
    sent = Sent("m" * 64, NOW + 26 * HOUR_MS, HOUR_MS, held=True, reason=LONG * 3)
    services.dispatch.assigning.assign(number, sent, BY)
    services.dispatch.appointments.tell(number, BY)
    services.dispatch.appointments.record(number, AppointmentState.MOVE, BY, list(Rather), LONG * 5)
    services.dispatch.propose(BY, date(2026, 11, 23))


def _stock(house: House, number: int) -> None:
    """Fill a van with the longest names: some short, used and unknown, proposed, ordered, and too much."""
    parts, book, other = house.app.state.services.parts, house.app.state.services.service, "d" * 64
    book.part(Part(LONG, Text(LONG, LONG), supplier=LONG, serialised=True), BY)
    book.part(Part("hepa-filter", supplier=LONG), BY)
    li = Engineer("li", LONG, account=1, van=LONG)
    book.engineer(li, BY)
    parts.stock.place(StockPlace(LONG, PlaceKind.VAN, Text(LONG, LONG)), BY)
    parts.stock.place(StockPlace(other, name=Text(LONG, LONG)), BY)
    for place in (LONG, other):
        serials = tuple(f"{place[0]}{n}".ljust(64, "s") for n in range(3))
        parts.stock.receive(Moving(place, LONG, 3, serials, LONG * 3), BY)
    parts.stock.receive(Moving(other, "hepa-filter", 9), BY)
    parts.stock.use(Moving(other, "hepa-filter", 9, ticket=number), BY)
    parts.stock.count(Moving(LONG, "hepa-filter", 4), BY)
    parts.stock.use(Moving(LONG, LONG, 1, ("w0".ljust(64, "s"),), LONG, number), BY)
    for _ in range(2):
        parts.orders.propose(LONG, other, 1, BY)
    parts.orders.order(1, BY)


@pytest.fixture
def page(browser: Browser, house: House, host: str) -> Iterator[Page]:
    context = browser.new_context()
    let_in(context, house, int(host.rpartition(":")[2]))
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_desk_fits_and_is_well_made(page: Page, host: str, path: str, language: str) -> None:
    watch = watched(page, host)
    mark = "&" if "?" in path else "?"
    page.goto(f"http://{host}{path}{mark}lang={language}", wait_until="domcontentloaded")
    load_images(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if SHOTS:
            name = path.strip("/").replace("/", "_").replace("?", "_")[:40]
            page.screenshot(path=Path(SHOTS) / f"{name}-{language}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    nameless = (
        "[...document.querySelectorAll('input:not([type=hidden]):not([hidden]), select, textarea')]"
        ".filter(field => !field.labels.length && !field.ariaLabel).map(field => field.outerHTML)"
    )
    assert page.evaluate(nameless) == []
    assert page.locator("img:not([alt])").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("h1").count() == 1
    assert watch.complaints == []


def test_a_customer_consents_by_a_link_on_a_phone_without_any_script(
    browser: Browser, house: House, host: str, page: Page
) -> None:
    page.goto(f"http://{host}/tickets/1?lang=en", wait_until="domcontentloaded")
    asked = page.get_by_role("region", name="Does the customer want this visit?")
    expect(asked).to_contain_text("the customer")
    asked.locator("summary").click()
    asked.get_by_label("What the visit costs, in words").fill("Labour 180 CNY")
    asked.get_by_role("button", name="Make a link").click()
    link = page.locator("code.secret").inner_text()
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    phone = context.new_page()
    phone.goto(f"http://{host}/c/{link.rpartition('/')[2]}?lang=zh", wait_until="domcontentloaded")
    expect(phone.locator("main")).to_contain_text("Labour 180 CNY")
    phone.get_by_label("同意上门", exact=True).check()
    phone.get_by_label("方便的时间，或不同意的原因").fill("上午")
    phone.get_by_role("button", name="提交").or_(phone.get_by_role("button", name="发送")).click()
    expect(phone.locator(".saved")).to_contain_text("同意上门")
    context.close()
    page.goto(f"http://{host}/tickets/1?lang=en", wait_until="domcontentloaded")
    expect(asked).to_contain_text("Yes, please come")
    expect(asked).to_contain_text("上午")
