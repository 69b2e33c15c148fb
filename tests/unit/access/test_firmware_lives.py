"""What devices lived through is read from what is stored: hours heard, with errors, with restarts, risks."""

from pathlib import Path

import numpy as np
import pytest
from helpers.api import NOW, add_device, add_risks, open_house
from helpers.batches import batch_of

from access.firmware.lives import Lives
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.signals import Kind
from storage.records.devices import Devices, ReportedEvent
from storage.records.gaps import GapChanges, Gaps, StoredRun

START = NOW - DAY_MS


def test_hours_are_counted_whoever_said_so_and_the_installations_own_restart_is_not(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        for device in ("R1", "R2", "R3"):
            add_device(house, device)
        readings = [
            {
                "device_id": "R1",
                "site": "hongqiao",
                "ts": START + hour * HOUR_MS,
                "battery_pct": 50.0,
                "state": state,
            }
            for hour, state in enumerate(["idle", "error", "error", "idle"])
        ]
        readings += [{"device_id": "R1", "site": "hongqiao", "ts": START + 61 * MINUTE_MS, "state": "error"}]
        house.store.write(batch_of(readings, Kind.ROBOT))
        said = [
            ("R1", START + HOUR_MS + 5, "error"),
            ("R2", START + 7, "robot_error"),
            ("R2", START + 9, "sos"),
        ]
        Devices(house.desk).record_events(
            [ReportedEvent(device, ts, code, {}, ts) for device, ts, code in said]
            + [ReportedEvent("R3", START + 3 * HOUR_MS, "restart", {}, START)]
        )
        runs = [
            StoredRun("R2", run, 1, START + run * HOUR_MS, 9, START + run * HOUR_MS + 5)
            for run in range(1, 5)
        ]
        Gaps(house.desk).apply(GapChanges(runs, (), (), (), 0))
        add_risks(house, "R1", {"brush_jam": 0.5, "filter_clog": 0.5}, days=1)
        lives, kinds = Lives(house.desk, house.store), dict.fromkeys(("R1", "R2", "R3"), Kind.ROBOT)
        lived = lives.between(kinds, START, NOW + HOUR_MS)
        assert lived.hours == 25
        assert lived.heard.tolist() == [4, 0, 0]
        assert lived.silent.tolist() == [21, 25, 25]
        assert lived.errors.tolist() == [2, 1, 0], "two readings and an event of one hour are one hour"
        assert lived.restarts.tolist() == [0, 3, 1], "the first run of a device is no restart"
        assert lived.risk[0] == pytest.approx(0.75), "the chance of any of both"
        assert np.isnan(lived.risk[1])
        installed = {"R2": START + 2 * HOUR_MS + 20 * MINUTE_MS}
        assert lives.between(kinds, START, NOW, installed).restarts.tolist() == [0, 2, 1]
        assert lives.between(kinds, START + 2 * HOUR_MS, NOW).errors.tolist() == [1, 0, 0]
