"""Accounts at the provider (OpenID Connect), and whose they are. Callers bring the transaction."""

from collections.abc import Collection

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import Conflict
from storage.records.base import Base


class IdentityRow(Base):
    """An account at a provider, by what never changes about it: the issuer, and the subject within.

    `by_claim`: what the provider claims of it let the person in, and says at each sign-in what they may do.
    """

    __tablename__ = "identity"

    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    bound_at: Mapped[int]
    by_claim: Mapped[bool]

    __table_args__ = (UniqueConstraint("issuer", "person_id"),)


def whose_identity(session: Session, issuer: str, subject: str) -> tuple[int, bool] | None:
    """Return the id of whose account it is, and whether claims let them in; None where it is nobody's yet."""
    row = session.get(IdentityRow, (issuer, subject))
    return None if row is None else (row.person_id, row.by_claim)


def bind_identity(
    session: Session, issuer: str, subject: str, person_id: int, now: int, *, by_claim: bool
) -> None:
    """Say whose account it is. Raises Conflict where they have another one there."""
    row = IdentityRow
    wanted = select(row.subject).where(row.issuer == issuer, row.person_id == person_id)
    if session.scalar(wanted) is not None:
        raise Conflict("another account of the provider is bound to this person")
    session.add(row(issuer=issuer, subject=subject, person_id=person_id, bound_at=now, by_claim=by_claim))


def release_identities(session: Session, person_id: int) -> None:
    """Let no account at a provider be somebody's any more."""
    session.execute(delete(IdentityRow).where(IdentityRow.person_id == person_id))


def bound_among(session: Session, people: Collection[int]) -> frozenset[int]:
    """Return which of these people have an account at a provider."""
    return frozenset(session.scalars(select(IdentityRow.person_id).where(IdentityRow.person_id.in_(people))))
