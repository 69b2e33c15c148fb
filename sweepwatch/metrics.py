"""The figures of a process beside those of its ingester: itself, its build, and what the desk holds."""

from collections.abc import Iterator
from importlib.metadata import version
from platform import python_version

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
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
    registry.register(_Desk(desk))
    return registry


class _Desk(Collector):
    """Counts what the desk holds, anew at each scrape; a desk that does not answer has no figures."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def describe(self) -> list[Metric]:
        """Name nothing beforehand: to do so would ask the desk."""
        return []

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("sweepwatch_build_info", "1", labels=["version", "python"])
        build.add_metric([version("sweepwatch"), python_version()], 1)
        yield build
        try:
            with self._desk.transaction() as session:
                alerts, tickets = alerts_by_level_and_state(session), tickets_by_state(session)
        except StoreUnavailable:
            return
        by_level = GaugeMetricFamily(
            "sweepwatch_alerts_open", "Alerts that are not resolved", labels=["level", "state"]
        )
        for (level, state), count in alerts.items():
            by_level.add_metric([level, state], count)
        yield by_level
        by_state = GaugeMetricFamily(
            "sweepwatch_tickets_open", "Tickets that are not closed", labels=["state"]
        )
        for state, count in tickets.items():
            by_state.add_metric([state], count)
        yield by_state
