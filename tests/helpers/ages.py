"""Installations of every age, written straight into the stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.batches import batch_of
from helpers.fresh_desk import fresh_desk

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.records.devices import Devices, Placement
from storage.series.duckdb.store import DuckDbStore

SITE = "s1"


@dataclass(frozen=True)
class Age:
    """What an installation has heard: devices by kind, and how many ms before now each reading was made."""

    devices: Mapping[str, Kind] = field(default_factory=dict)
    before_now: Sequence[int] = ()
    registered_only: bool = False


def _every(step: int, length: int, since: int = 0) -> range:
    return range(since, since + length, step)


ROBOT = {"r1": Kind.ROBOT}
ROBOTS = {f"r{number}": Kind.ROBOT for number in range(3)}
OTHERS = {"t1": Kind.TOOL, "w1": Kind.WRISTBAND}
AGES = {
    "no device": Age(),
    "no robot": Age(OTHERS, _every(10 * MINUTE_MS, 3 * DAY_MS)),
    "a device without a reading": Age(ROBOT, registered_only=True),
    "one reading": Age(ROBOT, [MINUTE_MS]),
    "minutes": Age(ROBOTS | OTHERS, _every(10_000, 10 * MINUTE_MS)),
    "all from one hour": Age(ROBOTS, _every(MINUTE_MS, 50 * MINUTE_MS, 3 * HOUR_MS)),
    "hours": Age(ROBOTS, _every(10 * MINUTE_MS, 5 * HOUR_MS)),
    "23 hours": Age(ROBOTS, _every(20 * MINUTE_MS, 23 * HOUR_MS)),
    "a day": Age(ROBOTS, _every(20 * MINUTE_MS, 25 * HOUR_MS)),
    "days without a ticket": Age(ROBOTS | OTHERS, _every(20 * MINUTE_MS, 9 * DAY_MS)),
    "one robot for weeks": Age(ROBOT, _every(30 * MINUTE_MS, 40 * DAY_MS)),
    "one reading two years ago": Age(ROBOT, [729 * DAY_MS]),
    "days two years ago": Age(ROBOTS, _every(30 * MINUTE_MS, 5 * DAY_MS, 720 * DAY_MS)),
    "a reading now and one two years ago": Age(ROBOT, [MINUTE_MS, 729 * DAY_MS]),
}
_VALUES: Mapping[Kind, Mapping[str, Any]] = {
    Kind.ROBOT: {
        "battery_pct": 80.0,
        "brush_current_a": 3.0,
        "suction_pa": 16_000.0,
        "run_time_s": 100.0,
        "state": "cleaning",
    },
    Kind.TOOL: {"battery_pct": 70.0},
    Kind.WRISTBAND: {"battery_pct": 60.0, "heart_rate_bpm": 75.0},
}


def write_age(folder: Path, age: Age, now: int) -> None:
    """Make the data folder of an installation that heard this until `now` (epoch ms)."""
    folder.mkdir(parents=True, exist_ok=True)
    desk = fresh_desk(folder / "desk.sqlite")
    store = DuckDbStore.open(folder / "telemetry.duckdb", STANDARD_SIGNALS)
    try:
        Devices(desk).register({name: Placement(SITE, kind) for name, kind in age.devices.items()}, now)
        for kind in Kind:
            names = [name for name, each in age.devices.items() if each is kind]
            rows = [
                {"device_id": name, "site": SITE, "ts": now - before, **_VALUES[kind]}
                for before in sorted(age.before_now, reverse=True)
                for name in names
            ]
            if rows:
                store.write(batch_of(rows, kind))
    finally:
        store.close()
        desk.close()
