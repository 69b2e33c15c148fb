"""Tokens of machines: shown once, with an end, and gone when they are revoked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.api import House, add_device, anonymous, client_of, csrf_of, open_house, signed_in

from access.tokens import OVERLAP_MS, Asked, Tokens
from fleet.clock import DAY_MS
from fleet.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from fleet.grants import Permission, Role
from fleet.people import RoleAt
from fleet.principals import PrincipalKind, schedule

BY = schedule("tests")
SCOPES = (Permission.FLEET_READ,)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        for device, site in (("R1", "pudong"), ("R2", "jingan")):
            add_device(made, device, site=site)
        yield made


@pytest.fixture
def tokens(house: House) -> Tokens:
    return house.doors.tokens


def test_a_token_opens_what_its_scopes_say_where_they_hold(house: House, tokens: Tokens) -> None:
    token, secret = tokens.make(Asked("erp", SCOPES, frozenset({"pudong"})), BY)
    assert secret.startswith("sw_")
    client = anonymous(house, {"Authorization": f"Bearer {secret}"})
    assert [item["id"] for item in client.get("/api/v1/devices").json()["items"]] == ["R1"]
    assert client.get("/api/v1/ingest/gaps").status_code == 403
    assert client.post("/api/v1/tickets", json={}).status_code == 403
    who = tokens.principal_of(secret)
    assert (who.kind, who.id, who.name) == (PrincipalKind.TOKEN, str(token.id), "erp")


def test_nothing_that_is_kept_opens_anything(house: House, tokens: Tokens, tmp_path: Path) -> None:
    _, secret = tokens.make(Asked("erp", SCOPES), BY)
    held = b"".join(path.read_bytes() for path in tmp_path.glob("desk.sqlite*"))
    assert secret.encode() not in held
    assert secret.removeprefix("sw_").encode() not in held


def test_a_token_in_an_address_opens_nothing(house: House, tokens: Tokens) -> None:
    _, secret = tokens.make(Asked("erp", SCOPES), BY)
    for query in (f"token={secret}", f"access_token={secret}", f"authorization=Bearer%20{secret}"):
        assert anonymous(house).get(f"/api/v1/devices?{query}").status_code == 401


def test_a_token_ends_and_is_revoked(house: House, tokens: Tokens) -> None:
    token, secret = tokens.make(Asked("erp", SCOPES, None, 1), BY)
    house.clock.ms += DAY_MS - 1
    tokens.principal_of(secret)
    house.clock.ms += 1
    with pytest.raises(NotSignedIn, match="over"):
        tokens.principal_of(secret)
    token, secret = tokens.make(Asked("erp", SCOPES, None, None), BY)
    house.clock.ms += 5000 * DAY_MS
    tokens.principal_of(secret)
    tokens.revoke(token.id, BY)
    with pytest.raises(NotSignedIn, match="over"):
        tokens.principal_of(secret)


def test_a_token_is_rotated_with_overlap(house: House, tokens: Tokens) -> None:
    token, old = tokens.make(Asked("erp", SCOPES, frozenset({"pudong"}), 30), BY)
    newer, secret = tokens.rotate(token.id, BY)
    assert (newer.name, newer.scopes, newer.sites) == (token.name, token.scopes, token.sites)
    house.clock.ms += OVERLAP_MS - 1
    assert tokens.principal_of(old).name == tokens.principal_of(secret).name
    house.clock.ms += 1
    tokens.principal_of(secret)
    with pytest.raises(NotSignedIn):
        tokens.principal_of(old)
    with pytest.raises(InvalidInput, match="is over; make another"):
        tokens.rotate(token.id, BY)


def test_the_last_use_is_known(house: House, tokens: Tokens) -> None:
    _, secret = tokens.make(Asked("erp", SCOPES), BY)
    assert tokens.all()[0].last_used is None
    tokens.principal_of(secret)
    assert tokens.all()[0].last_used == house.clock.ms


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (Asked("", SCOPES), "name: "),
        (Asked("x" * 65, SCOPES), "name: "),
        (Asked("x", ()), "at least one"),
        (Asked("x", ("all",)), "allowed: fleet:read"),
        (Asked("x", SCOPES, None, 0), "days: "),
        (Asked("x", SCOPES, frozenset({"podung"})), "there is no site"),
        (Asked("x", SCOPES, frozenset()), "at least one"),
    ],
)
def test_a_token_that_cannot_be_is_refused(tokens: Tokens, asked: Asked, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        tokens.make(asked, BY)


def test_there_is_no_token_that_was_not_made(tokens: Tokens) -> None:
    for change in (tokens.rotate, tokens.revoke):
        with pytest.raises(NotFound):
            change(7, BY)


def test_nobody_makes_a_token_that_can_do_more_than_they(house: House, tokens: Tokens) -> None:
    admin = signed_in(house, RoleAt(Role.ADMIN))
    token = csrf_of(admin)
    more = {"name": "x", "scopes": ["personal:read"]}
    answer = admin.post("/api/v1/tokens", json=more, headers={"X-CSRF-Token": token})
    assert (answer.status_code, "no more than Li Wei" in answer.json()["detail"]) == (403, True)
    fine = {"name": "x", "scopes": ["fleet:read"], "sites": ["pudong"]}
    made = admin.post("/api/v1/tokens", json=fine, headers={"X-CSRF-Token": token}).json()
    limited = anonymous(house, {"Authorization": f"Bearer {made['secret']}"})
    assert limited.get("/api/v1/me").json()["grants"] == [
        {"permissions": ["fleet:read"], "sites": ["pudong"]}
    ]
    of_a_site = client_of(house, Permission.TOKENS_MANAGE, Permission.FLEET_READ, sites=frozenset({"pudong"}))
    for answer in (of_a_site.get("/api/v1/tokens"), of_a_site.post("/api/v1/tokens", json=fine)):
        assert (answer.status_code, "whole installation" in answer.text) == (403, True)
    maker = client_of(house, Permission.TOKENS_MANAGE, Permission.FLEET_READ)
    assert maker.post("/api/v1/tokens", json=fine | {"days": 30}).status_code == 201
    assert maker.post("/api/v1/tokens", json=fine | {"scopes": ["alerts:change"]}).status_code == 403
    longer = maker.post("/api/v1/tokens", json=fine | {"days": 3660})
    assert (longer.status_code, "ends no later" in longer.text) == (403, True)
    more, _ = tokens.make(Asked("all", (Permission.ALERTS_CHANGE,)), BY)
    assert maker.post(f"/api/v1/tokens/{more.id}/rotate").status_code == 403


def test_nobody_grows_by_a_token_that_manages_people(house: House) -> None:
    machine = client_of(house, Permission.PEOPLE_MANAGE, Permission.FLEET_READ)
    invited = {"email": "v@example.org", "name": "V", "roles": [{"role": "viewer", "scope": "all"}]}
    assert machine.post("/api/v1/people", json=invited).status_code == 201
    for role in ("admin", "safety", "engineer"):
        asked = {"email": f"{role}@example.org", "name": "A", "roles": [{"role": role, "scope": "all"}]}
        assert machine.post("/api/v1/people", json=asked).status_code == 403, role
    boss, _ = house.doors.people.invite("boss@example.org", "Boss", [RoleAt(Role.ADMIN)], BY)
    for method, path, body in (
        ("PATCH", "", {"disabled": True}),
        ("PATCH", "", {"roles": []}),
        ("POST", "/password-link", None),
        ("DELETE", "/second-factor", None),
        ("DELETE", "/identity", None),
    ):
        answer = machine.request(method, f"/api/v1/people/{boss.id}{path}", json=body)
        assert answer.status_code == 403, (path, answer.text)
    limited = client_of(house, Permission.PEOPLE_MANAGE, sites=frozenset({"pudong"}))
    assert limited.get("/api/v1/people").status_code == 403


def test_a_token_is_renewed_once_and_revoked_once(house: House, tokens: Tokens) -> None:
    made, _ = tokens.make(Asked("erp", SCOPES), BY)
    new, _ = tokens.rotate(made.id, BY)
    with pytest.raises(Conflict, match="renewed already"):
        tokens.rotate(made.id, BY)
    tokens.revoke(new.id, BY)
    house.clock.ms += DAY_MS
    tokens.revoke(new.id, BY)
    assert {each.id: each.revoked_at for each in tokens.all()}[new.id] == house.clock.ms - DAY_MS


def test_a_token_that_is_revoked_over_http_opens_nothing_from_then_on(house: House) -> None:
    client = client_of(house)
    made = client.post("/api/v1/tokens", json={"name": "x", "scopes": ["fleet:read"]}).json()
    held = anonymous(house, {"Authorization": f"Bearer {made['secret']}"})
    assert held.get("/api/v1/devices").status_code == 200
    assert client.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert held.get("/api/v1/devices").status_code == 401
    listed = client.get("/api/v1/tokens").json()["items"]
    assert "secret" not in listed[0]
