"""How far each follower has read the log of events, and the events that it could not handle."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import String, bindparam, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.events import Event
from fleet.followers import SetAside, Standing
from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.events import EventRow, events_after, events_at
from storage.records.upsert import insert_into

_MAX_TROUBLE = 500
_SubjectKey = tuple[str, str]


class FollowerRow(Base):
    """A follower's cursor: the newest event that it has handled, and what keeps it from the next.

    `at` is when the cursor last moved; `tries` are the failures in a row at the next event, `handled` and
    `failures` all that there ever were.
    """

    __tablename__ = "follower"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    cursor: Mapped[int]
    at: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str | None]
    handled: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)


class SetAsideRow(Base):
    """An event that a follower failed at again and again, or that came behind one of the same subject.

    It is set aside so that the others go on, and tried again from time to time.
    """

    __tablename__ = "event_set_aside"

    follower: Mapped[str] = mapped_column(String(64), primary_key=True)
    event: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    trouble: Mapped[str]
    at: Mapped[int]


def begin_following(desk: DeskDatabase, name: str) -> None:
    """Give a follower its cursor if it has none: what happened before it was there is not its concern."""
    with desk.transaction() as session:
        if session.get(FollowerRow, name) is not None:
            return
        values = {"name": name, "cursor": newest_event(session), "at": 0, "tries": 0}
        start = insert_into(session, FollowerRow).values(values | {"handled": 0, "failures": 0})
        session.execute(start.on_conflict_do_nothing())


_NEWEST = select(func.max(EventRow.id))


def newest_event(session: Session) -> int:
    """Return the id of the newest event, 0 where there is none."""
    return session.scalar(_NEWEST) or 0


def newest_told(desk: DeskDatabase) -> int:
    """Return the id of the newest event without a session's price. Raises StoreUnavailable."""
    with desk.statements() as connection:
        return connection.scalar(_NEWEST) or 0


def is_behind(desk: DeskDatabase, name: str) -> bool:
    """Tell whether a follower has events to handle; cheaper than a turn, which locks its row."""
    with desk.statements() as connection:
        return connection.scalar(_IS_BEHIND, {"name": name}) is not None


_MINE = select(FollowerRow.cursor).where(FollowerRow.name == bindparam("name")).scalar_subquery()
_IS_BEHIND = select(EventRow.id).where(EventRow.id > _MINE).limit(1)
# These are asked for at every event by every follower: to make a statement anew costs more than to run it.
_ROW = select(FollowerRow).where(FollowerRow.name == bindparam("name")).with_for_update(skip_locked=True)
_ANY_ASIDE = select(SetAsideRow.event).where(SetAsideRow.follower == bindparam("name")).limit(1)
_HELD = (
    select(EventRow.subject, EventRow.subject_id, func.min(EventRow.id))
    .join(SetAsideRow, SetAsideRow.event == EventRow.id)
    .where(SetAsideRow.follower == bindparam("name"))
    .group_by(EventRow.subject, EventRow.subject_id)
)
_WAITING = select(EventRow.subject).where(EventRow.id > _MINE).order_by(EventRow.id).limit(bindparam("most"))


def waits_for(desk: DeskDatabase, name: str, subjects: Set[str], most: int) -> bool:
    """Tell whether one of the next events is of these subjects, or `most` wait, which are to be passed."""
    with desk.statements() as connection:
        waiting = connection.scalars(_WAITING, {"name": name, "most": most}).all()
    return len(waiting) == most or not subjects.isdisjoint(waiting)


