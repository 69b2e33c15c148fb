"""Second factors of people, and their recovery codes. Callers bring the transaction.

Whether a code is still good is decided by one statement, so that of several processes one alone takes it.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import ForeignKey, String, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.people import SecondFactor
from storage.records.base import Base


class SecondFactorRow(Base):
    """What makes somebody's codes (fleet.people.SecondFactor)."""

    __tablename__ = "second_factor"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[int]
    made_in: Mapped[str] = mapped_column(String(64))
    confirmed_at: Mapped[int | None]
    last_step: Mapped[int]


class RecoveryCodeRow(Base):
    """A code for once, for whoever lost their phone; `key` is its digest."""

    __tablename__ = "recovery_code"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[int | None]


def factor_of(session: Session, person_id: int) -> SecondFactor | None:
    """Return somebody's second factor, confirmed or not."""
    row = session.get(SecondFactorRow, person_id, populate_existing=True)
    if row is None:
        return None
    return SecondFactor(*(getattr(row, name) for name in SecondFactor.__slots__))


def offer_factor(session: Session, factor: SecondFactor) -> None:
    """Keep a factor that is still to be confirmed, in place of another that was."""
    row = SecondFactorRow
    session.execute(delete(row).where(row.person_id == factor.person_id, row.confirmed_at.is_(None)))
    session.add(row(**{name: getattr(factor, name) for name in SecondFactor.__slots__}))


def confirm_factor(session: Session, factor: SecondFactor, step: int, now: int) -> bool:
    """Let a factor count from now on, `step` being used; False where it does already or was replaced."""
    row = SecondFactorRow
    confirmed = (
        update(row)
        .where(row.person_id == factor.person_id, row.secret == factor.secret, row.confirmed_at.is_(None))
        .values(confirmed_at=now, last_step=step)
        .returning(row.person_id)
    )
    return session.execute(confirmed).first() is not None


def use_step(session: Session, factor: SecondFactor, step: int) -> bool:
    """Use the code of a step of time up, with all before it; False where it was used already."""
    row = SecondFactorRow
    used = (
        update(row)
        .where(
            row.person_id == factor.person_id,
            row.secret == factor.secret,
            row.confirmed_at.is_not(None),
            row.last_step < step,
        )
        .values(last_step=step)
        .returning(row.person_id)
    )
    return session.execute(used).first() is not None


def end_factor(session: Session, person_id: int) -> None:
    """Forget somebody's factor and their recovery codes."""
    session.execute(delete(SecondFactorRow).where(SecondFactorRow.person_id == person_id))
    keep_codes(session, person_id, ())


def keep_codes(session: Session, person_id: int, keys: Iterable[str]) -> None:
    """Keep the digests of somebody's recovery codes, in place of those they had."""
    session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.person_id == person_id))
    session.add_all(RecoveryCodeRow(key=key, person_id=person_id) for key in keys)


def use_code(session: Session, person_id: int, key: str, now: int) -> bool:
    """Use a recovery code up; False where it is none of theirs, or was used."""
    row = RecoveryCodeRow
    used = (
        update(row)
        .where(row.key == key, row.person_id == person_id, row.used_at.is_(None))
        .values(used_at=now)
        .returning(row.key)
    )
    return session.execute(used).first() is not None


def codes_left(session: Session, person_id: int) -> int:
    """Count somebody's recovery codes that were not used."""
    row = RecoveryCodeRow
    wanted = select(func.count()).where(row.person_id == person_id, row.used_at.is_(None))
    return session.scalar(wanted) or 0


def confirmed_among(session: Session, people: Collection[int]) -> frozenset[int]:
    """Return which of these people have a second factor that counts."""
    row = SecondFactorRow
    wanted = select(row.person_id).where(row.person_id.in_(people), row.confirmed_at.is_not(None))
    return frozenset(session.scalars(wanted))
