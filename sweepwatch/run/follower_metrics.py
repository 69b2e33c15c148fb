"""How far the followers of the log of events are, as Prometheus metrics."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fleet.clock import Clock
from fleet.errors import SweepwatchError
from fleet.followers import Standing


def _age_s(standing: Standing, now: int) -> float:
    return 0.0 if standing.waiting_since is None else max(0, now - standing.waiting_since) / 1000


_GAUGES: tuple[tuple[str, str, Callable[[Standing, int], float]], ...] = (
    ("lag_events", "Events that a follower has yet to handle", lambda each, _now: each.behind),
    ("lag_seconds", "Age of the oldest of them", _age_s),
    ("tries", "Failures in a row at the next event", lambda each, _now: each.tries),
    (
        "set_aside",
        "Events that it could not handle, kept to be tried again",
        lambda each, _now: each.set_aside,
    ),
)
_COUNTERS: tuple[tuple[str, str, Callable[[Standing], float]], ...] = (
    ("handled", "Events that a follower has handled", lambda each: each.handled),
    ("failures", "Failures at events, tries that failed again included", lambda each: each.failures),
)


class FollowerCollector(Collector):
    """Reads the standings anew at each scrape; none while the desk database is away."""

    def __init__(self, standings: Callable[[], Sequence[Standing]], clock: Clock) -> None:
        self._standings = standings
        self._clock = clock

    def describe(self) -> Iterator[Metric]:
        """Name the metrics without reading anything."""
        return self._metrics(())

    def collect(self) -> Iterator[Metric]:
        """Return the metrics as they are now."""
        try:
            found = self._standings()
        except SweepwatchError:
            return iter(())
        return self._metrics(found)

    def _metrics(self, found: Sequence[Standing]) -> Iterator[Metric]:
        now = self._clock.now_ms()
        for name, text, at in _GAUGES:
            gauge = GaugeMetricFamily(f"sweepwatch_follower_{name}", text, labels=["follower"])
            for each in found:
                gauge.add_metric([each.name], at(each, now))
            yield gauge
        for name, text, of in _COUNTERS:
            counter = CounterMetricFamily(f"sweepwatch_follower_{name}", text, labels=["follower"])
            for each in found:
                counter.add_metric([each.name], of(each))
            yield counter
