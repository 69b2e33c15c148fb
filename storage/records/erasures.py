"""What was asked to be erased of one person's data, and how far that is; callers bring the transaction.

Until workers are known by a name of their own, one person's data are those of a wristband in a span of time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import String, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.records.base import Base, Number


class ErasureRow(Base):
    """An erasure: the desk's part is done when it is written, `store_done_at` tells when the store's was."""

    __tablename__ = "erasure"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    from_ts: Mapped[int]
    to_ts: Mapped[int]
    asked_at: Mapped[int] = mapped_column(index=True)
    store_done_at: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whose data are erased, from when until when (without it); times are epoch ms."""

    id: int
    device_id: str
    start: int
    end: int
    asked_at: int
    store_done_at: int | None


def add_erasure(session: Session, device_id: str, start: int, end: int, now: int) -> Erasure:
    """Note that a device's personal data of a span are to be erased."""
    row = ErasureRow(device_id=device_id, from_ts=start, to_ts=end, asked_at=now, store_done_at=None)
    session.add(row)
    session.flush()
    return _erasure(row)


def erasure_of(session: Session, erasure_id: int) -> Erasure | None:
    """Return an erasure by its number, as it stands."""
    row = session.get(ErasureRow, erasure_id, populate_existing=True)
    return None if row is None else _erasure(row)


def erasures_to_do(session: Session, asked_since: int) -> Sequence[Erasure]:
    """Return those of which the store's part is not done, and all that were asked since a time."""
    wanted = or_(ErasureRow.store_done_at.is_(None), ErasureRow.asked_at >= asked_since)
    return _found(session, select(ErasureRow).where(wanted))


def all_erasures(session: Session) -> Sequence[Erasure]:
    """Return every erasure, in the order in which they were asked."""
    return _found(session, select(ErasureRow))


def store_is_done(session: Session, erasure_id: int, now: int) -> None:
    """Note that the store's part is done."""
    mine = update(ErasureRow).where(ErasureRow.id == erasure_id, ErasureRow.store_done_at.is_(None))
    session.execute(mine.values(store_done_at=now), execution_options={"synchronize_session": False})


def _found(session: Session, query: object) -> Sequence[Erasure]:
    return [_erasure(row) for row in session.scalars(query.order_by(ErasureRow.id))]  # type: ignore[attr-defined]


def _erasure(row: ErasureRow) -> Erasure:
    return Erasure(row.id, row.device_id, row.from_ts, row.to_ts, row.asked_at, row.store_done_at)
