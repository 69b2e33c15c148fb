"""The desk database: the same promises from SQLite and from PostgreSQL."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from helpers.desk_rooms import DEVICES, NOON, Rooms, a_risk, add_devices
from helpers.postgres import is_installed, postgres_server
from sqlalchemy import create_engine, func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from desk.tickets.desk import TicketDesk
from fleet.alerts import Alert, AlertState
from fleet.clock import ManualClock
from fleet.errors import ConfigError, DataFolderError, StoreUnavailable
from fleet.faults import Level
from fleet.sla import load_policy
from fleet.tickets import TicketState
from storage.records import migrations
from storage.records.alerts import AlertRow, insert_alert
from storage.records.base import Base
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Site
from storage.records.gaps import GapChanges, Gaps, StoredGap, StoredRun
from storage.records.quarantine import Evidence, Quarantine
from storage.records.tables import TABLES
from storage.records.tickets import TicketRow
from storage.records.unknown_signals import UnknownSignal, UnknownSignals

NewUrl = Callable[[], str]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    if not is_installed():
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is required here: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'desk.db'}"
    server: str = request.getfixturevalue("postgres")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS desk WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE desk"))
    engine.dispose()
    return server.removesuffix("postgres") + "desk"


@pytest.fixture
def desk(url: str) -> Iterator[DeskDatabase]:
    desk = open_desk(url)
    yield desk
    desk.close()


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
        session.add(Site(id="hall", name="大厅"))
        assert insert_alert(session, an_alert(), "risk", NOON) == 1
    desk.close()
    again = open_desk(url)
    with again.transaction() as session:
        assert session.get_one(Site, "hall").name == "大厅"
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
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO site (id, name) VALUES ('hall', '大厅')"))
        assert not inspect(connection).has_table("seq_gap")
    desk = open_desk(url)
    Gaps(desk).apply(GapChanges((), (), [StoredGap("R1", 1, 2**53 - 2, 2**53, 1, 2)], (), 0))
    with desk.transaction() as session:
        assert session.get_one(Site, "hall").name == "大厅"
    desk.close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, TABLES) == []
    engine.dispose()


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
            session.add(Site(id="hall", name="Hall"))
            insert_alert(session, an_alert(), "risk", NOON)
            session.flush()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        store_and_fail()
    assert count(desk, Site) == 0
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
        assert insert_alert(session, an_alert(), "risk", NOON) is not None
        assert insert_alert(session, an_alert(), "risk", NOON) is None
        assert insert_alert(session, an_alert("R2"), "risk", NOON) is not None
    assert count(desk, AlertRow) == 2


def test_of_concurrent_transactions_one_raises_the_alert(desk: DeskDatabase) -> None:
    barrier = threading.Barrier(6)
    ids: list[int | None] = []

    def race() -> None:
        barrier.wait()
        with desk.transaction() as session:
            ids.append(insert_alert(session, an_alert(), "risk", NOON))

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
    assert TicketDesk(desk, load_policy(), rooms.clock).open_for(alert) == ticket_id
    for state in ("accepted", "en_route", "repairing", "repaired", "confirmed"):
        confirmed = "brush_jam" if state == "repaired" else None
        ticket = rooms.tickets.change_state(
            ticket_id, TicketState(state), "Li", "done", confirmed_fault=confirmed
        )
    assert (ticket.state, ticket.version) == ("confirmed", 6)
    assert rooms.history() == [("brush_jam", "resolved", "ticket_confirmed")]
    rooms.tick(1)
    assert rooms.engine.open_alerts() == []
    assert count(desk, TicketRow) == 1


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
    with pytest.raises(ConfigError, match="desk database URL"):
        open_desk(address)


def test_a_server_that_does_not_answer_may_be_tried_again() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_desk("postgresql+psycopg://desk@127.0.0.1:1/desk?connect_timeout=2")
    assert caught.value.retryable


def test_a_ticket_is_due_at_its_next_milestone_that_is_not_reached(desk: DeskDatabase) -> None:
    columns = {
        "device_id": "R1", "site": "s1", "level": "L2", "origin": "reported", "skill": "mechanical",
        "opened_at": 0, "respond_due": 100, "evidence": {},
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
            TicketRow(**columns, fault=f"fault_{number}", **case) for number, (case, _) in enumerate(cases)
        ]
        session.add_all(rows)
    with desk.transaction() as session:
        found = session.scalars(select(TicketRow.due).order_by(TicketRow.id)).all()
    assert found == [due for _, due in cases]
