"""Care in several processes over one desk, SQLite and PostgreSQL: nothing is told twice, none is lost."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.care_stories import ANNA, StoryDuty, add_fleet, raise_on, resolve_on

from alerts.care.teller import BUDGET_A_DAY
from alerts.judging.rule_file import load_rules
from fleet.clock import HOUR_MS, MINUTE_MS, SECOND_MS, ManualClock
from fleet.errors import StoreUnavailable
from fleet.events import Event
from fleet.mutes import Matcher, Mute
from fleet.sites import Site
from fleet.sla import load_policy
from fleet.tellings import TELL
from fleet.text import Text
from storage.records.alert_notes import count_telling
from storage.records.database import DeskDatabase, open_desk
from storage.records.events import events_after
from storage.records.sites import describe_site
from sweepwatch.wiring import WiredDesk, wire_desk

NOON = 1_795_334_400_000


@pytest.fixture
def desks(url: str) -> Iterator[tuple[DeskDatabase, DeskDatabase]]:
    opened = open_desk(url), open_desk(url)
    yield opened
    for each in opened:
        each.close()


def wired(desks: tuple[DeskDatabase, DeskDatabase], clock: ManualClock) -> list[WiredDesk]:
    return [wire_desk(desk, load_rules(), load_policy(), clock, duty=StoryDuty()) for desk in desks]


def at_once(both: list[WiredDesk], now: int) -> None:
    """Let both sweep at the same moment; on SQLite one may find the other writing, and comes again."""

    def sweep(one: WiredDesk) -> None:
        for _ in range(5):
            try:
                one.sweep.tick(now)
            except StoreUnavailable:
                continue
            return
        raise AssertionError("the database was never free")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sweep, both))


def follow(both: list[WiredDesk], events: list[Event]) -> None:
    """Let both handle the same events at the same moment."""

    def handle(one: WiredDesk) -> None:
        care = next(each for each in one.followers if each.name == "care for alerts")
        for event in events:
            care.handle(event)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(handle, both))


def told(desk: DeskDatabase) -> Counter[str]:
    with desk.transaction() as session:
        events = [each for each in events_after(session, 0, 100_000) if each.what == TELL]
    return Counter(f"{each.subject} {each.subject_id} {each.data['occasion']}" for each in events)


def all_events(desk: DeskDatabase) -> list[Event]:
    with desk.transaction() as session:
        return events_after(session, 0, 100_000)


def test_what_both_do_at_once_is_done_once(desks: tuple[DeskDatabase, DeskDatabase]) -> None:
    desk, clock = desks[0], ManualClock(NOON)
    both = wired(desks, clock)
    add_fleet(desk, {"R*60": {}, "S*60": {"site": "other"}, "T*60": {"site": "third"}}, {})
    at_once(both, clock.ms)
    for n in range(1, 41):
        raise_on(desk, f"R{n}", "comms_loss", clock.ms)
    for n in range(1, 5):
        raise_on(desk, f"S{n}", "battery_overheat", clock.ms)
    follow(both, all_events(desk))
    for _ in range(20):
        clock.ms += 5 * SECOND_MS
        at_once(both, clock.ms)
    clock.ms = NOON + 15 * MINUTE_MS
    at_once(both, clock.ms)
    for n in range(1, 41):
        resolve_on(desk, f"R{n}", "comms_loss", clock.ms)
    clock.ms += 5 * SECOND_MS
    at_once(both, clock.ms)
    counted = told(desk)
    assert {name for name, times in counted.items() if times > 1} == set()
    of_incidents = sorted(name for name in counted if name.startswith("incident"))
    assert of_incidents == ["incident 1 firing", "incident 1 resolved"]
    assert sum("firing" in name for name in counted) == 5
    assert sum("escalated" in name for name in counted) == 4


def test_a_digest_is_one_whoever_ends_the_mute(desks: tuple[DeskDatabase, DeskDatabase]) -> None:
    desk, clock = desks[0], ManualClock(NOON)
    both = wired(desks, clock)
    add_fleet(desk, {"R*10": {}}, {})
    end = NOON + HOUR_MS
    both[0].care.mute(Mute(0, Matcher(site="hall"), NOON, end, "works", "", NOON), ANNA)
    for n in range(1, 4):
        raise_on(desk, f"R{n}", "water_leak", clock.ms)
    follow(both, all_events(desk))
    assert told(desk) == {}
    clock.ms = end
    at_once(both, end)
    assert list(told(desk).values()) == [1]


def test_beyond_a_customers_budget_the_rest_is_one_digest(
    desks: tuple[DeskDatabase, DeskDatabase],
) -> None:
    """What is unusable is told all the same; another customer's budget is its own."""
    desk, clock = desks[0], ManualClock(NOON + MINUTE_MS)
    both = wired(desks, clock)
    add_fleet(desk, {"R*9": {"site": "a"}, "S*9": {"site": "b"}}, {"a": {"customer": "acme"}})
    with desk.transaction() as session:
        describe_site(session, Site("b", Text("", ""), "", "other"))
        for _ in range(BUDGET_A_DAY - 1):
            count_telling(session, "acme", "2026-11-22")
    leaks = [(name, "water_leak", "") for name in ("R1", "R2", "S1")]
    for device, fault, level in (*leaks, ("R3", "filter_clog", ""), ("R4", "battery_overheat", "L1")):
        raise_on(desk, device, fault, clock.ms, level)
    follow(both, all_events(desk))
    first = told(desk)
    assert sorted(first) == ["alert 1 firing", "alert 3 firing", "alert 5 firing"]
    clock.ms = NOON + HOUR_MS
    at_once(both, clock.ms)
    digests = told(desk) - first
    assert [name.split()[-1] for name in digests if "still_open" in name] == ["still_open"]
    assert set(digests.values()) == {1}
