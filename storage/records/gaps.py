"""Runs and gaps of sequence numbers: what people are shown, and what the ingester must know again."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Insert,
    String,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.grants import Sites
from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.notes import Note, count_on
from storage.records.straight import execute_straight
from storage.records.upsert import insert_in
from storage.records.within import of_devices_at


class SeqRunRow(Base):
    """One life of a device's reading counter: the lowest and the highest number seen, and their times."""

    __tablename__ = "seq_run"

    device_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    run: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_seq: Mapped[int]
    first_ts: Mapped[int]
    last_seq: Mapped[int]
    last_ts: Mapped[int]


class SeqGapRow(Base):
    """Reading numbers of one run that never arrived, measured between the times around them."""

    __tablename__ = "seq_gap"

    device_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    run: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_seq: Mapped[int]
    after_ts: Mapped[int]
    before_ts: Mapped[int]


DROPPED_NOTE = "seq_gaps_dropped"
_ROWS_A_FETCH = 10_000


class StoredRun(NamedTuple):
    """One life of a device's counter; times are epoch ms."""

    device_id: str
    run: int
    first_seq: int
    first_ts: int
    last_seq: int
    last_ts: int


class StoredGap(NamedTuple):
    """Numbers of one run that never arrived, first and last included; measured between the two times."""

    device_id: str
    run: int
    first_seq: int
    last_seq: int
    after_ts: int
    before_ts: int

    @property
    def missing(self) -> int:
        """How many numbers never arrived."""
        return self.last_seq - self.first_seq + 1


GapKey = tuple[str, int, int]
"""Device, run, first number."""


@dataclass(frozen=True, slots=True)
class GapChanges:
    """What is to be stored at once.

    Runs begun or widened; for a device, the oldest run still remembered; gaps opened or changed; gaps that
    are no more; and how many went for want of room.
    """

    runs: Collection[StoredRun]
    forgotten: Collection[tuple[str, int]]
    gaps: Collection[StoredGap]
    closed: Collection[GapKey]
    dropped: int


@dataclass(frozen=True, slots=True)
class GapPage:
    """Gaps by device, run and number; `after` is the key of the last while there are more.

    `dropped` is how many gaps ever went to make room.
    """

    items: tuple[StoredGap, ...]
    after: GapKey | None
    dropped: int


class Gaps:
    """The stored runs and gaps. Changes are durable on return; all may raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def runs(self) -> Iterator[StoredRun]:
        """Yield all runs, those of a device in their order."""
        query = select(SeqRunRow.__table__).order_by(_runs.device_id, _runs.run)
        with self._desk.transaction() as session:
            for row in session.execute(query.execution_options(yield_per=_ROWS_A_FETCH)):
                yield StoredRun(*row)

    def gaps(self) -> Iterator[StoredGap]:
        """Yield all gaps, those of a device in order of run and number."""
        with self._desk.transaction() as session:
            for row in session.execute(_ordered().execution_options(yield_per=_ROWS_A_FETCH)):
                yield StoredGap(*row)

    def apply(self, changes: GapChanges) -> None:
        """Store changes, all or none; the same again changes nothing but the count of those dropped."""
        with self._desk.statements() as connection:
            if changes.closed:
                closed = [dict(zip(_KEY, key, strict=True)) for key in changes.closed]
                connection.execute(_CLOSE, closed)
            _upsert(connection, SeqGapRow, changes.gaps)
            if changes.forgotten:
                rows = [{"device": device, "kept": kept} for device, kept in changes.forgotten]
                connection.execute(_FORGET, rows)
            _upsert(connection, SeqRunRow, changes.runs)
            if changes.dropped:
                count_on(connection, DROPPED_NOTE, "gaps", changes.dropped)

    def advance(
        self, devices: Sequence[str], runs: Sequence[int], seqs: Sequence[int], times: Sequence[int]
    ) -> None:
        """Bring the newest number and time of stored runs up to date; the columns are of one length."""
        if not devices:
            return
        rows = list(zip(devices, runs, seqs, times, strict=True))
        with self._desk.statements() as connection:
            execute_straight(connection, _ADVANCE, ("device", "number", "seq", "ts"), rows)

    def find(
        self, device: str | None, limit: int, after: GapKey | None = None, sites: Sites = None
    ) -> GapPage:
        """Return up to `limit` gaps of one device, or of all at some sites, behind the page before."""
        query = of_devices_at(_ordered(), SeqGapRow.device_id, sites).limit(limit + 1)
        key = tuple_(SeqGapRow.device_id, SeqGapRow.run, SeqGapRow.first_seq)
        if device is not None:
            query = query.where(SeqGapRow.device_id == device)
        if after is not None:
            query = query.where(key > after)
        with self._desk.transaction() as session:
            found = [StoredGap(*row) for row in session.execute(query)]
            note = session.get(Note, DROPPED_NOTE)
            dropped = int(note.value["gaps"]) if note else 0
        more = len(found) > limit
        page = tuple(found[:limit])
        return GapPage(page, page[-1][:3] if more else None, dropped)


_KEY = ("device", "number", "first")
_runs, _gaps = SeqRunRow.__table__.c, SeqGapRow.__table__.c
_CLOSE = delete(SeqGapRow.__table__).where(  # type: ignore[arg-type]  # declared as FromClause, always a Table
    _gaps.device_id == bindparam("device"),
    _gaps.run == bindparam("number"),
    _gaps.first_seq == bindparam("first"),
)
_FORGET = delete(SeqRunRow.__table__).where(  # type: ignore[arg-type]  # as above
    _runs.device_id == bindparam("device"), _runs.run < bindparam("kept")
)
_ADVANCE = (
    update(SeqRunRow.__table__)  # type: ignore[arg-type]  # as above
    .where(_runs.device_id == bindparam("device"), _runs.run == bindparam("number"))
    .values(last_seq=bindparam("seq"), last_ts=bindparam("ts"))
)


def _ordered() -> Any:
    return select(SeqGapRow.__table__).order_by(_gaps.device_id, _gaps.run, _gaps.first_seq)


def _upsert(
    connection: Connection,
    table: type[SeqRunRow] | type[SeqGapRow],
    rows: Collection[StoredRun] | Collection[StoredGap],
) -> None:
    if rows:
        statement = _laid_over(connection.dialect.name, table)
        connection.execute(statement, [row._asdict() for row in rows])


@cache
def _laid_over(dialect: str, table: type[SeqRunRow] | type[SeqGapRow]) -> Insert:
    """Return the INSERT of rows over those of the same key; to make it takes longer than to execute it."""
    statement = insert_in(dialect, table)
    key = [column.name for column in table.__table__.primary_key]
    changed = {name: statement.excluded[name] for name in table.__table__.c.keys() if name not in key}  # noqa: SIM118 - no dict
    return statement.on_conflict_do_update(index_elements=key, set_=changed)


def count_gaps(session: Session, device: str | None = None, sites: Sites = None) -> tuple[int, int]:
    """Count the gaps of one device, or of all at some sites, and the readings that are missing in them."""
    missing = func.coalesce(func.sum(SeqGapRow.last_seq - SeqGapRow.first_seq + 1), 0)
    gaps = select(func.count(), missing).select_from(SeqGapRow)
    gaps = of_devices_at(gaps, SeqGapRow.device_id, sites)
    if device is not None:
        gaps = gaps.where(SeqGapRow.device_id == device)
    count, numbers = session.execute(gaps).one()
    return count, int(numbers)  # PostgreSQL sums whole numbers up to a decimal
