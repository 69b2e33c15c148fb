"""The figures of a process beside those of its ingester: itself, its build, and what the desk holds."""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from platform import python_version

from prometheus_client import CollectorRegistry, Gauge, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fleet.errors import StoreUnavailable
from storage.records.database import DeskDatabase
from storage.records.figures import alerts_by_level_and_state, tickets_by_state


def new_registry(desk: DeskDatabase) -> CollectorRegistry:
    """Return a registry with the figures that every process has."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    build = Gauge("sweepwatch_build_info", "1", ["version", "python"], registry=registry)
    build.labels(version("sweepwatch"), python_version()).set(1)
    registry.register(_Desk(desk))
    return registry


class _Desk(Collector):
    """Counts what the desk holds, anew at each scrape; a desk that does not answer has no figures."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def describe(self) -> Iterator[Metric]:
        """Name the metrics without asking the desk."""
        return _counts({}, {})

    def collect(self) -> Iterator[Metric]:
        """Return the counts as they are now."""
        try:
            with self._desk.transaction() as session:
                alerts, tickets = alerts_by_level_and_state(session), tickets_by_state(session)
        except StoreUnavailable:
            return iter(())
        return _counts(alerts, tickets)


def _counts(alerts: Mapping[tuple[str, str], int], tickets: Mapping[str, int]) -> Iterator[Metric]:
    by_level = GaugeMetricFamily(
        "sweepwatch_alerts_open", "Alerts that are not resolved", labels=["level", "state"]
    )
    for (level, state), count in alerts.items():
        by_level.add_metric([level, state], count)
    yield by_level
    by_state = GaugeMetricFamily("sweepwatch_tickets_open", "Tickets that are not closed", labels=["state"])
    for state, count in tickets.items():
        by_state.add_metric([state], count)
    yield by_state
