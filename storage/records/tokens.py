"""Tokens of machines, found by a digest of their secret. Callers bring the transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, String, and_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.people import Token
from storage.records.base import Base, Number


class TokenRow(Base):
    """A token (fleet.people.Token); `key` is the digest of its secret."""

    __tablename__ = "token"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[Any]] = mapped_column(JSON)
    sites: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[int]
    ends: Mapped[int | None]
    last_used: Mapped[int | None]
    revoked_at: Mapped[int | None]
    renewed_at: Mapped[int | None]


def add_token(session: Session, key: str, token: Token) -> Token:
    """Keep a token under the digest of its secret; its id is given here."""
    sites = None if token.sites is None else sorted(token.sites)
    row = TokenRow(
        key=key,
        name=token.name,
        scopes=list(token.scopes),
        sites=sites,
        made_by=token.made_by,
        made_at=token.made_at,
        ends=token.ends,
    )
    session.add(row)
    session.flush()
    return _token(row)


def token_by_key(session: Session, key: str) -> Token | None:
    """Return the token with a digest, over or not."""
    row = session.scalar(select(TokenRow).where(TokenRow.key == key))
    return None if row is None else _token(row)


def token_of(session: Session, token_id: int) -> Token:
    """Return one token. Raises NotFound."""
    return _token(_row(session, token_id))


def tokens(session: Session) -> Sequence[Token]:
    """Return every token, the newest first."""
    return [_token(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.id.desc()))]


def see_token(session: Session, token_id: int, now: int) -> None:
    """Note that a token was used."""
    session.execute(update(TokenRow).where(TokenRow.id == token_id).values(last_used=now))


def renew_token(session: Session, token_id: int, ends: int, now: int) -> bool:
    """Let a token end at a time since another takes its place; False where one did already."""
    free = and_(TokenRow.id == token_id, TokenRow.renewed_at.is_(None))
    changed = session.execute(update(TokenRow).where(free).values(ends=ends, renewed_at=now))
    return bool(changed.rowcount)  # type: ignore[attr-defined]  # an update has a count


def revoke_token(session: Session, token_id: int, now: int) -> bool:
    """End a token now; False where it was ended so before."""
    row = _row(session, token_id)
    if row.revoked_at is not None:
        return False
    row.revoked_at = now
    return True


def _row(session: Session, token_id: int) -> TokenRow:
    row = session.get(TokenRow, token_id)
    if row is None:
        raise NotFound(f"there is no token {token_id}")
    return row


def _token(row: TokenRow) -> Token:
    return Token(
        row.id,
        row.name,
        tuple(row.scopes),
        None if row.sites is None else frozenset(row.sites),
        row.made_by,
        row.made_at,
        row.ends,
        row.last_used,
        row.revoked_at,
        row.renewed_at,
    )
