"""A fleet of unknown make, replayed over a real broker, is ranked by who fails next, through the API."""

from pathlib import Path

import polars as pl
from sklearn.metrics import roc_auc_score

from benchmarks.harness.foreign_fleet import ForeignFleet, Make, foreign_fleet
from benchmarks.harness.foreign_judge import first_week_z
from benchmarks.harness.foreign_messages import messages
from fleet.clock import from_rfc3339
from fleet.faults import UNUSUAL
from tests.helpers.mosquitto import running_mosquitto
from tests.helpers.publishing import publish
from tests.helpers.running import Running, free_port

FLEET = Make(devices=40, days=20, end_ms=1_767_225_600_000, ends_apart_days=3)
SEED = 34
"""At the end of its history robots stand out enough for an alert, in however many passes it was judged."""


def test_a_replayed_foreign_fleet_is_ranked_above_its_own_z_score(tmp_path: Path) -> None:
    fleet, port = foreign_fleet(SEED, FLEET), free_port()
    data = tmp_path / "data"
    with (
        running_mosquitto(tmp_path, "max_queued_messages 0") as broker,
        Running(
            *("run", "--no-simulator", "--data", str(data), "--port", str(port), "--broker", broker.url),
            log=tmp_path / "run.log",
            port=port,
            SWEEPWATCH_MODELS_SCORE_EVERY_S="5",
        ) as running,
    ):
        running.wait_for("ingest", lambda: running.get("/readyz")["status"] == "ready")
        publish(broker.port, messages(fleet))
        running.wait_for("all readings", lambda: _written(running) == len(fleet.batch))
        running.wait_for("risks", lambda: _judged_to_the_end(running, fleet))
        items = running.items("/api/v1/devices?sort=-risk")
        running.wait_for("an alert", lambda: UNUSUAL in _alerted(running))
        reasons = running.get(f"/api/v1/devices/{items[0]['id']}/risks/latest")["items"][0]["drivers"]
    by_device = {item["id"]: item for item in items}
    assert sorted(by_device) == fleet.devices
    assert {item["fault"] for item in items} == {UNUSUAL}
    assert reasons
    ours = roc_auc_score(fleet.fails_within, [by_device[device]["risk"] for device in fleet.devices])
    theirs = roc_auc_score(fleet.fails_within, first_week_z(fleet.batch.frame, fleet.devices))
    assert ours > theirs, f"{ours:.2f} against the z-score's {theirs:.2f}"
    assert ours > 0.6


def _written(running: Running) -> int:
    found: int = running.get("/api/v1/ingest/ledger")["written"]
    return found


def _alerted(running: Running) -> set[str]:
    return {alert["fault"] for alert in running.items("/api/v1/alerts")}


def _judged_to_the_end(running: Running, fleet: ForeignFleet) -> bool:
    """Tell whether every device's last risk is as of its own newest reading."""
    newest = fleet.batch.frame.group_by("device_id").agg(pl.col("ts").max())
    return all(_last_risk(running, device) == ts for device, ts in newest.sort("device_id").iter_rows())


def _last_risk(running: Running, device: str) -> int | None:
    items = running.get(f"/api/v1/devices/{device}/risks/latest")["items"]
    return max((from_rfc3339(item["ts"]) for item in items), default=None)
