"""What customers say to visits that we propose, and the links for it. Callers bring the transaction."""

from collections.abc import Iterable

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.consent import Answer, Consent
from storage.records.base import Base
from storage.records.parts import parts_of


class ConsentRow(Base):
    """A consent (fleet.consent.Consent), one for each case; its link by the digest of its secret."""

    __tablename__ = "consent"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    key: Mapped[str | None] = mapped_column(String(64), unique=True)
    asked_at: Mapped[int]
    ends: Mapped[int]
    offer: Mapped[str] = mapped_column(String(500))
    answer: Mapped[str | None] = mapped_column(String(8))
    answered_at: Mapped[int | None]
    by: Mapped[str] = mapped_column(String(64))
    remark: Mapped[str] = mapped_column(String(2000))


def keep_consent(session: Session, consent: Consent, key: str | None = None) -> None:
    """Keep a consent in place of the case's one before; without a `key` the link stays what it is."""
    row = session.get(ConsentRow, consent.ticket_id)
    if row is None:
        row = ConsentRow(ticket_id=consent.ticket_id)
        session.add(row)
    if key is not None:
        row.key = key
    row.asked_at, row.ends, row.offer = consent.asked_at, consent.ends, consent.offer
    row.answer, row.answered_at = consent.answer, consent.answered_at
    row.by, row.remark = consent.by, consent.remark
    session.flush()


def end_consent(session: Session, ticket_id: int, now: int) -> None:
    """Let what was asked and said of a case hold no more: it is another customer's."""
    row = session.get(ConsentRow, ticket_id)
    if row is not None:
        row.key, row.answer, row.answered_at, row.ends = None, None, None, now


def consent_of(session: Session, ticket_id: int) -> Consent | None:
    """Return the consent of a case; None where nobody was asked."""
    return _value(session.get(ConsentRow, ticket_id))


def consents_of(session: Session, ticket_ids: Iterable[int]) -> dict[int, Consent]:
    """Return the consents of these cases, by case."""
    found: dict[int, Consent] = {}
    for part in parts_of(ticket_ids):
        for row in session.scalars(select(ConsentRow).where(ConsentRow.ticket_id.in_(part))):
            found[row.ticket_id] = _known(row)
    return found


def consent_by_key(session: Session, key: str) -> Consent | None:
    """Return what the link with the digest of a secret is about, also one that is over."""
    return _value(session.scalar(select(ConsentRow).where(ConsentRow.key == key)))


def _value(row: ConsentRow | None) -> Consent | None:
    return None if row is None else _known(row)


def _known(row: ConsentRow) -> Consent:
    return Consent(
        ticket_id=row.ticket_id,
        asked_at=row.asked_at,
        ends=row.ends,
        offer=row.offer,
        answer=None if row.answer is None else Answer(row.answer),
        answered_at=row.answered_at,
        by=row.by,
        remark=row.remark,
    )
