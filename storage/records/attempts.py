"""Failed attempts to sign in, by digests of who tried and from where. Callers bring the transaction."""

from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.records.base import Base
from storage.records.upsert import insert_into


class AttemptRow(Base):
    """How often something failed in a row, and when last (epoch ms)."""

    __tablename__ = "failed_attempt"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    last: Mapped[int] = mapped_column(index=True)


def failures_of(session: Session, keys: list[str]) -> dict[str, tuple[int, int]]:
    """Return how often each of these failed and when last, where it did."""
    rows = session.scalars(select(AttemptRow).where(AttemptRow.key.in_(keys)))
    return {row.key: (row.count, row.last) for row in rows}


def count_failure(session: Session, keys: list[str], now: int, forget_before: int) -> None:
    """Count a failure under each key; failures before `forget_before` are forgotten."""
    session.execute(delete(AttemptRow).where(AttemptRow.last < forget_before))
    for key in sorted(keys):  # in one order: two at once never wait for each other
        first = insert_into(session, AttemptRow).values(key=key, count=1, last=now)
        more = {"count": AttemptRow.count + 1, "last": now}
        session.execute(first.on_conflict_do_update(index_elements=[AttemptRow.key], set_=more))


def forget_failures(session: Session, key: str) -> None:
    """Begin anew for one key."""
    session.execute(delete(AttemptRow).where(AttemptRow.key == key))
