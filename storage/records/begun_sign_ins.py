"""Sign-ins that were begun and not ended, found by a digest of what the browser holds.

Callers bring the transaction.
"""

from sqlalchemy import ForeignKey, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.people import Begun, BegunSignIn
from storage.records.base import Base


class BegunSignInRow(Base):
    """A sign-in that waits (fleet.people.BegunSignIn); `key` is the digest of its secret."""

    __tablename__ = "begun_sign_in"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    waits_for: Mapped[str] = mapped_column(String(16))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    ends: Mapped[int] = mapped_column(index=True)
    onward: Mapped[str] = mapped_column(String(2048))


def begin_sign_in(session: Session, begun: BegunSignIn, now: int) -> None:
    """Keep a sign-in that was begun, and forget those that are over."""
    session.execute(delete(BegunSignInRow).where(BegunSignInRow.ends <= now))
    session.add(BegunSignInRow(**{name: getattr(begun, name) for name in BegunSignIn.__slots__}))


def begun_sign_in(session: Session, key: str, waits_for: Begun, now: int) -> BegunSignIn | None:
    """Return a sign-in that can still be ended."""
    row = session.get(BegunSignInRow, key)
    if row is None or row.waits_for != waits_for or row.ends <= now:
        return None
    return BegunSignIn(row.key, Begun(row.waits_for), row.person_id, row.ends, row.onward)


def end_sign_in(session: Session, key: str, waits_for: Begun, now: int) -> bool:
    """End a sign-in, once; False where somebody was first, or it is over. One statement decides."""
    row = BegunSignInRow
    gone = delete(row).where(row.key == key, row.waits_for == waits_for, row.ends > now).returning(row.key)
    return session.execute(gone).first() is not None


def forget_sign_ins(session: Session, person_id: int) -> None:
    """Forget what somebody began: their password or their rights changed."""
    session.execute(delete(BegunSignInRow).where(BegunSignInRow.person_id == person_id))
