"""A small fleet in a SQLite desk database and a DuckDB store, behind the real API, alerts and desk."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from fastapi import FastAPI
from fastapi.testclient import TestClient
from helpers.following import follow_at_once
from helpers.fresh_desk import fresh_file

from access.doors import Doors
from access.tokens import Asked
from alerts.engine import AlertEngine
from desk.tickets.desk import TicketDesk
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from fleet.grants import Permission, Role, Sites
from fleet.ledger import LedgerView
from fleet.people import RoleAt
from fleet.principals import person, schedule
from fleet.progress import StartProgress
from fleet.readings import ReadingBatch
from fleet.risks import LIFE_COLUMNS, Course, Driver, Risk, risk_frame
from fleet.signals import STANDARD_SIGNALS, Kind
from models.registry.registry import ModelRegistry
from notify.duty.planning import Hours
from storage.records.database import DeskDatabase
from storage.records.devices import Device
from storage.records.gaps import GapChanges, Gaps, StoredGap
from storage.records.people import add_person
from storage.records.quarantine import Evidence, Quarantine
from storage.records.unknown_signals import UnknownSignal, UnknownSignals
from storage.series.duckdb.store import DuckDbStore
from sweepwatch.data_folder import open_data_folder
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import Services, build
from sweepwatch.wiring_api import build_api

NOW = 1_795_334_400_000
"""2026-11-22T08:00:00Z"""
SITES = ("hongqiao", "jingan", "pudong", "xuhui")
MODELS = ("CR-200", "CR-350")
COURSE = Course(
    NOW - 24 * DAY_MS,
    DAY_MS,
    (2.9, 3.0, None, 2.95, *(3.0 + 0.02 * n for n in range(15)), 4.1, 4.4, 4.6, 4.7, 4.85, 4.82),
    (*(2.9 + 0.01 * (n % 5) for n in range(25)),),
    3.02,
)
DRIVERS = {
    "brush_jam": (
        Driver("brush_current_a", "brush_current_a:cohort", 2.31, 4.82, 2.95, "A", 6, COURSE),
        Driver("brush_rpm", "brush_rpm.mean_24h", 0.84, 1180.0, 1420.0, "rpm"),
        Driver("battery_pct", "battery_pct.trend_7d", 0.22, 61.0, 68.0, "%"),
    ),
    "filter_clog": (
        Driver("filter_dp_pa", "filter_dp_pa.mean_24h", 1.72, 910.0, 430.0, "Pa"),
        Driver("suction_pa", "suction_pa.mean_24h", 0.66, 12_400.0, 16_100.0, "Pa"),
        Driver("filter_clog_pct", "filter_clog_pct.last", 0.41, 78.0, 36.0, "%"),
    ),
    "battery_wear": (
        Driver("battery_health_pct", "battery_health_pct.mean_24h", 1.12, 77.0, 94.0, "%"),
        Driver("battery_voltage_v", "battery_voltage_v.mean_24h", 0.52, 23.1, 24.4, "V"),
        Driver("charge_cycles", "charge_cycles.last", 0.35, 912.0, None, ""),
    ),
}


@dataclass(frozen=True)
class Counted:
    """A ledger that stands still."""

    since: int = NOW - HOUR_MS
    received: int = 1200
    written: int = 1190
    duplicate: int = 7
    quarantined: int = 3
    quarantined_by_reason: Mapping[str, int] = field(default_factory=lambda: {"bad_json": 3})
    values_dropped: Mapping[str, int] = field(default_factory=lambda: {"out_of_range": 2})
    late: int = 4
    seq_repeated: int = 1


@dataclass
class House:
    """What a test may reach behind the API."""

    app: FastAPI
    desk: DeskDatabase
    store: DuckDbStore
    tickets: TicketDesk
    alerts: AlertEngine
    models: ModelRegistry
    clock: ManualClock
    wrong: dict[str, str | None]
    progress: list[StartProgress]
    ledger: list[LedgerView]
    services: Services

    @property
    def doors(self) -> Doors:
        """The doors through which tests come in."""
        doors: Doors = self.app.state.services.doors
        return doors


@dataclass(frozen=True)
class StillIngest:
    """In place of the ingester: its ledger stands still, and what it lacks is what a test says."""

    ledgers: list[LedgerView]
    wrong: dict[str, str | None]

    @property
    def ledger(self) -> "StillIngest":
        """What tells the figures, as the ingester's own does."""
        return self

    def snapshot(self) -> LedgerView | None:
        """Return the newest ledger that a test put there."""
        return self.ledgers[-1] if self.ledgers else None

    def not_ready(self) -> str | None:
        """Return what a test says that it lacks."""
        return self.wrong.get("ingest")


