"""The installation's own private key for Web Push. Callers bring the transaction.

It is here, and not in a data folder, since every process and machine of an installation has to sign with the
same one: browsers subscribe to it.
"""

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.records.base import Base
from storage.records.upsert import insert_into

_ONLY = 1


class PushKeyRow(Base):
    """The key (base64url of 32 bytes), of which there is one."""

    __tablename__ = "push_key"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[int]


def push_key(session: Session) -> str | None:
    """Return the key, None while there is none."""
    found: str | None = session.scalar(select(PushKeyRow.secret))
    return found


def keep_push_key(session: Session, secret: str, now: int) -> bool:
    """Keep a key unless there is one; False where another process was faster."""
    new = insert_into(session, PushKeyRow).values(id=_ONLY, secret=secret, made_at=now)
    return session.scalar(new.on_conflict_do_nothing().returning(PushKeyRow.id)) is not None
