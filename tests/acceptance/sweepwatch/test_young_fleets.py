"""Every command works at every age of an installation, and says in words what is too young yet."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner
from helpers.ages import AGES, write_age
from helpers.running import Running, free_port
from helpers.way_in import token_for

from fleet.clock import SystemClock
from sweepwatch.cli import cli
from sweepwatch.run import everything, processes

PAGES = ("/", "/alerts", "/tickets", "/models", "/visits", "/ingest", "/ingest/gaps", "/ingest/quarantine")
LISTS = ("devices", "alerts", "tickets", "models", "visits", "ingest/gaps")
DEVICE_PAGES = ("", "/charts/risks.svg", "/charts/battery_pct.svg")
PATIENCE_S = 120.0


class Stops:
    """Stands in for signals: ends the command that runs in this process once `visit` has come back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._stop = Event()
        for module in (processes, everything):
            monkeypatch.setattr(module, "stop_on_signal", self._events)

    @contextmanager
    def _events(self) -> Iterator[Event]:
        yield self._stop

    def invoke(self, *arguments: str, visit: Callable[[], None] | None = None) -> str:
        """Run one command; return what it said. Fails when it says a traceback or ends with an error."""
        self._stop = Event()
        wrong: list[BaseException] = []

        def call() -> None:
            try:
                assert visit is not None
                visit()
            except BaseException as error:
                wrong.append(error)
            finally:
                self._stop.set()

        visitor = Thread(target=call, daemon=True)
        if visit is not None:
            visitor.start()
        done = CliRunner().invoke(cli, arguments, catch_exceptions=True)
        self._stop.set()
        if visit is not None:
            visitor.join(10)
        assert done.exception is None, (arguments, done.output, done.exception, wrong)
        assert "Traceback" not in done.output
        if wrong:
            raise AssertionError((arguments, done.output)) from wrong[0]
        return done.output


def read(port: int, path: str, token: str | None = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers=headers), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def look_round(port: int, devices: list[str], token: str) -> None:
    """Wait until it is ready, then ask for every page and list."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if read(port, "/readyz")[0] == 200:
                break
        except (URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.1)
    paths = [*PAGES, *(f"/api/v1/{name}" for name in LISTS)]
    for device in devices:
        paths += [f"/devices/{device}{page}" for page in DEVICE_PAGES]
    answers = {path: read(port, path, token)[0] for path in paths}
    assert {path: status for path, status in answers.items() if status >= 500} == {}
    assert [path for path in PAGES if answers[path] != 200] == []


def started(port: int, devices: list[str], token: str) -> None:
    """Look round a whole `run`, once its starter has done what it had to do."""
    look_round(port, devices, token)
    deadline = time.monotonic() + PATIENCE_S
    while any(thread.name == "starter" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    url, held = f"http://127.0.0.1:{port}", {"SWEEPWATCH_TOKEN": token}
    ledger = CliRunner().invoke(cli, ["ingest", "ledger", "--url", url], env=held)
    assert ledger.exit_code == 0, ledger.output


@pytest.mark.parametrize("age", AGES)
def test_every_command_works_at_every_age(age: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, data = tmp_path / "var", ("--data", str(tmp_path / "var"))
    write_age(folder, AGES[age], SystemClock().now_ms())
    devices, stops = list(AGES[age].devices), Stops(monkeypatch)
    token = token_for(data, {})
    assert token is not None
    for _ in range(2):
        port = free_port()
        said = stops.invoke(
            "run",
            "--no-simulator",
            "--port",
            str(port),
            *data,
            visit=lambda at=port: started(at, devices, token),
        )
        assert "start failed" not in said
    trained = stops.invoke("train", *data)
    assert re.search(r"No risk models yet: |models in ", trained), trained
    scored = stops.invoke("score", "--once", *data)
    assert re.search(r"(?m)^([1-9]\d* risks scored$|0 risks scored: .*robot)", scored), scored
    port = free_port()
    stops.invoke("serve", "--port", str(port), *data, visit=lambda: look_round(port, devices, token))
    assert "There is no model yet" in stops.invoke("models", "list", *data)
    log = (folder / "sweepwatch.log").read_text(encoding="utf-8")
    assert "Traceback" not in log, log


def test_a_fleet_of_one_reading_is_started_again_as_a_process(tmp_path: Path) -> None:
    write_age(tmp_path / "var", AGES["one reading"], SystemClock().now_ms())
    for start in range(2):
        port = free_port()
        arguments = ("run", "--no-simulator", "--port", str(port), "--data", str(tmp_path / "var"))
        with Running(*arguments, log=tmp_path / f"log{start}", port=port) as running:
            running.wait_for("the start's last word", lambda at=running: "No risk models yet: " in at.output)
            running.wait_for("ready", lambda at=port: read(at, "/readyz")[0] == 200)
            assert running.stop() == 0
            assert "Traceback" not in running.output