@contextmanager
def open_house(folder: Path, **settings: Any) -> Iterator[House]:
    """Yield an empty house, built as every process builds its own; close its stores at the end.

    Exchanged are the clock, the ingester, and the threads of the followers: what follows has happened when a
    change returns. `settings` are those of the installation.
    """
    clock = ManualClock(NOW)
    wrong: dict[str, str | None] = {"broker": None}
    progress: list[StartProgress] = []
    ledger: list[LedgerView] = [Counted()]
    with closing(open_data_folder(folder)) as data:
        if not data.desk.exists():
            data.desk.write_bytes(fresh_file())
        services = build(Settings(data=folder, **settings), data, clock)
        with closing(services):
            follow_at_once(services.desk, services.followers, clock)
            app = build_api(
                services,
                StillIngest(ledger, wrong),
                lambda: {name: text for name, text in wrong.items() if name != "ingest"},
                lambda: progress[-1] if progress else None,
            )
            yield House(
                app,
                services.desk,
                services.store,
                services.tickets,
                services.alerts,
                services.models,
                clock,
                wrong,
                progress,
                ledger,
                services,
            )


def add_device(house: House, device_id: str, **columns: Any) -> None:
    """Add one device; what is not given is that of a healthy robot."""
    given = {
        "kind": "robot",
        "site": "hongqiao",
        "model": "CR-200",
        "registered_at": NOW - 60 * DAY_MS,
        "status": "online",
        "last_seen": NOW - 4_000,
        "newest_ts": NOW - 5_000,
    } | columns
    with house.desk.transaction() as session:
        session.add(Device(id=device_id, **given))


_LAST_RUN_MS = 2 * DAY_MS + 18 * HOUR_MS
"""How old a furnished robot's newest run time is: an age of two units, the longest in a table."""


