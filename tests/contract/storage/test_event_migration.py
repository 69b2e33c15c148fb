"""The events of the version before move into the one log, and followers begin where nothing is replayed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from helpers.postgres import emptied
from sqlalchemy import Connection, create_engine, text

from fleet.clock import ManualClock
from fleet.events import Event, Subject
from fleet.principals import PrincipalKind
from fleet.sla import load_policy
from storage.records import migrations
from storage.records.alerts import last_resolved
from storage.records.database import DeskDatabase, open_desk
from storage.records.events import events_after, events_of
from storage.records.followers import standings
from storage.records.model_cards import model_events
from storage.records.tickets import ticket_of_alert
from sweepwatch.run.followers import follow
from sweepwatch.wiring import wire_desk

_ALERTS = (
    (1, "R1", "brush_jam", "risk", "resolved", "resolved_by:risk"),
    (2, "R1", "filter_clog", "robot_filter", "resolved", "cleared"),
    (3, "R2", "battery_overheat", "robot_hot", "firing", "wanted_by:risk"),
    (4, "R3", "brush_jam", "risk", "resolved", "ticket_confirmed"),
)
_ALERT_EVENTS = (
    (1, 1, 100, "risk", None, "firing", "first"),
    (2, 1, 300, "risk", "firing", "resolved", "a person of that name looked"),
    (3, 2, 150, "robot_filter", None, "pending", "first"),
    (4, 2, 250, "robot_filter", "pending", "resolved", "cleared"),
    (5, 3, 400, "robot_hot", None, "firing", "first"),
    (6, 3, 500, "risk", "firing", "firing", "escalated_by:risk"),
    (7, 4, 410, "risk", None, "firing", "first"),
    (8, 4, 510, "Li", "firing", "acknowledged", "on my way"),
    (9, 4, 600, "Li", "acknowledged", "resolved", "ticket_confirmed"),
)
_MODEL_EVENTS = (
    (1, "m-1", "brush_jam", 120, "training", None, "challenger", "trained"),
    (2, "m-1", "brush_jam", 220, "trial", "challenger", "champion", "cheaper"),
    (3, "m-1", "brush_jam", 420, "li.wei", "champion", "withdrawn", "too many visits"),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DeskDatabase]:
    """Yield a database that the version before filled and this version opened."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'desk.db'}" if sqlite else emptied(request.getfixturevalue("postgres"))
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        _fill(connection)
    engine.dispose()
    desk = open_desk(url)
    yield desk
    desk.close()


def _fill(connection: Connection) -> None:
    connection.execute(
        text(
            "INSERT INTO device (id, kind, site, model, firmware, serial, registered_at, status) "
            "VALUES ('R1', 'robot', 'hall', '', '', '', 0, 'online')"
        )
    )
    for row in _ALERTS:
        values = dict(zip(("id", "device", "fault", "rule", "state", "reason"), row, strict=True))
        connection.execute(
            text(
                "INSERT INTO alert (id, device_id, fault, rule, level, state, since, updated, resolved_at, "
                "reason, opens_ticket, evidence) VALUES (:id, :device, :fault, :rule, 'L2', :state, 90, 600, "
                "600, :reason, :wants, '{}')"
            ),
            values | {"wants": True},
        )
    for event in _ALERT_EVENTS:
        connection.execute(
            text(
                "INSERT INTO alert_event (id, alert_id, at, who, before, after, why) "
                "VALUES (:id, :alert, :at, :who, :before, :after, :why)"
            ),
            dict(zip(("id", "alert", "at", "who", "before", "after", "why"), event, strict=True)),
        )
    for each in _MODEL_EVENTS:
        connection.execute(
            text(
                "INSERT INTO model_event (id, model, fault, at, who, before, after, why) "
                "VALUES (:id, :model, :fault, :at, :who, :before, :after, :why)"
            ),
            dict(zip(("id", "model", "fault", "at", "who", "before", "after", "why"), each, strict=True)),
        )


def whole_log(desk: DeskDatabase) -> list[Event]:
    with desk.transaction() as session:
        return events_after(session, 0, 1_000)


def test_every_event_is_in_the_one_log_by_time_with_who_acted(desk: DeskDatabase) -> None:
    moved = [event for event in whole_log(desk) if event.principal.id != "upgrade"]
    assert len(moved) == len(_ALERT_EVENTS) + len(_MODEL_EVENTS)
    assert [event.at for event in moved] == sorted(event.at for event in moved)
    kinds = {
        (each.subject, each.subject_id, each.at): (each.principal.kind, each.principal.name) for each in moved
    }
    kind = PrincipalKind
    assert kinds[Subject.ALERT, "1", 100] == (kind.MODEL, "risk")
    assert kinds[Subject.ALERT, "1", 300] == (kind.PERSON, "risk"), "a person, whatever the name"
    assert kinds[Subject.ALERT, "2", 250] == (kind.RULE, "robot_filter")
    assert kinds[Subject.ALERT, "3", 500] == (kind.MODEL, "risk")
    assert kinds[Subject.ALERT, "4", 510] == (kind.PERSON, "Li")
    assert [event.principal.kind for event in reversed(model_events(desk, "m-1"))] == [
        kind.SCHEDULE, kind.SCHEDULE, kind.PERSON,
    ]  # fmt: skip
    assert {event.site for event in moved if event.subject_id in ("1", "2")} == {"hall"}
    with desk.transaction() as session:
        ended = [last_resolved(session, "R1", fault) for fault in ("brush_jam", "filter_clog")]
    assert [alert.ended_by for alert in ended if alert] == [kind.PERSON, kind.RULE]


def test_followers_replay_nothing_and_what_fires_without_a_ticket_gets_one(desk: DeskDatabase) -> None:
    with desk.transaction() as session:
        before = standings(session)
    assert {each.name: each.behind for each in before} == {
        "tickets for alerts": 1,
        "alerts end with their ticket": 1,
    }
    clock = ManualClock(1_000)
    followers = wire_desk(desk, (), load_policy(), clock).followers
    while sum([follow(desk, follower, clock)[0] for follower in followers]):
        pass
    with desk.transaction() as session:
        taken = {alert: ticket_of_alert(session, alert) for alert in (1, 2, 3, 4)}
        assert [alert for alert, case in taken.items() if case is not None] == [3]
        told = events_of(session, Subject.ALERT, "4")
    assert [event.after for event in told] == ["firing", "acknowledged", "resolved"]
