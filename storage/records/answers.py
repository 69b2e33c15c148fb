"""Answers to requests that carry an Idempotency-Key, kept so that the same request again changes nothing."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Integer,
    String,
    delete,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.errors import Conflict, InvalidInput
from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.upsert import insert_into


class KeptAnswerRow(Base):
    """The answer to a request with an Idempotency-Key; without a status while it is being handled."""

    __tablename__ = "kept_answer"

    operation: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    begun: Mapped[int] = mapped_column(index=True)
    status: Mapped[int | None] = mapped_column(Integer)
    headers: Mapped[dict[str, Any]]
    body: Mapped[str]


KEPT_MS = DAY_MS
_GIVEN_UP_MS = MINUTE_MS
"""A request that has no answer after so long died with its process; the next one may take its place."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered: the HTTP status, headers and body."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request: what it asks for (`operation`), the key its sender chose, and a digest of its content."""

    operation: str
    key: str
    sha256: str


class KeptAnswers:
    """The answers of the last 24 hours, by operation and key. May raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def begin(self, request: KeyedRequest, now: int) -> KeptAnswer | None:
        """Return the answer that this request had; None when the caller is to handle it now.

        The caller then calls `keep` or `drop`. Raises InvalidInput when the key was used for another request,
        Conflict while the same request is being handled.
        """
        with self._desk.transaction() as session:
            session.execute(delete(KeptAnswerRow).where(KeptAnswerRow.begun <= now - KEPT_MS))
            if _claim(session, request, now):
                return None
            row = session.get(KeptAnswerRow, (request.operation, request.key))
            if row is None:  # another process dropped it just now
                raise _under_way()
            if row.sha256 != request.sha256:
                raise InvalidInput(
                    "Idempotency-Key: was used for another request; choose a new key for each, "
                    "and the same only to send one again"
                )
            if row.status is None:
                _take_over(session, row, now)
                return None
            return KeptAnswer(row.status, row.headers, row.body)

    def keep(self, request: KeyedRequest, answer: KeptAnswer) -> None:
        """Keep the answer to a request that was begun."""
        values = {"status": answer.status, "headers": answer.headers, "body": answer.body}
        with self._desk.transaction() as session:
            session.execute(update(KeptAnswerRow).where(*_is(request)).values(values))

    def drop(self, request: KeyedRequest) -> None:
        """Forget a request that was begun and failed: sent again it is handled anew."""
        with self._desk.transaction() as session:
            session.execute(delete(KeptAnswerRow).where(*_is(request)))


def _claim(session: Session, request: KeyedRequest, now: int) -> bool:
    """Note that a request is being handled; the database lets one process do so."""
    row = {
        "operation": request.operation,
        "key": request.key,
        "sha256": request.sha256,
        "begun": now,
        "status": None,
        "headers": {},
        "body": "",
    }
    result = session.execute(insert_into(session, KeptAnswerRow).values(row).on_conflict_do_nothing())
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _take_over(session: Session, row: KeptAnswerRow, now: int) -> None:
    """Claim a request that nobody handles any more. Raises Conflict when somebody does."""
    if now - row.begun < _GIVEN_UP_MS:
        raise _under_way()
    mine = update(KeptAnswerRow).where(
        KeptAnswerRow.operation == row.operation,
        KeptAnswerRow.key == row.key,
        KeptAnswerRow.begun == row.begun,
        KeptAnswerRow.status.is_(None),
    )
    result = session.execute(mine.values(begun=now), execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise _under_way()


def _is(request: KeyedRequest) -> tuple[ColumnElement[bool], ...]:
    return (
        KeptAnswerRow.operation == request.operation,
        KeptAnswerRow.key == request.key,
        KeptAnswerRow.sha256 == request.sha256,
    )


def _under_way() -> Conflict:
    return Conflict("Idempotency-Key: the same request is being handled; send it again in a moment")
