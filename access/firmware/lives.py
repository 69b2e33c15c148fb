"""What devices live through, as it is stored: hours heard, with errors, with restarts, and their risk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from access.firmware.judging import Floats
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.signals import Kind
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.device_hours import DeviceHours, event_hours, restart_times

ERROR_EVENTS = ("error", "robot_error")
RESTART_EVENTS = ("restart", "reboot", "boot", "started")
BEFORE_MS = 7 * DAY_MS
"""How long a past a device is compared with."""
LATE_MS = 15 * MINUTE_MS
"""An hour is judged only so long after its end: readings that are late are in it then."""
_FEW = 500
"""Up to so many devices are asked for by name."""
_INSTALLING_MS = (HOUR_MS, 15 * MINUTE_MS)
"""Before and after a new version is first heard of: a restart there is the installation's own."""
_ERROR_STATE = "state.error.n"


@dataclass(frozen=True, slots=True)
class Lived:
    """Hours of each device in a span of `hours`. Shapes: (devices,); `risk` is NaN where nobody scored it."""

    hours: float
    heard: Floats
    errors: Floats
    restarts: Floats
    risk: Floats

    @property
    def silent(self) -> Floats:
        """The hours in which a device was not heard."""
        return np.asarray(np.maximum(self.hours - self.heard, 0.0))


class Lives:
    """Reads what devices lived through; may raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase, store: TelemetryStore) -> None:
        self._desk = desk
        self._store = store

    def between(
        self,
        devices: Mapping[str, Kind],
        start: int,
        end: int,
        installed: Mapping[str, int] | None = None,
    ) -> Lived:
        """Return what devices lived through from one whole hour to another (epoch ms), in their order.

        Errors are hours with an error event or a reading in the state error, restarts hours in which `seq`
        began anew or an event said so. `installed` tells when a device was first heard of with its new
        firmware: the restart that this took does not count.
        """
        ids = list(devices)
        heard, errors = self._tiles(devices, start, end)
        with self._desk.transaction() as session:
            errors |= event_hours(session, ids, ERROR_EVENTS, start, end)
            restarts = event_hours(session, ids, RESTART_EVENTS, start, end)
            begun = restart_times(session, ids, start, end)
        restarts |= {(device, ts - ts % HOUR_MS) for device, ts in begun}
        for device, at in (installed or {}).items():
            first = at - _INSTALLING_MS[0]
            spared = range(first - first % HOUR_MS, at + _INSTALLING_MS[1] + 1, HOUR_MS)
            restarts -= {(device, hour) for hour in spared}
        place = {device: number for number, device in enumerate(ids)}
        count = len(ids)
        return Lived(
            (end - start) / HOUR_MS,
            np.array([heard.get(device, 0) for device in ids], dtype=np.float64),
            _counted(errors, place, count),
            _counted(restarts, place, count),
            self._risks(place, start, end),
        )

    def _tiles(self, devices: Mapping[str, Kind], start: int, end: int) -> tuple[dict[str, int], DeviceHours]:
        """Return the hours in which each device was heard, and those in which it stood in an error."""
        heard: dict[str, int] = {}
        errors: DeviceHours = set()
        for kind in sorted(set(devices.values())):
            own = [device for device, of in devices.items() if of is kind]
            named = own if len(own) <= _FEW else None
            for day in range(start, end, DAY_MS):  # a large fleet's tiles of a week would not fit
                tiles = self._store.tiles(kind, day, min(day + DAY_MS, end), named, [_ERROR_STATE])
                tiles = tiles.filter(pl.col("device_id").is_in(own), pl.col("readings") > 0)
                hours = tiles.unique(["device_id", "hour"]).group_by("device_id").len()
                for device, count in hours.iter_rows():
                    heard[device] = heard.get(device, 0) + count
                if _ERROR_STATE in tiles.columns:
                    stood = tiles.filter(pl.col(_ERROR_STATE) > 0).select("device_id", "hour")
                    errors |= set(stood.iter_rows())
        return heard, errors

    def _risks(self, place: Mapping[str, int], start: int, end: int) -> Floats:
        """Return the chance of any fault by the last risks in a range. Shape: (devices,)."""
        found = np.full(len(place), np.nan)
        risks = self._store.fleet_risks(start, end)
        if risks.height:
            any_fault = 1 - (1 - pl.col("risk").clip(0, 1)).product()
            by_device = risks.group_by("device_id").agg(any_fault.alias("risk"))
            for device, risk in by_device.iter_rows():
                if device in place:
                    found[place[device]] = risk
        return found


def _counted(hours: DeviceHours, place: Mapping[str, int], count: int) -> Floats:
    numbers: Sequence[int] = [place[device] for device, _hour in hours if device in place]
    return np.bincount(np.array(numbers, dtype=np.int64), minlength=count).astype(np.float64)
