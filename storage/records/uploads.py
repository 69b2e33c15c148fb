"""Files that were uploaded and wait to be taken: whoever sees a preview takes what was looked at.

Callers bring the transaction.
"""

from sqlalchemy import LargeBinary, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.records.base import Base


class UploadRow(Base):
    """A file of somebody (`who`: kind and id of a principal), until `ends` (epoch ms)."""

    __tablename__ = "upload"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    who: Mapped[str] = mapped_column(String(96), index=True)
    what: Mapped[str] = mapped_column(String(16))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    ends: Mapped[int]


def keep_upload(session: Session, key: str, who: str, what: str, content: bytes, now: int, ends: int) -> None:
    """Keep a file of somebody in place of the one before; those whose time is over go."""
    forget_uploads(session, now)
    session.execute(delete(UploadRow).where(UploadRow.who == who))
    session.add(UploadRow(key=key, who=who, what=what, content=content, ends=ends))


def upload_of(session: Session, key: str, who: str, what: str, now: int) -> bytes | None:
    """Return somebody's file; None where there is none any more."""
    row = session.get(UploadRow, key)
    known = row is not None and (row.who, row.what) == (who, what) and row.ends > now
    return row.content if row is not None and known else None


def drop_upload(session: Session, key: str) -> None:
    """Let a file go."""
    session.execute(delete(UploadRow).where(UploadRow.key == key))


def forget_uploads(session: Session, now: int) -> None:
    """Let files go whose time is over."""
    session.execute(delete(UploadRow).where(UploadRow.ends <= now))
