"""A worker's heart rate and place: who sees them on which way, and that they are gone when they have to be.

They come in as wristbands send them, and then stand wherever the house puts them: docs/personal-data.md.
"""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, NOW, StillIngest, anonymous, signed_in
from helpers.following import follow_at_once

from access.personal import EVER, PersonalData
from access.tokens import Asked
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from fleet.errors import InvalidInput, NotFound
from fleet.events import Subject
from fleet.grants import Permission, Role
from fleet.people import RoleAt, Scope
from fleet.principals import person, schedule
from fleet.signals import Kind
from ingest.commit import Commit
from ingest.messages import Message
from storage.ports import Retention
from storage.records.events import events_of
from storage.records.tables import TABLES
from storage.series.duckdb.forgetting import compacted
from storage.series.duckdb.store import DuckDbStore
from sweepwatch.data_folder import open_data_folder
from sweepwatch.run.jobs import Jobs
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import Services, build, build_ingest
from sweepwatch.wiring_api import build_api

RATE, PLACE = 211.375, 31.987654
MARKS = (str(RATE), str(PLACE))
EVENT = "v1/pudong/wristband/{}/event"
RULES = """
rules:
  - name: heart
    kind: wristband
    fault: worker_heart_rate
    level: L1
    when: heart_rate_bpm >= 200
    clear: by_hand
    opens_ticket: true
    text: {en: The heart beats too fast., zh: 心率过快。}
  - name: helped
    kind: wristband
    fault: worker_sos
    level: L1
    when: event sos
    clear: by_hand
    opens_ticket: true
    text: {en: The worker is calling for help., zh: 工人正在求助。}
"""
BEFORE = {
    "alert",
    "device_event",
    "dropped_value",
    "event",
    "kept_answer",
    "quarantine",
    "suspicion",
    "topic_beside",
}
"""The tables in which the marks stand: a new one has to be thought of."""


@dataclass
class Worn:
    """An installation with a wristband W1 of which a worker's marks stand everywhere, and W2 as well."""

    services: Services
    parts: Any
    app: Any
    clock: ManualClock
    folder: Path

    @property
    def doors(self) -> Any:
        return self.app.state.services.doors

    def send(self, device: str, body: object, levels: str = "v1/pudong/wristband/{}/telemetry") -> None:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        topic = f"sweepwatch/{levels.format(device)}"
        Commit([Message(topic, payload, 1, False, 1, self.clock.ms)], self.parts).run()
        self.parts.watch.flush_beside()

    def personal(self) -> PersonalData:
        services = self.services
        return PersonalData(services.desk, services.store, services.signals, self.clock)

    def tables(self, marks: tuple[str, ...] = MARKS, device: str = "") -> set[str]:
        """Return the tables, of the desk and of the store, in which any mark stands, of one device or all."""
        found = set()
        with self.services.desk.statements() as connection:
            for table in TABLES.sorted_tables:
                for row in connection.execute(table.select()).mappings():
                    said = " ".join(str(value) for value in row.values())
                    if any(mark in said for mark in marks) and device in said:
                        found.add(table.name)
        store = self.services.store
        assert isinstance(store, DuckDbStore)
        with store._cursor() as cursor:
            for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                rows = cursor.execute(f'SELECT * FROM "{name}"').fetchall()
                if any(float(mark) in row for row in rows for mark in marks if not device or device in row):
                    found.add(f"store:{name}")
        return found


def put_marks(worn: Worn, device: str) -> None:
    start = worn.clock.ms - HOUR_MS
    place = {"lat": PLACE, "lon": 121.5, "battery_pct": 64.0}
    for minute in range(3):
        worn.send(device, {"ts": start + minute * MINUTE_MS, "heart_rate_bpm": RATE} | place)
    worn.send(device, {"ts": worn.clock.ms, "heart_rate_bpm": 9e5 + RATE, "battery_pct": 64.0})
    worn.send(device, f'{{"ts": {worn.clock.ms}, "heart_rate_bpm": {RATE}, '.encode())
    sos = {"ts": worn.clock.ms, "code": "sos", "detail": {"lat": PLACE, "text": MARKS[0]}}
    worn.send(device, sos, EVENT)
    worn.send(device, {"heart_rate_bpm": RATE}, "v1/pudong/wristbnd/{}/telemetry")
    worn.send(device, {"heart_rate_bpm": RATE}, "v2/pudong/wristband/{}/telemetry")


@pytest.fixture
def worn(tmp_path: Path) -> Iterator[Worn]:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    clock = ManualClock(NOW)
    settings = Settings(data=tmp_path / "var", alerts={"rules": rules})
    with (
        closing(open_data_folder(settings.data)) as folder,
        closing(build(settings, folder, clock)) as services,
    ):
        follow_at_once(services.desk, services.followers, clock)
        app = build_api(services, StillIngest([], {}), dict)
        ingest = build_ingest(services, "mqtt://127.0.0.1")
        made = Worn(services, ingest.parts, app, clock, settings.data)
        for device in ("W1", "W2"):
            put_marks(made, device)
        for alert in client(made).get("/api/v1/alerts").json()["items"]:
            client(made).post(f"/api/v1/alerts/{alert['id']}/acknowledge", json={"reason": f"it was {RATE}"})
        report = {"device_id": "W1", "fault": "worker_heart_rate", "reason": "seen"}
        headers = {"Idempotency-Key": "k"}
        assert client(made).post("/api/v1/tickets", json=report, headers=headers).status_code == 201
        yield made
        ingest.stop()


