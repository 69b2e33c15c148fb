"""What a process shows of itself: figures for Prometheus, and a log of what stopped and began to work."""

import logging
from pathlib import Path

import pytest
from helpers.api import add_device, client_of, open_house, raise_alert
from prometheus_client import CollectorRegistry, generate_latest

from ingest.ledger import Ledger
from ingest.metrics import CommitFigures, export
from sweepwatch.metrics import new_registry
from sweepwatch.run.readiness import noting_changes


def test_alerts_tickets_build_and_process_have_figures(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        add_device(house, "R1")
        raise_alert(house, "R1", "brush_jam", 0.9)
        text = generate_latest(new_registry(house.desk)).decode()
    assert 'sweepwatch_alerts_open{level="L1",state="firing"}' in text
    alerts = [line for line in text.splitlines() if line.startswith("sweepwatch_alerts_open{")]
    assert sum(float(line.split()[-1]) for line in alerts) == 1
    assert 'sweepwatch_tickets_open{state="opened"} 1.0' in text
    assert 'sweepwatch_tickets_open{state="repairing"} 0.0' in text
    assert 'sweepwatch_build_info{python="3.' in text
    assert "process_resident_memory_bytes" in text


def test_requests_are_counted_by_route_method_and_status(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        client = client_of(house)
        for path in ("/api/v1/devices/A", "/api/v1/devices/B", "/api/v1/devices?sort=x", "/nothing/at/all"):
            client.get(path)
        client.head("/healthz")
        text = client.get("/metrics").text
    for line in (
        'sweepwatch_http_requests_total{method="GET",route="/api/v1/devices/{device_id}",status="404"} 2.0',
        'sweepwatch_http_requests_total{method="GET",route="/api/v1/devices",status="422"} 1.0',
        'sweepwatch_http_requests_total{method="GET",route="none",status="404"} 1.0',
        'sweepwatch_http_requests_total{method="HEAD",route="/healthz",status="200"} 1.0',
        'sweepwatch_http_request_seconds_count{route="/api/v1/devices/{device_id}"} 2.0',
    ):
        assert line in text


def test_commits_have_figures() -> None:
    registry, commits = CollectorRegistry(), CommitFigures()
    export(registry, Ledger(0).snapshot, lambda: True, commits)
    commits.add(0.02, 5_000)
    text = generate_latest(registry).decode()
    assert "sweepwatch_ingest_commit_seconds_sum 0.02" in text
    assert "sweepwatch_ingest_commit_rows_sum 5000.0" in text


def test_the_log_tells_when_a_component_stops_and_begins_to_work(caplog: pytest.LogCaptureFixture) -> None:
    wrong: dict[str, str | None] = {"store": None, "ingest": "not connected to the broker yet"}
    look = noting_changes(lambda: dict(wrong))
    with caplog.at_level(logging.INFO):
        look()
        look()
        wrong["ingest"] = None
        look()
        wrong["store"] = "it does not answer"
        look()
        look()
    assert [record.getMessage() for record in caplog.records] == [
        "ingest does not work: not connected to the broker yet",
        "ingest works",
        "store does not work: it does not answer",
    ]
