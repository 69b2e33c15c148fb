"""The settings of signing in by a provider: judged before anything starts, and its secret is never shown."""

from pathlib import Path

import pytest

from access.provider import is_safe
from fleet.errors import ConfigError
from fleet.grants import Role
from fleet.people import RoleAt, Scope
from sweepwatch.commands.config import check_settings
from sweepwatch.settings.oidc import registration_of
from sweepwatch.settings.settings import load_settings

SECRET = "s3cr3t-of-the-provider"
GIVEN = {
    "SWEEPWATCH_OIDC_ISSUER": "https://sso.example.org",
    "SWEEPWATCH_OIDC_CLIENT_ID": "sweepwatch",
    "SWEEPWATCH_OIDC_CLIENT_SECRET": SECRET,
}


def test_nothing_given_is_no_provider() -> None:
    assert registration_of(load_settings(None, {}, {}).oidc) is None


def test_a_registration_is_what_the_settings_say(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(
        '[oidc]\nroles_claim = "teams"\n[oidc.roles]\n"leads" = "manager site pudong"\n"ops" = "admin"\n',
        encoding="utf-8",
    )
    more = {"SWEEPWATCH_OIDC_DOMAINS": "Example.org, @example.com", "SWEEPWATCH_OIDC_DOMAIN_ROLE": "engineer"}
    found = registration_of(load_settings(file, GIVEN | more, {}).oidc)
    assert found is not None
    assert (found.issuer, found.client_id, found.client_secret) == (*GIVEN.values(),)
    assert (found.domains, found.domain_role) == ({"example.org", "example.com"}, RoleAt(Role.ENGINEER))
    assert found.roles == {"leads": RoleAt(Role.MANAGER, Scope.SITE, "pudong"), "ops": RoleAt(Role.ADMIN)}
    assert SECRET not in repr(found)


def test_the_secret_is_shown_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    check_settings(None, GIVEN, {}, True, said.append)
    shown = capsys.readouterr().out + "".join(said)
    assert "SWEEPWATCH_OIDC_CLIENT_SECRET" in shown and SECRET not in shown
    assert SECRET not in repr(load_settings(None, GIVEN, {}))
    alone = {name: value for name, value in GIVEN.items() if not name.endswith("CLIENT_ID")}
    with pytest.raises(ConfigError, match="needs oidc.client_id") as caught:
        load_settings(None, alone, {})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ISSUER", "http://sso.example.org", "allowed: https://"),
        ("ISSUER", "sso.example.org", "allowed: https://"),
        ("SCOPES", "email profile", "openid among them"),
        ("DOMAINS", "example", "is no domain"),
        ("DOMAIN_ROLE", "admin", "viewer"),
    ],
)
def test_what_cannot_be_is_refused_and_named(name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load_settings(None, GIVEN | {f"SWEEPWATCH_OIDC_{name}": value}, {})
    assert f"SWEEPWATCH_OIDC_{name}" in str(caught.value)


@pytest.mark.parametrize("said", ["boss", "manager pudong", "manager city x", "admin site x", ""])
def test_a_role_of_a_claim_is_one(tmp_path: Path, said: str) -> None:
    file = tmp_path / "s.toml"
    file.write_text(f'[oidc.roles]\n"leads" = "{said}"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"oidc\.roles"):
        load_settings(file, {}, {})


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.example", True),
        ("http://127.0.0.1:9000", True),
        ("http://a.example", False),
        ("ftp://a.example", False),
        ("https://", False),
        ("https://[", False),
    ],
)
def test_only_what_nobody_between_can_read_is_safe(url: str, safe: bool) -> None:
    assert is_safe(url) is safe
