"""Sessions of people, found by a digest of what their browsers hold. Callers bring the transaction."""

from collections.abc import Sequence

from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.people import SessionFacts
from storage.records.base import Base


class SessionRow(Base):
    """A session (fleet.people.SessionFacts); `key` is the digest of its secret."""

    __tablename__ = "session"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    begun: Mapped[int]
    seen: Mapped[int]
    ends: Mapped[int] = mapped_column(index=True)
    agent: Mapped[str] = mapped_column(String(255))
    address: Mapped[str] = mapped_column(String(64))
    strong: Mapped[bool]


def begin_session(session: Session, facts: SessionFacts) -> None:
    """Keep a new session, and forget those that are over."""
    session.execute(delete(SessionRow).where(SessionRow.ends <= facts.begun))
    session.add(SessionRow(**{name: getattr(facts, name) for name in SessionFacts.__slots__}))


def session_of(session: Session, key: str) -> SessionFacts | None:
    """Return the session with a key, over or not."""
    row = session.get(SessionRow, key)
    return None if row is None else _facts(row)


def sessions_of(session: Session, person_id: int) -> Sequence[SessionFacts]:
    """Return somebody's sessions, the one seen last first."""
    wanted = select(SessionRow).where(SessionRow.person_id == person_id)
    return [_facts(row) for row in session.scalars(wanted.order_by(SessionRow.seen.desc()))]


def see_session(session: Session, key: str, now: int) -> None:
    """Note that a session was used."""
    session.execute(update(SessionRow).where(SessionRow.key == key).values(seen=now))


def strengthen_session(session: Session, key: str) -> None:
    """Note that a second factor was shown in a session."""
    session.execute(update(SessionRow).where(SessionRow.key == key).values(strong=True))


def weaken_sessions(session: Session, person_id: int) -> None:
    """Note that the second factor shown in somebody's sessions counts no more."""
    session.execute(update(SessionRow).where(SessionRow.person_id == person_id).values(strong=False))


def end_session(session: Session, key: str) -> None:
    """Forget one session."""
    session.execute(delete(SessionRow).where(SessionRow.key == key))


def end_sessions(session: Session, person_id: int, besides: str | None = None) -> None:
    """Forget all sessions of somebody, `besides` one."""
    gone = delete(SessionRow).where(SessionRow.person_id == person_id)
    session.execute(gone if besides is None else gone.where(SessionRow.key != besides))


def _facts(row: SessionRow) -> SessionFacts:
    return SessionFacts(*(getattr(row, name) for name in SessionFacts.__slots__))
