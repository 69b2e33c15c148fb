"""The double of an InfluxDB 2.9.1 answers what a real one did: each recorded exchange is replayed."""

import http.client
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.influx import Influxd, running_influx2
from helpers.influx2 import Influx2
from helpers.influx2_state import id_of

RECORDED = Path(__file__).parents[4] / "shared" / "data" / "influxdb-2.9.1" / "answers.jsonl"
_TOLD = ("Content-Type", "X-Influxdb-Build", "X-Influxdb-Version", "X-Platform-Error-Code")
_PASSING = ("createdAt", "updatedAt", "started", "up")
_ID = re.compile(r"(?<![.\w])(?:[0-9a-f]{16}|ORG1ID|BUCKET-[A-Z]+-ID)\b")


def _exchanges() -> list[dict[str, Any]]:
    if not RECORDED.exists():
        return []
    return [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]


EXCHANGES = _exchanges()


class Replay:
    """Sends the recorded requests in their order, as far as they are asked for: state carries over."""

    def __init__(self, double: Influx2) -> None:
        self._double = double
        self._ids = {"ORG1ID": id_of("org1")}
        for name in ("first", "fleet"):
            self._ids[f"BUCKET-{name.upper()}-ID"] = id_of(f"bucket org1 {name}")
        self._answers: list[dict[str, Any]] = []

    def answer(self, number: int) -> dict[str, Any]:
        while len(self._answers) <= number:
            self._answers.append(self._send(EXCHANGES[len(self._answers)]))
        return self._answers[number]

    def _send(self, exchange: dict[str, Any]) -> dict[str, Any]:
        request = exchange["request"]
        headers = dict(request["headers"])
        if exchange["auth"]:
            headers["Authorization"] = f"Token {exchange['auth']}"
        connection = http.client.HTTPConnection("127.0.0.1", self._double.http.server_port, timeout=30)
        try:
            path, body = self._with_ids(request["path"]), self._with_ids(request["body"])
            connection.request(request["method"], path, body.encode(), headers)
            answer = connection.getresponse()
            return {
                "status": answer.status,
                "headers": dict(answer.getheaders()),
                "body": answer.read().decode(),
            }
        finally:
            connection.close()

    def _with_ids(self, text: str) -> str:
        for name, real in self._ids.items():
            text = text.replace(name, real)
        return text


def _told(answer: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    """Return what counts of an answer: status, headers, and the body without times and ids."""
    headers = {name: value for name, value in answer["headers"].items() if name in _TOLD}
    body = _ID.sub("ID", answer["body"])
    if "json" in headers.get("Content-Type", "") or body.startswith("{"):
        return answer["status"], headers, _lasting(json.loads(body))
    return answer["status"], headers, body


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(each) for name, each in value.items() if name not in _PASSING}
    return [_lasting(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def replay(influxd_1: Influxd) -> Iterator[Replay]:
    with running_influx2(influxd_1) as double:
        replay = Replay(double)
        yield replay


@pytest.mark.parametrize(
    "number",
    range(len(EXCHANGES) or 1),
    ids=[f"{n}-{each['why']}" for n, each in enumerate(EXCHANGES)] or None,
)
def test_the_double_answers_as_the_real_server_did(number: int, request: pytest.FixtureRequest) -> None:
    if not EXCHANGES:
        missing = f"the recorded exchanges are missing: {RECORDED.name}"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    replay: Replay = request.getfixturevalue("replay")
    assert _told(replay.answer(number)) == _told(EXCHANGES[number]["answer"])


def test_all_that_was_recorded_is_replayed() -> None:
    if EXCHANGES:
        assert len(EXCHANGES) == 78
