"""Rules over hours: each hour is judged once, when it is over, and windows over hours survive a restart."""

from pathlib import Path
from typing import Any, cast

import polars as pl
import yaml
from helpers.desk_rooms import NOON, open_rooms

from alerts.engine import AlertEngine
from alerts.judging.rule_file import load_rules
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.signals import Kind
from storage.ports import TelemetryStore
from sweepwatch.run.hourly_rules import HourlyRules


class Tiles:
    """A store of hourly tiles of one robot whose fan slows down; it notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def tiles(self, _kind: Kind, start: int, end: int, columns: tuple[str, ...]) -> pl.DataFrame:
        self.asked.append(((start - NOON) // HOUR_MS, (end - NOON) // HOUR_MS))
        assert columns == ("fan_rpm.mean",)
        hours = list(range(start, end, HOUR_MS))
        slower = [9_000.0 - 40 * (hour - NOON) / HOUR_MS for hour in hours]
        return pl.DataFrame(
            {"device_id": "R1", "site": "hall", "hour": hours, "readings": 9, "fan_rpm.mean": slower}
        )


def test_each_hour_is_judged_once_and_a_restart_begins_with_the_window_before(tmp_path: Path) -> None:
    rule: dict[str, Any] = {
        "name": "slows",
        "kind": "robot",
        "fault": "fan_motor_wear",
        "level": "L3",
        "when": "rate of hourly mean of fan_rpm over 1d < -20",
        "opens_ticket": False,
        "text": {"en": "Slower.", "zh": "变慢。"},
    }
    (tmp_path / "r.yaml").write_text(yaml.safe_dump({"rules": [rule]}), encoding="utf-8")
    rooms = open_rooms(tmp_path, load_rules(tmp_path / "r.yaml"))
    store = Tiles()
    hours = HourlyRules(cast(TelemetryStore, store), rooms.engine, rooms.clock)
    rooms.clock.ms = NOON + HOUR_MS + MINUTE_MS  # the hour is over, but not for long enough
    hours.run()
    rooms.clock.ms += 10 * MINUTE_MS
    hours.run()
    hours.run()
    assert store.asked == [(-24, 0), (0, 1)]
    assert [(alert.fault, alert.since) for alert in rooms.engine.open_alerts()] == [("fan_motor_wear", NOON)]
    again = AlertEngine(rooms.desk, rooms.rules, rooms.clock)
    HourlyRules(cast(TelemetryStore, store), again, rooms.clock).run()
    assert store.asked[-1] == (-23, 1)
    assert len(rooms.history()) == 1
