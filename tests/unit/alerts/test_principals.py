"""Who ended an alert is of a kind: no name makes a person a rule or a model, or a rule a person."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, open_rooms

from alerts.engine import AlertEngine
from alerts.judging.by_ticket import ChangedElsewhere
from alerts.judging.decisions import SETTLE_MS, Previous
from fleet.alerts import AlertState
from fleet.principals import PrincipalKind, person
from storage.records.events import events_after


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = open_rooms(tmp_path)
    yield rooms
    rooms.desk.close()


@pytest.mark.parametrize("name", ["risk", "history", "schedule", "robot_offline", "ticket_confirmed"])
def test_a_person_of_any_name_is_a_person(rooms: Rooms, name: str) -> None:
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.9)])
    rooms.engine.resolve("1", person(name), "looked at it")
    raised, ended = rooms.told
    assert (raised.principal.kind, raised.principal.name) == (PrincipalKind.MODEL, "risk")
    assert (ended.principal.kind, ended.principal.name) == (PrincipalKind.PERSON, name)
    rooms.engine.observe_risks([a_risk("R1", NOON + SETTLE_MS - 1, 0.9)])
    assert rooms.engine.open_alerts() == [], "after a person, risks still look at the time before"


@pytest.mark.parametrize(
    ("reason", "ended_by", "by_person"),
    [
        ("resolved_by:Li", PrincipalKind.PERSON, True),
        ("resolved_by:Li", PrincipalKind.RULE, False),
        ("cleared", PrincipalKind.MODEL, False),
        ("ticket_cancelled", PrincipalKind.SCHEDULE, True),
        ("resolved_by:key", PrincipalKind.TOKEN, True),
    ],
)
def test_the_kind_decides_not_the_text(reason: str, ended_by: PrincipalKind, by_person: bool) -> None:
    assert Previous("1", 0, 1, reason, ended_by).by_person is by_person


def test_an_engine_takes_over_what_another_process_did(rooms: Rooms) -> None:
    other = AlertEngine(rooms.desk, rooms.rules, rooms.clock)
    hears = ChangedElsewhere(other)
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.9), a_risk("R2", NOON, 0.9)])
    rooms.engine.acknowledge("1", person("Li"), "on my way")
    rooms.engine.resolve("2", person("Li"), "nothing there")
    assert other.open_alerts() == []
    with rooms.desk.transaction() as session:
        told = events_after(session, 0, 100)
    for event in told:
        hears.handle(event)
    assert [(alert.id, alert.state) for alert in other.open_alerts()] == [("1", AlertState.ACKNOWLEDGED)]
    assert other.open_alerts() == rooms.engine.open_alerts()
    rooms.engine.resolve("1", person("Li"), "done")
    with rooms.desk.transaction() as session:
        newest = events_after(session, told[-1].id, 100)
    for event in (*told, *newest):
        hears.handle(event)
    assert other.open_alerts() == []
