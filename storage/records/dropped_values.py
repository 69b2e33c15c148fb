"""Values that were dropped from readings that stayed: whose, which, why, and one of them as an example."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Index, Insert, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.grants import Sites
from storage.records.base import Base, Number
from storage.records.bounds import Bounds
from storage.records.database import DeskDatabase
from storage.records.notes import count_on
from storage.records.seen import SeenKey, SeenList, SeenPage
from storage.records.upsert import insert_in
from storage.records.within import of_devices_at


class DroppedValueRow(Base):
    """Values of one device and signal that were dropped for one reason, with the newest as an example."""

    __tablename__ = "dropped_value"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    signal: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(32))
    example: Mapped[str]
    count: Mapped[int]
    first_seen: Mapped[int]
    last_seen: Mapped[int] = mapped_column(index=True)

    __table_args__ = (
        UniqueConstraint("device_id", "signal", "reason"),
        Index("ix_dropped_value_device", "device_id", "last_seen"),
    )


EVICTED_NOTE = "dropped_values_evicted"


@dataclass(frozen=True, slots=True)
class DroppedValue:
    """Values of one device and signal that were dropped for one reason.

    `example` is the newest of them as JSON, shortened; first and last are when they were received (epoch ms).
    `withheld` tells that whoever looks may not see the example.
    """

    device_id: str
    signal: str
    reason: str
    example: str
    count: int
    first_seen: int
    last_seen: int
    withheld: bool = False


class DroppedValues:
    """The list of dropped values, one row for each device, signal and reason.

    Bounded as the quarantine is: at most `rows_per_device` rows a device and `rows_in_all`, the least
    recently seen go first, and are counted.
    """

    def __init__(self, desk: DeskDatabase, rows_per_device: int = 100, rows_in_all: int = 10_000) -> None:
        self._desk = desk
        self._per_device = rows_per_device
        self._in_all = rows_in_all

    def add(self, values: Collection[DroppedValue]) -> None:
        """Add to the list, at most one item a key; it is durable on return. Raises StoreUnavailable."""
        if not values:
            return
        rows = [{name: getattr(value, name) for name in _COLUMNS} for value in values]
        with self._desk.statements() as connection:
            connection.execute(_upsert(connection.dialect.name), rows)
            devices = {value.device_id for value in values}
            gone = _BOUNDS.evict(connection, devices, self._per_device, self._in_all)
            if gone:
                count_on(connection, EVICTED_NOTE, "rows", gone)

    def find(
        self,
        device: str | None = None,
        signal: str | None = None,
        reason: str | None = None,
        limit: int = 50,
        after: SeenKey | None = None,
        sites: Sites = None,
    ) -> SeenPage[DroppedValue]:
        """Return up to `limit` rows of one device, signal, reason, or of all, behind the page before.

        Of devices at some sites.
        """
        query = of_devices_at(select(DroppedValueRow), DroppedValueRow.device_id, sites)
        for column, wanted in ((_rows.device_id, device), (_rows.signal, signal), (_rows.reason, reason)):
            if wanted is not None:
                query = query.where(column == wanted)
        return _LIST.page(self._desk, query, limit, after)

    def expire(self, days: int, now: int) -> int:
        """Delete what was last seen more than so many days ago; return how many rows went."""
        return _LIST.expire(self._desk, days, now)


def count_dropped(session: Session, device: str | None = None, sites: Sites = None) -> int:
    """Return how many rows there are of one device, or of all at some sites."""
    query = select(func.count()).select_from(DroppedValueRow)
    query = of_devices_at(query, DroppedValueRow.device_id, sites)
    if device is not None:
        query = query.where(DroppedValueRow.device_id == device)
    return session.scalar(query) or 0


_COLUMNS: Sequence[str] = ("device_id", "signal", "reason", "example", "count", "first_seen", "last_seen")
_rows = DroppedValueRow.__table__.c
_BOUNDS = Bounds(DroppedValueRow)


@cache
def _upsert(dialect: str) -> Insert:
    statement = insert_in(dialect, DroppedValueRow)
    return statement.on_conflict_do_update(
        index_elements=["device_id", "signal", "reason"],
        set_={
            "count": _rows["count"] + statement.excluded["count"],
            "example": statement.excluded.example,
            "last_seen": statement.excluded.last_seen,
        },
    )


def _value(row: DroppedValueRow) -> DroppedValue:
    return DroppedValue(
        row.device_id, row.signal, row.reason, row.example, row.count, row.first_seen, row.last_seen
    )


_LIST = SeenList(DroppedValueRow, "id", _value, EVICTED_NOTE)
