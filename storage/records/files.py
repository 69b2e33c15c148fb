"""Files of cases, in pieces: where every process that reaches the desk reaches them.

Callers bring the transaction. What is here was checked and written anew before (desk.files).
"""

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    LargeBinary,
    String,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.case_files import CaseFile, FileKind
from fleet.errors import NotFound
from storage.records.base import Base, Number

_PIECE = 256 * 1024
"""Bytes: no statement has to hold a file as a whole."""


class CaseFileRow(Base):
    """What is known of a file (fleet.case_files.CaseFile)."""

    __tablename__ = "case_file"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("request.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(16))
    media_type: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))
    thumbnail: Mapped[bytes | None] = mapped_column(LargeBinary)


class CaseFilePiece(Base):
    """A part of a file's content; `number` counts them from 0."""

    __tablename__ = "case_file_piece"

    file_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)


_COLUMNS = (
    CaseFileRow.id,
    CaseFileRow.name,
    CaseFileRow.kind,
    CaseFileRow.media_type,
    CaseFileRow.size,
    CaseFileRow.sha256,
    CaseFileRow.at,
    CaseFileRow.by,
    CaseFileRow.ticket_id,
    CaseFileRow.request_id,
    CaseFileRow.thumbnail.is_not(None).label("has_thumbnail"),
)


def insert_file(session: Session, new: CaseFile, body: bytes, thumbnail: bytes | None) -> CaseFile:
    """Keep a file with its content; return it with its id."""
    names = ("name", "kind", "media_type", "size", "sha256", "at", "by", "ticket_id", "request_id")
    values = {name: getattr(new, name) for name in names} | {"thumbnail": thumbnail}
    file_id = session.scalars(insert(CaseFileRow).values(values).returning(CaseFileRow.id)).one()
    for number, begin in enumerate(range(0, len(body), _PIECE)):
        piece = {"file_id": file_id, "number": number, "body": body[begin : begin + _PIECE]}
        session.execute(insert(CaseFilePiece).values(piece))
    return file_of(session, file_id)


def file_of(session: Session, file_id: int) -> CaseFile:
    """Return what is known of a file. Raises NotFound."""
    row = session.execute(select(*_COLUMNS).where(CaseFileRow.id == file_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no file {file_id}")
    return _file(row)


def files_of_ticket(session: Session, ticket_id: int) -> Sequence[CaseFile]:
    """Return the files of a case, the oldest first."""
    wanted = select(*_COLUMNS).where(CaseFileRow.ticket_id == ticket_id).order_by(CaseFileRow.id)
    return [_file(row) for row in session.execute(wanted)]


def files_of_request(session: Session, request_id: int) -> Sequence[CaseFile]:
    """Return the files that came with a request, the oldest first."""
    wanted = select(*_COLUMNS).where(CaseFileRow.request_id == request_id).order_by(CaseFileRow.id)
    return [_file(row) for row in session.execute(wanted)]


def count_files(session: Session, ticket_id: int) -> int:
    """Count the files of a case."""
    return (
        session.scalar(
            select(func.count()).select_from(CaseFileRow).where(CaseFileRow.ticket_id == ticket_id)
        )
        or 0
    )


def same_file(
    session: Session, sha256: str, ticket_id: int | None, request_id: int | None
) -> CaseFile | None:
    """Return the file of a case, or of a request, that has the same content."""
    if ticket_id is None and request_id is None:
        return None
    of_either = [
        column == number
        for column, number in ((CaseFileRow.ticket_id, ticket_id), (CaseFileRow.request_id, request_id))
        if number is not None
    ]
    wanted = select(*_COLUMNS).where(CaseFileRow.sha256 == sha256, or_(*of_either)).limit(1)
    row = session.execute(wanted).one_or_none()
    return None if row is None else _file(row)


def give_files_to(session: Session, request_id: int, ticket_id: int, most: int) -> None:
    """Let the files that came with a request belong to the case that it opened or joined.

    What the case has already, and what would be more than `most`, stays with the request alone.
    """
    room = most - count_files(session, ticket_id)
    for each in files_of_request(session, request_id):
        if each.ticket_id is None and room > 0 and same_file(session, each.sha256, ticket_id, None) is None:
            room -= 1
            session.execute(
                update(CaseFileRow).where(CaseFileRow.id == each.id).values(ticket_id=ticket_id),
                execution_options={"synchronize_session": False},
            )


def hand_files_over(session: Session, gone: int, stays: int) -> None:
    """Let the files of one case be another's that takes its place; what that one has already stays."""
    known = {each.sha256 for each in files_of_ticket(session, stays)}
    moved = [each.id for each in files_of_ticket(session, gone) if each.sha256 not in known]
    session.execute(
        update(CaseFileRow).where(CaseFileRow.id.in_(moved)).values(ticket_id=stays),
        execution_options={"synchronize_session": False},
    )


def delete_files(session: Session, wanted: ColumnElement[bool]) -> int:
    """Delete files with their content; return how many there were."""
    which = select(CaseFileRow.id).where(wanted)
    session.execute(
        delete(CaseFilePiece).where(CaseFilePiece.file_id.in_(which)),
        execution_options={"synchronize_session": False},
    )
    gone = delete(CaseFileRow).where(wanted).returning(CaseFileRow.id)
    return len(session.execute(gone, execution_options={"synchronize_session": False}).all())


def body_of(session: Session, file_id: int) -> bytes:
    """Return the content of a file."""
    wanted = select(CaseFilePiece.body).where(CaseFilePiece.file_id == file_id)
    return b"".join(session.scalars(wanted.order_by(CaseFilePiece.number)))


def thumbnail_of(session: Session, file_id: int) -> bytes | None:
    """Return the small picture of a file (JPEG); None where it has none."""
    found: bytes | None = session.scalar(select(CaseFileRow.thumbnail).where(CaseFileRow.id == file_id))
    return found


def _file(row: object) -> CaseFile:
    values = {column.key: getattr(row, column.key) for column in _COLUMNS if column.key != "has_thumbnail"}
    has_thumbnail = bool(row.has_thumbnail)  # type: ignore[attr-defined]  # a row of the columns above
    return CaseFile(**values | {"kind": FileKind(values["kind"]), "has_thumbnail": has_thumbnail})