def add_readings(house: House, device_id: str, days: float = 7, step_ms: int = 10 * MINUTE_MS) -> None:
    """Store a robot's past up to now: days of work and charging, with brush current on the rise."""
    ts = np.arange(NOW - int(days * DAY_MS), NOW, step_ms)
    random = np.random.default_rng(7)
    phase = 2 * np.pi * (ts % DAY_MS) / DAY_MS
    works = np.sin(phase * 3) > -0.2
    age = (ts - ts[0]) / max(1, ts[-1] - ts[0])
    noise = random.normal(0, 1, ts.size)
    columns: dict[str, Callable[[], Any]] = {
        "battery_pct": lambda: np.clip(62 + 30 * np.cos(phase * 3) + noise, 4, 100),
        "battery_temp_c": lambda: 27 + 5 * works + noise * 0.6,
        "battery_voltage_v": lambda: 24 + 1.2 * np.cos(phase * 3) + noise * 0.05,
        "battery_health_pct": lambda: 91 - 2 * age + noise * 0.1,
        "brush_current_a": lambda: np.where(works, 2.7 + 2.1 * age**3 + noise * 0.15, np.nan),
        "brush_rpm": lambda: np.where(works, 1420 - 240 * age**3 + noise * 9, np.nan),
        "drive_current_a": lambda: np.where(works, 6.1 + noise * 0.3, np.nan),
        "suction_pa": lambda: np.where(works, 16_000 - 900 * age + noise * 120, np.nan),
        "filter_clog_pct": lambda: np.clip(20 + 45 * age + noise * 0.5, 0, 100),
        "dustbin_pct": lambda: (ts % (DAY_MS // 3)) / (DAY_MS // 3) * 80,
        "rssi_dbm": lambda: -58 + noise * 3,
        "run_s": lambda: np.where(ts < NOW - _LAST_RUN_MS, 3_964_381.0, np.nan),
        "state": lambda: np.where(works, "cleaning", "charging").tolist(),
    }
    keys = {"device_id": [device_id] * ts.size, "site": ["hongqiao"] * ts.size, "ts": ts, "received": ts}
    made = {name: column() for name, column in columns.items()}
    house.store.write(ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, keys | made, ts.size))


LIFE = dict(zip(LIFE_COLUMNS, (5.2, 12.4, 21.0, 26.0, 60.3, 104.0), strict=True))
"""The remaining life of every battery that has a risk of wear."""


def add_risks(house: House, device_id: str, risks: Mapping[str, float], days: int = 7) -> None:
    """Store a risk history that rises to `risks`, scored every six hours."""
    rows = [
        (device_id, NOW - back * 6 * HOUR_MS, fault, max(0.004, risk * (1 - back / (days * 4)) ** 2), fault)
        for back in range(days * 4)
        for fault, risk in risks.items()
    ]
    frame = pl.DataFrame(rows, schema=["device_id", "ts", "fault", "risk", "drivers"], orient="row")
    frame = frame.with_columns(
        pl.col("drivers").map_elements(_drivers_json, return_dtype=pl.String),
        model=pl.lit("m-1"),
        confidence=pl.lit("normal"),
        **{name: pl.when(pl.col("fault") == "battery_wear").then(days) for name, days in LIFE.items()},
    )
    house.store.write_risks(risk_frame(frame))


def _drivers_json(fault: str) -> str:
    return json.dumps([driver.to_dict() for driver in DRIVERS.get(fault, ())])


def raise_alert(house: House, device_id: str, fault: str, risk: float) -> None:
    """Let the alert engine see a risk above its threshold, so that it opens a ticket."""
    drivers = DRIVERS.get(fault, ())
    house.alerts.observe_risks([Risk(device_id, fault, house.clock.ms, risk, 0.4, "m-1", drivers)])


def furnish(house: House) -> None:
    """Fill a house with a fleet that looks like one: robots, tools, wristbands, risks, alerts, tickets."""
    random = np.random.default_rng(3)
    codes = ("filter_clog", "battery_wear", "wheel_slip", "brush_wear", "lidar_misaligned")
    for n in range(1, 61):
        risk = float(np.round(random.beta(0.7, 6), 4))
        add_device(
            house,
            f"R{n:04d}",
            site=SITES[n % 4],
            model=MODELS[n % 2],
            risk=0.91 if n == 7 else 0.72 if n == 23 else risk,
            fault="brush_jam" if n == 7 else "filter_clog" if n == 23 else codes[n % 5],
            risk_ts=NOW - MINUTE_MS,
            confidence="low" if n in (3, 23) else "normal",
            battery_pct=float(np.round(random.uniform(18, 100), 1)),
            status="offline" if n % 19 == 0 else "online",
            firmware="1.4.2",
            serial=f"SN-88{n:05d}",
            commissioned="2026-03-01",
        )
    for n in range(1, 7):
        add_device(house, f"T{n:04d}", kind="tool", site=SITES[n % 4], model="MOP-7", battery_pct=64.0)
        add_device(house, f"W{n:04d}", kind="wristband", site=SITES[n % 4], model="WB-2", battery_pct=83.0)
    for device_id in ("R0007", "R0023"):
        add_readings(house, device_id)
    add_risks(house, "R0007", {"brush_jam": 0.91, "filter_clog": 0.31, "battery_wear": 0.08})
    add_risks(house, "R0023", {"filter_clog": 0.72, "battery_wear": 0.12})
    _furnish_desk(house)
    _furnish_ingest(house)
    _furnish_duty(house)


DUTY = """\
schedules:
  - name: night-shift-of-both-terminals
    zone: Asia/Shanghai
    layers:
      - {name: main, people: [ada.lovelace@x.org, bo@x.org], start: 2026-11-16, every: week,
         handover: mon 08:00, hours: "18:00-08:00"}
"""


def _furnish_duty(house: House) -> None:
    with house.desk.transaction() as session:
        for email, name in (("ada.lovelace@x.org", "Ada Lovelace"), ("bo@x.org", "Bo")):
            add_person(session, email, name, NOW, [])
    planning = house.app.state.services.planning
    planning.apply(DUTY, 0, schedule("history"), "first plan")
    hours = Hours("night-shift-of-both-terminals", None, NOW, NOW + 4 * HOUR_MS)
    planning.override(hours, schedule("history"), "the site is closed for the fair", None)


def _furnish_desk(house: House) -> None:
    clock = house.clock
    clock.ms = NOW - 100 * MINUTE_MS
    raise_alert(house, "R0007", "brush_jam", 0.91)
    clock.ms = NOW - 3 * HOUR_MS
    raise_alert(house, "R0031", "drive_motor_wear", 0.66)
    clock.ms = NOW - 40 * MINUTE_MS
    raise_alert(house, "R0023", "filter_clog", 0.72)
    house.tickets.report("R0011", "water_leak", person("front.desk"), "water under the robot in the lobby")
    clock.ms = NOW


def _furnish_ingest(house: House) -> None:
    topic = "sweepwatch/v1/pudong/robot/R0007/telemetry"
    payloads = {
        "bad_json": b'{"ts": 1795334400000, "battery_pct": 81.5',
        "bad_encoding": bytes(range(256)),
        "empty": b"",
        "bad_ts": '{"ts": "后天", "note": "\u202e<script>alert(1)</script>"}'.encode(),
    }
    evidence = [
        Evidence(topic, "R0007", reason, "what is wrong with it", payload, NOW - MINUTE_MS)
        for reason, payload in payloads.items()
    ]
    Quarantine(house.desk).add([*evidence, Evidence("sweepwatch/v1/a b", None, "bad_id", "", b"{}", NOW)])
    gaps = [StoredGap("R0007", 1, 17, 19, NOW - 5000, NOW), StoredGap("R0023", 2, 5, 5, NOW - 9000, NOW)]
    Gaps(house.desk).apply(GapChanges((), (), gaps, (), 0))
    UnknownSignals(house.desk).add([UnknownSignal("temprature_c", "robot", "R0007", NOW - 5000, NOW)])


HTML = {"accept": "text/html"}


def client_of(house: House, *scopes: Permission, sites: Sites = None) -> TestClient:
    """Return a client with a token, as programs have one: for everything, unless scopes are given."""
    asked = Asked("tests", scopes or tuple(Permission), sites)
    _, secret = house.doors.tokens.make(asked, schedule("tests"))
    return anonymous(house, {"Authorization": f"Bearer {secret}"})


def anonymous(house: House, headers: Mapping[str, str] | None = None) -> TestClient:
    """Return a client that nobody knows."""
    at = "http://127.0.0.1:8000"
    return TestClient(house.app, base_url=at, raise_server_exceptions=False, headers=dict(headers or {}))


def signed_in(
    house: House, *roles: RoleAt, email: str = "li.wei@example.org", name: str = "Li Wei"
) -> TestClient:
    """Return a browser in which somebody with these roles (an admin, unless given) has signed in."""
    given = roles or [RoleAt(Role.ADMIN)]
    _, secret = house.doors.people.invite(email, name, given, schedule("tests"))
    client = anonymous(house)
    answer = client.post(f"/enter/{secret}", data={"password": PASSWORD}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return client


PASSWORD = "correct horse battery staple"
"""Of everybody whom tests let in."""


def csrf_of(client: TestClient) -> str:
    """Return what a browser's changes have to bring with them, as the pages hold it."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/account").text)
    assert found
    return found[1]