@dataclass(slots=True)
class Turn:
    """A follower's turn at the log, this process's alone while it lasts; `now` is its time, epoch ms.

    All that it notes is written when it ends: on SQLite it would else hold the only writer's place, for which
    the follower's own changes wait.
    """

    session: Session
    row: FollowerRow
    now: int
    _aside: dict[int, str] = field(default_factory=dict)
    _back: list[int] = field(default_factory=list)
    _held: dict[_SubjectKey, int] = field(default_factory=dict)

    def events(self, limit: int) -> list[Event]:
        """Return the next events, in order."""
        self._held = _held(self.session, self.row.name)
        return events_after(self.session, self.row.cursor, limit)

    def held_by(self, event: Event) -> int | None:
        """Return the event of the same subject that was set aside before: this one must not overtake it."""
        return self._held.get((event.subject, event.subject_id))

    def handled(self, event: Event) -> None:
        """Note that an event was handled."""
        self._go_on(event)
        self.row.handled += 1

    def failed(self, trouble: str) -> int:
        """Note that the next event could not be handled; return how often that was."""
        self.row.tries += 1
        self.row.failures += 1
        self.row.trouble = trouble[:_MAX_TROUBLE]
        return self.row.tries

    def set_aside(self, event: Event, trouble: str) -> None:
        """Go on behind an event, which is kept with what went wrong."""
        self._aside[event.id] = trouble[:_MAX_TROUBLE]
        self._held.setdefault((event.subject, event.subject_id), event.id)
        self._go_on(event)

    def set_aside_again(self, event: Event, trouble: str) -> None:
        """Note that an event that was set aside still cannot be handled."""
        self._aside[event.id] = trouble[:_MAX_TROUBLE]
        self.row.failures += 1

    def aside(self) -> list[Event]:
        """Return the events that were set aside, the oldest first."""
        kept = select(SetAsideRow.event).where(SetAsideRow.follower == self.row.name)
        return events_at(self.session, list(self.session.scalars(kept)))

    def took_back(self, event: Event) -> None:
        """Forget that an event was set aside: it has been handled after all."""
        self._back.append(event.id)
        self.row.handled += 1

    def write(self) -> None:
        """Write what was noted."""
        for event, trouble in self._aside.items():
            kept = SetAsideRow(follower=self.row.name, event=event, trouble=trouble, at=self.now)
            self.session.merge(kept)
        mine = SetAsideRow.follower == self.row.name
        for event in self._back:
            self.session.execute(delete(SetAsideRow).where(mine, SetAsideRow.event == event))

    def _go_on(self, event: Event) -> None:
        self.row.cursor, self.row.at, self.row.tries, self.row.trouble = event.id, self.now, 0, None


@contextmanager
def turn_of(desk: DeskDatabase, name: str, now: int) -> Iterator[Turn | None]:
    """Hold a follower's cursor while it works; None where another process holds it.

    PostgreSQL locks the row, and lets go of it when the process dies. SQLite has no such lock and needs none:
    who handles an event twice does it once.
    """
    with desk.transaction() as session:
        row = session.scalars(_ROW, {"name": name}).one_or_none()
        turn = None if row is None else Turn(session, row, now)
        yield turn
        if turn is not None:
            turn.write()


def _held(session: Session, name: str) -> dict[_SubjectKey, int]:
    """Return by subject the oldest event of it that a follower has set aside."""
    if session.scalar(_ANY_ASIDE, {"name": name}) is None:
        return {}
    return {
        (subject, subject_id): event for subject, subject_id, event in session.execute(_HELD, {"name": name})
    }


def standings(session: Session) -> list[Standing]:
    """Return how far every follower is."""
    waiting = (
        select(FollowerRow.name, func.count(EventRow.id), func.min(EventRow.at))
        .outerjoin(EventRow, EventRow.id > FollowerRow.cursor)
        .group_by(FollowerRow.name)
    )
    behind = {name: (count, oldest) for name, count, oldest in session.execute(waiting)}
    counted = select(SetAsideRow.follower, func.count()).group_by(SetAsideRow.follower)
    kept: dict[str, int] = {name: count for name, count in session.execute(counted)}  # noqa: C416 - typed rows
    return [
        Standing(
            name=row.name,
            behind=behind.get(row.name, (0, None))[0],
            waiting_since=behind.get(row.name, (0, None))[1],
            moved_at=row.at,
            tries=row.tries,
            trouble=row.trouble,
            set_aside=kept.get(row.name, 0),
            handled=row.handled,
            failures=row.failures,
        )
        for row in session.scalars(select(FollowerRow).order_by(FollowerRow.name))
    ]


def events_aside(session: Session) -> list[SetAside]:
    """Return what every follower has set aside: by follower, the oldest event first."""
    rows = session.scalars(select(SetAsideRow).order_by(SetAsideRow.follower, SetAsideRow.event)).all()
    events = {each.id: each for each in events_at(session, [row.event for row in rows])}
    return [SetAside(row.follower, events[row.event], row.trouble, row.at) for row in rows]
