"""Alertmanager's reports in several processes over one desk, on both databases: one alert that loses none."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from helpers.postgres import ready_url

from alerts.engine import AlertEngine
from fleet.alerts import INSTALLATION, Alert, AlertState
from fleet.clock import DAY_MS, MINUTE_MS, ManualClock
from fleet.errors import StoreUnavailable
from fleet.events import Subject
from fleet.external import Report
from fleet.faults import Level
from fleet.principals import person
from storage.records.alerts import open_alerts
from storage.records.database import DeskDatabase, open_desk
from storage.records.events import events_after

__all__ = ["ready_url"]
NOW = 1_795_334_400_000
AT_ONCE = 4


@pytest.fixture
def desks(ready_url: str) -> Iterator[list[DeskDatabase]]:
    opened = [open_desk(ready_url) for _ in range(AT_ONCE)]
    yield opened
    for each in opened:
        each.close()


def engines(desks: list[DeskDatabase]) -> list[AlertEngine]:
    """Return what judges in each process; what the others did they have not heard of."""
    return [AlertEngine(desk, [], ManualClock(NOW)) for desk in desks]


def report(name: str, minute: int = 0, *, over: bool = False, device: str = INSTALLATION) -> Report:
    return Report(name, NOW - DAY_MS + minute * MINUTE_MS, over, Level.L2, device, f"{name} is bad", {})


def held(desk: DeskDatabase) -> list[set[str]]:
    """Return what each open alert holds."""
    with desk.transaction() as session:
        return [set(each.evidence["items"]) for each in open_alerts(session)]


def told(desk: DeskDatabase) -> list[tuple[str, str]]:
    with desk.transaction() as session:
        events = [each for each in events_after(session, 0, 1000) if each.subject is Subject.ALERT]
    return [(str(each.after), each.reason) for each in events]


def at_once(several: list[AlertEngine], reports: Callable[[int], list[Report]]) -> None:
    """Let each take its reports at the same moment; one that finds the database busy is posted again."""
    together = Barrier(len(several))

    def take(number: int) -> None:
        together.wait()
        for _ in range(50):
            try:
                several[number].observe_external(reports(number))
            except StoreUnavailable:
                continue
            return
        raise AssertionError("the database was never free")

    with ThreadPoolExecutor(len(several)) as pool:
        list(pool.map(take, range(len(several))))


def test_the_same_report_to_all_at_once_is_one_alert_and_one_event(desks: list[DeskDatabase]) -> None:
    at_once(engines(desks), lambda _number: [report("disk")])
    assert held(desks[0]) == [{"disk"}]
    assert told(desks[0]) == [("firing", "first")]


def test_different_reports_to_all_at_once_are_one_alert_that_holds_them_all(
    desks: list[DeskDatabase],
) -> None:
    at_once(engines(desks), lambda number: [report(f"disk{number}")])
    assert held(desks[0]) == [{f"disk{number}" for number in range(AT_ONCE)}]
    assert len(told(desks[0])) == AT_ONCE
    at_once(engines(desks), lambda number: [report(f"door{number}")])
    assert len(held(desks[0])[0]) == 2 * AT_ONCE


def test_what_another_process_took_counts_though_nobody_said_so(desks: list[DeskDatabase]) -> None:
    """The first process knows of the disk alone; the door, which the second took, keeps the alert open."""
    one, other = engines(desks)[:2]
    one.observe_external([report("disk")])
    other.observe_external([report("door", 1)])
    one.observe_external([report("disk", over=True)])
    assert held(desks[0]) == [{"door"}]
    one.observe_external([report("door", 1, over=True)])
    other.observe_external([report("door", 1)])
    assert held(desks[0]) == [], "told again, it is over all the same"
    assert [state for state, _ in told(desks[0])] == ["firing", "firing", "firing", "resolved"]


def test_ends_that_come_to_all_at_once_end_it_once(desks: list[DeskDatabase]) -> None:
    several = engines(desks)
    several[0].observe_external([report(f"disk{number}") for number in range(AT_ONCE)])
    at_once(several, lambda number: [report(f"disk{number}", over=True)])
    assert held(desks[0]) == []
    assert [state for state, _ in told(desks[0])].count("resolved") == 1


def test_an_end_before_its_beginning_ends_nothing_and_the_next_end_does(desks: list[DeskDatabase]) -> None:
    one, other = engines(desks)[:2]
    one.observe_external([report("disk", over=True)])
    assert told(desks[0]) == []
    other.observe_external([report("disk")])
    assert held(desks[0]) == [{"disk"}]
    one.observe_external([report("disk", over=True)])
    assert held(desks[0]) == []


def test_what_joins_in_another_process_fires_again_what_was_acknowledged(desks: list[DeskDatabase]) -> None:
    one, other = engines(desks)[:2]
    one.observe_external([report("disk")])
    (alert,) = _open(desks[0])
    one.acknowledge(alert.id, person("Li Wei"), "on my way")
    other.observe_external([report("disk")])
    assert _open(desks[0])[0].state is AlertState.ACKNOWLEDGED
    other.observe_external([report("door", 1)])
    assert _open(desks[0])[0].state is AlertState.FIRING


def _open(desk: DeskDatabase) -> list[Alert]:
    with desk.transaction() as session:
        return open_alerts(session)
