"""The desk database: the same promises from SQLite and from PostgreSQL."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from helpers.desk_rooms import DEVICES, NOON, Rooms, a_risk, add_devices
from helpers.desk_rows import config_of
from sqlalchemy import Connection, create_engine, func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.alerts import Alert, AlertState
from fleet.clock import ManualClock
from fleet.errors import ConfigError, Conflict, DataFolderError, StoreUnavailable
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.principals import PrincipalKind, model, person
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import SuspicionState, Ticket, TicketState
from storage.records.alerts import AlertRow, insert_alert
from storage.records.base import Base
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Device, Devices, DeviceSummary, Placement
from storage.records.events import events_of
from storage.records.gaps import GapChanges, Gaps, StoredGap, StoredRun
from storage.records.paging import Asked
from storage.records.quarantine import Evidence, Quarantine
from storage.records.repairs import confirmed_repairs, open_tickets
from storage.records.tables import TABLES
from storage.records.ticket_lists import TicketFilter, find_tickets
from storage.records.tickets import SuspicionAlert, TicketRow, insert_ticket, ticket
from storage.records.unknown_signals import UnknownSignal, UnknownSignals

NewUrl = Callable[[], str]


def test_statuses_and_charges_are_summarised_by_their_own_times(desk: DeskDatabase) -> None:
    devices = Devices(desk)
    devices.register({name: Placement("hall", Kind.ROBOT) for name in ("R1", "R2", "R3")}, NOON)
    steps = [
        [DeviceSummary("R1", None, NOON, 80.0, NOON, "offline", NOON), DeviceSummary("R2", NOON)],
        [DeviceSummary("R1", NOON + 5_000, NOON + 10), DeviceSummary("R2", status="offline", status_ts=NOON)],
        [DeviceSummary("R1", NOON + 5_001, NOON + 9, 70.0, NOON + 9), DeviceSummary("R3")],
        [DeviceSummary("R1", None, NOON + 8, 75.0, NOON + 8)],
    ]
    told = []
    for step in steps:
        devices.record_summaries(step)
        with desk.transaction() as session:
            told.append([one.status for one in session.scalars(select(Device).order_by(Device.id))])
            robot = session.get_one(Device, "R1")
    assert told == [
        ["offline", "online", "unknown"],
        ["offline", "offline", "unknown"],
        ["online", "offline", "unknown"],
        ["online", "offline", "unknown"],
    ]
    assert (robot.battery_pct, robot.battery_ts, robot.newest_ts) == (70.0, NOON + 9, NOON + 10)


def an_alert(device_id: str = "R1", fault: str = "brush_jam") -> Alert:
    return Alert(
        id="",
        device_id=device_id,
        fault=fault,
        rule="risk",
        level=Level.L2,
        state=AlertState.FIRING,
        since=NOON,
        reason="first",
        opens_ticket=True,
        evidence={"text": {"zh": "滚刷卡滞"}, "risk": 0.8},
    )


def count(desk: DeskDatabase, table: type[Base]) -> int:
    with desk.transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_what_was_stored_is_there_when_it_is_opened_again(url: str) -> None:
    desk = open_desk(url)
    with desk.transaction() as session:
        session.add(Device(id="R1", kind="robot", site="大厅", registered_at=1))
        assert insert_alert(session, an_alert(), model("risk"), NOON) == 1
    desk.close()
    again = open_desk(url)
    with again.transaction() as session:
        assert session.get_one(Device, "R1").site == "大厅"
        assert session.get_one(AlertRow, 1).evidence == {"text": {"zh": "滚刷卡滞"}, "risk": 0.8}
    again.check()
    again.close()


def test_the_migrations_make_exactly_the_tables_that_the_code_declares(url: str) -> None:
    open_desk(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES) == []
    engine.dispose()


def test_a_database_of_the_first_version_is_brought_up_to_date_and_keeps_its_rows(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(config_of(connection), "0001")
        connection.execute(
            text(
                "INSERT INTO device (id, kind, site, model, registered_at, status) "
                "VALUES ('R1', 'robot', '大厅', 'CR-1', 1, 'online')"
            )
        )
        assert not inspect(connection).has_table("seq_gap")
    desk = open_desk(url)
    Gaps(desk).apply(GapChanges((), (), [StoredGap("R1", 1, 2**53 - 2, 2**53, 1, 2)], (), 0))
    with desk.transaction() as session:
        assert session.get_one(Device, "R1").site == "大厅"
    desk.close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES) == []
    engine.dispose()


# id, device, fault, level, origin, state, opened, respond due, on site due, solve due, responded, on site,
# solved, confirmed, alert, risk
_OLD_TICKETS = [
    (1, "R1", "filter_clog", "L3", "proactive", "opened", 100, 900, None, 999, *[None] * 4, 2, 0.7),
    (2, "R1", "brush_jam", "L2", "proactive", "accepted", 200, 500, 800, None, 300, *[None] * 3, 3, 0.6),
    (3, "R1", "water_leak", "L2", "reported", "en_route", 250, 550, 850, None, 310, *[None] * 4, 0),
    (4, "R1", "wheel_slip", "L3", "reported", "repaired", 50, 90, None, 9, 60, 70, 80, "brush_wear", None, 0),
    (5, "R2", "brush_jam", "L2", "proactive", "confirmed", 10, 20, 30, None, 11, 12, 13, "brush_jam", 4, 0.9),
    (6, "R2", "brush_jam", "L2", "proactive", "cancelled", 40, 50, 60, None, *[None] * 5, 0),
    (7, "R2", "brush_wear", "L3", "reported", "confirmed", 70, 80, None, 99, 71, 72, 73, "none", None, 0),
    (8, "R3", "brush_jam", "L2", "reported", "repaired", 70, 80, 90, None, 71, 72, 73, "brush_jam", None, 0),
]
_OLD_EVENTS = [
    (1, 1, 100, "risk", None, "opened", "alert 1: first"),
    (2, 1, 150, "risk", "opened", "opened", "attached alert 2: recurrence_of:1"),
    (3, 2, 200, "hot", None, "opened", "alert 3: first"),
    (4, 2, 300, "risk", "opened", "accepted", "a person who is called as a model is"),
    (5, 3, 250, "Wang", None, "opened", "puddle"),
    (6, 5, 13, "history", "repairing", "repaired", "as filed"),
    (7, 3, 260, "Zhao", "opened", "opened", "reported_again: still there"),
]


def fill_the_version_before(connection: Connection) -> None:
    alert = text(
        "INSERT INTO alert (id, device_id, fault, rule, level, state, since, updated, reason, opens_ticket, "
        "evidence) VALUES (:id, :device, :fault, 'risk', 'L2', :state, 1, 1, 'first', true, '{}')"
    )
    for number, device, fault, state in (
        (1, "R1", "filter_clog", "resolved"),
        (2, "R1", "filter_clog", "firing"),
        (3, "R1", "brush_jam", "firing"),
        (4, "R2", "brush_jam", "resolved"),
    ):
        connection.execute(alert, {"id": number, "device": device, "fault": fault, "state": state})
    names = (
        "id, device_id, fault, level, origin, state, opened_at, respond_due, on_site_due, solve_due, "
        "responded_at, on_site_at, solved_at, confirmed_fault, alert_id"
    )
    binds = ", ".join(f":{name.strip()}" for name in names.split(","))
    stored = text(
        f"INSERT INTO ticket ({names}, site, part, skill, evidence, version) "
        f"VALUES ({binds}, 'hall', 'p', 'mechanical', :evidence, 1)"
    )
    for row in _OLD_TICKETS:
        values = dict(zip((name.strip() for name in names.split(",")), row, strict=False))
        connection.execute(stored, values | {"evidence": json.dumps({"risk": row[-1]} if row[-1] else {})})
    event = text(
        "INSERT INTO ticket_event (id, ticket_id, at, who, before, after, why) "
        "VALUES (:id, :ticket, :at, :who, :before, :after, :why)"
    )
    for row in _OLD_EVENTS:
        connection.execute(
            event, dict(zip(("id", "ticket", "at", "who", "before", "after", "why"), row, strict=True))
        )


@pytest.fixture
def upgraded(url: str) -> Iterator[DeskDatabase]:
    """Yield a database that the version before filled and this version opened."""
    engine = create_engine(url)
    with engine.begin() as connection:
        command.upgrade(config_of(connection), "0006")
        fill_the_version_before(connection)
    desk = open_desk(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES) == []
    engine.dispose()
    yield desk
    desk.close()


def cases(desk: DeskDatabase) -> dict[int, Ticket]:
    with desk.transaction() as session:
        page = find_tickets(session, TicketFilter(), Asked("id", 100, None, ""))
        return {case.id: case for case in page.rows}


def test_open_tickets_of_one_device_become_one_case_and_nothing_is_lost(upgraded: DeskDatabase) -> None:
    found = cases(upgraded)
    case = found[1]
    assert {number: each.state for number, each in found.items() if each.device_id == "R1"} == {
        1: "en_route", 2: "cancelled", 3: "cancelled", 4: "confirmed",
    }  # fmt: skip
    assert [found[number].merged_into for number in (1, 2, 3, 4)] == [None, 1, 1, None]
    assert [(each.fault, each.alerts, each.state) for each in case.suspicions] == [
        ("filter_clog", (1, 2), "suspected"),
        ("brush_jam", (3,), "suspected"),
        ("water_leak", (), "suspected"),
    ]
    assert (case.level, case.fault, case.opened_at) == ("L2", "water_leak", 100), "what was seen is likely"
    assert (case.respond_due, case.on_site_due, case.solve_due) == (500, 800, 999)
    assert (case.responded_at, case.on_site_at, case.version) == (300, None, 3)
    assert case.suspicions[1].evidence == {"risk": 0.6}
    assert count(upgraded, SuspicionAlert) == 4


def test_closed_tickets_keep_what_was_wrong_and_labels_stay_what_they_were(upgraded: DeskDatabase) -> None:
    found = cases(upgraded)
    assert [(each.fault, each.state) for each in found[4].suspicions] == [
        ("wheel_slip", SuspicionState.REFUTED),
        ("brush_wear", SuspicionState.CONFIRMED),
    ]
    assert [found[number].confirmed_fault for number in (4, 5, 6, 7, 8)] == [
        "brush_wear", "brush_jam", None, "none", "brush_jam",
    ]  # fmt: skip
    assert found[8].state == "repaired", "alone, it still waits to be confirmed"
    assert confirmed_repairs(upgraded).rows() == [("R2", "brush_jam", 10, 13), ("R1", "brush_wear", 50, 80)]
    assert set(open_tickets(upgraded).rows()) == {
        ("R1", "filter_clog", 100), ("R1", "brush_jam", 200), ("R1", "water_leak", 250),
        ("R3", "brush_jam", 70),
    }  # fmt: skip


def test_the_history_of_tickets_moves_into_the_log_with_who_it_was(upgraded: DeskDatabase) -> None:
    def told(ticket_id: int) -> list[Event]:
        with upgraded.transaction() as session:
            return list(events_of(session, Subject.TICKET, str(ticket_id)))

    first = [(event.at, event.what, event.principal.kind, event.principal.name) for event in told(1)]
    assert first == [
        (100, "opened", PrincipalKind.MODEL, "risk"),
        (150, "joined", PrincipalKind.MODEL, "risk"),
        (300, "joined", PrincipalKind.SCHEDULE, "upgrade"),
        (300, "joined", PrincipalKind.SCHEDULE, "upgrade"),
    ]
    second = [(event.what, event.principal.kind, event.before, event.after) for event in told(2)]
    assert second == [
        ("opened", PrincipalKind.RULE, None, "opened"),
        ("state", PrincipalKind.PERSON, "opened", "accepted"),
        ("state", PrincipalKind.SCHEDULE, "accepted", "cancelled"),
    ]
    assert told(2)[-1].reason == "one case per device: merged into ticket 1"
    spans = [(span.state, span.level) for span in cases(upgraded)[2].spans]
    assert spans == [("opened", "L2"), ("accepted", "L2"), ("cancelled", "L2")], "clocks go by them"
    assert [event.what for event in told(3)] == ["opened", "note", "state"]
    (repaired,) = told(5)
    assert (repaired.principal.kind, repaired.data["confirmed"]) == (PrincipalKind.SCHEDULE, ["brush_jam"])
    assert repaired.data["alerts"] == ["4"]


def test_the_desk_goes_on_with_an_upgraded_case(upgraded: DeskDatabase) -> None:
    """New rows get new ids, and the database allows one open repair of a device."""
    add_devices(upgraded, {"R1": Kind.ROBOT, "R4": Kind.ROBOT})
    rooms = Rooms(upgraded, ManualClock(NOON), ())
    assert rooms.tickets.report("R1", "brush_wear", person("Wang"), "worn") == 1
    assert rooms.tickets.report("R4", "brush_wear", person("Wang"), "worn") == 9

    def open_another() -> None:
        with upgraded.transaction() as session:
            insert_ticket(session, ticket(session, 9))

    with pytest.raises(IntegrityError):
        open_another()


def test_going_back_is_refused_with_words(upgraded: DeskDatabase, url: str) -> None:
    engine = create_engine(url)
    with (
        engine.begin() as connection,
        pytest.raises(RuntimeError, match="restore the copy that was made before the upgrade"),
    ):
        command.downgrade(config_of(connection), "0007")
    engine.dispose()
    assert count(upgraded, TicketRow) == 8


def test_runs_and_gaps_are_stored_changed_and_closed(desk: DeskDatabase) -> None:
    gaps = Gaps(desk)
    runs = [StoredRun("R1", n, 0, 1, 2**53, 9) for n in (1, 2)]
    opened = [("R1", 1, 5, 9, 1, 2), ("R-1", 1, 5, 9, 1, 2), ("R1", 1, 20, 30, 3, 4)]
    gaps.apply(GapChanges(runs, [], [StoredGap(*gap) for gap in opened], [], 2))
    gaps.apply(GapChanges([], [("R1", 2)], [StoredGap("R1", 1, 5, 6, 1, 2)], [("R1", 1, 20)], 1))
    gaps.advance(["R1"], [2], [7], [99])
    assert list(gaps.runs()) == [StoredRun("R1", 2, 0, 1, 7, 99)]
    page = gaps.find(None, 1)
    rest = gaps.find(None, 1, page.after)
    assert {*page.items, *rest.items} == {StoredGap("R-1", 1, 5, 9, 1, 2), StoredGap("R1", 1, 5, 6, 1, 2)}
    assert (rest.after, rest.dropped) == (None, 3)


def test_unknown_names_are_stored_once_and_only_so_many(desk: DeskDatabase) -> None:
    names = UnknownSignals(desk)
    names.add([UnknownSignal("温度", "robot", "R1", 5, 5), UnknownSignal("温度", "tool", "T1", 5, 5)])
    names.add([UnknownSignal("温度", "robot", "R2", 7, 7)])
    names.add([UnknownSignal(f"n{n}", "robot", "R1", 4, 4) for n in range(200)])
    found = names.all()
    assert found[:2] == [
        UnknownSignal("温度", "robot", "R1", 5, 7), UnknownSignal("温度", "tool", "T1", 5, 5)
    ]  # fmt: skip
    assert len(found) == 100


def test_evidence_is_searched_removed_and_ages(desk: DeskDatabase) -> None:
    quarantine = Quarantine(desk)
    quarantine.add([Evidence(f"t/{n}", "R1", "bad_json", "", b"\x00\xff", NOON + n) for n in range(3)])
    (found,) = quarantine.find(topic="T/1").items
    quarantine.remove([found])
    assert quarantine.expire(1, NOON + 86_400_000 + 1) == 1
    assert [item.topic for item in quarantine.find().items] == ["t/2"]


def test_a_database_of_a_newer_version_is_refused_and_left_alone(url: str) -> None:
    open_desk(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DataFolderError, match=r"newer version \(9999\).*upgrade Sweepwatch"):
        open_desk(url)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    engine.dispose()


def test_a_transaction_that_raises_leaves_nothing_behind(desk: DeskDatabase) -> None:
    def store_and_fail() -> None:
        with desk.transaction() as session:
            session.add(Device(id="R1", kind="robot", site="hall", registered_at=1))
            insert_alert(session, an_alert(), model("risk"), NOON)
            session.flush()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        store_and_fail()
    assert count(desk, Device) == 0
    assert count(desk, AlertRow) == 0


def test_the_database_itself_refuses_a_second_open_alert(desk: DeskDatabase) -> None:
    def add(state: str) -> None:
        with desk.transaction() as session:
            session.add(
                AlertRow(
                    device_id="R1",
                    fault="brush_jam",
                    rule="r",
                    level="L2",
                    state=state,
                    since=1,
                    updated=1,
                    reason="first",
                    opens_ticket=True,
                    evidence={},
                )
            )

    add("resolved")
    add("resolved")
    add("pending")
    for state in ("pending", "firing", "acknowledged"):
        with pytest.raises(IntegrityError):
            add(state)
    assert count(desk, AlertRow) == 3


def test_inserting_an_alert_twice_answers_none_and_the_transaction_goes_on(desk: DeskDatabase) -> None:
    with desk.transaction() as session:
        assert insert_alert(session, an_alert(), model("risk"), NOON) is not None
        assert insert_alert(session, an_alert(), model("risk"), NOON) is None
        assert insert_alert(session, an_alert("R2"), model("risk"), NOON) is not None
    assert count(desk, AlertRow) == 2


def test_of_concurrent_transactions_one_raises_the_alert(desk: DeskDatabase) -> None:
    barrier = threading.Barrier(6)
    ids: list[int | None] = []

    def race() -> None:
        barrier.wait()
        with desk.transaction() as session:
            ids.append(insert_alert(session, an_alert(), model("risk"), NOON))

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6
    assert ids.count(None) == 5, ids
    assert count(desk, AlertRow) == 1


def test_an_alert_becomes_a_ticket_that_is_repaired_and_closed(desk: DeskDatabase) -> None:
    """The rooms above behave the same over both databases."""
    add_devices(desk, DEVICES)
    rooms = Rooms(desk, ManualClock(NOON), ())
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.8)])
    rooms.engine.observe_risks([a_risk("R1", NOON + 1, 0.8)])
    (alert,) = rooms.fired
    ticket_id = rooms.tickets.open_for(alert)
    assert ticket_id is not None
    assert (
        TicketDesk(desk, CaseWriter(desk, TicketClocks(Clocks(load_policy())), rooms.clock)).open_for(alert)
        == ticket_id
    )
    for state in ("accepted", "en_route", "repairing", "repaired", "confirmed"):
        confirmed = ["brush_jam"] if state == "repaired" else None
        case = rooms.tickets.change_state(
            ticket_id, TicketState(state), person("Li"), "done", confirmed=confirmed
        )
    assert (case.state, case.version) == ("confirmed", 6)
    assert rooms.history() == [("brush_jam", "resolved", "ticket_confirmed")]
    rooms.tick(1)
    assert rooms.engine.open_alerts() == []
    assert count(desk, TicketRow) == 1


def test_several_alerts_of_one_device_that_come_at_once_are_one_case(desk: DeskDatabase) -> None:
    """Each desk stands for a process of its own: the index of the database decides, and none is lost."""
    add_devices(desk, DEVICES)
    faults = ("brush_jam", "fan_motor_wear", "filter_clog", "wheel_slip", "water_leak", "brush_wear")
    rooms = Rooms(desk, ManualClock(NOON), ())
    for fault in faults:
        rooms.engine.observe_risks([a_risk("R1", NOON, 0.8, fault)])
    barrier = threading.Barrier(len(faults))
    ids: list[int | None] = []

    def take(alert: Alert) -> None:
        own = TicketDesk(desk, CaseWriter(desk, TicketClocks(Clocks(load_policy())), rooms.clock))
        barrier.wait()
        while True:
            try:
                ids.append(own.open_for(alert))
            except Conflict:  # as a follower does: the same alert again
                continue
            return

    threads = [threading.Thread(target=take, args=(alert,)) for alert in rooms.fired]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids == [ids[0]] * len(faults)
    (case,) = cases(desk).values()
    assert sorted(each.fault for each in case.suspicions) == sorted(faults)
    assert case.alerts == (1, 2, 3, 4, 5, 6)


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match="unable to open database file"):
        open_desk(f"sqlite:///{tmp_path / 'missing' / 'desk.db'}")
    path = tmp_path / "desk.db"
    open_desk(f"sqlite:///{path}").close()
    # Read-only by its address: a file's mode does not stop root, under which tests may run.
    with pytest.raises(DataFolderError, match="readonly database"):
        open_desk(f"sqlite:///file:{path}?mode=ro&uri=true")


def test_several_processes_that_start_at_once_migrate_once(url: str) -> None:
    barrier = threading.Barrier(3)
    outcomes: list[Exception | None] = []

    def start() -> None:
        barrier.wait()
        try:
            open_desk(url).close()
            outcomes.append(None)
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [None] * 3


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    path.write_text("this is no database, but a text of some length" * 100)
    with pytest.raises(DataFolderError, match="not a database"):
        open_desk(f"sqlite:///{path}")


@pytest.mark.parametrize("address", ["no url", "", "oracle9://x/y", "sqlite+nothing:///x"])
def test_an_unusable_address_is_a_clear_error(address: str) -> None:
    with pytest.raises(ConfigError, match="desk.url is not usable; allowed: sqlite"):
        open_desk(address)


def test_a_server_that_does_not_answer_may_be_tried_again() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_desk("postgresql+psycopg://desk@127.0.0.1:1/desk?connect_timeout=2")
    assert caught.value.retryable


def test_a_ticket_is_due_at_its_next_milestone_that_is_not_reached(desk: DeskDatabase) -> None:
    columns = {
        "kind": "repair", "site": "s1", "fault": "brush_jam", "level": "L2", "origin": "reported",
        "opened_at": 0, "respond_due": 100,
    }  # fmt: skip
    cases = [
        ({"state": "opened", "on_site_due": 400}, 100),
        ({"state": "accepted", "on_site_due": 400, "responded_at": 50}, 400),
        ({"state": "accepted", "solve_due": 700, "responded_at": 50}, 700),
        ({"state": "repairing", "on_site_due": 400, "responded_at": 50, "on_site_at": 60}, None),
        ({"state": "cancelled", "on_site_due": 400}, None),
        ({"state": "confirmed", "on_site_due": 400}, None),
    ]
    with desk.transaction() as session:
        rows = [
            TicketRow(**columns, device_id=f"R{number}", **case) for number, (case, _) in enumerate(cases)
        ]
        session.add_all(rows)
    with desk.transaction() as session:
        found = session.scalars(select(TicketRow.due).order_by(TicketRow.id)).all()
    assert found == [due for _, due in cases]
