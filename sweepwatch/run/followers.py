"""Runs the followers of the log of events: each in a thread of its own, so that none can hold up another."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from threading import Event as Flag
from threading import Thread
from types import TracebackType

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fleet.clock import MINUTE_MS, Clock
from fleet.errors import StoreUnavailable, SweepwatchError
from fleet.events import Event
from fleet.followers import Follower, Standing
from storage.records.database import DeskDatabase
from storage.records.followers import Turn, aside, begin_following, standings, take_back, turn_of

log = logging.getLogger(__name__)
POLL_S = 0.5
"""How soon what another process told is seen; what this one told is seen at once."""
EVENTS_A_TURN = 100
TRIES = 5
"""An event that fails so often for a reason that waiting does not mend is set aside, and kept."""
SLOWEST_RETRY_S = 60.0
LATE_MS = MINUTE_MS
_STOP_TIMEOUT_S = 2.0


def retry_after(tries: int) -> float:
    """Return the seconds to wait after so many failures in a row: 0.5, 1, 2, ... up to a minute."""
    return min(SLOWEST_RETRY_S, 0.5 * 2.0 ** min(tries - 1, 10))


def follow(desk: DeskDatabase, follower: Follower, clock: Clock) -> tuple[int, float | None]:
    """Handle the next events; return how many were, and in how many seconds to come again after a failure."""
    with turn_of(desk, follower.name) as turn:
        if turn is None:
            return 0, None
        handled = 0
        for event in turn.events(EVENTS_A_TURN):
            wait = _handle(follower, turn, event, clock)
            if wait is not None:
                return handled, wait
            handled += 1
        return handled, None


def _handle(follower: Follower, turn: Turn, event: Event, clock: Clock) -> float | None:
    """Handle one event; return the seconds to wait where it could not be."""
    try:
        follower.handle(event)
    except Exception as error:  # whatever it is: the event is not lost, and the others go on
        trouble = _told_as(error)
        tries = turn.failed(trouble)
        if tries < TRIES or isinstance(error, StoreUnavailable):
            log.warning("%s: event %d: %s; trying again", follower.name, event.id, trouble)
            return retry_after(tries)
        log.exception("%s: event %d is set aside", follower.name, event.id)
        turn.set_aside(event, trouble, clock.now_ms())
    else:
        turn.handled(event)
    return None


def _told_as(error: Exception) -> str:
    return str(error) if isinstance(error, SweepwatchError) else f"{type(error).__name__}: {error}"


class Followers:
    """The followers of one process; a context manager that starts and stops them.

    Where several processes run the same follower, one at a time has its turn.
    """

    def __init__(
        self, desk: DeskDatabase, followers: Sequence[Follower], clock: Clock, metrics: CollectorRegistry
    ) -> None:
        self._desk = desk
        self._followers = tuple(followers)
        self._clock = clock
        self._ending = Flag()
        self._wakes = {follower.name: Flag() for follower in followers}
        self._threads = [
            Thread(target=self._run, args=(follower,), name=follower.name, daemon=True)
            for follower in followers
        ]
        metrics.register(_Lag(self))

    def __enter__(self) -> "Followers":
        for follower in self._followers:
            begin_following(self._desk, follower.name)
        self._desk.when_told(self._wake)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._wake()
        for thread in self._threads:
            thread.join(_STOP_TIMEOUT_S)

    def _wake(self) -> None:
        for flag in self._wakes.values():
            flag.set()

    def standings(self) -> list[Standing]:
        """Return how far each follower is. Raises StoreUnavailable."""
        with self._desk.transaction() as session:
            return [each for each in standings(session) if each.name in self._wakes]

    def troubles(self) -> Mapping[str, str | None]:
        """Return what is wrong with each follower, None where it gets on."""
        try:
            found = {each.name: each for each in self.standings()}
        except SweepwatchError as error:
            return dict.fromkeys(self._wakes, str(error))
        now = self._clock.now_ms()
        return {name: trouble_of(found[name], now) for name in self._wakes if name in found}

    def _run(self, follower: Follower) -> None:
        again = self._take_back(follower)
        while not self._ending.is_set():
            wake = self._wakes[follower.name]
            if again is None:
                wake.wait(POLL_S)
            else:
                self._ending.wait(again)
            wake.clear()
            again = self._catch_up(follower)

    def _catch_up(self, follower: Follower) -> float | None:
        """Handle all that there is; return in how many seconds to come again after a failure."""
        try:
            while not self._ending.is_set():
                handled, again = follow(self._desk, follower, self._clock)
                if again is not None or handled < EVENTS_A_TURN:
                    return again
        except SweepwatchError as error:
            if not self._ending.is_set():
                log.warning("%s: %s; trying again", follower.name, error)
            return retry_after(3)
        except Exception:
            log.exception("%s: its turn failed", follower.name)
            return retry_after(5)
        return None

    def _take_back(self, follower: Follower) -> float | None:
        """Try once more what an earlier version of the follower had to set aside."""
        try:
            for event in aside(self._desk, follower.name):
                follower.handle(event)
                take_back(self._desk, follower.name, event.id)
        except Exception as error:
            log.warning("%s: what was set aside still fails: %s", follower.name, _told_as(error))
        return 0.0


def trouble_of(standing: Standing, now: int) -> str | None:
    """Say what is wrong with a follower at `now` (epoch ms): it fails, it is late, or it had to pass over."""
    if standing.trouble is not None:
        return f"{standing.behind} events behind, {standing.tries} tries: {standing.trouble}"
    if standing.waiting_since is not None and now - standing.waiting_since > LATE_MS:
        return f"{standing.behind} events behind, the oldest for {(now - standing.waiting_since) // 1000} s"
    if standing.set_aside:
        return f"{standing.set_aside} events set aside; they are tried again at the next start"
    return None


class _Lag(Collector):
    def __init__(self, followers: Followers) -> None:
        self._followers = followers

    def collect(self) -> Iterator[Metric]:
        try:
            found = self._followers.standings()
        except SweepwatchError:
            return
        now = self._followers._clock.now_ms()
        for name, text, value in (
            ("behind", "Events that a follower has yet to handle", lambda each: each.behind),
            ("waiting_seconds", "Age of the oldest of them", lambda each: _age_s(each, now)),
            ("tries", "Failures in a row at the next one", lambda each: each.tries),
            ("set_aside", "Events that it could not handle", lambda each: each.set_aside),
        ):
            gauge = GaugeMetricFamily(f"sweepwatch_follower_{name}", text, labels=["follower"])
            for each in found:
                gauge.add_metric([each.name], value(each))
            yield gauge


def _age_s(standing: Standing, now: int) -> float:
    return 0.0 if standing.waiting_since is None else max(0, now - standing.waiting_since) / 1000
