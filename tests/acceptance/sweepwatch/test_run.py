"""The whole chain in one command: devices, broker, store, models, alerts, tickets, pages; and again."""

import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers.running import Running, free_port

from fleet.clock import from_rfc3339
from fleet.signals import STANDARD_SIGNALS, Kind
from simulators.ground_truth import GroundTruth
from storage.records.database import open_desk
from storage.records.model_cards import CHAMPION, cards
from storage.series.duckdb.store import DuckDbStore

BROKERS = ("mosquitto", "amqtt")


def start(data: Path, log: Path, *more: str, broker: str = "mosquitto") -> Running:
    port = free_port()
    arguments = ["run", "--port", str(port), "--data", str(data), *more]
    return Running(*arguments, log=log, port=port, SWEEPWATCH_BROKER_EMBEDDED=broker)


def scored(running: Running) -> bool:
    return bool(running.get("/api/v1/devices?sort=-risk&limit=1")["items"][0]["risk"] is not None)


def shown(running: Running) -> dict[str, Any]:
    """Return what must be the same after a restart: the fleet, its alerts, its tickets."""
    devices = running.items("/api/v1/devices?sort=id")
    return {
        "devices": [(d["id"], d["kind"], d["site"], d["model"]) for d in devices],
        "alerts": {
            a["id"]: (a["device_id"], a["fault"], a["since"]) for a in running.items("/api/v1/alerts")
        },
        "tickets": {
            # Another suspicion may join meanwhile, and be likelier.
            t["id"]: (t["device_id"], t["opened_at"])
            for t in running.items("/api/v1/tickets")
        },
    }


def tickets_of_models(running: Running) -> list[dict[str, Any]]:
    tickets = running.items("/api/v1/tickets?origin=proactive")
    return [ticket for ticket in tickets if "drivers" in ticket["evidence"]]


def all_have_tickets(running: Running) -> bool:
    firing = [alert for alert in running.items("/api/v1/alerts?state=firing") if alert["rule"] == "risk"]
    cases = running.items("/api/v1/tickets?origin=proactive")
    held = {alert for case in cases for each in case["suspicions"] for alert in each["alerts"]}
    return bool(firing) and {alert["id"] for alert in firing} <= held


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """One first start, to its end: what it showed, and the data folder it left."""
    folder = tmp_path_factory.mktemp("first")
    with start(folder / "var", folder / "log") as running:
        running.wait_for("page", lambda: "Sweepwatch" in running.get("/"))
        early: dict[str, Any] = {}

        def writes_the_past() -> bool:
            early.update(running.get("/readyz"))
            return "First start" in str(early["components"]["start"])

        running.wait_for("the first start", writes_the_past)
        running.wait_for("scores", lambda: scored(running))
        running.wait_for("live readings", lambda: running.get("/api/v1/ingest/ledger")["written"] > 60)
        running.wait_for("a ticket for each risk that fires", lambda: all_have_tickets(running))
        running.wait_for("the ready line", lambda: "ready: http" in running.output)
        tickets = tickets_of_models(running)
        ready = running.get("/readyz")
        before = shown(running)
        code = running.stop(signal.SIGINT)
        yield {
            "data": folder / "var",
            "tickets": tickets,
            "shown": before,
            "code": code,
            "output": running.output,
            "ready": ready,
            "early": early,
            "url": f"http://127.0.0.1:{running.port}",
        }


def test_a_first_start_ends_cleanly_and_was_ready(first: dict[str, Any]) -> None:
    assert first["code"] == 0, first["output"]
    assert "Traceback" not in first["output"]
    assert "leaked" not in first["output"], "the end reports objects as leaked"
    assert first["ready"]["status"] == "ready"
    assert first["ready"]["components"]["start"] == "ok"


def test_it_was_not_ready_while_the_first_start_ran_and_said_what_it_did(first: dict[str, Any]) -> None:
    assert first["early"]["status"] == 503
    assert "First start" in first["early"]["components"]["start"]
    lines = first["output"].splitlines()
    assert f"ready: {first['url']}/" in lines
    said = next(line for line in lines if line.startswith("devices publish to mqtt://127.0.0.1:"))
    assert said.rpartition(":")[2] == (first["data"] / "broker" / "port").read_text().strip()
    assert any("models trained in" in line for line in lines)


