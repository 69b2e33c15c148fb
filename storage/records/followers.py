"""How far each follower has read the log of events, and the events that it could not handle."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.events import Event
from fleet.followers import Standing
from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.events import EventRow, events_after, events_at
from storage.records.upsert import insert_into


class FollowerRow(Base):
    """A follower's cursor: the newest event that it has handled, and what keeps it from the next."""

    __tablename__ = "follower"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    cursor: Mapped[int]
    tries: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str | None]


class SetAsideRow(Base):
    """An event that a follower failed at again and again, set aside so that the others behind it go on."""

    __tablename__ = "event_set_aside"

    follower: Mapped[str] = mapped_column(String(64), primary_key=True)
    event: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    trouble: Mapped[str]
    at: Mapped[int]


def begin_following(desk: DeskDatabase, name: str) -> None:
    """Give a follower its cursor if it has none: what happened before it was there is not its concern."""
    with desk.transaction() as session:
        newest = session.scalar(select(func.max(EventRow.id))) or 0
        start = insert_into(session, FollowerRow).values(name=name, cursor=newest, tries=0)
        session.execute(start.on_conflict_do_nothing())


@dataclass(slots=True)
class Turn:
    """A follower's turn at the log, this process's alone while it lasts."""

    session: Session
    row: FollowerRow

    def events(self, limit: int) -> list[Event]:
        """Return the next events, in order."""
        return events_after(self.session, self.row.cursor, limit)

    def handled(self, event: Event) -> None:
        """Note that an event was handled."""
        self.row.cursor, self.row.tries, self.row.trouble = event.id, 0, None

    def failed(self, trouble: str) -> int:
        """Note that the next event could not be handled; return how often that was."""
        self.row.tries += 1
        self.row.trouble = trouble
        return self.row.tries

    def set_aside(self, event: Event, trouble: str, at: int) -> None:
        """Go on behind an event, which is kept with what went wrong."""
        self.session.merge(SetAsideRow(follower=self.row.name, event=event.id, trouble=trouble, at=at))
        self.handled(event)


@contextmanager
def turn_of(desk: DeskDatabase, name: str) -> Iterator[Turn | None]:
    """Hold a follower's cursor while it works; None where another process holds it.

    PostgreSQL locks the row, and lets go of it when the process dies. SQLite has no such lock and needs none:
    who handles an event twice does it once.
    """
    with desk.transaction() as session:
        mine = select(FollowerRow).where(FollowerRow.name == name).with_for_update(skip_locked=True)
        row = session.scalars(mine).one_or_none()
        yield None if row is None else Turn(session, row)


def aside(desk: DeskDatabase, name: str) -> list[Event]:
    """Return the events that a follower has set aside, the oldest first."""
    with desk.transaction() as session:
        kept = select(SetAsideRow.event).where(SetAsideRow.follower == name)
        return events_at(session, list(session.scalars(kept)))


def take_back(desk: DeskDatabase, name: str, event_id: int) -> None:
    """Forget that an event was set aside: it has been handled after all."""
    with desk.transaction() as session:
        row = session.get(SetAsideRow, (name, event_id))
        if row is not None:
            session.delete(row)


def standings(session: Session) -> list[Standing]:
    """Return how far every follower is."""
    waiting = (
        select(FollowerRow.name, func.count(EventRow.id), func.min(EventRow.at))
        .outerjoin(EventRow, EventRow.id > FollowerRow.cursor)
        .group_by(FollowerRow.name)
    )
    behind = {name: (count, oldest) for name, count, oldest in session.execute(waiting)}
    counted = select(SetAsideRow.follower, func.count()).group_by(SetAsideRow.follower)
    kept = {row.follower: row[1] for row in session.execute(counted)}
    return [
        Standing(row.name, *behind[row.name], row.tries, row.trouble, kept.get(row.name, 0))
        for row in session.scalars(select(FollowerRow).order_by(FollowerRow.name))
    ]
