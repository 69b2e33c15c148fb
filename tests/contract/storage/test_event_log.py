"""The log of events under overlapping writers: in the order of commits, none stepped over."""

import queue
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from fleet.events import Event, Subject
from fleet.principals import schedule
from storage.records.database import DeskDatabase, open_desk
from storage.records.events import events_after, tell, write_told
from storage.records.notes import Note

_SOON_S = 0.04
_PATIENCE_S = 5.0


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskDatabase]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('log') / 'desk.db'}"
    else:
        url = request.getfixturevalue("postgres")
    desk = open_desk(url)
    yield desk
    desk.close()


def an_event(name: str) -> Event:
    return Event(0, Subject.DEVICE, name, "test", schedule("test"), "because")


class Writer:
    """A transaction held open in a thread of its own, moved on step by step: change, tell, end."""

    def __init__(self, desk: DeskDatabase, name: str, commits: bool) -> None:
        self.name = name
        self.commits = commits
        self.events = [an_event(f"{name}.{number}") for number in range(2)]
        self._desk = desk
        self._orders: queue.Queue[Callable[[], None]] = queue.Queue()
        self._done: queue.Queue[BaseException | None] = queue.Queue()
        self._session = Session(desk._engine)
        self._steps = iter([self._change, self._write, self._end])
        self.under_way = 0
        self.ended = False
        threading.Thread(target=self._work, daemon=True).start()

    def step(self) -> None:
        """Begin the next step; it may have to wait for another writer, so nobody waits for it long."""
        self._orders.put(next(self._steps))
        self.under_way += 1
        self.collect(_SOON_S)

    def collect(self, patience_s: float) -> None:
        while self.under_way:
            try:
                error = self._done.get(timeout=patience_s)
            except queue.Empty:
                return
            self.under_way -= 1
            assert error is None, error

    def _work(self) -> None:
        while not self.ended:
            order = self._orders.get()
            try:
                order()
                self._done.put(None)
            except BaseException as error:
                self._done.put(error)

    def _change(self) -> None:
        for event in self.events:
            tell(self._session, event)
        if self._session.get_bind().dialect.name == "postgresql":
            self._session.execute(insert(Note).values(key=f"{self.name}", value={}))

    def _write(self) -> None:
        write_told(self._session)

    def _end(self) -> None:
        (self._session.commit if self.commits else self._session.rollback)()
        self._session.close()
        self.ended = True


class Reader:
    """A follower: from its cursor on, again and again."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk
        with desk.transaction() as session:
            before = events_after(session, 0, 1_000_000)
        self.cursor = before[-1].id if before else 0
        self.seen: list[Event] = []

    def read(self) -> None:
        with self._desk.transaction() as session:
            found = events_after(session, self.cursor, 3)
        if found:
            self.cursor = found[-1].id
            self.seen += found


def interleavings(writers: int) -> st.SearchStrategy[list[int]]:
    """Every order in which the three steps of each writer may come."""
    return st.permutations([number for number in range(writers) for _ in range(3)])


@pytest.mark.parametrize("writers", [2, 3])
@given(data=st.data())
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_the_order_of_overlapping_writers_a_follower_steps_over_none(
    desk: DeskDatabase, writers: int, data: st.DataObject
) -> None:
    order = data.draw(interleavings(writers))
    commits = data.draw(st.lists(st.booleans(), min_size=writers, max_size=writers))
    with desk.transaction() as session:
        session.execute(text("DELETE FROM note"))
    reader = Reader(desk)
    made = [Writer(desk, f"w{number}", commits[number]) for number in range(writers)]
    for number in order:
        made[number].step()
        reader.read()
    for writer in made:
        writer.collect(_PATIENCE_S)
        assert writer.ended, "a writer waits for ever"
    for _ in range(2 * writers):
        reader.read()
    told = [event.subject_id for writer in made if writer.commits for event in writer.events]
    seen = [event.subject_id for event in reader.seen]
    assert sorted(seen) == sorted(told), "each committed event once, of the others none"
    ids = [event.id for event in reader.seen]
    assert ids == sorted(ids)
    for writer in made:
        own = [name for name in seen if name.startswith(f"{writer.name}.")]
        assert own == sorted(own), "in the order in which they were told"


def test_many_threads_that_tell_at_once_are_all_read_in_order(desk: DeskDatabase) -> None:
    reader, ending = Reader(desk), threading.Event()

    def write(number: int) -> None:
        for turn in range(15):
            with desk.transaction() as session:
                tell(session, an_event(f"t{number}.{turn:02}"))

    def read() -> None:
        while not ending.is_set():
            reader.read()

    reading = threading.Thread(target=read)
    reading.start()
    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ending.set()
    reading.join()
    for _ in range(30):
        reader.read()
    seen = [event.subject_id for event in reader.seen]
    assert sorted(seen) == sorted(f"t{n}.{turn:02}" for n in range(4) for turn in range(15))
    for number in range(4):
        own = [name for name in seen if name.startswith(f"t{number}.")]
        assert own == sorted(own)


def test_the_wake_up_comes_after_the_commit_and_only_when_something_was_told(desk: DeskDatabase) -> None:
    reader, found = Reader(desk), []

    def wake() -> None:
        reader.read()
        found.append(len(reader.seen))

    desk.when_told(wake)
    with desk.transaction() as session:
        session.execute(text("SELECT 1"))
    assert found == []
    with desk.transaction() as session:
        tell(session, an_event("a"))
    assert found == [1], "what it wakes for can be read"

    def fails() -> None:
        with desk.transaction() as session:
            tell(session, an_event("b"))
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert found == [1]
