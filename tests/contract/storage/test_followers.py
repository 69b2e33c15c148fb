"""Followers over both databases: in order, once in effect, and none holds up another or a writer."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest
from prometheus_client import CollectorRegistry

from fleet.clock import ManualClock, SystemClock
from fleet.errors import StoreUnavailable
from fleet.events import Event, Subject
from fleet.followers import Standing
from fleet.principals import schedule
from storage.records.database import DeskDatabase, open_desk
from storage.records.events import tell
from storage.records.followers import begin_following, events_aside, standings, turn_of
from sweepwatch.run.followers import TRIES, Followers, follow, retry_after, trouble_of, try_aside

NOW = 1_800_000_000_000
_PATIENCE_S = 30.0


class Recording:
    """Notes what it is given; fails, or waits, at the subjects it is told to."""

    def __init__(self, name: str = "recording") -> None:
        self.name = name
        self.seen: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.waits: dict[str, threading.Event] = {}

    def handle(self, event: Event) -> None:
        if event.subject_id in self.waits:
            self.waits[event.subject_id].wait(_PATIENCE_S)
        if event.subject_id in self.fails:
            raise self.fails[event.subject_id]
        self.seen.append(event.reason)


def tell_of(desk: DeskDatabase, *subjects: str, at: int = NOW) -> None:
    """Tell of one event each, in transactions of their own; the reason counts them."""
    for subject in subjects:
        with desk.transaction() as session:
            tell(session, Event(at, Subject.DEVICE, subject, "test", schedule("test"), f"{subject}"))


def standing(desk: DeskDatabase, name: str = "recording") -> Standing:
    with desk.transaction() as session:
        return next(each for each in standings(session) if each.name == name)


def wait_until(true: Callable[[], bool]) -> float:
    """Return the seconds until it was."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() < begun + _PATIENCE_S
        time.sleep(0.002)
    return time.monotonic() - begun


def test_a_follower_begins_where_the_log_ends_and_goes_on_from_its_cursor(desk: DeskDatabase) -> None:
    tell_of(desk, "old")
    begin_following(desk, "recording")
    tell_of(desk, "a", "b")
    begin_following(desk, "recording")
    first = Recording()
    assert follow(desk, first, ManualClock(NOW)) == (2, None)
    assert follow(desk, first, ManualClock(NOW)) == (0, None)
    tell_of(desk, "c")
    second = Recording()
    follow(desk, second, ManualClock(NOW))
    assert (first.seen, second.seen) == (["a", "b"], ["c"])
    assert (standing(desk).handled, standing(desk).behind) == (3, 0)


def test_a_failure_is_tried_again_and_never_stepped_over_while_waiting_helps(desk: DeskDatabase) -> None:
    begin_following(desk, "recording")
    follower, clock = Recording(), ManualClock(NOW)
    tell_of(desk, "a", "b", "c")
    follower.fails["b"] = StoreUnavailable("the store is away")
    waits = [follow(desk, follower, clock) for _ in range(3 * TRIES)]
    assert waits[0] == (1, retry_after(1))
    assert waits[2] == (0, retry_after(3))
    assert follower.seen == ["a"]
    found = standing(desk)
    assert (found.behind, found.tries, found.failures, found.set_aside) == (2, 3 * TRIES, 3 * TRIES, 0)
    assert trouble_of(found, NOW) == f"2 events behind, {3 * TRIES} tries: the store is away"
    del follower.fails["b"]
    assert follow(desk, follower, clock) == (2, None)
    assert follower.seen == ["a", "b", "c"]
    assert trouble_of(standing(desk), NOW) is None


class InBulk(Recording):
    """Takes a turn's events at once."""

    def handle_all(self, events: Sequence[Event]) -> None:
        if any(each.subject_id in self.fails for each in events):
            raise self.fails[next(iter(self.fails))]
        self.seen.append("+".join(each.reason for each in events))


def test_many_events_are_handled_at_once_and_one_by_one_where_that_fails(desk: DeskDatabase) -> None:
    begin_following(desk, "recording")
    follower = InBulk()
    tell_of(desk, "a", "b")
    assert follow(desk, follower, ManualClock(NOW)) == (2, None)
    follower.fails["d"] = StoreUnavailable("away")
    tell_of(desk, "c", "d", "e")
    assert follow(desk, follower, ManualClock(NOW)) == (1, retry_after(1))
    assert standing(desk).behind == 2
    follower.fails.clear()
    assert follow(desk, follower, ManualClock(NOW)) == (2, None)
    assert follower.seen == ["a+b", "c", "d+e"]


