"""The quarantine: evidence of what was turned away, bounded so that no device crowds out another."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Index, Insert, LargeBinary, String, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.grants import Sites
from storage.records.base import Base, Number
from storage.records.bounds import Bounds
from storage.records.database import DeskDatabase
from storage.records.notes import count_on
from storage.records.seen import SeenKey, SeenList, SeenPage
from storage.records.upsert import insert_in
from storage.records.within import of_devices_at


class QuarantineRow(Base):
    """A message or reading that was turned away: one row for each topic, reason and payload."""

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    topic: Mapped[str]
    device_id: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    truncated: Mapped[bool]
    count: Mapped[int]
    first_seen: Mapped[int]
    last_seen: Mapped[int] = mapped_column(index=True)

    __table_args__ = (
        UniqueConstraint("topic", "reason", "sha256"),
        # A payload lies before `last_seen` in a row: without it in the index, to find a device's oldest row
        # is to read all of its payloads.
        Index("ix_quarantine_device", "device_id", "last_seen"),
    )


KEPT_BYTES = 65_536
EVICTED_NOTE = "quarantine_evicted"

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A message or reading that was turned away at `seen` (epoch ms).

    `device_id` is None where the topic names no device that could be one.
    """

    topic: str
    device_id: str | None
    reason: str
    detail: str
    payload: bytes
    seen: int


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """One row as shown to people: how often the same thing came, when first and last (epoch ms).

    `payload` is its first 65,536 bytes; `truncated` tells that there was more, `withheld` that whoever looks
    may not see it.
    """

    id: int
    topic: str
    device_id: str | None
    reason: str
    detail: str
    payload: bytes
    truncated: bool
    count: int
    first_seen: int
    last_seen: int
    withheld: bool = False


class Quarantine:
    """Keeps evidence in the desk database, one row for each topic, reason and payload.

    At most `rows_per_device` rows a device (what has no device shares one such allowance) and `rows_in_all`;
    the least recently seen go first, and are counted.
    """

    def __init__(self, desk: DeskDatabase, rows_per_device: int = 100, rows_in_all: int = 10_000) -> None:
        self._desk = desk
        self._per_device = rows_per_device
        self._in_all = rows_in_all

    def add(self, evidence: Sequence[Evidence]) -> None:
        """Keep evidence, oldest first; it is durable on return. Raises StoreUnavailable."""
        if not evidence:
            return
        rows, gone = self._newest_rows(_gathered(evidence))
        with self._desk.statements() as connection:
            connection.execute(_upsert(connection.dialect.name), rows)
            devices = {row["device_id"] for row in rows}
            gone += _BOUNDS.evict(connection, devices, self._per_device, self._in_all)
            if gone:
                count_on(connection, EVICTED_NOTE, "rows", gone)

    def _newest_rows(self, rows: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
        """Return what fits a device's allowance, and how many did not: no use in writing those."""
        by_device: dict[str | None, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            by_device[row["device_id"]].append(row)
        kept = [row for own in by_device.values() for row in own[-self._per_device :]]
        return kept, sum(len(own) for own in by_device.values()) - len(kept)

    def find(
        self,
        device: str | None = None,
        reason: str | None = None,
        limit: int = 50,
        after: SeenKey | None = None,
        topic: str | None = None,
        sites: Sites = None,
    ) -> SeenPage[QuarantineItem]:
        """Return up to `limit` rows of one device, one reason, or all, whose topic contains a text.

        `after` is where the page before ended. At some sites only: what names no device is nobody's.
        """
        query = of_devices_at(select(QuarantineRow), QuarantineRow.device_id, sites)
        if device is not None:
            query = query.where(QuarantineRow.device_id == device)
        if reason is not None:
            query = query.where(QuarantineRow.reason == reason)
        if topic is not None:
            query = query.where(QuarantineRow.topic.icontains(topic, autoescape=True))
        return _LIST.page(self._desk, query, limit, after)

    def expire(self, days: int, now: int) -> int:
        """Delete what was last seen more than so many days ago, and return how many rows went."""
        return _LIST.expire(self._desk, days, now)

    def remove(self, items: Iterable[QuarantineItem]) -> None:
        """Delete rows; one that was seen again since it was read stays."""
        with self._desk.transaction() as session:
            for item in items:
                session.execute(
                    delete(QuarantineRow).where(
                        QuarantineRow.id == item.id,
                        QuarantineRow.count == item.count,
                        QuarantineRow.last_seen == item.last_seen,
                    )
                )


def _gathered(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    """Return one row for each key, in order of when it was last seen."""
    rows: dict[_Key, dict[str, Any]] = {}
    for one in evidence:
        digest = sha256(one.payload).hexdigest()
        key = (one.topic, one.reason, digest)
        before = rows.pop(key, None)  # taken out, so that it goes to the end
        rows[key] = {
            "topic": one.topic,
            "device_id": one.device_id,
            "reason": one.reason,
            "detail": one.detail,
            "sha256": digest,
            "payload": one.payload[:KEPT_BYTES],
            "truncated": len(one.payload) > KEPT_BYTES,
            "count": before["count"] + 1 if before else 1,
            "first_seen": before["first_seen"] if before else one.seen,
            "last_seen": one.seen,
        }
    return list(rows.values())


_rows = QuarantineRow.__table__.c
_BOUNDS = Bounds(QuarantineRow)


@cache
def _upsert(dialect: str) -> Insert:
    statement = insert_in(dialect, QuarantineRow)
    return statement.on_conflict_do_update(
        index_elements=["topic", "reason", "sha256"],
        set_={
            "count": _rows["count"] + statement.excluded["count"],
            "detail": statement.excluded.detail,
            "last_seen": statement.excluded.last_seen,
        },
    )


def _item(row: QuarantineRow) -> QuarantineItem:
    return QuarantineItem(
        id=row.id,
        topic=row.topic,
        device_id=row.device_id,
        reason=row.reason,
        detail=row.detail,
        payload=row.payload,
        truncated=row.truncated,
        count=row.count,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
    )


_LIST = SeenList(QuarantineRow, "id", _item, EVICTED_NOTE)


def count_quarantined(session: Session, device: str | None = None, sites: Sites = None) -> int:
    """Count the rows of one device, or of all at some sites."""
    wanted = select(func.count()).select_from(QuarantineRow)
    wanted = of_devices_at(wanted, QuarantineRow.device_id, sites)
    if device is not None:
        wanted = wanted.where(QuarantineRow.device_id == device)
    return session.scalar(wanted) or 0
