"""Runs the followers of the log of events: each in a thread of its own, so that none can hold up another."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event as Flag
from threading import Thread
from time import monotonic
from types import TracebackType

from prometheus_client import CollectorRegistry

from fleet.clock import SECOND_MS, Clock
from fleet.errors import BrokerUnavailable, StoreUnavailable, SweepwatchError
from fleet.events import Event
from fleet.followers import BulkFollower, ChoosyFollower, Follower, Standing
from storage.records.database import DeskDatabase
from storage.records.events import events_after
from storage.records.followers import (
    Turn,
    begin_following,
    is_behind,
    newest_event,
    newest_told,
    standings,
    turn_of,
    waits_for,
)
from sweepwatch.run.follower_metrics import FollowerCollector
from sweepwatch.wiring import Services

log = logging.getLogger(__name__)
POLL_S = 0.25
"""How soon what another process told is seen; what this one told is seen at once."""
LOOK_S = 5.0
"""How soon a follower takes over from a process that died in its turn."""
EVENTS_A_TURN = 100
TRIES = 6
"""An event that fails so often for a reason that waiting does not mend is set aside, and kept."""
FIRST_RETRY_S, SLOWEST_RETRY_S = 0.2, 30.0
ASIDE_EVERY_S = 300.0
"""How often what was set aside is tried again; at the start of a process too."""
LATE_MS = 15 * SECOND_MS
"""A follower for which something waits and that does nothing for so long is in trouble."""
GATHER_S = 0.2
"""On a fast clock what is told within so many seconds is handled together."""
_STOP_TIMEOUT_S = 2.0


def retry_after(tries: int) -> float:
    """Return the seconds to wait after so many failures in a row: 0.2, 0.4, 0.8, ... up to half a minute."""
    return min(SLOWEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(tries - 1, 10))


def follow(desk: DeskDatabase, follower: Follower, clock: Clock) -> tuple[int, float | None]:
    """Handle the next events; return how many were, and in how many seconds to come again after a failure."""
    if not is_behind(desk, follower.name):
        return 0, None
    with turn_of(desk, follower.name, clock.now_ms()) as turn:
        if turn is None:
            return 0, None
        events = turn.events(EVENTS_A_TURN)
        if isinstance(follower, BulkFollower) and _handle_all(follower, turn, events):
            return len(events), None
        handled = 0
        for event in events:
            wait = _handle(follower, turn, event)
            if wait is not None:
                return handled, wait
            handled += 1
        return handled, None


def is_concerned(desk: DeskDatabase, follower: Follower) -> bool:
    """Tell whether something may wait for a follower; one that is not choosy is given its turn to see."""
    if not isinstance(follower, ChoosyFollower):
        return True
    return waits_for(desk, follower.name, follower.subjects, EVENTS_A_TURN)


def _handle_all(follower: BulkFollower, turn: Turn, events: Sequence[Event]) -> bool:
    """Handle events at once; False where they are to be handled one by one: one may be what went wrong."""
    if any(turn.held_by(event) is not None for event in events):
        return False
    try:
        follower.handle_all(events)
    except Exception as error:
        log.debug("%s: %s; one by one", follower.name, _told_as(error))
        return False
    for event in events:
        turn.handled(event)
    return True


def _handle(follower: Follower, turn: Turn, event: Event) -> float | None:
    """Handle one event; return the seconds to wait where it could not be."""
    if (before := turn.held_by(event)) is not None:
        turn.set_aside(event, f"waits for event {before}, which was set aside")
        return None
    try:
        follower.handle(event)
    except Exception as error:  # whatever it is: the event is not lost, and the others go on
        trouble = _told_as(error)
        tries = turn.failed(trouble)
        if tries < TRIES or _waiting_mends(error):
            log.warning("%s: event %d: %s; trying again", follower.name, event.id, trouble)
            return retry_after(tries)
        log.exception("%s: event %d is set aside", follower.name, event.id)
        turn.set_aside(event, trouble)
    else:
        turn.handled(event)
    return None


def try_aside(desk: DeskDatabase, follower: Follower, clock: Clock) -> int:
    """Try once more what was set aside, in the order of each subject; return how many were handled."""
    handled = 0
    with turn_of(desk, follower.name, clock.now_ms()) as turn:
        failed: set[tuple[str, str]] = set()
        for event in turn.aside() if turn is not None else ():
            assert turn is not None  # else there would be no events
            if (event.subject, event.subject_id) in failed:
                continue
            try:
                follower.handle(event)
            except Exception as error:
                failed.add((event.subject, event.subject_id))
                turn.set_aside_again(event, _told_as(error))
                log.warning("%s: event %d still fails: %s", follower.name, event.id, _told_as(error))
            else:
                turn.took_back(event)
                handled += 1
    return handled


def _waiting_mends(error: Exception) -> bool:
    """Tell whether the store or the broker is away: then stepping over an event would only lose it."""
    return isinstance(error, StoreUnavailable | BrokerUnavailable)


def _told_as(error: Exception) -> str:
    return str(error) if isinstance(error, SweepwatchError) else f"{type(error).__name__}: {error}"


class Followers:
    """The followers and listeners of one process; a context manager that starts and stops them.

    Where several processes run the same follower, one at a time has its turn. Listeners are those whose work
    is this process's alone: each hears of all that is told from its start on, without a stored cursor. The
    clock may run `speed` times as fast as the machine's.
    """

    def __init__(
        self,
        desk: DeskDatabase,
        followers: Sequence[Follower],
        clock: Clock,
        metrics: CollectorRegistry,
        listeners: Sequence[Follower] = (),
        speed: float = 1,
    ) -> None:
        self._late_ms = LATE_MS * speed
        self._gather_s = 0.0 if speed == 1 else GATHER_S
        self._desk = desk
        self._followers = tuple(followers)
        self._clock = clock
        self._ending = Flag()
        self._wakes: list[Flag] = []
        self._threads = [self._thread(each.name, _Catching(desk, each, clock)) for each in followers]
        self._threads += [self._thread(each.name, _Listening(desk, each)) for each in listeners]
        self._threads.append(Thread(target=self._watch, name="log of events", daemon=True))
        metrics.register(FollowerCollector(self.standings, clock))

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
        deadline = monotonic() + _STOP_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))

    def _wake(self) -> None:
        for flag in self._wakes:
            flag.set()

    def _watch(self) -> None:
        """Wake all when another process told something: to look is one cheap question for all of them."""
        seen = None
        while not self._ending.wait(POLL_S):
            try:
                newest = newest_told(self._desk)
            except StoreUnavailable:
                continue  # which the followers find out, and say
            if newest != seen:
                seen = newest
                self._wake()

    def standings(self) -> list[Standing]:
        """Return how far each follower is. Raises StoreUnavailable."""
        return standings_of(self._desk, [follower.name for follower in self._followers])

    def troubles(self) -> Mapping[str, str | None]:
        """Return what is wrong with each follower, None where it gets on."""
        names = [follower.name for follower in self._followers]
        return troubles_of(self._desk, names, self._clock, self._late_ms)

    def _thread(self, name: str, step: Callable[[], float | None]) -> Thread:
        wake = Flag()
        self._wakes.append(wake)
        return Thread(target=self._run, args=(name, step, wake), name=name, daemon=True)

    def _run(self, name: str, step: Callable[[], float | None], wake: Flag) -> None:
        """Do a step whenever something was told, and from time to time; after a failure only wait."""
        failures = 0
        while not self._ending.is_set():
            wake.clear()
            try:
                again = step()
                failures = 0
            except Exception as error:
                failures += 1
                again = retry_after(failures)
                self._note(name, error, again)
            if again is None:
                if wake.wait(LOOK_S) and self._gather_s:
                    self._ending.wait(self._gather_s)
            else:
                self._ending.wait(again)

    def _note(self, name: str, error: Exception, again: float) -> None:
        if self._ending.is_set():
            return
        if isinstance(error, SweepwatchError):
            log.warning("%s: %s; trying again in %.1f s", name, error, again)
        else:
            log.error("%s: its turn failed; trying again in %.1f s", name, again, exc_info=error)


def following(services: Services, more: Sequence[Follower] = ()) -> Followers:
    """Return what follows the log in a process that judges: `run`, `ingest` and `score`."""
    return Followers(
        services.desk,
        (*services.followers, *more),
        services.clock,
        services.metrics,
        services.listeners,
        services.settings.simulator.speed,
    )


def listening(services: Services) -> Followers:
    """Return what lets a process that only serves learn of what others changed."""
    return Followers(services.desk, (), services.clock, CollectorRegistry(), services.listeners)


def watching(services: Services) -> Callable[[], Mapping[str, str | None]]:
    """Return what tells the troubles of followers that other processes run, and show them in the metrics."""
    names = [follower.name for follower in services.followers]
    services.metrics.register(FollowerCollector(lambda: standings_of(services.desk, names), services.clock))
    return lambda: troubles_of(services.desk, names, services.clock)


class _Catching:
    """One step of a follower: all that there is, from its stored cursor on."""

    def __init__(self, desk: DeskDatabase, follower: Follower, clock: Clock) -> None:
        self._desk = desk
        self._follower = follower
        self._clock = clock
        self._aside_at = self._look_at = 0.0

    def _is_unconcerned(self) -> bool:
        """Tell whether nothing new concerns it: its cursor, which costs a commit, then lags for a moment."""
        return monotonic() < self._look_at and not is_concerned(self._desk, self._follower)

    def __call__(self) -> float | None:
        if monotonic() >= self._aside_at:
            self._aside_at = monotonic() + ASIDE_EVERY_S
            try_aside(self._desk, self._follower, self._clock)
        if self._is_unconcerned():
            return None
        self._look_at = monotonic() + LOOK_S
        handled, again = follow(self._desk, self._follower, self._clock)
        return 0.0 if again is None and handled == EVENTS_A_TURN else again


class _Listening:
    """One step of a listener: what was told since the last one."""

    def __init__(self, desk: DeskDatabase, listener: Follower) -> None:
        self._desk = desk
        self._listener = listener
        self._cursor: int | None = None

    def __call__(self) -> float | None:
        with self._desk.transaction() as session:
            if self._cursor is None:
                self._cursor = newest_event(session)
            events = events_after(session, self._cursor, EVENTS_A_TURN)
        for event in events:
            try:
                self._listener.handle(event)
            except StoreUnavailable:
                raise
            except Exception:  # nothing that lasts hangs on it
                log.exception("%s: event %d is passed over", self._listener.name, event.id)
            self._cursor = event.id
        return 0.0 if len(events) == EVENTS_A_TURN else None


def standings_of(desk: DeskDatabase, names: Collection[str]) -> list[Standing]:
    """Return how far the followers of these names are. Raises StoreUnavailable."""
    with desk.transaction() as session:
        return [each for each in standings(session) if each.name in names]


def troubles_of(
    desk: DeskDatabase, names: Sequence[str], clock: Clock, late_ms: float = LATE_MS
) -> Mapping[str, str | None]:
    """Return what is wrong with each of these followers, in whichever process; None where it is well."""
    try:
        found = {each.name: each for each in standings_of(desk, names)}
    except SweepwatchError as error:
        return dict.fromkeys(names, str(error))
    now = clock.now_ms()
    return {name: trouble_of(found[name], now, late_ms) if name in found else None for name in names}


def trouble_of(standing: Standing, now: int, late_ms: float = LATE_MS) -> str | None:
    """Say what is wrong with a follower at `now` (epoch ms): it fails, it is late, or it had to pass over."""
    if standing.trouble is not None:
        return f"{_events(standing.behind)} behind, {standing.tries} tries: {standing.trouble}"
    if standing.stuck_since is not None and now - standing.stuck_since > late_ms:
        return f"{_events(standing.behind)} behind, nothing done for {(now - standing.stuck_since) // 1000} s"
    if standing.set_aside:
        return f"{_events(standing.set_aside)} set aside; tried again every {ASIDE_EVERY_S / 60:.0f} minutes"
    return None


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