def test_what_cannot_be_handled_is_set_aside_with_all_that_comes_of_its_subject(desk: DeskDatabase) -> None:
    begin_following(desk, "recording")
    follower, clock = Recording(), ManualClock(NOW)
    follower.fails["poison"] = KeyError("device_id")
    tell_of(desk, "a", "poison", "b", "poison", "c")
    while standing(desk).behind:
        follow(desk, follower, clock)
    assert follower.seen == ["a", "b", "c"], "the others go on"
    found = standing(desk)
    assert (found.set_aside, found.failures) == (2, TRIES)
    assert trouble_of(found, NOW) == "2 events set aside; tried again every 5 minutes"
    assert try_aside(desk, follower, clock) == 0
    assert standing(desk).set_aside == 2
    tell_of(desk, "poison")
    follow(desk, follower, clock)
    assert standing(desk).set_aside == 3
    with desk.transaction() as session:
        aside = events_aside(session)
    assert len(aside) == 3
    assert {(one.follower, one.event.subject_id, one.at) for one in aside} == {("recording", "poison", NOW)}
    assert aside[0].trouble == "KeyError: 'device_id'"
    assert f"waits for event {aside[0].event.id}" in aside[2].trouble
    del follower.fails["poison"]
    assert try_aside(desk, follower, clock) == 3
    assert follower.seen[3:] == ["poison", "poison", "poison"]
    assert trouble_of(standing(desk), NOW) is None
    tell_of(desk, "poison")
    assert follow(desk, follower, clock) == (1, None)


def test_a_late_follower_is_in_trouble_and_one_that_gets_on_is_not() -> None:
    late = Standing("f", 3, NOW - 60_000, NOW - 20_000, 0, None, 0, 9, 0)
    assert trouble_of(late, NOW) == "3 events behind, nothing done for 20 s"
    busy = Standing("f", 3, NOW - 60_000, NOW - 1_000, 0, None, 0, 9, 0)
    assert trouble_of(busy, NOW) is None


def test_of_two_processes_one_at_a_time_has_its_turn(url: str, desk: DeskDatabase) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite has no row locks; two that handle the same event do it once in effect")
    begin_following(desk, "recording")
    tell_of(desk, "a")
    other = open_desk(url)
    with turn_of(desk, "recording", NOW) as mine:
        assert mine is not None
        assert follow(other, Recording(), ManualClock(NOW)) == (0, None)
    assert follow(other, Recording(), ManualClock(NOW)) == (1, None)
    other.close()


def test_a_follower_that_hangs_holds_up_no_writer_and_no_other_follower(desk: DeskDatabase) -> None:
    hanging, quick, release = Recording("hanging"), Recording("quick"), threading.Event()
    hanging.waits["a"] = release
    clock = SystemClock()
    registry = CollectorRegistry()
    with Followers(desk, [hanging, quick], clock, registry) as followers:
        tell_of(desk, "a")
        wait_until(lambda: quick.seen == ["a"])
        took = []
        for number in range(20):
            begun = time.monotonic()
            tell_of(desk, f"b{number}", at=clock.now_ms() - 20_000)
            took.append(time.monotonic() - begun)
        wait_until(lambda: len(quick.seen) == 21)
        assert hanging.seen == []
        assert max(took) < 5.0, "nobody waits for the one that hangs"
        assert registry.get_sample_value("sweepwatch_follower_lag_events", {"follower": "hanging"}) == 21
        # SQLite and PostgreSQL alike: what the cursor moved past is written when the turn ends.
        wait_until(lambda: standing(desk, "quick").behind == 0)
        assert followers.troubles()["quick"] is None
        release.set()
        wait_until(lambda: len(hanging.seen) == 21)


def test_listeners_hear_from_their_start_on_and_need_no_cursor(desk: DeskDatabase) -> None:
    listener = Recording("listener")
    listener.fails["bad"] = KeyError("x")
    tell_of(desk, "old")
    with Followers(desk, [], SystemClock(), CollectorRegistry(), [listener]) as _:
        tell_of(desk, "probe")
        while not listener.seen:
            tell_of(desk, "probe")
            time.sleep(0.01)
        tell_of(desk, "bad", "good")
        wait_until(lambda: listener.seen[-1] == "good")
    assert set(listener.seen) == {"probe", "good"}
    with desk.transaction() as session:
        assert standings(session) == [] or all(each.name != "listener" for each in standings(session))


def test_what_another_process_told_is_found_by_the_poll(url: str, desk: DeskDatabase) -> None:
    other, follower = open_desk(url), Recording()
    with Followers(desk, [follower], SystemClock(), CollectorRegistry()):
        tell_of(other, "a")
        assert wait_until(lambda: follower.seen == ["a"]) < 5.0
    other.close()


class Choosy(Recording):
    """One that concerns itself with tickets alone."""

    subjects = frozenset({Subject.TICKET})


@pytest.mark.parametrize("look_s", [3600.0, 0.5])
def test_what_concerns_nobody_costs_no_turn_and_is_passed_at_the_next_look(
    desk: DeskDatabase, monkeypatch: pytest.MonkeyPatch, look_s: float
) -> None:
    monkeypatch.setattr("sweepwatch.run.followers.LOOK_S", look_s)
    choosy, plain = Choosy("choosy"), Recording("plain")

    def concerns(number: str) -> None:
        with desk.transaction() as session:
            tell(session, Event(NOW, Subject.TICKET, number, "test", schedule("test"), number))
        wait_until(lambda: number in choosy.seen)

    with Followers(desk, [choosy, plain], SystemClock(), CollectorRegistry()):
        concerns("7")
        wait_until(lambda: standing(desk, "choosy").behind == 0)
        tell_of(desk, "a", "b")
        wait_until(lambda: plain.seen[-2:] == ["a", "b"])
        if look_s > 60:
            assert standing(desk, "choosy").behind == 2
        else:
            wait_until(lambda: standing(desk, "choosy").behind == 0)
        concerns("8")
