"""Failed attempts to sign in, by digests of who tried and from where. Callers bring the transaction."""

from collections.abc import Collection, Mapping

from sqlalchemy import String, and_, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.records.base import Base
from storage.records.upsert import insert_into


class AttemptRow(Base):
    """How often something failed in a row, and when last (epoch ms)."""

    __tablename__ = "failed_attempt"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    last: Mapped[int] = mapped_column(index=True)


def hold_failures(
    session: Session, keys: Collection[str], now: int, forget_before: int
) -> dict[str, tuple[int, int]]:
    """Return how often each of these failed and when last; nobody else counts until this transaction ends.

    Failures before `forget_before` are forgotten.
    """
    session.execute(delete(AttemptRow).where(AttemptRow.last < forget_before))  # SQLite: the only writer now
    for key in sorted(keys):  # in one order: two at once never wait for each other
        first = insert_into(session, AttemptRow).values(key=key, count=0, last=now)
        session.execute(first.on_conflict_do_nothing())
    held = select(AttemptRow).where(AttemptRow.key.in_(keys)).order_by(AttemptRow.key).with_for_update()
    return {row.key: (row.count, row.last) for row in session.scalars(held)}


def keep_failures(session: Session, counts: Mapping[str, int], now: int) -> None:
    """Keep how often each key has failed, the last time now."""
    for key, count in sorted(counts.items()):
        session.execute(update(AttemptRow).where(AttemptRow.key == key).values(count=count, last=now))


def take_back_failure(session: Session, key: str) -> None:
    """Count one failure less for a key: what was counted beforehand was none."""
    counted = and_(AttemptRow.key == key, AttemptRow.count > 0)
    session.execute(update(AttemptRow).where(counted).values(count=AttemptRow.count - 1))


def forget_failures(session: Session, key: str) -> None:
    """Begin anew for one key."""
    session.execute(delete(AttemptRow).where(AttemptRow.key == key))
