"""Hands the alert rules over hours the tiles of each hour that is over."""

from alerts.engine import AlertEngine
from fleet.clock import HOUR_MS, MINUTE_MS, Clock
from fleet.signals import Kind
from storage.ports import TelemetryStore

LATE_MS = 5 * MINUTE_MS
"""An hour is judged so long after its end: what was under way then has come."""


class HourlyRules:
    """Judges each hour once; after a start it hands over as many hours before as windows go back."""

    def __init__(self, store: TelemetryStore, alerts: AlertEngine, clock: Clock) -> None:
        self._store = store
        self._alerts = alerts
        self._clock = clock
        self._until: dict[Kind, int] = {}

    def run(self) -> None:
        """Judge the hours that are over and were not judged yet; at a start that is the last one."""
        for kind in Kind:
            columns = self._alerts.hourly_columns(kind)
            if columns:
                self._judge(kind, columns)

    def _judge(self, kind: Kind, columns: tuple[str, ...]) -> None:
        end = (self._clock.now_ms() - LATE_MS) // HOUR_MS * HOUR_MS
        judged = self._until.get(kind)
        first = end - HOUR_MS if judged is None else judged
        start = end - max(self._alerts.hours_back(kind), 1) * HOUR_MS if judged is None else judged
        if start >= end:
            return
        tiles = self._store.tiles(kind, start, end, columns=columns)
        self._alerts.observe_hours(kind, tiles, first)
        self._until[kind] = end