def test_a_model_opened_a_ticket_for_a_device_that_is_really_failing(first: dict[str, Any]) -> None:
    truth = GroundTruth.read(first["data"] / "simulator" / "ground-truth.jsonl")

    def is_right(ticket: dict[str, Any]) -> bool:
        return truth.is_failing(ticket["device_id"], ticket["fault"], from_rfc3339(ticket["opened_at"]))

    right = [ticket for ticket in first["tickets"] if is_right(ticket)]
    assert right, f"{len(first['tickets'])} tickets by models, none for a failing device"


def test_such_a_ticket_names_the_part_the_skill_and_its_reasons(first: dict[str, Any]) -> None:
    with sqlite3.connect(first["data"] / "desk.sqlite") as desk:
        rows = desk.execute(
            "SELECT skill, evidence, respond_due FROM suspicion JOIN ticket ON ticket.id = ticket_id "
            "WHERE origin = 'proactive'"
        ).fetchall()
    assert rows
    for skill, evidence, due in rows:
        assert skill
        assert due
        assert json.loads(evidence)
    drivers = [json.loads(evidence).get("drivers") for _, evidence, _ in rows]
    assert any(each and each[0]["signal"] in STANDARD_SIGNALS for each in drivers)


@pytest.mark.parametrize("broker", BROKERS)
def test_the_next_start_shows_the_same_and_goes_on(
    first: dict[str, Any], broker: str, tmp_path: Path
) -> None:
    data = tmp_path / "var"
    shutil.copytree(first["data"], data)
    with start(data, tmp_path / "log", broker=broker) as running:
        running.wait_for("page", lambda: "Sweepwatch" in running.get("/"))
        before, after = first["shown"], shown(running)
        assert after["devices"] == before["devices"]
        assert before["alerts"].items() <= after["alerts"].items()
        assert before["tickets"].items() <= after["tickets"].items()
        running.wait_for("live readings", lambda: running.get("/api/v1/ingest/ledger")["written"] > 30)
        ledger = running.get("/api/v1/ingest/ledger")
        assert ledger["received"] == ledger["written"] + ledger["duplicate"] + ledger["quarantined"]
        assert running.stop(signal.SIGTERM) == 0, running.output
        assert broker in running.output
        assert "Traceback" not in running.output


def test_a_killed_run_loses_nothing_that_was_acknowledged(first: dict[str, Any], tmp_path: Path) -> None:
    """SIGKILL: what the ledger called written is in the store, and the next start works."""
    data = tmp_path / "var"
    shutil.copytree(first["data"], data)
    with start(data, tmp_path / "log") as running:
        running.wait_for("live readings", lambda: running.get("/api/v1/ingest/ledger")["written"] > 100)
        ledger = running.get("/api/v1/ingest/ledger")
        since = from_rfc3339(ledger["since"])
        running.process.kill()
        running.process.wait()
    store = DuckDbStore.open(data / "telemetry.duckdb", STANDARD_SIGNALS)
    try:
        stored = sum(
            store.history(kind, device, [], since - 60_000, 2**45, 100_000).height
            for kind in Kind
            for device in store.newest(kind)
        )
    finally:
        store.close()
    assert stored >= ledger["written"] > 100
    with start(data, tmp_path / "log2") as again:
        again.wait_for("live readings", lambda: again.get("/api/v1/ingest/ledger")["written"] > 10)
        assert again.stop() == 0, again.output


def test_a_tampered_model_is_refused_and_said_so(first: dict[str, Any], tmp_path: Path) -> None:
    data = tmp_path / "var"
    shutil.copytree(first["data"], data)
    with closing(open_desk(f"sqlite:///{data / 'desk.sqlite'}")) as desk:
        used = next(card for card in cards(desk) if card.state == CHAMPION)
    file = data / "models" / used.path
    file.write_bytes(file.read_bytes() + b"x")
    with start(data, tmp_path / "log") as running:

        def refused() -> bool:
            return "SHA-256" in str(running.get("/readyz")["components"].get("models"))

        running.wait_for("refusal", refused)
        assert running.stop() == 0, running.output
        assert "Traceback" not in running.output


def test_a_first_start_that_was_ended_half_way_begins_anew(tmp_path: Path) -> None:
    data = tmp_path / "var"
    with start(data, tmp_path / "log", "--devices", "200") as running:
        running.wait_for("history", (data / "simulator" / "history-unfinished").exists)
        assert running.stop() == 0, running.output
    assert (data / "simulator" / "history-unfinished").exists()
    with start(data, tmp_path / "log2", "--devices", "3") as again:
        again.wait_for("new fleet", lambda: len(again.items("/api/v1/devices")) == 3)
        assert "discarded" in again.output
        assert again.stop() == 0, again.output
