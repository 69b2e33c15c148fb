"""A secret, wherever it is given, stands in no log, error, problem, page, settings list or event."""

import logging
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, anonymous, client_of, open_house, signed_in
from httpx2 import Response

from fleet.broker_url import parse_broker_url
from fleet.errors import ConfigError, SweepwatchError
from fleet.grants import Role
from fleet.people import RoleAt
from fleet.principals import schedule
from fleet.secrecy import without_secrets
from fleet.signals import STANDARD_SIGNALS
from storage.records.database import open_desk
from storage.records.events import events_after
from storage.series.store_url import parse_store_url
from sweepwatch.cli import cli
from sweepwatch.commands.config import check_settings
from sweepwatch.logs import start_logging
from sweepwatch.settings.settings import load_settings, token_of, variable_name
from sweepwatch.stores import SERVING, open_store_at

MARK = "Zx7qSECRETq7xZ"
URLS = {
    "broker.url": f"mqtt://user:{MARK}@127.0.0.1:9",
    "store.url": f"influxdb://{MARK}@127.0.0.1:9/org/bucket",
    "desk.url": f"postgresql+psycopg://user:{MARK}@127.0.0.1:9/desk",
}
MALFORMED = (
    "mqtt://user:{}@host:99999",
    "mqtt://user:{}#x@host:1883",
    "mqtt://user:{}/x@host:1883/",
    "mqtt://us@er:{}@host/path",
    "http://user:{}@host",
    "user:{}@host",
    "influxdb://{}@host:8086",
    "influxdb://{}/x@host:8086/org/bucket",
    "influxdb://a:{}?x@host:8086/org/bucket",
    "postgresql://user:{}@host:port/desk",
    "postgresql://user:{}",
    "postgresql://host:x/desk?password={}",
    "mysql://user:{}@host/desk",
)


@pytest.mark.parametrize("shape", MALFORMED)
@pytest.mark.parametrize("key", URLS)
def test_a_url_that_cannot_be_is_told_of_without_its_password(
    capsys: pytest.CaptureFixture[str], key: str, shape: str
) -> None:
    said: list[str] = []
    try:
        check_settings(None, {variable_name(key): shape.format(MARK)}, {}, True, said.append)
    except ConfigError as error:
        said.append(str(error))
    assert len(said) == 1
    assert MARK not in said[0] + capsys.readouterr().out


def test_the_list_of_settings_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    environment = {variable_name(key): url for key, url in URLS.items()}
    environment["SWEEPWATCH_MODELS_DASK_SCHEDULER"] = f"tcp://user:{MARK}@host:8786"
    environment["SWEEPWATCH_TOKEN"] = MARK
    check_settings(None, environment, {}, True, print)
    shown = capsys.readouterr().out
    assert "mqtt://***@127.0.0.1:9" in shown
    assert "influxdb://***@127.0.0.1:9/org/bucket" in shown
    assert MARK not in shown
    assert MARK not in repr(
        load_settings(None, {k: v for k, v in environment.items() if "DASK" not in k}, {})
    )
    assert MARK not in repr((parse_broker_url(URLS["broker.url"]), parse_store_url(URLS["store.url"])))


def test_a_password_that_nobody_escaped_is_hidden_whole() -> None:
    for url in (
        f"mqtt://u:a@{MARK}@h",
        f"mqtt://u:a/{MARK}@h",
        f"u:{MARK}@h",
        f"x://h/d?sslpassword={MARK}&y=1",
    ):
        assert MARK not in without_secrets(url)
    assert without_secrets("mqtt://host:1883") == "mqtt://host:1883"


def test_a_server_that_is_away_is_told_of_without_what_opens_it() -> None:
    with pytest.raises(SweepwatchError) as away:
        open_desk(URLS["desk.url"])
    assert MARK not in str(away.value)
    store = open_store_at(parse_store_url(URLS["store.url"]), STANDARD_SIGNALS, "off", SERVING)
    with pytest.raises(SweepwatchError) as away:
        store.check()
    assert MARK not in str(away.value)
    store.close()


def test_secrets_come_from_files_as_well(tmp_path: Path) -> None:
    file = tmp_path / "broker"
    file.write_text(f"{URLS['broker.url']}\n")
    settings = load_settings(None, {"SWEEPWATCH_BROKER_URL_FILE": str(file)}, {})
    assert settings.broker.url == URLS["broker.url"]
    assert token_of({"SWEEPWATCH_TOKEN_FILE": str(file)}) == URLS["broker.url"]
    assert token_of({}) is None
    with pytest.raises(ConfigError, match=r"SWEEPWATCH_BROKER_URL_FILE: .*No such file"):
        load_settings(None, {"SWEEPWATCH_BROKER_URL_FILE": str(tmp_path / "none")}, {})
    with pytest.raises(ConfigError, match="both set"):
        load_settings(
            None, {"SWEEPWATCH_BROKER_URL_FILE": str(file), "SWEEPWATCH_BROKER_URL": "mqtt://h"}, {}
        )
    with pytest.raises(ConfigError, match="unknown setting SWEEPWATCH_NOTHING_FILE"):
        load_settings(None, {"SWEEPWATCH_NOTHING_FILE": str(file)}, {})
    file.write_text(f"mqtt://user:{MARK}@host/path\n")
    with pytest.raises(ConfigError) as caught:
        cli(["ingest", "--broker", f"@{file}", "--data", str(tmp_path / "data")], standalone_mode=False)
    assert MARK not in str(caught.value)
    file.write_text(f"{MARK}\n{MARK}")
    with pytest.raises((ConfigError, click.ClickException), match="one line") as caught:
        cli(["ingest", "--broker", f"@{file}"], standalone_mode=False)
    assert MARK not in str(caught.value)