def client(worn: Worn, *scopes: Permission) -> TestClient:
    _, secret = worn.doors.tokens.make(Asked("tests", scopes or tuple(Permission), None), schedule("tests"))
    return anonymous(worn, {"Authorization": f"Bearer {secret}"})


def test_after_their_time_they_are_nowhere(worn: Worn) -> None:
    assert worn.tables() == BEFORE | {"store:wristband"}
    worn.clock.ms += 10 * DAY_MS
    worn.services.store.expire(Retention(5 * DAY_MS, DAY_MS), worn.clock.ms)
    assert "store:tile_wristband" in worn.tables()
    Jobs(worn.services).forget_personal()
    assert BEFORE - {"kept_answer"} <= worn.tables()  # it is not the 30th day yet
    worn.clock.ms += 20 * DAY_MS + HOUR_MS
    Jobs(worn.services).forget_personal()
    assert worn.tables() == {"event"}  # what people wrote themselves
    worn.send("W1", {"ts": NOW - HOUR_MS + 7, "heart_rate_bpm": RATE, "lat": PLACE, "battery_pct": 50.0})
    late = {"ts": NOW - HOUR_MS, "code": "sos", "detail": {"lat": PLACE, "part": "battery"}}
    worn.send("W1", late, EVENT)
    worn.services.store.tiles(Kind.WRISTBAND, NOW - DAY_MS, NOW + DAY_MS)
    assert worn.tables() == {"event"}
    frame = worn.services.store.history(Kind.WRISTBAND, "W1", ["battery_pct", "lat"], 0, EVER, 9)
    assert frame.filter(frame["battery_pct"] == 50.0)["lat"].to_list() == [None]


def test_erased_they_are_nowhere_and_do_not_come_again(worn: Worn) -> None:
    worn.clock.ms += MINUTE_MS
    erasure = worn.personal().erase("W1", 0, EVER, person("Li Wei"), "asked for")
    assert erasure.store_done_at == worn.clock.ms
    assert worn.tables(device="W1") == set()
    # Rows of a case name no device; the answer that was kept is about W1 alone.
    assert worn.tables(device="W2") == BEFORE - {"kept_answer", "suspicion"} | {"store:wristband"}
    assert "suspicion" in worn.tables()
    worn.send("W1", {"ts": NOW - 5, "heart_rate_bpm": RATE, "lat": PLACE})
    worn.clock.ms += MINUTE_MS
    worn.send("W1", {"ts": worn.clock.ms, "heart_rate_bpm": 71.5})  # of who wears it now
    assert worn.tables(device="W1") == set()
    assert worn.tables(("71.5",), "W1") == {"store:wristband"}
    worn.personal().erase("W1", 0, EVER, person("Li Wei"), "asked again")
    with pytest.raises(NotFound):
        worn.personal().erase("W9", 0, EVER, person("Li Wei"), "asked for")


def test_an_erasure_that_was_broken_off_is_finished(worn: Worn) -> None:
    desk_alone = PersonalData(worn.services.desk, None, worn.services.signals, worn.clock)
    worn.clock.ms += MINUTE_MS
    erasure = desk_alone.erase("W1", 0, EVER, person("Li Wei"), "asked for")
    assert erasure.store_done_at is None
    assert worn.tables(device="W1") == {"store:wristband"}
    assert worn.personal().carry_out() == 1
    assert worn.tables(device="W1") == set()
    assert worn.personal().carry_out() == 0
    assert worn.personal().carry_out(again=True) == 1  # what was under way meanwhile
    worn.send("R1", {"ts": NOW, "battery_pct": 5.0}, "v1/pudong/robot/{}/telemetry")
    with pytest.raises(InvalidInput, match="R1 is a robot: only wristbands tell of a person"):
        worn.personal().erase("R1", 0, EVER, person("Li Wei"), "asked for")


def test_the_files_hold_nothing_that_was_erased(worn: Worn) -> None:
    for device in ("W1", "W2"):
        worn.personal().erase(device, 0, EVER, person("Li Wei"), "asked for")
    worn.services.close()
    compacted(worn.folder / "telemetry.duckdb")
    for file in worn.folder.rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            assert not any(mark.encode() in held for mark in MARKS), file
    with closing(DuckDbStore.open(worn.folder / "telemetry.duckdb", worn.services.signals)) as store:
        assert store.history(Kind.WRISTBAND, "W1", ["battery_pct"], 0, EVER, 9).height == 4


