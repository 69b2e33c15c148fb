"""The ledger as Prometheus metrics."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.ledger import LedgerSnapshot


class CommitFigures:
    """How long commits take, and how many messages each makes durable."""

    def __init__(self) -> None:
        self._seconds = Histogram(
            "sweepwatch_ingest_commit_seconds",
            "From messages taken to all that they say durable",
            registry=None,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0),
        )
        self._rows = Histogram(
            "sweepwatch_ingest_commit_rows",
            "Messages of one commit",
            registry=None,
            buckets=(1, 10, 100, 1_000, 5_000, 10_000, 20_000),
        )

    def add(self, seconds: float, rows: int) -> None:
        """Count one commit that came to its end."""
        self._seconds.observe(seconds)
        self._rows.observe(rows)

    def register(self, registry: CollectorRegistry) -> None:
        """Show the figures in a registry."""
        registry.register(self._seconds)
        registry.register(self._rows)


def export(
    registry: CollectorRegistry,
    snapshot: Callable[[], LedgerSnapshot],
    connected: Callable[[], bool],
    commits: CommitFigures | None = None,
) -> None:
    """Show the ledger in `registry`, read anew at each scrape, and the figures of commits."""
    registry.register(_LedgerCollector(snapshot, connected))
    if commits is not None:
        commits.register(registry)


class _LedgerCollector(Collector):
    def __init__(self, snapshot: Callable[[], LedgerSnapshot], connected: Callable[[], bool]) -> None:
        self._snapshot = snapshot
        self._connected = connected

    def describe(self) -> Iterator[Metric]:
        """Name the metrics, which cost nothing."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        ledger = self._snapshot()
        readings = CounterMetricFamily(
            "sweepwatch_ingest_readings", "Readings by outcome", labels=["outcome"]
        )
        for outcome in ("received", "written", "duplicate", "quarantined"):
            readings.add_metric([outcome], getattr(ledger, outcome))
        yield readings
        quarantined = CounterMetricFamily(
            "sweepwatch_ingest_quarantined", "Readings turned away", labels=["reason"]
        )
        for reason, count in ledger.quarantined_by_reason.items():
            quarantined.add_metric([str(reason)], count)
        yield quarantined
        dropped = CounterMetricFamily(
            "sweepwatch_ingest_values_dropped", "Values dropped from readings that stayed", labels=["reason"]
        )
        for why, count in ledger.values_dropped.items():
            dropped.add_metric([str(why)], count)
        yield dropped
        messages = CounterMetricFamily(
            "sweepwatch_ingest_messages", "Messages by channel and outcome", labels=["topic", "outcome"]
        )
        for (channel, outcome), count in ledger.messages.items():
            messages.add_metric([channel, outcome], count)
        yield messages
        yield CounterMetricFamily("sweepwatch_ingest_late", "Readings stored out of order", value=ledger.late)
        yield CounterMetricFamily(
            "sweepwatch_ingest_observer_errors",
            "Failures of what looks at readings",
            value=ledger.observer_errors,
        )
        yield CounterMetricFamily(
            "sweepwatch_ingest_seq_repeated",
            "Readings that repeated a sequence number with a new time",
            value=ledger.seq_repeated,
        )
        yield CounterMetricFamily(
            "sweepwatch_ingest_gaps_dropped",
            "Gaps in sequence numbers not kept: their device had too many",
            value=ledger.gaps_dropped,
        )
        yield GaugeMetricFamily(
            "sweepwatch_ingest_connected", "1 while subscribed at the broker", value=float(self._connected())
        )
