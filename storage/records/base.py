"""What all tables of the desk database have in common. Times are epoch milliseconds in UTC.

Each table stands beside its queries; Alembic (storage/records/migrations) makes them, and a test fails when a
migration is missing.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Integer
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {int: BigInteger, dict[str, Any]: JSON}  # noqa: RUF012 - SQLAlchemy's own protocol


# SQLite counts up only a column declared as INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")
