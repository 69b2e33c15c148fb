"""Model files in the desk database: where every process that reaches the desk reaches its models."""

from sqlalchemy import LargeBinary, String, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from storage.records.base import Base
from storage.records.database import DeskDatabase


class ModelFileRow(Base):
    """The file of a trained model, by the path that its card names."""

    __tablename__ = "model_file"

    path: Mapped[str] = mapped_column(String(255), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


def read_model_file(desk: DeskDatabase, path: str) -> bytes | None:
    """Return a file's content, None when there is no such file."""
    with desk.transaction() as session:
        found: bytes | None = session.scalar(select(ModelFileRow.body).where(ModelFileRow.path == path))
        return found


def write_model_file(desk: DeskDatabase, path: str, body: bytes) -> None:
    """Keep a file in full, in place of what was there."""
    with desk.transaction() as session:
        session.merge(ModelFileRow(path=path, body=body))


def drop_model_file(desk: DeskDatabase, path: str) -> None:
    """Forget a file; one that is not there is passed over."""
    with desk.transaction() as session:
        session.execute(delete(ModelFileRow).where(ModelFileRow.path == path))


def model_file_paths(desk: DeskDatabase) -> list[str]:
    """Return the paths of all files, in order."""
    with desk.transaction() as session:
        return list(session.scalars(select(ModelFileRow.path).order_by(ModelFileRow.path)))
