"""The second step: a code of a phone or for recovery, each good once, in the browser that took the first."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, PASSWORD, House, anonymous, csrf_of, open_house
from pyotp import TOTP

from access import passwords
from access.second_factor import CODES, FRESH_MS
from access.sessions import CODE_WITHIN_MS, Browser
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.errors import NotSignedIn
from fleet.events import Subject
from fleet.grants import Role
from fleet.people import Person, RoleAt
from fleet.principals import schedule
from storage.records.events import events_of
from storage.records.people import set_password_hash

BY = schedule("tests")
STEP_MS = 30 * SECOND_MS
PAGE = "/account/second-factor"
NUMBER = iter(range(1_000_000))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture
def house(shared: House) -> House:
    """Return the house a day later: what others got wrong is forgotten, and nobody has to wait."""
    shared.clock.ms += 2 * DAY_MS
    shared.doors.second_factor_required = False
    shared.doors.forget()
    return shared


def somebody(house: House, *roles: RoleAt) -> tuple[Person, TestClient]:
    """Return somebody new, and their browser, in which they are signed in by password."""
    email = f"s{next(NUMBER)}@example.org"
    person, _ = house.doors.people.invite(email, "Li Wei", roles or [RoleAt(Role.VIEWER)], BY)
    with house.desk.transaction() as session:
        set_password_hash(session, person.id, passwords.hash_password(PASSWORD))
    client = anonymous(house)
    client.cookies.set("sweepwatch_8000", house.doors.sessions.begin(person, Browser("tests", "127.0.0.1")))
    return person, client


def set_up(client: TestClient, house: House) -> tuple[TOTP, list[str]]:
    """Set a second step up in a browser; return the phone, and the recovery codes."""
    csrf = csrf_on(client)
    page = client.post(f"{PAGE}/begin", data={"csrf": csrf}).text
    found = re.search(r"otpauth://[^<]+", page)
    assert found, page
    phone = TOTP(parse_qs(urlsplit(found[0].replace("&amp;", "&")).query)["secret"][0])
    page = client.post(f"{PAGE}/confirm", data={"csrf": csrf, "code": code_of(phone, house)}).text
    codes = re.findall(r"<code>((?:[a-z2-7]{4}-){3}[a-z2-7]{4})</code>", page)
    assert len(set(codes)) == CODES, page
    house.clock.ms += STEP_MS  # the code of this step is used
    return phone, codes


def csrf_on(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get(PAGE).text)
    assert found
    return found[1]


def code_of(phone: TOTP, house: House, steps: int = 0) -> str:
    return phone.at(house.clock.ms // SECOND_MS, counter_offset=steps)


def first_step(
    house: House, person: Person, client: TestClient | None = None, onward: str = "/"
) -> tuple[TestClient, httpx2.Response]:
    client = client or anonymous(house)
    form = {"email": person.email, "password": PASSWORD, "next": onward}
    return client, client.post("/sign-in", data=form, follow_redirects=False)


def second_step(client: TestClient, code: str) -> httpx2.Response:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/sign-in/code").text)
    csrf = found[1] if found else ""
    return client.post(
        "/sign-in/code", data={"csrf": csrf, "code": code}, headers=HTML, follow_redirects=False
    )


def is_in(client: TestClient) -> bool:
    return client.get("/api/v1/me").status_code == 200


def events_about(house: House, person: Person) -> list[str]:
    with house.desk.transaction() as session:
        return [event.what for event in events_of(session, Subject.PERSON, str(person.id))]


def test_it_is_set_up_with_one_code_and_then_asked_for(house: House) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    assert is_in(client), "the browser that set it up stays signed in"
    other, answer = first_step(house, person, onward="/tickets?show=all")
    assert answer.headers["location"] == "/sign-in/code"
    assert not is_in(other), "before the second step there is no session"
    assert "sweepwatch_8000" not in other.cookies
    answer = second_step(other, code_of(phone, house))
    assert (answer.status_code, answer.headers["location"]) == (303, "/tickets?show=all")
    assert is_in(other)
    assert "sweepwatch_step_8000" not in other.cookies
    assert events_about(house, person) == ["invited", "second_factor_on"]


def test_the_page_shows_key_and_qr_code_without_any_script(house: House) -> None:
    person, client = somebody(house)
    page = client.post(f"{PAGE}/begin", data={"csrf": csrf_on(client)}).text
    uri = re.search(r"otpauth://totp/Sweepwatch:[^<]+", page)
    assert uri and person.email.replace("@", "%40") in uri[0] and "issuer=Sweepwatch" in uri[0]
    assert "<svg" in page and 'class="qr"' in page
    assert "<script>" not in page and 'style="' not in page, "the policy of the page allows neither"
    again = client.get(PAGE).text
    assert uri[0] in again, "two tabs show the same"
    elsewhere, _ = first_step(house, person)
    assert uri[0] not in elsewhere.get(PAGE).text, "and another browser does not"


def test_what_was_offered_counts_only_after_a_right_code(house: House) -> None:
    person, client = somebody(house)
    csrf = csrf_on(client)
    client.post(f"{PAGE}/begin", data={"csrf": csrf})
    for code in ("000000", "", "1234567", "١٢٣٤٥٦"):
        answer = client.post(f"{PAGE}/confirm", data={"csrf": csrf, "code": code})
        assert answer.status_code == 422
        assert "not right" in answer.text
    assert not house.doors.people.one(person.id).second_factor
    _, answer = first_step(house, person)
    assert answer.headers["location"] == "/"


def test_setting_it_up_signs_out_everywhere_else(house: House) -> None:
    person, client = somebody(house)
    other, _ = first_step(house, person)
    assert is_in(other)
    set_up(client, house)
    assert not is_in(other)


@pytest.mark.parametrize(("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_a_step_early_or_late(house: House, steps: int, fits: bool) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    house.clock.ms += 5 * STEP_MS
    other, _ = first_step(house, person)
    assert second_step(other, code_of(phone, house, steps)).status_code == (303 if fits else 401)
    assert is_in(other) is fits


def test_a_code_is_good_once_and_none_before_it(house: House) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    house.clock.ms += 5 * STEP_MS
    used = code_of(phone, house)
    first, second = first_step(house, person)[0], first_step(house, person)[0]
    assert second_step(first, used).status_code == 303
    answer = second_step(second, used)
    assert answer.status_code == 401
    assert "was used already" in answer.text
    assert second_step(second, code_of(phone, house, -1)).status_code == 401, "an older one neither"
    assert second_step(second, code_of(phone, house, 1)).status_code == 303


def test_the_code_that_set_it_up_signs_nobody_in(house: House) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    other, _ = first_step(house, person)
    assert second_step(other, code_of(phone, house, -1)).status_code == 401


def test_of_many_who_show_one_code_at_once_one_comes_in(house: House) -> None:
    """As from several processes: what decides is one statement of the database."""
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    person = house.doors.people.one(person.id)
    here, code = Browser("tests", "127.0.0.1"), code_of(phone, house)
    waiting = [house.doors.sessions.enter(person, here).secret for _ in range(4)]

    def come(secret: str) -> bool:
        try:
            return bool(house.doors.sessions.end_sign_in(secret, code, here))
        except NotSignedIn:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(come, waiting)) == 1


def test_a_recovery_code_is_good_once_however_it_is_typed(house: House) -> None:
    person, client = somebody(house)
    _, codes = set_up(client, house)
    other, _ = first_step(house, person)
    assert second_step(other, f" {codes[0].upper().replace('-', ' ')} ").status_code == 303
    again, _ = first_step(house, person)
    assert second_step(again, codes[0]).status_code == 401
    assert second_step(again, codes[1]).status_code == 303
    assert "Recovery codes left: 8." in again.get(f"{PAGE}?lang=en").text
    assert events_about(house, person)[-2:] == ["recovery_code_used", "recovery_code_used"]


def test_recovery_codes_of_somebody_else_are_good_for_nothing(house: House) -> None:
    _, one = somebody(house)
    _, codes = set_up(one, house)
    other, client = somebody(house)
    set_up(client, house)
    browser, _ = first_step(house, other)
    assert second_step(browser, codes[0]).status_code == 401


def test_recovery_codes_are_not_kept_as_they_are(house: House) -> None:
    _, client = somebody(house)
    _, codes = set_up(client, house)
    with house.desk.transaction() as session:
        held = str(session.connection().exec_driver_sql("SELECT * FROM recovery_code").all())
    for code in codes:
        assert code not in held and code.replace("-", "") not in held


def test_new_codes_end_the_old_ones(house: House) -> None:
    person, client = somebody(house)
    _, codes = set_up(client, house)
    form = {"csrf": csrf_on(client), "proof": PASSWORD}
    page = client.post(f"{PAGE}/codes", data=form).text
    new = re.findall(r"<code>((?:[a-z2-7]{4}-){3}[a-z2-7]{4})</code>", page)
    assert len(new) == CODES and not set(new) & set(codes)
    browser, _ = first_step(house, person)
    assert second_step(browser, codes[0]).status_code == 401
    assert second_step(browser, new[0]).status_code == 303


def test_guessing_codes_has_to_wait_and_the_password_does_not_help(house: House) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    stranger, _ = first_step(house, person)
    for _ in range(5):
        assert second_step(stranger, "000000").status_code == 401
    assert second_step(stranger, code_of(phone, house)).status_code == 429
    _, answer = first_step(house, person)
    assert answer.status_code == 429, "the first step does not make the second begin anew"
    for n in range(6):  # from other addresses
        house.clock.ms += 2 * SECOND_MS
        far = TestClient(house.app, base_url="http://127.0.0.1:8000", client=(f"10.0.0.{n}", 1))
        first_step(house, person, far)
        second_step(far, "000000")
    far = TestClient(house.app, base_url="http://127.0.0.1:8000", client=("10.0.1.1", 1))
    first_step(house, person, far)
    assert second_step(far, code_of(phone, house)).status_code == 429
    house.clock.ms += 15 * MINUTE_MS
    first_step(house, person, far)
    assert second_step(far, code_of(phone, house)).status_code == 303


def test_the_half_way_state_is_of_one_browser_short_and_used_up(house: House) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    browser, _ = first_step(house, person)
    kept = browser.cookies["sweepwatch_step_8000"]
    stranger = anonymous(house)
    assert stranger.get("/sign-in/code", follow_redirects=False).headers["location"] == "/sign-in"
    assert second_step(stranger, code_of(phone, house)).status_code == 403, "no state, no token of a page"
    assert second_step(browser, code_of(phone, house)).status_code == 303
    stranger.cookies.set("sweepwatch_step_8000", kept)
    assert stranger.get("/sign-in/code", follow_redirects=False).headers["location"] == "/sign-in"
    slow, _ = first_step(house, person)
    page = slow.get("/sign-in/code").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    house.clock.ms += CODE_WITHIN_MS
    form = {"csrf": csrf[1], "code": code_of(phone, house)}
    answer = slow.post("/sign-in/code?lang=en", data=form, headers=HTML)
    assert answer.status_code == 401
    assert "begin again" in answer.text
    with house.desk.transaction() as session:
        held = str(session.connection().exec_driver_sql("SELECT * FROM begun_sign_in").all())
    assert kept not in held


def test_the_back_button_and_a_second_tab_lead_into_the_session(house: House) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    browser, _ = first_step(house, person)
    page = browser.get("/sign-in/code").text
    assert second_step(browser, code_of(phone, house)).status_code == 303
    assert browser.get("/sign-in/code", follow_redirects=False).headers["location"] == "/"
    assert browser.get("/sign-in", follow_redirects=False).headers["location"] == "/"
    assert "no-store" in browser.get("/account").headers["cache-control"], page


def test_a_form_of_the_second_step_needs_its_pages_token(house: House) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    browser, _ = first_step(house, person)
    answer = browser.post("/sign-in/code", data={"code": code_of(phone, house)}, follow_redirects=False)
    assert answer.status_code == 403
    assert not is_in(browser)


def test_a_link_for_a_new_password_opens_the_first_step_alone(house: House) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    waiting, _ = first_step(house, person)
    secret = house.doors.people.link_for_password(person.id, BY)
    browser = anonymous(house)
    form = {"password": "another good long secret"}
    answer = browser.post(f"/enter/{secret}", data=form, follow_redirects=False)
    assert answer.headers["location"] == "/sign-in/code"
    assert not is_in(browser)
    assert second_step(waiting, code_of(phone, house)).status_code != 303, "begun with the old password"
    assert second_step(browser, code_of(phone, house)).status_code == 303


def test_turning_it_off_needs_the_password_or_a_code(house: House) -> None:
    person, client = somebody(house)
    phone, _ = set_up(client, house)
    csrf = csrf_on(client)
    answer = client.post(f"{PAGE}/off", data={"csrf": csrf, "proof": "wrong"})
    assert (answer.status_code, "password or code is not right" in answer.text) == (422, True)
    client.post(f"{PAGE}/off", data={"csrf": csrf, "proof": code_of(phone, house)})
    assert not house.doors.people.one(person.id).second_factor
    _, answer = first_step(house, person)
    assert answer.headers["location"] == "/"
    house.clock.ms += STEP_MS
    set_up(client, house)
    client.post(f"{PAGE}/off", data={"csrf": csrf, "proof": PASSWORD})
    assert events_about(house, person)[-1] == "second_factor_off"


def test_an_old_session_sets_nothing_up_without_the_password(house: House) -> None:
    """Whoever finds a browser open cannot lock its owner out."""
    _, client = somebody(house)
    house.clock.ms += FRESH_MS
    csrf = csrf_on(client)
    assert 'name="password"' in client.get(PAGE).text
    assert client.post(f"{PAGE}/begin", data={"csrf": csrf, "password": "wrong"}).status_code == 422
    assert "otpauth" in client.post(f"{PAGE}/begin", data={"csrf": csrf, "password": PASSWORD}).text
    house.clock.ms += HOUR_MS
    assert "otpauth" not in client.get(PAGE).text, "an offer ends"


def test_an_admin_takes_it_away_from_who_lost_it(house: House) -> None:
    person, client = somebody(house)
    set_up(client, house)
    _, admin = somebody(house, RoleAt(Role.ADMIN))
    assert "second step" in admin.get("/people?lang=en").text
    admin.post(f"/people/{person.id}/second-factor/reset", data={"csrf": csrf_of(admin)})
    assert not is_in(client), "who found the phone may have been in"
    browser, answer = first_step(house, person)
    assert answer.headers["location"] == "/" and is_in(browser)
    assert events_about(house, person)[-1] == "second_factor_reset"


def test_where_it_is_required_nothing_is_open_before_it(house: House) -> None:
    house.doors.second_factor_required = True
    _, client = somebody(house, RoleAt(Role.ADMIN))
    for path in ("/", "/people", "/account", "/tokens"):
        answer = client.get(path, headers=HTML, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE), path
    assert client.get("/api/v1/devices").status_code == 403
    csrf = csrf_on(client)
    answer = client.post("/tokens", data={"csrf": csrf, "name": "x", "scope": "fleet:read"})
    assert answer.status_code == 403
    assert "This installation asks everybody" in client.get(f"{PAGE}?lang=en").text
    assert "<nav" not in client.get(PAGE).text
    phone, _ = set_up(client, house)
    assert client.get("/people").status_code == 200
    client.post(f"{PAGE}/off", data={"csrf": csrf, "proof": code_of(phone, house)})
    assert client.get("/people", follow_redirects=False).headers["location"] == PAGE
    assert client.post("/sign-out", data={"csrf": csrf}, follow_redirects=False).status_code == 303


def test_the_hash_is_computed_for_an_unknown_address_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No stopwatch: an address that nobody has costs the same hash as one that somebody has."""
    person, _ = somebody(house)
    hasher, counted = passwords._hasher(), []
    real = type(hasher).verify_and_update

    def counting(self: object, password: str, kept: str) -> object:
        counted.append(kept)
        return real(self, password, kept)

    monkeypatch.setattr(type(hasher), "verify_and_update", counting)
    for email in (person.email, "nobody@example.org"):
        anonymous(house).post("/sign-in", data={"email": email, "password": "wrong"})
    assert len(counted) == 2
    known, unknown = (re.match(r"\$argon2id\$[^$]+\$[^$]+\$", kept) for kept in counted)
    assert known and unknown and known[0] == unknown[0], "the same work in each"