def test_every_option_that_takes_a_secret_takes_it_from_a_file() -> None:
    taking = [
        (command.name, parameter.name)
        for command in (*cli.commands.values(), *(c for g in cli.commands.values() for c in inner(g)))
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.metavar == "URL" and parameter.name != "url"
    ]
    assert len(taking) >= 8
    for command, name in taking:
        found = [c for g in (cli, *cli.commands.values()) for c in inner(g) if c.name == command]
        options = [p for c in found for p in c.params if p.name == name and isinstance(p, click.Option)]
        assert any(p.type.name == "url" for p in options), (command, name)


def inner(group: click.Command) -> list[click.Command]:
    return list(group.commands.values()) if isinstance(group, click.Group) else []


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    level = root.level
    with open_house(tmp_path / "data") as made:
        start_logging(tmp_path / "log", "debug")
        add_device(made, "R1")
        yield made
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_what_is_entered_or_shown_to_get_in_stands_nowhere(
    house: House, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody, token, person = anonymous(house), client_of(house), signed_in(house)
    answers = [*_wrong_ways_in(nobody), *_wrong_bodies(token, person)]
    _, link = house.doors.people.invite("b@example.org", "B", [RoleAt(Role.VIEWER)], schedule("tests"))
    used = [anonymous(house).post(f"/enter/{link}", data={"password": f"{MARK} and three more words"})]
    made = token.post("/api/v1/tokens", json={"name": "t", "scopes": ["fleet:read"]}).json()["secret"]
    client = anonymous(house, {"Authorization": f"Bearer {made}"})
    used += [client.post("/api/v1/tokens", json={}), client.get("/api/v1/devices"), client.get("/nowhere")]
    monkeypatch.setattr(house.doors.people, "look_at", breaks)
    monkeypatch.setattr(house.doors.sessions, "sign_in", breaks)
    answers += [
        anonymous(house).post("/sign-in", data={"email": "a@b.c", "password": MARK}),
        anonymous(house).get(f"/enter/{link}"),
        client.get("/api/v1/devices"),
    ]
    written = (tmp_path / "log").read_text() + "".join(capfd.readouterr())
    assert "sign-in refused: an account that is none, from" in written
    assert "GET /api/v1/devices" in written
    assert "GET /enter/*** failed" in written
    session = next(iter(person.cookies.values()))
    for secret in (MARK, link, made, session):
        assert secret not in written
        for answer in (*answers, *used):
            assert secret not in answer.text, (answer.request.method, answer.request.url)


def breaks(*_given: object) -> None:
    raise RuntimeError("as nobody foresaw")


def _wrong_ways_in(client: TestClient) -> Iterator[Response]:
    yield client.post("/sign-in", data={"email": "li.wei@example.org", "password": MARK}, headers=HTML)
    yield client.post("/sign-in", data={"email": "a@b.c", "password": MARK * 100}, headers=HTML)
    yield client.post("/sign-in", data={"email": "a@b.c", "password": MARK * 100})
    client.post("/sign-in", data={"email": MARK, "password": "x"})  # a password in the wrong field
    for headers in (HTML, {"accept": "application/json"}):
        for shown in (f"Bearer {MARK}", f"Bearer sw_{MARK}", f"Basic {MARK}", MARK):
            yield client.get("/api/v1/devices", headers=headers | {"Authorization": shown})
            yield client.get("/", headers=headers | {"Authorization": shown})
        cookie = {"Cookie": f"sweepwatch_8000={MARK}; __Host-sweepwatch={MARK}"}
        yield client.get("/api/v1/devices", headers=headers | cookie)
        yield client.post("/sign-out", data={"csrf": MARK}, headers=headers | cookie)
        yield client.post("/enter/none", data={"password": MARK}, headers=headers)


def _wrong_bodies(token: TestClient, person: TestClient) -> Iterator[Response]:
    for body in ({"secret": MARK}, {"name": {"x": MARK}}, {"name": "t", "scopes": MARK}, [MARK], MARK):
        yield token.post("/api/v1/tokens", json=body)
    yield token.post(
        "/api/v1/tokens", content=f'{{"name": "{MARK}", ', headers={"Content-Type": "application/json"}
    )
    yield person.post("/sign-out", data={"csrf": MARK})
    yield person.post("/api/v1/tokens", json={"name": "t"}, headers={"X-CSRF-Token": MARK})


def test_the_log_of_events_holds_no_secret(house: House) -> None:
    token, person = client_of(house), signed_in(house)
    made = token.post("/api/v1/tokens", json={"name": "t", "scopes": ["fleet:read"]}).json()
    rotated = token.post(f"/api/v1/tokens/{made['id']}/rotate").json()["secret"]
    _, link = house.doors.people.invite("b@example.org", "B", [RoleAt(Role.VIEWER)], schedule("tests"))
    anonymous(house).post(f"/enter/{link}", data={"password": f"{MARK} and three more words"})
    with house.desk.transaction() as session:
        told = repr(events_after(session, 0, 1000))
    assert "invited" in told
    for secret in (made["secret"], rotated, link, MARK, *person.cookies.values()):
        assert secret not in told


def test_no_record_of_the_log_passes_for_two(house: House, tmp_path: Path) -> None:
    log = logging.getLogger("api.problems")
    log.warning("%s", "a\n2026-11-22 08:00:00,000 INFO access.sessions: signed in: person 1\x1b[2J\r")
    lines = (tmp_path / "log").read_text().splitlines()
    assert sum("signed in: person 1" in line for line in lines) == 1
    assert any("a\\n2026-11-22" in line and "\\x1b" in line for line in lines)
