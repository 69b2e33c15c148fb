"""Beyond this machine it is served by HTTPS, to its own names, and once somebody can let others in."""

from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from helpers.api import NOW
from helpers.certificates import make_pair
from helpers.fresh_desk import fresh_desk

from access.people import People
from api.reach import LOOPBACK
from fleet.clock import ManualClock
from fleet.errors import ConfigError
from fleet.grants import Role
from fleet.people import RoleAt
from fleet.principals import schedule
from sweepwatch.commands.config import check_settings
from sweepwatch.run.reach import address_of, reach_of, require_admin
from sweepwatch.settings.server import ServerSettings

ANY = "0.0.0.0"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_pair(tmp_path_factory.mktemp("tls"), "a.example", "*.b.example", "192.0.2.1")


def server(pair: tuple[Path, Path] | None = None, **settings: Any) -> ServerSettings:
    given = {} if pair is None else {"tls_certificate": pair[0], "tls_key": pair[1]}
    return ServerSettings.model_validate(given | settings)


def test_nothing_set_is_this_machine_alone() -> None:
    reach = reach_of(server(), NOW)
    assert (reach.names, reach.proxies, reach.secure, reach.public_url) == (LOOPBACK, (), False, None)
    assert address_of(server()) == "http://127.0.0.1:8000/"
    assert address_of(server(host="::1")) == "http://[::1]:8000/"


@pytest.mark.parametrize("host", [ANY, "::", "192.0.2.1", "2001:db8::1"])
def test_beyond_this_machine_something_speaks_https(host: str, pair: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match=r"server\.tls_certificate and server\.tls_key, or name the proxy"):
        reach_of(server(host=host), NOW)
    reach = reach_of(server(pair, host=host), NOW)
    assert reach.secure
    assert reach.answers_to("a.example")
    assert reach.answers_to("x.b.example")
    assert not reach.answers_to("evil.example")
    proxied = server(host=host, trusted_proxies="10.0.0.0/24, ::1", public_url="https://c.example:8443/")
    reach = reach_of(proxied, NOW)
    assert reach.proxies == (ip_network("10.0.0.0/24"), ip_network("::1"))
    assert reach.secure
    assert reach.answers_to("c.example")
    assert address_of(proxied) == "https://c.example:8443/"
    assert not reach.answers_to("")


def test_the_address_that_is_printed_is_the_one_that_works(pair: tuple[Path, Path]) -> None:
    assert address_of(server(pair)) == "https://127.0.0.1:8000/"
    assert address_of(server(pair, host="192.0.2.1")) == "https://192.0.2.1:8000/"
    assert address_of(server(pair, host="::", public_url="https://a.example")) == "https://a.example/"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"trusted_proxies": "10.0.0.1"}, "public_url: required with server.trusted_proxies"),
        ({"trusted_proxies": "10.0.0.1", "public_url": "http://c.example"}, "begins with https://"),
        ({"public_url": "http://c.example"}, "begins with https://"),
    ],
)
def test_what_is_half_said_is_refused(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        reach_of(server(**settings), NOW)


def test_a_certificate_without_a_name_needs_one(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    with pytest.raises(ConfigError, match="by which name do browsers reach it"):
        reach_of(server(pair, host=ANY), NOW)
    assert reach_of(server(pair, host=ANY, hosts="C.example"), NOW).answers_to("c.example")


def test_a_certificate_that_cannot_serve_is_named_with_why(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    certificate, key = pair

    def wrong(says: str, certificate: Path | None = certificate, key: Path | None = key) -> None:
        chosen = ServerSettings(tls_certificate=certificate, tls_key=key)
        with pytest.raises(ConfigError, match=says) as caught:
            reach_of(chosen, NOW)
        assert "\n" not in str(caught.value)

    other = tmp_path / "other"
    other.mkdir()
    wrong("is not the key of", key=make_pair(other, "a.example")[1])
    wrong("has a passphrase", key=make_pair(other, "a.example", passphrase=b"x")[1])
    wrong(r"server\.tls_certificate: .*No such file", certificate=tmp_path / "none.crt")
    wrong(r"server\.tls_key: .*No such file", key=tmp_path / "none.key")
    wrong("holds no certificate", certificate=key)
    wrong("holds no private key", key=certificate)
    wrong(r"server\.tls_key: required", key=None)
    wrong(r"server\.tls_certificate: required", certificate=None)
    wrong("ended at 2026-11-22T07:00:00Z", *make_pair(other, ends=datetime(2026, 11, 22, 7, tzinfo=UTC)))
    wrong("begins at 2026-11-23", *make_pair(other, begins=datetime(2026, 11, 23, tzinfo=UTC)))
    said: list[str] = []
    file = tmp_path / "s.toml"
    file.write_text(f"[server]\ntls_certificate = '{certificate}'\n")
    with pytest.raises(ConfigError, match=r"server\.tls_key: required"):
        check_settings(file, {}, {}, False, said.append)


def test_nobody_else_reaches_a_server_without_an_admin(tmp_path: Path) -> None:
    with closing(fresh_desk(tmp_path / "desk.sqlite")) as desk:
        people = People(desk, ManualClock(NOW))
        require_admin(server(), people)
        with pytest.raises(ConfigError, match=r"no admin yet.*people invite EMAIL NAME --role admin"):
            require_admin(server(host=ANY), people)
        people.invite("li.wei@example.org", "Li Wei", [RoleAt(Role.ADMIN)], schedule("tests"))
        require_admin(server(host=ANY), people)
