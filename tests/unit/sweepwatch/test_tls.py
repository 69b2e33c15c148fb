"""The console and the API over real TLS: cookies, HSTS, the client's address, names, and old protocols."""

import socket
import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from helpers.api import PASSWORD, House, open_house
from helpers.certificates import make_pair
from helpers.publishing import wait_until
from helpers.running import free_port

from fleet.grants import Role
from fleet.people import RoleAt
from fleet.principals import schedule
from sweepwatch.run import server
from sweepwatch.run.server import WebServer, listen
from sweepwatch.settings.server import ServerSettings


@dataclass(frozen=True)
class Served:
    """A house that is served by TLS on a port of this machine, with proxies that are not this machine."""

    house: House
    port: int
    trust: ssl.SSLContext

    def ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
    ) -> tuple[HTTPResponse, str]:
        connection = HTTPSConnection("127.0.0.1", self.port, context=self.trust, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = make_pair(folder, "a.example", "127.0.0.1")
    port = free_port()
    settings = ServerSettings(port=port, tls_certificate=certificate, tls_key=key)
    with (
        open_house(folder / "data", server=settings) as house,
        WebServer(house.app, listen("127.0.0.1", port), settings),
    ):
        yield Served(house, port, ssl.create_default_context(cafile=str(certificate)))


def link_of(house: House, email: str) -> str:
    return house.doors.people.invite(email, "Li Wei", [RoleAt(Role.ADMIN)], schedule("tests"))[1]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_session_has_a_cookie_for_https_and_this_host_alone(served: Served) -> None:
    secret = link_of(served.house, "li.wei@example.org")
    lie = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http", "Forwarded": "for=6.6.6.6"}
    answer, _ = served.ask("POST", f"/enter/{secret}", FORM | lie, urlencode({"password": PASSWORD}))
    assert answer.status == 303
    cookie = answer.headers["Set-Cookie"]
    name, _, rest = cookie.partition("=")
    assert name == "__Host-sweepwatch"
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(rest.split("; "))
    assert "Domain" not in cookie
    answer, page = served.ask("GET", "/account", {"Cookie": cookie.partition(";")[0]})
    assert answer.status == 200
    assert "127.0.0.1" in page, "the session's address is the one that was really there"
    assert "6.6.6.6" not in page
    plain = {"Cookie": f"sweepwatch_{served.port}={rest.partition(';')[0]}"}
    assert served.ask("GET", "/account", plain)[0].status == 303, "a cookie that plain HTTP could set is none"


def test_browsers_are_told_to_come_by_https_from_now_on(served: Served) -> None:
    for path, status in (("/healthz", 200), ("/api/v1/me", 401), ("/sign-in", 200), ("/nowhere", 404)):
        answer, _ = served.ask("GET", path)
        assert answer.status == status
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    answer, _ = served.ask("GET", "/healthz", {"Host": f"localhost:{served.port}"})
    assert "Strict-Transport-Security" not in answer.headers, "it would hold for all that runs on localhost"
    assert "server" not in {name.lower() for name in answer.headers}


def test_it_answers_to_the_names_of_its_certificate(served: Served) -> None:
    assert served.ask("GET", "/healthz", {"Host": "a.example"})[0].status == 200
    answer, text = served.ask("GET", "/healthz", {"Host": "evil.example"})
    assert answer.status == 400
    assert "127.0.0.1, [::1], localhost and a.example only" in text


def test_plain_http_and_old_protocols_get_nothing(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"HTTP/" not in plain.recv(100)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings(action="ignore"):  # that nobody should use them any more
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=20) as raw,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        old.wrap_socket(raw)


def test_behind_a_proxy_the_client_is_who_asked_it_and_the_cookie_is_for_https(tmp_path: Path) -> None:
    from fastapi.testclient import TestClient

    settings = ServerSettings(trusted_proxies=("127.0.0.1",), public_url="https://a.example")
    with open_house(tmp_path, server=settings) as house:
        secret = link_of(house, "li.wei@example.org")
        base = "http://a.example"
        client = TestClient(house.app, base_url=base, client=("127.0.0.1", 1), follow_redirects=False)
        told = {"X-Forwarded-For": "6.6.6.6, 198.51.100.7", "X-Forwarded-Proto": "https"}
        answer = client.post(f"/enter/{secret}", data={"password": PASSWORD}, headers=told)
        assert answer.headers["set-cookie"].startswith("__Host-sweepwatch=")
        assert "Secure" in answer.headers["set-cookie"]
        assert answer.headers["strict-transport-security"]
        person = next(each for each in house.doors.people.everybody())
        assert [each.address for each in house.doors.sessions.of(person.id)] == ["198.51.100.7"]
        stranger = TestClient(house.app, base_url=base, client=("203.0.113.9", 1))
        for _ in range(5):
            form = {"email": "li.wei@example.org", "password": "wrong"}
            assert stranger.post("/sign-in", data=form, headers=told).status_code == 401
        mine = client.post("/sign-in", data=form, headers=told)
        assert mine.status_code == 401, "failures count for who made them, not for whom they name"
        assert stranger.post("/sign-in", data=form, headers=told).status_code == 429


def test_a_renewed_certificate_is_used_without_a_new_start_and_a_wrong_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "_RENEWAL_EVERY_S", 0.05)
    (tmp_path / "new").mkdir()
    certificate, key = make_pair(tmp_path, "127.0.0.1")
    renewed, renewed_key = make_pair(tmp_path / "new", "127.0.0.1")
    old, new = (ssl.create_default_context(cafile=str(file)) for file in (certificate, renewed))
    port = free_port()
    settings = ServerSettings(port=port, tls_certificate=certificate, tls_key=key)

    def trusted_by(trust: ssl.SSLContext) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 20) as plain:
                trust.wrap_socket(plain, server_hostname="127.0.0.1").close()
        except ssl.SSLCertVerificationError:
            return False
        return True

    with (
        open_house(tmp_path / "data", server=settings) as house,
        WebServer(house.app, listen("127.0.0.1", port), settings),
    ):
        assert trusted_by(old)
        certificate.write_bytes(renewed.read_bytes())
        wait_until(lambda: "the old one goes on" in caplog.text)
        assert trusted_by(old), "its key is still to come"
        key.write_bytes(renewed_key.read_bytes())
        wait_until(lambda: trusted_by(new))
