"""Topics beside ours: what is published under our root that nobody takes, counted with the newest example."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Insert, LargeBinary, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.notes import count_on
from storage.records.seen import SeenKey, SeenList, SeenPage
from storage.records.upsert import insert_in


class TopicBesideRow(Base):
    """A topic beside ours, how often something came on it, and the newest of it."""

    __tablename__ = "topic_beside"

    topic: Mapped[str] = mapped_column(String(512), primary_key=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    truncated: Mapped[bool]
    count: Mapped[int]
    first_seen: Mapped[int]
    last_seen: Mapped[int]


EVICTED_NOTE = "topics_beside_evicted"
MAX_TOPICS = 1_000
KEPT_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class TopicBeside:
    """A topic beside ours; `payload` is the beginning of the newest message on it; times are epoch ms.

    `withheld` tells that whoever looks may not see it.
    """

    topic: str
    payload: bytes
    truncated: bool
    count: int
    first_seen: int
    last_seen: int
    withheld: bool = False


class TopicsBeside:
    """The list of topics, at most `most` of them; the least recently heard go first, and are counted."""

    def __init__(self, desk: DeskDatabase, most: int = MAX_TOPICS) -> None:
        self._desk = desk
        self._most = most

    def add(self, topics: Collection[TopicBeside]) -> None:
        """Add to the list, each topic at most once. Raises StoreUnavailable."""
        if not topics:
            return
        rows = [{name: getattr(topic, name) for name in _rows.keys()} for topic in topics]  # noqa: SIM118 - no dict
        with self._desk.statements() as connection:
            connection.execute(_upsert(connection.dialect.name), rows)
            over = (connection.scalar(_COUNT) or 0) - self._most
            if over > 0:
                oldest = select(_rows.topic).order_by(_rows.last_seen, _rows.topic).limit(over)
                connection.execute(delete(TopicBesideRow).where(_rows.topic.in_(oldest)))
                count_on(connection, EVICTED_NOTE, "rows", over)

    def find(self, limit: int = 50, after: SeenKey | None = None) -> SeenPage[TopicBeside]:
        """Return up to `limit` topics behind the page before."""
        return _LIST.page(self._desk, select(TopicBesideRow), limit, after)

    def expire(self, days: int, now: int) -> int:
        """Delete what was last heard more than so many days ago; return how many topics went."""
        return _LIST.expire(self._desk, days, now)


def count_topics_beside(session: Session) -> int:
    """Return how many topics are listed."""
    return session.scalar(_COUNT) or 0


_rows = TopicBesideRow.__table__.c
_COUNT = select(func.count()).select_from(TopicBesideRow)


@cache
def _upsert(dialect: str) -> Insert:
    statement = insert_in(dialect, TopicBesideRow)
    return statement.on_conflict_do_update(
        index_elements=["topic"],
        set_={
            "count": _rows["count"] + statement.excluded["count"],
            "payload": statement.excluded.payload,
            "truncated": statement.excluded.truncated,
            "last_seen": statement.excluded.last_seen,
        },
    )


def _topic(row: TopicBesideRow) -> TopicBeside:
    return TopicBeside(row.topic, row.payload, row.truncated, row.count, row.first_seen, row.last_seen)


_LIST = SeenList(TopicBesideRow, "topic", _topic, EVICTED_NOTE)
