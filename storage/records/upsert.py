"""INSERT with ON CONFLICT, which SQLite and PostgreSQL both have under the same name."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.records.base import Base


def insert_into(session: Session, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into `table` in the dialect of the session's database."""
    return insert_in(session.get_bind().dialect.name, table)


def insert_in(dialect: str, table: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into `table` in a dialect: `sqlite`, or PostgreSQL's."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
