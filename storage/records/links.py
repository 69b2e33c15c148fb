"""One-time links, found by a digest of their secret. Callers bring the transaction."""

from typing import Any

from sqlalchemy import String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.people import Purpose
from storage.records.base import Base


class LinkRow(Base):
    """A link that lets somebody do one thing once; `data` is what it is about."""

    __tablename__ = "one_time_link"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16), index=True)
    made_at: Mapped[int]
    ends: Mapped[int]
    used_at: Mapped[int | None]
    data: Mapped[dict[str, Any]]


def make_link(
    session: Session, key: str, purpose: Purpose, now: int, ends: int, data: dict[str, Any]
) -> None:
    """Keep a link; those that are over are forgotten."""
    session.execute(delete(LinkRow).where(LinkRow.ends <= now))
    session.add(LinkRow(key=key, purpose=purpose, made_at=now, ends=ends, data=data))


def link_of(session: Session, key: str, now: int) -> tuple[Purpose, dict[str, Any]] | None:
    """Return what a link that can be used at `now` is for; None where it cannot."""
    row = session.get(LinkRow, key)
    if row is None or row.used_at is not None or row.ends <= now:
        return None
    return Purpose(row.purpose), dict(row.data)


def use_link(session: Session, key: str, now: int) -> bool:
    """Use a link up; False where somebody was first, or it is over. One statement decides."""
    used = (
        update(LinkRow)
        .where(LinkRow.key == key, LinkRow.used_at.is_(None), LinkRow.ends > now)
        .values(used_at=now)
        .returning(LinkRow.key)
    )
    return session.execute(used).first() is not None


def end_links_of(session: Session, person_id: int) -> None:
    """Forget all links that let one person in."""
    links = session.scalars(select(LinkRow).where(LinkRow.used_at.is_(None)))
    theirs = [link.key for link in links if link.data.get("person") == person_id]
    session.execute(delete(LinkRow).where(LinkRow.key.in_(theirs)))


def end_links(session: Session, purpose: Purpose) -> None:
    """Forget all links of one purpose."""
    session.execute(delete(LinkRow).where(LinkRow.purpose == purpose))
