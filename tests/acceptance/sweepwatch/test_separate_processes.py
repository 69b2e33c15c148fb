"""ingest, score, serve and train on InfluxDB and PostgreSQL, through an outage of each server."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import paho.mqtt.client as mqtt
import pytest
from helpers.influx import Influxd, running_influxd
from helpers.models import trained
from helpers.mosquitto import Mosquitto, running_mosquitto
from helpers.postgres import Postgres, require_postgres, running_postgres
from helpers.running import Running, free_port, sweepwatch

from fleet.clock import HOUR_MS, SystemClock
from fleet.signals import STANDARD_SIGNALS, Kind
from models.registry.files import DeskFiles
from models.registry.registry import ModelRegistry
from storage.records.database import open_desk
from storage.series.influx.store import InfluxStore
from storage.series.store_url import InfluxAddress

ROBOTS = ("r1", "r2", "r3")
HOURS = 14 * 24


@dataclass
class Scene:
    """The three servers, the three processes, and what was published."""

    mosquitto: Mosquitto
    influxd: Influxd
    postgres: Postgres
    bucket: InfluxAddress
    environment: dict[str, str]
    ingest: Running
    score: Running
    serve: Running
    published: int = 0

    def publish(self, readings: int, first_ms: int) -> None:
        """Publish a backlog: so many readings of each robot, an hour apart."""
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.connect("127.0.0.1", self.mosquitto.port)
        client.loop_start()
        for robot in ROBOTS:
            body = [
                {"ts": first_ms + n * HOUR_MS, "battery_pct": 80.0, "brush_current_a": 3 + n % 7 / 10}
                for n in range(readings)
            ]
            sent = client.publish(f"sweepwatch/v1/s1/robot/{robot}/telemetry", orjson.dumps(body), qos=1)
            sent.wait_for_publish(20)
            self.published += readings
        client.disconnect()
        client.loop_stop()

    def stored(self) -> int:
        """Return how many readings the store holds."""
        store = InfluxStore(self.bucket, STANDARD_SIGNALS)
        try:
            return int(store.days(Kind.ROBOT)["readings"].sum())
        finally:
            store.close()

    def all_stored(self) -> None:
        """Wait until everything that was published is in the store, and nothing twice."""
        self.ingest.wait_for("every reading stored", lambda: self.stored() == self.published, 120)

    def ready(self) -> None:
        """Wait until each process says that it can do its work."""
        for process in (self.ingest, self.score, self.serve):
            process.wait_for("being ready", lambda at=process: state(at) == {}, 120)

    def tells(self, process: Running, component: str) -> None:
        """Wait until a process says that it lacks something."""
        process.wait_for(f"{component} in /readyz", lambda: component in state(process), 60)


def state(process: Running) -> dict[str, Any]:
    """Return what a process lacks, by component."""
    told = process.get("/readyz")
    return {name: text for name, text in told["components"].items() if text != "ok"}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    require_postgres()
    with ExitStack() as stack:
        for name in ("broker", "influx"):
            (tmp_path / name).mkdir()
        mosquitto = stack.enter_context(running_mosquitto(tmp_path / "broker"))
        influxd = stack.enter_context(running_influxd(tmp_path / "influx"))
        postgres = stack.enter_context(running_postgres())
        bucket = influxd.bucket_for(tmp_path)
        settings = {
            "SWEEPWATCH_DATA": str(tmp_path / "var"),
            "SWEEPWATCH_STORE_URL": influxd.url(bucket.bucket),
            "SWEEPWATCH_DESK_URL": postgres.url,
            "SWEEPWATCH_BROKER_URL": mosquitto.url,
            "SWEEPWATCH_MODELS_SCORE_EVERY_S": "5",
            "SWEEPWATCH_ALERTS_CHECK_EVERY_S": "2",
        }

        def start(name: str, option: str) -> Running:
            port = free_port()
            running = Running(name, option, str(port), log=tmp_path / name, port=port, **settings)
            return stack.enter_context(running)

        ingest = start("ingest", "--metrics-port")
        score, serve = start("score", "--metrics-port"), start("serve", "--port")
        made = Scene(mosquitto, influxd, postgres, bucket, settings, ingest, score, serve)
        made.ready()
        yield made
        for process in (ingest, score, serve):
            assert process.stop() == 0
            assert "Traceback" not in process.output
        kept = {file.name for file in (tmp_path / "var").iterdir()}
        assert kept == {"address", "ingest.log", "score.log", "serve.log", "train.log"}


def test_nothing_is_lost_and_all_recover(scene: Scene, tmp_path: Path) -> None:
    begin = SystemClock().now_ms() // HOUR_MS * HOUR_MS - HOURS * HOUR_MS
    scene.publish(HOURS - 20, begin)
    scene.all_stored()
    scene.serve.wait_for("every robot on the list", lambda: listed(scene) == set(ROBOTS), 60)
    assert "No risk models yet: the anomaly score judges alone" in scene.score.output
    scene.serve.wait_for("a risk of every robot", lambda: judged(scene) == set(ROBOTS), 120)

    ended = sweepwatch("train", **scene.environment)  # beside the three, in the folder that they share
    assert ended.returncode == 0, ended.stderr
    made = train_elsewhere(scene)
    scene.score.wait_for("the new model at work", lambda: speaking(scene) == {made}, 120)
    later = begin + (HOURS - 20) * HOUR_MS

    outage(scene, scene.influxd, "store", (scene.ingest, scene.score, scene.serve), later)
    outage(scene, scene.postgres, "desk", (scene.ingest, scene.score, scene.serve), later + 4 * HOUR_MS)
    scene.mosquitto.stop()
    scene.tells(scene.ingest, "ingest")
    scene.mosquitto.start()
    scene.ready()
    scene.publish(4, later + 8 * HOUR_MS)
    scene.all_stored()
    ledger = sweepwatch("ingest", "ledger", "--url", f"http://127.0.0.1:{scene.ingest.port}")
    assert ledger.returncode == 0, ledger.stdout + ledger.stderr

    # Another desk than that of the ingester: it says so, and does not show an empty fleet.
    port = free_port()
    other = scene.environment | {"SWEEPWATCH_DESK_URL": f"sqlite:///{tmp_path / 'other.db'}"}
    with Running("serve", "--port", str(port), log=tmp_path / "other", port=port, **other) as lost:
        scene.tells(lost, "fleet")
        assert "SWEEPWATCH_DESK_URL" in state(lost)["fleet"]
        assert "3 devices" in lost.get("/")
        assert lost.stop() == 0


def listed(scene: Scene) -> set[str]:
    return {item["id"] for item in scene.serve.items("/api/v1/devices")}


def judged(scene: Scene) -> set[str]:
    """Return the robots of which a risk is known; without a model the anomaly score tells it."""
    return {item["id"] for item in scene.serve.items("/api/v1/devices") if item["risk"] is not None}


def train_elsewhere(scene: Scene) -> str:
    """Register a model as `train` on another machine would, where all processes reach it; return its id."""
    desk = open_desk(scene.postgres.url)
    try:
        result, details = trained("brush_jam")
        registry = ModelRegistry(desk, DeskFiles(desk))
        now = SystemClock().now_ms()
        return registry.save("brush_jam", result.classifier, result.threshold, now, details).id
    finally:
        desk.close()


def speaking(scene: Scene) -> set[str]:
    """Return the models whose risk of a jammed brush is the newest of some robot."""
    risks = [risk for robot in ROBOTS for risk in scene.serve.items(f"/api/v1/devices/{robot}/risks")]
    return {risk["model"] for risk in risks if risk["fault"] == "brush_jam"}


def outage(
    scene: Scene, server: Influxd | Postgres, component: str, processes: tuple[Running, ...], at: int
) -> None:
    """Stop a server, go on publishing, see each process say so, start it again: nothing may be lost."""
    server.stop()
    scene.publish(4, at)
    for process in processes:
        scene.tells(process, component)
    server.start()
    scene.ready()
    scene.all_stored()
