"""An engineer's day and a plan that waits, in a real Chromium: they fit a phone with the longest names."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.api import NOW, House, add_device, open_house
from helpers.browser import load_images, watched
from helpers.way_in import let_in_as
from playwright.sync_api import Browser, Page, expect

from desk.dispatch.assigning import Sent
from desk.parts.stock import Moving
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.customers import Contact, Customer
from fleet.engineers import Engineer
from fleet.grants import Role
from fleet.part_catalogue import Part
from fleet.people import RoleAt
from fleet.principals import schedule
from fleet.sites import Site
from fleet.stock import PlaceKind, StockPlace
from fleet.text import Text
from fleet.tickets import TicketState as T
from storage.records.sites import describe_site

LONG = "w" * 64
BY = schedule("tests")
HERE = (31.23, 121.47)
DAYS = {"sun": ("06:00-22:00",), "mon": ("06:00-22:00",)}
PAGES = ("/my-day", "/dispatch", "/dispatch/plans/1", "/engineers/me", "/orders", "/stock")
ROLES = (RoleAt(Role.ENGINEER), RoleAt(Role.MANAGER))
WIDTHS = (390, 1280)
SHOTS = os.environ.get("SHOTS")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    dispatch = {"planner": "insertion", "cpu_s": 0.2}
    with open_house(tmp_path_factory.mktemp("house"), dispatch=dispatch) as made:
        _furnish(made)
        yield made


def _furnish(house: House) -> None:
    """Make a visit that is under way, one that follows, one tomorrow, and one that waits in a plan."""
    services = house.app.state.services
    me = house.doors.people.invite("me@example.org", LONG, ROLES, BY)[0]
    with house.desk.transaction() as session:
        for name, lat in (("pudong", 31.24), (LONG, 31.25)):
            described = Site(name, Text(LONG, LONG), "east", "acme", LONG * 2, lat, 121.48)
            describe_site(session, described)
    services.service.customer(Customer("acme", contact=Contact(LONG, "+86 21 5555", "a@x.org")), BY)
    services.service.part(Part("brush-bearing", Text(LONG, LONG), supplier=LONG), BY)
    for place, kind in (("van", PlaceKind.VAN), ("depot", PlaceKind.DEPOT)):
        services.parts.stock.place(StockPlace(place, kind, region="east"), BY)
        services.parts.stock.receive(Moving(place, "brush-bearing", 3), BY)
    skills = frozenset({"mechanical"})
    mine = {"region": "east", "skills": skills, "home": HERE, "shifts": DAYS}
    services.service.engineer(Engineer("me", LONG, me.id, van="van", **mine), BY)
    services.service.engineer(Engineer("c" * 64, LONG, employer=LONG, **mine), BY)
    for number in range(1, 7):
        add_device(house, f"R{number}", site="pudong" if number < 5 else LONG)
    going, after, tomorrow = (house.tickets.report(f"R{n}", "brush_jam", BY, LONG) for n in (1, 5, 6))
    assign = services.dispatch.assigning.assign
    assign(going, Sent("me", NOW + 10 * MINUTE_MS, 10 * MINUTE_MS), BY)
    assign(after, Sent("me", NOW + 4 * HOUR_MS, 20 * MINUTE_MS), BY)
    assign(tomorrow, Sent("me", NOW + DAY_MS, 20 * MINUTE_MS), BY)
    services.dispatch.appointments.tell(after, BY)
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        house.tickets.change_state(going, state, BY, "")
    house.tickets.report("R2", "brush_jam", BY, LONG)
    house.tickets.report("R3", "battery_wear", BY, LONG)
    house.services.replanner.tick()
    services.absences.away("me", NOW + 5 * DAY_MS, NOW + 6 * DAY_MS, BY)


@pytest.fixture
def page(browser: Browser, house: House, host: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    found = next(each for each in house.doors.people.everybody() if each.email == "me@example.org")
    let_in_as(context, house, int(host.rpartition(":")[2]), found)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_and_is_well_made(page: Page, host: str, path: str, language: str) -> None:
    watch = watched(page, host)
    page.goto(f"http://{host}{path}?lang={language}", wait_until="domcontentloaded")
    load_images(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if SHOTS:
            name = path.strip("/").replace("/", "_")
            page.screenshot(path=Path(SHOTS) / f"{name}-{language}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    assert page.locator("h1").count() == 1
    assert page.locator("th:not([scope])").count() == 0
    assert watch.complaints == []


def test_a_visit_is_moved_on_and_another_one_taken_over_on_a_phone(page: Page, host: str) -> None:
    page.goto(f"http://{host}/my-day?lang=en", wait_until="domcontentloaded")
    expect(page.get_by_role("heading", name="While you are here")).to_be_visible()
    before = page.locator("ol.visits > li").count()
    page.get_by_role("button", name="Do it, too").first.click()
    expect(page.locator("ol.visits > li")).to_have_count(before + 1)
    page.get_by_role("button", name="Accept").first.click()
    expect(page.get_by_role("button", name="Set out").first).to_be_visible()
