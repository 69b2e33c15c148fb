"""Versions of the alert rules, as documents. Callers bring the transaction."""

from collections.abc import Sequence

from sqlalchemy import String, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, defer, mapped_column

from fleet.errors import Conflict, NotFound
from fleet.principals import Principal
from fleet.rule_versions import SHIPPED, RuleVersion
from storage.records.base import Base, Number


class RuleVersionRow(Base):
    """A version (fleet.rule_versions.RuleVersion). The one with the greatest `turn` is at work.

    The shipped one has a row, without a document, once somebody went back to it.
    """

    __tablename__ = "rule_version"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    document: Mapped[str]
    made_at: Mapped[int | None]
    made_by: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(String(1000))
    activated_at: Mapped[int | None]
    activated_by: Mapped[str] = mapped_column(String(64))
    turn: Mapped[int | None] = mapped_column(unique=True)


def add_rule_version(session: Session, document: str, made_by: str, note: str, now: int) -> int:
    """Keep a document as a version; return its number."""
    row = RuleVersionRow(document=document, made_at=now, made_by=made_by, note=note, activated_by="")
    session.add(row)
    session.flush()
    return row.id


def active_number(session: Session) -> int:
    """Return the number of the version at work."""
    newest = select(RuleVersionRow.id).where(RuleVersionRow.turn.is_not(None))
    return session.scalar(newest.order_by(RuleVersionRow.turn.desc()).limit(1)) or SHIPPED


def rule_document(session: Session, number: int) -> str:
    """Return the document of a stored version. Raises NotFound, for the shipped one too."""
    row = session.get(RuleVersionRow, number) if number != SHIPPED else None
    if row is None:
        raise NotFound(f"there is no version {number} of the rules")
    return row.document


def rule_versions(session: Session, limit: int) -> Sequence[RuleVersion]:
    """Return the newest versions, the newest first, and the shipped one at the end."""
    active = active_number(session)
    wanted = select(RuleVersionRow).options(defer(RuleVersionRow.document))
    rows = session.scalars(wanted.where(RuleVersionRow.id != SHIPPED))
    newest = sorted(rows, key=lambda row: row.id, reverse=True)[:limit]
    shipped = session.get(RuleVersionRow, SHIPPED) or RuleVersionRow(
        id=SHIPPED, made_by="", note="", activated_by=""
    )
    return [_version(row, active) for row in (*newest, shipped)]


def activate_rule_version(session: Session, number: int, principal: Principal, now: int) -> None:
    """Put a version to work. Raises NotFound, Conflict when somebody else did so at the same moment."""
    row = session.get(RuleVersionRow, number)
    if row is None:
        if number != SHIPPED:
            raise NotFound(f"there is no version {number} of the rules")
        row = RuleVersionRow(id=SHIPPED, document="", made_by="", note="", activated_by="")
        session.add(row)
    row.turn = (session.scalar(select(func.max(RuleVersionRow.turn))) or 0) + 1
    row.activated_at, row.activated_by = now, principal.name
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("somebody else has just put other rules to work; look at them first") from error


def _version(row: RuleVersionRow, active: int) -> RuleVersion:
    return RuleVersion(
        row.id,
        row.made_at,
        row.made_by,
        row.note,
        row.activated_at,
        row.activated_by,
        row.id == active,
    )
