"""`ingest ledger` proves the balance or fails; `ingest replay` takes up what passes now."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from helpers.ingesting import NOW, Bench
from helpers.mosquitto import Mosquitto
from helpers.publishing import publish
from helpers.running import Running, free_port, serving, sweepwatch
from prometheus_client import CollectorRegistry, generate_latest

from fleet.errors import StoreRejected
from ingest.messages import Message
from ingest.metrics import export
from ingest.replay import message_of, replay
from storage.records.gaps import Gaps
from storage.records.quarantine import Evidence

LEDGER = {
    "received": 10,
    "written": 6,
    "duplicate": 1,
    "quarantined": 3,
    "quarantined_by_reason": {"bad_json": 2, "empty": 1},
    "values_dropped": {"out_of_range": 5},
    "late": 2,
    "seq_repeated": 0,
}


@contextmanager
def serving_pages(pages: dict[str, str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            self.send_response(404 if page is None else 200)
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_ledger_that_adds_up_is_printed() -> None:
    with serving_pages({"/api/v1/ingest/ledger": json.dumps(LEDGER)}) as url:
        ended = sweepwatch("ingest", "ledger", "--url", url)
    assert ended.returncode == 0, ended.stderr
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert ["received", "10"] in lines
    assert ["quarantined", "3", "bad_json", "2,", "empty", "1"] in lines
    assert "adds up" in ended.stdout


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"received": 11}, "11 received, but 10 accounted for"),
        ({"quarantined_by_reason": {"bad_json": 2}}, "3 quarantined, but 2 by reason"),
    ],
)
def test_a_ledger_that_does_not_add_up_fails(change: dict[str, object], says: str) -> None:
    with serving_pages({"/api/v1/ingest/ledger": json.dumps(LEDGER | change)}) as url:
        ended = sweepwatch("ingest", "ledger", "--url", url)
    assert ended.returncode == 1
    assert ended.stderr.strip() == f"sweepwatch: the ledger does not add up: {says}"


@pytest.mark.parametrize("pages", [{}, {"/metrics": "sweepwatch_other_total 1\n"}, {"/metrics": "{{{"}])
def test_a_process_without_a_ledger_fails_with_one_line(pages: dict[str, str]) -> None:
    with serving_pages(pages) as url:
        ended = sweepwatch("ingest", "ledger", "--url", url)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"sweepwatch: {url}/metrics shows no ledger")
    assert len(ended.stderr.splitlines()) == 1


def test_nobody_there_and_no_address_fail_with_one_line() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = sweepwatch("ingest", "ledger", "--url", url)
    assert ended.returncode == 1
    assert "cannot be read: [Errno 111] Connection refused; give the process's address" in ended.stderr
    ended = sweepwatch("ingest", "ledger", "--url", "ftp://x")
    assert ended.returncode == 2
    assert "allowed: http://host:port" in ended.stderr


def test_options_before_a_command_below_ingest_are_refused_and_not_passed_over() -> None:
    ended = sweepwatch("ingest", "--data", "x", "ledger")
    assert ended.returncode == 2
    assert "options go behind the command: ingest ledger" in ended.stderr


TOPIC = "sweepwatch/v1/s1/robot/R1/telemetry"


def test_the_balance_of_a_real_ingester_is_read_from_its_metrics(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    port = free_port()
    with Running(
        *("ingest", "--broker", mosquitto.url, "--data", str(tmp_path / "var"), "--metrics-port", str(port)),
        log=tmp_path / "log",
        port=port,
    ) as running:
        url = f"http://127.0.0.1:{port}"

        def written() -> bool:
            shown = sweepwatch("ingest", "ledger", "--url", url).stdout
            return ["written", "2"] in [line.split() for line in shown.splitlines()]

        running.wait_for("a broker", lambda: "ingest_connected 1.0" in running.get("/metrics"))
        payloads = (b'{"battery_pct": 5}', b'{"battery_pct": 6}', b"{")
        publish(mosquitto.port, [(TOPIC, payload) for payload in payloads])
        running.wait_for("two readings", written, 30.0)
        refused = sweepwatch("ingest", "replay", "--data", str(tmp_path / "var"))
    assert refused.returncode == 1
    assert "is in use by another sweepwatch" in refused.stderr
    replayed = sweepwatch("ingest", "replay", "--data", str(tmp_path / "var"))
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout.splitlines() == [
        "0 pass now: stored, and out of the quarantine",
        "1 still fail: bad_json 1",
    ]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, StoreRejected)
    yield made
    made.close()


def evidence(payload: bytes, reason: str, topic: str = TOPIC, seen: int = NOW) -> Evidence:
    return Evidence(topic, "R1", reason, "", payload, seen)


def test_what_passes_now_is_stored_at_its_own_time_and_leaves_the_quarantine(bench: Bench) -> None:
    mended = b'{"seq": 2, "ts": %d, "battery_pct": 5}' % (NOW - 9)
    bench.quarantine.add([evidence(mended, "no_signal"), evidence(b"{", "bad_json")])
    report = replay(bench.parts)
    assert (report.passed, report.failing, report.truncated) == (1, {"bad_json": 1}, 0)
    assert bench.stored() == [(NOW - 9, 5.0)]
    assert [item.payload for item in bench.quarantine.find().items] == [b"{"]
    assert replay(bench.parts).passed == 0


def test_a_replayed_number_closes_its_gap(bench: Bench) -> None:
    readings = [b'{"seq": %d, "ts": %d, "battery_pct": 5}' % (n, NOW + n) for n in range(4)]
    bench.commit([Message(TOPIC, readings[n], 1, False, 1, NOW) for n in (0, 1, 3)])
    assert len(Gaps(bench.desk).find("R1", 9).items) == 1
    bench.quarantine.add([evidence(readings[2], "bad_json")])
    replay(bench.parts)
    assert Gaps(bench.desk).find("R1", 9).items == ()


def test_an_arrays_element_without_a_time_is_not_dated_by_its_replay(bench: Bench) -> None:
    bench.commit([Message(TOPIC, b'[{"battery_pct": 5}]', 1, False, 1, NOW)])
    retained = evidence(b'{"battery_pct": 5}', "retained_without_ts", TOPIC.replace("R1", "R2"))
    bench.quarantine.add([retained])
    report = replay(bench.parts)
    assert report.failing == {"bad_ts": 1, "retained_without_ts": 1}
    assert bench.stored() == []


def test_a_message_is_judged_as_of_when_it_came(bench: Bench) -> None:
    bench.quarantine.add([evidence(b'{"ts": %d, "battery_pct": 5}' % NOW, "future", seen=NOW - 3_600_000)])
    assert replay(bench.parts).failing == {"future": 1}


def test_what_was_cut_short_is_left_alone_and_named(bench: Bench) -> None:
    bench.quarantine.add([evidence(b'{"battery_pct": 5}' + b" " * 70_000, "no_signal")])
    assert (replay(bench.parts).truncated, len(bench.quarantine.find().items)) == (1, 1)


def test_a_replay_can_be_narrowed_and_goes_through_all_pages(bench: Bench) -> None:
    bench.quarantine.add(
        [
            Evidence(TOPIC.replace("R1", f"D{n}"), f"D{n}", "no_signal", "", b'{"battery_pct": 5}', NOW + n)
            for n in range(450)
        ]
    )
    assert replay(bench.parts, device="D7").passed == 1
    assert replay(bench.parts, reason="bad_json").passed == 0
    assert replay(bench.parts).passed == 449
    assert bench.quarantine.find().items == ()


def test_what_the_store_rejects_again_stays_in_quarantine(bench: Bench) -> None:
    bench.store.refuses = 13.0
    rows = [b'{"ts": %d, "battery_pct": %d}' % (NOW + n, 12 + n) for n in range(2)]
    bench.commit([Message(TOPIC, row, 1, False, 1, NOW) for row in rows])
    (before,) = bench.quarantine.find().items
    assert before.reason == "store_rejected"
    other = evidence(b'{"ts": %d, "battery_pct": 50}' % (NOW + 5), "no_signal")
    bench.quarantine.add([other])
    replay(bench.parts)
    assert [item.reason for item in bench.quarantine.find().items] == ["store_rejected"]
    assert message_of(before).topic == TOPIC


def test_the_ledger_in_the_metrics_reads_as_the_ledger_itself(bench: Bench) -> None:
    bench.commit([Message(TOPIC, b"x", 1, False, 1, NOW), Message(TOPIC, b'{"x_m": 1}', 1, False, 1, NOW)])
    registry = CollectorRegistry()
    export(registry, bench.ledger.snapshot, lambda: True)
    with serving_pages({"/metrics": generate_latest(registry).decode()}) as url:
        ended = sweepwatch("ingest", "ledger", "--url", f"{url}/metrics")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[:4] == [
        "received                  2",
        "written                   1",
        "duplicate                 0",
        "quarantined               1  bad_json 1",
    ]