def ways(client: TestClient) -> dict[str, str]:
    """Return what each way on which a wristband's marks could be seen says."""
    paths = ["/alerts", "/tickets", "/ingest/quarantine", "/ingest/dropped-values", "/ingest/topics-beside"]
    asked = {
        f"/api/v1{path}": {}
        for path in [*paths, "/devices/W1/events", "/devices/W1", "/devices/W1/telemetry"]
    }
    for kind in ("alerts", "tickets"):
        for item in client.get(f"/api/v1/{kind}").json()["items"]:
            asked[f"/api/v1/{kind}/{item['id']}"] = {}
    pages = ["/alerts", "/tickets", "/tickets/1", "/devices/W1", "/ingest/quarantine", "/ingest/dropped"]
    asked |= dict.fromkeys([*pages, "/ingest/beside"], HTML)
    return {path: client.get(path, headers=headers).text for path, headers in asked.items()}


def gives_away(said: str) -> bool:
    inside = [base64.b64decode(one) for one in re.findall(r'"payload":"([^"]*)"', said)]
    return any(mark in said or any(mark.encode() in one for one in inside) for mark in MARKS)


def test_a_robot_that_measures_a_body_is_taken_for_a_wristband_that_was_set_up_wrong(worn: Worn) -> None:
    robot = "v1/pudong/robot/{}/telemetry"
    worn.send("R1", {"ts": worn.clock.ms, "battery_pct": 64.0}, robot)
    worn.send("R1", f'{{"heart_rate_bpm": {RATE}, '.encode(), robot)
    worn.send("R1", b'{"battery_pct": ', robot)
    manager = signed_in(worn, RoleAt(Role.MANAGER))
    said = manager.get("/api/v1/ingest/quarantine").json()["items"]
    assert sorted(one["withheld"] for one in said if one["device_id"] == "R1") == [False, True]
    assert not gives_away(manager.get("/ingest/quarantine", headers=HTML).text)


def test_no_way_shows_them_to_another_role(worn: Worn) -> None:
    for role in (Role.MANAGER, Role.ADMIN, Role.ENGINEER):
        browser = signed_in(worn, RoleAt(role), email=f"{role}@example.org")
        for way, said in ways(browser).items():
            written = f"it was {RATE}"  # by a person, in the history of a ticket or alert
            assert not gives_away(said.replace(written, "")), (role, way)
        if role is not Role.ENGINEER:  # who does not see these lists at all
            assert (
                "withheld: it may tell of a person"
                in browser.get("/ingest/quarantine?lang=en", headers=HTML).text
            )
            items = browser.get("/api/v1/ingest/dropped-values").json()["items"]
            assert [(one["example"], one["withheld"]) for one in items] == [("", True)] * 2
    assert "looked" not in told(worn, "W1")


def test_safety_sees_them_and_every_look_is_told_before(worn: Worn) -> None:
    roles = RoleAt(Role.SAFETY, Scope.SITE, "pudong"), RoleAt(Role.MANAGER)
    browser = signed_in(worn, *roles)
    for path in (
        "/api/v1/alerts",
        "/api/v1/tickets",
        "/api/v1/devices/W1/events",
        "/api/v1/ingest/quarantine",
    ):
        before = told(worn, "W1").count("looked")
        worn.clock.ms += HOUR_MS // 4
        assert gives_away(browser.get(path).text), path
        assert told(worn, "W1").count("looked") == before + 1, path


def told(worn: Worn, device: str, name: str = "Li Wei") -> list[str]:
    with worn.services.desk.transaction() as session:
        told = events_of(session, Subject.DEVICE, device)
    return [each.what for each in told if each.principal.name == name]


def test_an_export_holds_all_that_an_erasure_takes(worn: Worn) -> None:
    answer = client(worn).get("/api/v1/devices/W1/personal")
    found = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert (found["device"], found["person"], found["units"]["heart_rate_bpm"]) == ("W1", None, "bpm")
    assert [one["heart_rate_bpm"] for one in found["readings"] if "heart_rate_bpm" in one] == [RATE] * 3
    places = {"device_events", "alerts", "suspicions", "quarantine", "dropped_values", "topics_beside"}
    for place in places | {"kept_answers", "written_by_people"}:
        text = json.dumps(found[place])
        assert found[place] and "W2" not in text.replace("wristbnd/W2", "W2"), place
    assert told(worn, "W1", "tests")[-1] == "exported"
    erased = client(worn).post("/api/v1/devices/W1/personal/erasures", json={"reason": "asked for"})
    assert (erased.status_code, erased.json()["store_done_at"]) == (201, "2026-11-22T08:00:00.000Z")
    left = client(worn).get("/api/v1/devices/W1/personal").text
    assert not any(mark in left.replace("W2", "") for mark in MARKS)
    for wrong in ({"reason": " "}, {"reason": "x", "start": "2030-01-01T00:00:00Z"}):
        assert client(worn).post("/api/v1/devices/W1/personal/erasures", json=wrong).status_code == 422
    assert signed_in(worn, RoleAt(Role.ADMIN)).get("/api/v1/devices/W1/personal").status_code == 403
