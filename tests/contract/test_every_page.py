"""What holds on every page and every route, whoever made it: its headers, and its forms."""

import re
from collections.abc import Iterator, Mapping

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, anonymous, open_house, raise_alert, signed_in
from helpers.routes import routes_of

from access.tokens import Asked
from fleet.grants import Permission, Role
from fleet.people import RoleAt
from fleet.principals import schedule

HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        add_device(made, "R1", risk=0.9, fault="brush_jam", risk_ts=made.clock.ms)
        raise_alert(made, "R1", "brush_jam", 0.9)
        yield made


@pytest.fixture(scope="module")
def browser(house: House) -> TestClient:
    return signed_in(house, *(RoleAt(role) for role in Role))


@pytest.fixture(scope="module")
def addresses(house: House) -> list[str]:
    """Return the address of every route that shows something."""
    given = {"device_id": "R1", "model_id": "none", "site_id": "hongqiao", "action": "resolve"}
    given |= {"indicator_id": "opened", "month": "2026-11"}
    given |= {"signal": "battery_pct", "fault": "brush_jam", "secret": "none", "key": "0" * 64}
    shown = [route.path_format for route in routes_of(house.app) if "GET" in (route.methods or ())]
    return sorted({re.sub(r"{(\w+)}", lambda one: given.get(one[1], "1"), path) for path in shown})


def test_no_answer_can_be_shown_in_anothers_frame(
    house: House, browser: TestClient, addresses: list[str]
) -> None:
    """Clickjacking: every answer says so itself, errors and refusals included."""
    more = ["/nowhere", "/api/v1/nowhere", "/static/console.css", "/enter/none"]
    for client in (browser, anonymous(house)):
        for address in [*addresses, *more]:
            answer = client.get(address, headers=HTML, follow_redirects=False)
            policy = answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy, address
            drawn = answer.headers.get("content-type", "").startswith("image/svg")
            assert drawn or "unsafe" not in policy, address
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, address


def test_an_answer_to_a_crash_has_them_too(
    house: House, browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(house.doors.tokens, "all", crash)
    for address in ("/tokens", "/api/v1/tokens"):
        answer = browser.get(address, headers=HTML)
        assert answer.status_code == 500
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "a mistake of ours" not in answer.text


def test_every_form_that_changes_something_holds_its_pages_token(
    browser: TestClient, addresses: list[str]
) -> None:
    seen = set()
    for address in addresses:
        if address.startswith(("/api/", "/metrics", "/charts")):
            continue
        answer = browser.get(address, headers=HTML)
        if "text/html" not in answer.headers.get("content-type", ""):
            continue
        for form in FORM.findall(answer.text):
            if 'method="post"' not in form:
                continue
            found = re.search(r'action="([^"]+)"', form)
            assert found, form[:200]
            if found[1] == "/sign-in" or found[1].startswith(
                ("/n/", "/f/")
            ):  # there is no session yet: Origin and Sec-Fetch-Site stand before it
                continue
            seen.add(re.sub(r"/\d+|/[0-9a-f]{64}", "/N", found[1]))
            token = re.search(r'name="csrf" value="([^"]+)"', form)
            assert token and len(token[1]) >= 43, f"{address}: {found[1]}"
    assert {"/sign-out", "/people", "/tokens", "/sites", "/account/second-factor/begin"} <= seen


def test_a_token_in_an_address_opens_no_page_and_no_route(house: House, addresses: list[str]) -> None:
    _, secret = house.doors.tokens.make(Asked("t", tuple(Permission)), schedule("tests"))
    open_ones = (
        "/healthz",
        "/readyz",
        "/sign-in",
        "/enter/",
        "/n/",
        "/f/",
        "/r/",
        "/c/",
        "/a/",
        "/worker.js",
    )
    for address in addresses:
        if address.startswith(open_ones):
            continue
        answer = anonymous(house).get(
            f"{address}?token={secret}&access_token={secret}", follow_redirects=False
        )
        assert answer.status_code in (303, 401), address
