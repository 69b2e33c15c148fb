"""Signing in by a provider: a real one on this machine, which can be told to lie."""

import dataclasses
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, anonymous, open_house, signed_in
from helpers.oidc_provider import CLIENT, SECRET, OidcProvider, open_provider
from joserfc.jwk import RSAKey

from access.federation import WITHIN_MS, Federation
from access.provider import Provider, Registration
from fleet.clock import ManualClock
from fleet.events import Subject
from fleet.grants import Role
from fleet.people import RoleAt
from fleet.principals import schedule
from storage.records.events import events_of

BY = schedule("tests")
BACK = "/sign-in/provider/back"
KEYS = OidcProvider("", ManualClock(0))
"""Whose keys are those of every test: making them takes a moment."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
def running() -> Iterator[OidcProvider]:
    with open_provider(ManualClock(0)) as made:
        yield made


@pytest.fixture
def provider(shared: House, running: OidcProvider) -> OidcProvider:
    """Return the provider as it is when nobody lies."""
    fresh = OidcProvider(running.issuer, shared.clock, rsa=KEYS.rsa, ec=KEYS.ec)
    for each in dataclasses.fields(fresh):
        setattr(running, each.name, getattr(fresh, each.name))
    return running


@pytest.fixture
def house(shared: House, provider: OidcProvider) -> House:
    use(shared, provider)
    return shared


def use(house: House, provider: OidcProvider, **more: Any) -> None:
    """Let a house know its provider, and forget what it knew of it."""
    doors = house.doors
    known = Registration(provider.issuer, CLIENT, SECRET, **more)
    doors.federation = Federation(
        house.desk, house.clock, Provider(known, house.clock), doors.sessions, doors.people
    )


NUMBER = iter(range(1_000_000))


def invited(house: House, provider: OidcProvider, *roles: RoleAt, **claims: Any) -> str:
    """Invite somebody whom the provider knows; return their address."""
    email = f"p{next(NUMBER)}@example.org"
    house.doors.people.invite(email, "P", roles or [RoleAt(Role.VIEWER)], BY)
    provider.claims = {"sub": f"sub-{email}", "email": email, "email_verified": True, "name": "P"} | claims
    return email


def begin(client: TestClient, onward: str = "/") -> str:
    """Go to the provider, and return where it sends the browser with its answer."""
    answer = client.get("/sign-in/provider", params={"next": onward}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return httpx2.get(answer.headers["location"], verify=False).headers["location"]


def end(client: TestClient, back: str) -> httpx2.Response:
    return client.get(back, headers=HTML, follow_redirects=False)


def come(house: House) -> tuple[TestClient, httpx2.Response]:
    client = anonymous(house)
    return client, end(client, begin(client))


def refused(house: House, says: str, status: int = 403) -> None:
    client, answer = come(house)
    assert answer.status_code == status, answer.text
    assert says in answer.text
    assert client.get("/api/v1/me").status_code == 401
    assert 'href="/sign-in/provider' in answer.text, "one can begin again"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_somebody_who_was_invited_comes_in_and_goes_on(
    house: House, provider: OidcProvider, algorithm: str
) -> None:
    email, provider.algorithm = invited(house, provider), algorithm
    client = anonymous(house)
    assert "Single sign-on" in client.get("/sign-in?lang=en").text
    assert "单点登录" in client.get("/sign-in?lang=zh").text
    answer = end(client, begin(client, "/tickets?show=all"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/tickets?show=all")
    assert client.get("/api/v1/me").json()["name"] == "P"
    asked = provider.asked[-1]
    assert asked["redirect_uri"] == f"http://127.0.0.1:8000{BACK}"
    assert len(asked["state"]) >= 43 and len(asked["nonce"]) >= 43
    person = next(each for each in house.doors.people.everybody() if each.email == email)
    assert person.bound and not person.has_password
    with house.desk.transaction() as session:
        told = [event.what for event in events_of(session, Subject.PERSON, str(person.id))]
    assert told == ["invited", "bound"]


def test_an_answer_is_good_once_and_only_in_the_browser_that_asked(
    house: House, provider: OidcProvider
) -> None:
    invited(house, provider)
    client = anonymous(house)
    back = begin(client)
    thief = anonymous(house)
    assert end(thief, back).status_code == 404, "a browser that asked nothing"
    begin(thief)
    assert end(thief, back).status_code == 404, "a browser that asked something else"
    kept = dict(client.cookies)
    assert end(client, back).status_code == 303
    assert end(client, back).headers["location"] == "/", "the back button leads into the session"
    again = anonymous(house)
    again.cookies.update({name: value for name, value in kept.items() if "provider" in name})
    provider.codes["code-1"] = provider.asked[0]
    assert end(again, back).status_code == 404, "the same state a second time"


def test_an_answer_comes_too_late(house: House, provider: OidcProvider) -> None:
    invited(house, provider)
    client = anonymous(house)
    back = begin(client)
    house.clock.ms += WITHIN_MS
    assert end(client, back).status_code == 404


@pytest.mark.parametrize("state", ["", "x", "é"])
def test_a_state_of_our_own_making_is_needed(house: House, provider: OidcProvider, state: str) -> None:
    invited(house, provider)
    client = anonymous(house)
    begin(client)
    assert client.get(BACK, params={"state": state, "code": "code-1"}, headers=HTML).status_code == 404


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": ["another", "more"]},
        {"aud": None},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"at_hash": "x"},
    ],
    ids=str,
)
def test_an_identity_that_is_not_for_us_now_is_not_believed(
    house: House, provider: OidcProvider, lie: dict[str, Any]
) -> None:
    invited(house, provider)
    provider.lies = lie
    refused(house, "cannot be believed")


@pytest.mark.parametrize("algorithm", ["none", "HS256", "PS256", "RS512"])
def test_an_identity_is_signed_as_we_say_and_not_as_it_says(
    house: House, provider: OidcProvider, algorithm: str
) -> None:
    invited(house, provider)
    provider.algorithm = algorithm
    refused(house, "cannot be believed")


def test_keys_that_the_provider_changed_are_asked_for_again(house: House, provider: OidcProvider) -> None:
    invited(house, provider)
    assert come(house)[1].status_code == 303
    provider.rsa = RSAKey.generate_key(2048, {"kid": "three"})
    assert come(house)[1].status_code == 303


def test_a_key_that_is_not_the_providers_signs_nothing(house: House, provider: OidcProvider) -> None:
    invited(house, provider)
    assert come(house)[1].status_code == 303
    provider.rsa = RSAKey.generate_key(2048, {"kid": "one"})  # ours has the true one of this name by now
    refused(house, "cannot be believed")


def test_only_an_address_that_is_verified_is_one(house: House, provider: OidcProvider) -> None:
    for verified in (False, None, "false", 1, "yes"):
        invited(house, provider, email_verified=verified)
        refused(house, "email_verified")
    invited(house, provider, email_verified="true")  # as some providers write it
    assert come(house)[1].status_code == 303


def test_nobody_comes_in_uninvited_or_disabled(house: House, provider: OidcProvider) -> None:
    invited(house, provider)
    provider.claims |= {"email": "stranger@example.org", "sub": "stranger"}
    refused(house, "nobody has invited you")
    email = invited(house, provider)
    person = next(each for each in house.doors.people.everybody() if each.email == email)
    house.doors.people.disable(person.id, BY)
    refused(house, "may not sign in here any more")


def test_who_changes_their_address_at_the_provider_takes_nobody_over(
    house: House, provider: OidcProvider
) -> None:
    first = invited(house, provider)
    client, _ = come(house)
    mine = client.get("/api/v1/me").json()["id"]
    other = invited(house, provider)
    claims = provider.claims
    provider.claims = claims | {"sub": f"sub-{first}"}
    client, _ = come(house)
    assert client.get("/api/v1/me").json()["id"] == mine, "an account stays whose it was"
    provider.claims = claims
    assert come(house)[1].status_code == 303
    provider.claims = claims | {"sub": "recycled", "email": other}
    refused(house, "another account of the provider has your address")
    person = next(each for each in house.doors.people.everybody() if each.email == other)
    house.doors.people.release(person.id, BY)
    assert come(house)[1].status_code == 303, "an admin can release them"


def test_domains_and_claims_let_in_whom_nobody_invited(house: House, provider: OidcProvider) -> None:
    use(house, provider, domains=frozenset({"example.net"}), domain_role=RoleAt(Role.ENGINEER))
    provider.claims = {"sub": "d1", "email": "D1@Example.net", "email_verified": True, "name": "D" * 90}
    client, _ = come(house)
    assert client.get("/api/v1/me").json()["name"] == "D" * 64
    provider.claims = {"sub": "d2", "email": "d2@evil-example.net", "email_verified": True}
    refused(house, "nobody has invited you")
    use(house, provider, roles={"leads": RoleAt(Role.MANAGER), "all": RoleAt(Role.VIEWER)})
    provider.claims = {
        "sub": "c1",
        "email": "c1@example.com",
        "email_verified": True,
        "groups": ["leads", "x"],
    }
    client, _ = come(house)
    person = next(each for each in house.doors.people.everybody() if each.email == "c1@example.com")
    assert person.roles == (RoleAt(Role.MANAGER),)
    provider.claims["groups"] = "all"
    come(house)
    assert house.doors.people.one(person.id).roles == (RoleAt(Role.VIEWER),)
    provider.claims["groups"] = []
    refused(house, "no role here any more")
    assert client.get("/api/v1/devices").status_code == 403, "what was taken away is gone in old sessions too"


def test_what_an_identity_does_not_hold_is_asked_for(house: House, provider: OidcProvider) -> None:
    email = invited(house, provider)
    claims, provider.claims = provider.claims, {"sub": "u1"}
    provider.userinfo = claims | {"sub": "another"}
    refused(house, "two accounts")
    provider.userinfo = claims | {"sub": "u1"}
    client, _ = come(house)
    assert client.get("/api/v1/me").status_code == 200, email


@pytest.mark.parametrize(
    "trouble",
    [
        {"down": True},
        {"metadata": {"issuer": "https://evil.example"}},
        {"metadata": {"authorization_endpoint": "http://evil.example/authorize"}},
        {"metadata": {"authorization_endpoint": None}},
    ],
    ids=str,
)
def test_a_provider_in_trouble_is_said_and_passwords_go_on(
    house: House, provider: OidcProvider, trouble: dict[str, Any]
) -> None:
    for name, value in trouble.items():
        setattr(provider, name, value)
    answer = anonymous(house).get("/sign-in/provider?lang=en", headers=HTML)
    assert answer.status_code == 503
    assert "provider" in answer.text and 'type="password"' in answer.text


def test_a_provider_that_fails_on_the_way_back_is_said_too(house: House, provider: OidcProvider) -> None:
    invited(house, provider)
    provider.metadata = {"token_endpoint": "http://127.0.0.1:9/token"}
    refused(house, "does not answer as it should", 503)


def test_a_provider_that_refuses_is_said(house: House, provider: OidcProvider) -> None:
    provider.error = "access_denied"
    refused(house, "did not let you in")


def test_an_answer_of_another_provider_is_not_taken(house: House, provider: OidcProvider) -> None:
    invited(house, provider)
    client = anonymous(house)
    back = begin(client)
    state = parse_qs(urlsplit(back).query)["state"][0]
    mixed = {"state": state, "code": "code-1", "iss": "https://evil.example"}
    answer = client.get(BACK, params=mixed, headers=HTML)
    assert answer.status_code == 403
    assert "another provider" in answer.text


@pytest.mark.parametrize(
    "onward", ["//evil.example", "https://evil.example/", "/\\evil.example", "//[", "/" + "a" * 2048]
)
def test_the_way_by_the_provider_leads_to_no_other_server(
    house: House, provider: OidcProvider, onward: str
) -> None:
    invited(house, provider)
    client = anonymous(house)
    assert end(client, begin(client, onward)).headers["location"] == "/"


def test_a_browser_that_was_signed_in_gets_a_new_session(house: House, provider: OidcProvider) -> None:
    """Fixation: what a browser held before is worth nothing to whoever planted it."""
    client = signed_in(house, RoleAt(Role.VIEWER), email="fix@example.org")
    before = client.cookies["sweepwatch_8000"]
    invited(house, provider)
    end(client, begin(client))
    assert client.cookies["sweepwatch_8000"] != before


def test_without_a_provider_there_is_no_way_to_one(shared: House) -> None:
    shared.doors.federation = None
    assert anonymous(shared).get("/sign-in/provider", headers=HTML).status_code == 404
    assert "Single sign-on" not in anonymous(shared).get("/sign-in").text
