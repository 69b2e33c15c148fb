"""People come in by password or one-time link, and out again; what strangers try gets them nowhere."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unicodedata import normalize

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, NOW, PASSWORD, House, add_device, anonymous, csrf_of, open_house, signed_in
from helpers.fresh_desk import fresh_desk

from access.passwords import hash_password, verify_password
from access.people import People
from access.sessions import IDLE_MS, LASTS_MS
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.events import Subject
from fleet.grants import Role
from fleet.people import RoleAt, Scope
from fleet.principals import schedule
from storage.records.events import events_of

EMAIL = "li.wei@example.org"
BY = schedule("tests")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        add_device(made, "R1")
        yield made


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[People]:
    """People without an API around them."""
    desk = fresh_desk(tmp_path / "people.sqlite")
    yield People(desk, ManualClock(NOW))
    desk.close()


@pytest.fixture
def people(house: House) -> People:
    return house.doors.people


def try_in(client: TestClient, email: str = EMAIL, password: str = PASSWORD, **more: str) -> int:
    form = {"email": email, "password": password, **more}
    return client.post("/sign-in", data=form, follow_redirects=False).status_code


def test_somebody_who_was_invited_chooses_a_password_and_signs_in_and_out(house: House) -> None:
    client = signed_in(house, RoleAt(Role.VIEWER))
    assert client.get("/api/v1/devices").status_code == 200
    assert client.post("/sign-out", data={"csrf": csrf_of(client)}).url.path == "/sign-in"
    assert client.get("/api/v1/devices").status_code == 401
    assert try_in(client, password="correct horse battery stable") == 401
    assert try_in(client, email=" LI.Wei@Example.org ") == 303
    assert client.get("/api/v1/devices").status_code == 200


def test_a_cookie_is_worth_nothing_after_signing_out_however_it_was_kept(house: House) -> None:
    client = signed_in(house)
    kept = dict(client.cookies)
    client.post("/sign-out", data={"csrf": csrf_of(client)})
    thief = anonymous(house)
    thief.cookies.update(kept)
    assert thief.get("/api/v1/devices").status_code == 401


def test_a_session_that_was_there_before_is_not_the_one_that_signs_in(house: House) -> None:
    """Fixation: a stranger who planted a cookie holds nothing after somebody signed in over it."""
    signed_in(house)
    client = anonymous(house)
    client.headers["cookie"] = "sweepwatch_8000=planted"
    form = {"email": EMAIL, "password": PASSWORD}
    answer = client.post("/sign-in", data=form, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.cookies["sweepwatch_8000"] not in ("", "planted")
    thief = anonymous(house)
    thief.cookies.set("sweepwatch_8000", "planted")
    assert thief.get("/api/v1/devices").status_code == 401


def test_cookies_are_kept_from_scripts_and_other_sites(house: House) -> None:
    signed_in(house)
    answer = anonymous(house).post(
        "/sign-in", data={"email": EMAIL, "password": PASSWORD}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Path=/" in cookie


@pytest.mark.parametrize(("after", "still"), [(IDLE_MS - 1, True), (IDLE_MS, False)])
def test_a_session_that_is_not_used_ends(house: House, after: int, still: bool) -> None:
    client = signed_in(house)
    assert client.get("/api/v1/devices").status_code == 200
    house.clock.ms += after
    house.doors.forget()
    assert (client.get("/api/v1/devices").status_code == 200) is still


def test_a_session_ends_however_much_it_is_used(house: House) -> None:
    client = signed_in(house)
    begun = house.clock.ms
    while house.clock.ms + 6 * HOUR_MS < begun + LASTS_MS:
        house.clock.ms += 6 * HOUR_MS
        house.doors.forget()
        assert client.get("/api/v1/devices").status_code == 200
    house.clock.ms = begun + LASTS_MS
    house.doors.forget()
    assert client.get("/api/v1/devices").status_code == 401


def test_one_signs_out_everywhere_and_sees_where_one_is(house: House) -> None:
    here, there = signed_in(house), anonymous(house)
    there.headers["user-agent"] = "another browser"
    try_in(there)
    page = here.get("/account").text
    assert "another browser" in page
    assert page.count("this one") == 1
    here.post("/account/sign-out-everywhere", data={"csrf": csrf_of(here)})
    assert [client.get("/api/v1/devices").status_code for client in (here, there)] == [401, 401]


def test_known_and_unknown_addresses_get_the_same_answer(house: House) -> None:
    signed_in(house)
    client, bodies = anonymous(house), []
    for email in (EMAIL, "nobody@example.org"):
        answer = client.post("/sign-in", data={"email": email, "password": "wrong"})
        assert answer.status_code == 401
        bodies.append(answer.text.replace(email, "ADDRESS"))
    assert re.sub(r"\d\d:\d\d", "", bodies[0]) == re.sub(r"\d\d:\d\d", "", bodies[1])


def test_guessing_waits_longer_each_time_and_locks_nobody_out_for_long(house: House) -> None:
    signed_in(house)
    stranger = anonymous(house)
    for _ in range(5):
        assert try_in(stranger, password="wrong") == 401
    answer = stranger.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert re.search(r"try again in \d+ seconds", answer.text)
    elsewhere = TestClient(house.app, base_url="http://127.0.0.1:8000", client=("10.0.0.9", 1))
    assert try_in(elsewhere) == 303, "who sits elsewhere is not kept out by five guesses"
    for _ in range(40):
        house.clock.ms += 16 * MINUTE_MS
        try_in(stranger, password="wrong")
    owner = TestClient(house.app, base_url="http://127.0.0.1:8000", client=("10.0.0.7", 1))
    house.clock.ms += MINUTE_MS
    assert try_in(owner) == 303, "however long a stranger guesses, a minute is all that it costs"


def test_guessing_in_parallel_is_counted_like_one_after_the_other(house: House) -> None:
    signed_in(house)
    strangers = [anonymous(house) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda each: try_in(each, password="wrong"), strangers))
    assert (answers.count(401), answers.count(429)) == (5, 11)


def test_the_slips_of_an_office_behind_one_address_keep_nobody_out(house: House) -> None:
    for number in range(20):
        signed_in(house, email=f"p{number}@example.org")
    office = anonymous(house)
    for slip in range(80):
        house.clock.ms += 15 * MINUTE_MS
        form = {"email": f"p{slip % 20}@example.org", "password": "a slip of the hand"}
        assert office.post("/sign-in", data=form).status_code == 401, slip
        form["password"] = PASSWORD
        assert office.post("/sign-in", data=form, follow_redirects=False).status_code == 303, slip


def test_the_session_before_is_over_once_somebody_signs_in_in_its_place(house: House) -> None:
    browser = signed_in(house)
    before = dict(browser.cookies)
    assert try_in(browser) == 303
    kept = anonymous(house)
    kept.cookies.update(before)
    assert kept.get("/account", follow_redirects=False).status_code == 303


def test_what_is_asked_of_a_person_at_once_is_done_whole_or_not(house: House) -> None:
    admin = signed_in(house)
    wanted = {
        "roles": [{"role": "admin", "scope": "all"}, {"role": "safety", "scope": "all"}],
        "disabled": True,
    }
    answer = admin.patch("/api/v1/people/1", json=wanted, headers={"X-CSRF-Token": csrf_of(admin)})
    assert answer.status_code == 409
    assert house.doors.people.one(1).roles == (RoleAt(Role.ADMIN),)


def test_somebody_invited_twice_at_once_is_there_once(house: House) -> None:
    admin = signed_in(house)
    form = {"csrf": csrf_of(admin), "email": "new@example.org", "name": "N", "role": "viewer", "place": ""}
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda _: admin.post("/people", data=form).status_code, range(4)))
    assert sorted(codes) == [200, 409, 409, 409]


def test_an_admin_who_has_not_come_in_yet_leaves_the_first_link_in_force(alone: People) -> None:
    _, secret = alone.invite("a@example.org", "A", [RoleAt(Role.ADMIN)], BY)
    assert (alone.have_admin(), alone.have_admin(able=True)) == (True, False)
    alone.set_password(secret, PASSWORD)
    assert alone.have_admin(able=True)


def test_a_password_is_the_same_however_its_letters_were_composed(house: House) -> None:
    kept = hash_password("Zwölf späte Bäume am Fluß")
    assert verify_password(normalize("NFD", "Zwölf späte Bäume am Fluß"), kept)[0]


def test_signing_in_leads_to_no_other_server(house: House) -> None:
    signed_in(house)
    for onward in (
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\nb",
        "//[",
        "http://[",
    ):
        form = {"email": EMAIL, "password": PASSWORD, "next": onward}
        answer = anonymous(house).post("/sign-in", data=form, follow_redirects=False)
        assert answer.headers["location"] == "/", onward


def test_signing_in_leads_back_to_where_one_was_going(house: House) -> None:
    signed_in(house)
    client = anonymous(house)
    page = client.get("/tickets?show=all", follow_redirects=False)
    assert page.headers["location"] == "/sign-in?next=%2Ftickets%3Fshow%3Dall"
    form = {"email": EMAIL, "password": PASSWORD, "next": "/tickets?show=all"}
    assert (
        client.post("/sign-in", data=form, follow_redirects=False).headers["location"] == "/tickets?show=all"
    )


# Links


def test_a_link_works_once_and_looking_at_it_uses_nothing_up(house: House, people: People) -> None:
    _, secret = people.invite("a@example.org", "A", [RoleAt(Role.VIEWER)], BY)
    client = anonymous(house)
    for _ in range(2):
        assert client.get(f"/enter/{secret}").status_code == 200
    assert client.post(f"/enter/{secret}", data={"password": "short"}).status_code == 422
    assert client.post(f"/enter/{secret}", data={"password": PASSWORD}).status_code == 200
    assert client.post(f"/enter/{secret}", data={"password": PASSWORD}).status_code == 404
    assert client.get(f"/enter/{secret}").status_code == 404


def test_links_end(house: House, people: People) -> None:
    _, invitation = people.invite("a@example.org", "A", [RoleAt(Role.VIEWER)], BY)
    other, _ = people.invite("b@example.org", "B", [RoleAt(Role.VIEWER)], BY)
    reset = people.link_for_password(other.id, BY)
    for secret, lasts in (
        (reset, HOUR_MS),
        (invitation, 7 * DAY_MS),
        (people.link_for_first_admin(), DAY_MS),
    ):
        begun = house.clock.ms
        house.clock.ms = begun + lasts - 1
        people.look_at(secret)
        house.clock.ms = begun + lasts
        with pytest.raises(NotFound, match="over"):
            people.look_at(secret)
        house.clock.ms = begun


def test_a_new_password_ends_every_session_that_the_old_one_opened(house: House, people: People) -> None:
    client = signed_in(house)
    secret = people.link_for_password(1, BY)
    anonymous(house).post(f"/enter/{secret}", data={"password": "another good long secret"})
    assert client.get("/api/v1/devices").status_code == 401
    assert try_in(anonymous(house)) == 401


def test_ones_own_password_is_changed_with_the_one_before_and_ends_every_other_session(house: House) -> None:
    client, other = signed_in(house), anonymous(house)
    assert try_in(other) == 303
    form = {"csrf": csrf_of(client), "current": PASSWORD, "password": "another good long secret"}
    for wrong, says in (
        ({"current": "wrong"}, "this password is not right"),
        ({"password": "password123"}, "too easily guessed"),
        ({"password": EMAIL}, "too easily guessed"),
    ):
        answer = client.post("/account/password", data=form | wrong)
        assert answer.status_code == 422
        assert says in answer.text
    assert other.get("/api/v1/devices").status_code == 200, "nothing was changed yet"
    assert client.post("/account/password", data=form, follow_redirects=False).status_code == 303
    assert client.get("/api/v1/devices").status_code == 200
    assert other.get("/api/v1/devices").status_code == 401
    assert try_in(anonymous(house)) == 401
    assert try_in(anonymous(house), password="another good long secret") == 303


def test_guessing_the_password_until_now_in_a_session_that_was_found_open_waits(house: House) -> None:
    client = signed_in(house)
    form = {"csrf": csrf_of(client), "current": "wrong", "password": "another good long secret"}
    answers = [client.post("/account/password", data=form).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_the_first_admin_comes_in_by_the_terminals_link_and_lets_others_in(
    house: House, people: People
) -> None:
    client = anonymous(house)
    assert "Nobody can sign in yet" in client.get("/sign-in").text
    older, secret = people.link_for_first_admin(), people.link_for_first_admin()
    form = {"email": EMAIL, "name": "李伟", "password": PASSWORD}
    assert client.post(f"/enter/{older}", data=form).status_code == 404, "only the newest link is good"
    assert client.post(f"/enter/{secret}", data=form | {"email": "x"}).status_code == 422
    assert client.post(f"/enter/{secret}", data=form).status_code == 200
    invited = {"email": "eng@example.org", "name": "Engineer", "role": "engineer", "place": "site hongqiao"}
    page = client.post("/people", data=invited | {"csrf": csrf_of(client)}).text
    link = re.search(r"http://127\.0\.0\.1:8000/enter/[\w-]+", page)
    assert link
    engineer = anonymous(house)
    engineer.post(link[0], data={"password": PASSWORD})
    assert [item["id"] for item in engineer.get("/api/v1/devices").json()["items"]] == ["R1"]
    assert engineer.get("/people").status_code == 403
    assert "Nobody can sign in yet" not in anonymous(house).get("/sign-in").text


def test_a_link_is_of_the_address_that_was_asked_and_no_other_host_is_answered(house: House) -> None:
    """Poisoning: a reset asked for under another Host would lead whoever follows it there."""
    client = signed_in(house)
    form = {"csrf": csrf_of(client)}
    answer = client.post("/people/1/password", data=form, headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "evil.example/enter" not in answer.text


def test_the_last_admin_stays_one(people: People, house: House) -> None:
    signed_in(house)
    with pytest.raises(Conflict, match="nobody could let others in"):
        people.give_roles(1, [RoleAt(Role.VIEWER)], BY)
    with pytest.raises(Conflict, match="nobody could let others in"):
        people.disable(1, BY)
    assert people.one(1).roles == (RoleAt(Role.ADMIN),)
    _, secret = people.invite("b@example.org", "B", [RoleAt(Role.ADMIN)], BY)
    with pytest.raises(Conflict, match="who has signed in"):
        people.disable(1, BY)
    people.set_password(secret, PASSWORD)
    assert people.give_roles(1, [RoleAt(Role.VIEWER)], BY).roles == (RoleAt(Role.VIEWER),)


def test_links_for_a_password_end_with_whatever_makes_them_old(house: House, people: People) -> None:
    client = signed_in(house)
    first = people.link_for_password(1, BY)
    second = people.link_for_password(1, BY)
    with pytest.raises(NotFound, match="over, or was used"):
        people.look_at(first)
    form = {"csrf": csrf_of(client), "current": PASSWORD, "password": "another good long secret"}
    assert client.post("/account/password", data=form, follow_redirects=False).status_code == 303
    _, of_other = people.invite("b@example.org", "B", [RoleAt(Role.VIEWER)], BY)
    with pytest.raises(NotFound):
        people.look_at(second)
    people.disable(2, BY)
    with pytest.raises(NotFound):
        people.set_password(of_other, PASSWORD)
    with pytest.raises(Conflict, match="let them in again first"):
        people.link_for_password(2, BY)
    people.disable(2, BY, disabled=False)
    assert people.set_password(people.link_for_password(2, BY), PASSWORD).id == 2


def test_whoever_the_demo_let_in_is_out_once_it_is_no_demo(house: House, people: People) -> None:
    client = anonymous(house)
    assert client.post(f"/enter/{people.link_for_demo()}").status_code == 200
    assert client.get("/people").status_code == 200
    left = people.link_for_demo()
    people.end_demo()
    assert client.get("/people", follow_redirects=False).status_code == 303
    with pytest.raises(NotFound):
        people.enter_demo(left)
    assert people.enter_demo(people.link_for_demo()).disabled_at is None, "a demo again"


def test_a_name_is_one_that_can_be_seen(alone: People) -> None:
    for name in ("", " ", "\u200b", "a\u202eb", "a\nb", "\x1b[31mred", "a\0"):
        with pytest.raises(InvalidInput, match="that can be seen"):
            alone.invite("a@example.org", name, [RoleAt(Role.VIEWER)], BY)


def test_a_form_of_a_session_that_is_over_says_what_to_do(house: House) -> None:
    client = signed_in(house)
    client.get("/account?lang=zh")
    form = {"csrf": csrf_of(client), "current": PASSWORD, "password": "another good long secret"}
    house.doors.sessions.end_all(1)
    house.doors.forget()
    answer = client.post("/account/password", data=form, headers=HTML)
    assert answer.status_code == 401
    assert "登录已失效" in answer.text
    assert 'href="/sign-in"' in answer.text


def test_what_was_taken_from_somebody_is_gone_at_once(house: House, people: People) -> None:
    people.set_password(people.invite("b@example.org", "B", [RoleAt(Role.ADMIN)], BY)[1], PASSWORD)
    client = signed_in(house)
    assert client.get("/people").status_code == 200
    people.give_roles(2, [RoleAt(Role.VIEWER)], BY)
    assert client.get("/people").status_code == 403
    people.disable(2, BY)
    assert client.get("/api/v1/devices").status_code == 401
    assert try_in(anonymous(house)) == 401
    with house.desk.transaction() as session:
        told = [event.what for event in events_of(session, Subject.PERSON, "2")]
    assert told == ["invited", "password", "roles", "disabled"]


@pytest.mark.parametrize(
    ("role", "says"),
    [
        (RoleAt(Role.VIEWER, Scope.SITE, ""), "only then"),
        (RoleAt(Role.VIEWER, Scope.ALL, "x"), "only then"),
        (RoleAt(Role.ADMIN, Scope.SITE, "x"), "an admin is one everywhere"),
        (RoleAt(Role.VIEWER, Scope.SITE, "podung"), "there is no site"),
        (RoleAt(Role.VIEWER, Scope.REGION, "esat"), "there is no region"),
    ],
)
def test_roles_that_cannot_be_are_refused(alone: People, role: RoleAt, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        alone.invite("a@example.org", "A", [role], BY)


@pytest.mark.parametrize(
    "email",
    ["", "x", "a@b@c", "a b@c.d", "a@", "@b", "a\0@b.c", "a\u200b@b.c", "\u202ea@b.c", "x" * 65 + "@a.b"],
)
def test_an_address_that_is_none_is_refused(alone: People, email: str) -> None:
    with pytest.raises(InvalidInput, match="no e-mail address"):
        alone.invite(email, "A", [RoleAt(Role.VIEWER)], BY)


def test_two_people_have_two_addresses(alone: People) -> None:
    alone.invite("a@example.org", "A", [RoleAt(Role.VIEWER)], BY)
    with pytest.raises(Conflict, match="already"):
        alone.invite("A@Example.org", "B", [RoleAt(Role.VIEWER)], BY)
