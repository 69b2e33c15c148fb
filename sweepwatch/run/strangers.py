"""Devices that the store knows and the desk does not: a process that was given another desk than `ingest`."""

import logging

from fleet.errors import SweepwatchError
from fleet.signals import Kind
from fleet.text import Text
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.devices import Devices

log = logging.getLogger(__name__)
_SHOWN = 3
_SET = "desk.url (SWEEPWATCH_DESK_URL)"


class Strangers:
    """What the last `look` found. An ingester registers a device before it stores its first reading."""

    def __init__(self, store: TelemetryStore, desk: DeskDatabase) -> None:
        self._store = store
        self._devices = Devices(desk)
        self._found: tuple[str, ...] = ()

    def look(self) -> None:
        """Compare the devices of both; one that does not answer leaves what was found before."""
        try:
            stored = {device for kind in Kind for device in self._store.newest(kind)}
            self._found = tuple(sorted(stored - self._devices.placements().keys()))
        except SweepwatchError as error:
            log.info("store and desk could not be compared: %s", error)

    def trouble(self) -> str | None:
        """Return what is wrong in one line, None when the desk knows every device."""
        return self._text().en if self._found else None

    def notice(self) -> Text | None:
        """Return what pages say, None when the desk knows every device."""
        return self._text() if self._found else None

    def _text(self) -> Text:
        names = ", ".join(self._found[:_SHOWN]) + (", ..." if len(self._found) > _SHOWN else "")
        number = len(self._found)
        return Text(
            f"The store holds readings of {number} devices that this desk database does not know ({names}): "
            f"ingest uses another one. Set {_SET} here to the desk database of `sweepwatch ingest`.",
            f"时序库中有 {number} 台设备的数据，但当前服务台数据库不认识它们（{names}）："
            f"ingest 使用了另一个数据库。请将此处的 {_SET} 设为 `sweepwatch ingest` 所用的服务台数据库。",
        )
