"""Keyset pages: a cursor says after which row to go on, so that pages stay whole while rows come and go."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from fleet.errors import InvalidInput

Item = TypeVar("Item")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Order:
    """Rows by `key`, then `id` in the same direction; those without a key come last, by rising `id`."""

    key: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[Any]
    descending: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What part of a list was asked for: `sort` is a key, with a leading - from the highest down.

    `query` is all that was asked apart from the page: a cursor is good for the same query alone.
    """

    sort: str
    limit: int
    cursor: str | None
    query: str

    @property
    def key(self) -> str:
        """What the list is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the highest come first."""
        return self.sort.startswith("-")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items of one page and the cursor of the next, None on the last."""

    rows: Sequence[Item]
    next_cursor: str | None

    def of(self, value: Callable[[Item], Other]) -> "Page[Other]":
        """Return the page with each item as the value that `value` makes of it."""
        return Page([value(row) for row in self.rows], self.next_cursor)


def narrowed(select: Select[Any], *wanted: tuple[InstrumentedAttribute[Any], Any]) -> Select[Any]:
    """Return the query for rows whose columns hold these values; None is any."""
    for column, value in wanted:
        if value is not None:
            select = select.where(column == value)
    return select


def encode_cursor(query: str, after: Sequence[Any]) -> str:
    """Return a cursor: `after` is the key and id of a page's last row, `query` what was asked."""
    return urlsafe_b64encode(json.dumps([_digest(query), *after]).encode()).decode().rstrip("=")


def decode_cursor(query: str, cursor: str, members: int) -> list[Any]:
    """Return what `encode_cursor` was given for the same query.

    Raises InvalidInput for anything else, and for the cursor of another query.
    """
    try:
        digest, *after = _listed(json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))
    except (ValueError, Base64Error, TypeError, RecursionError) as error:
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before") from error
    if not all(map(_plain, after)):
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    if digest != _digest(query) or len(after) != members:
        raise InvalidInput("cursor: of another query; keep sort and filters while paging")
    return after


def fetch_page(session: Session, select: Select[Any], order: Order, asked: Asked) -> Page[Any]:
    """Return the rows of `select` in `order` that were asked for.

    Rows with a key and rows without are read apart, so that an index on (key, id) serves both orders on
    SQLite and PostgreSQL, which disagree about where nulls belong.
    """
    limit, cursor, query = asked.limit, asked.cursor, asked.query
    key, last = decode_cursor(query, cursor, 2) if cursor else (None, None)
    if cursor and not (_fits(order.key, key) and last is not None and _fits(order.id, last)):
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    rows: list[Any] = []
    if cursor is None or key is not None:
        keyed = select.where(order.key.is_not(None))
        if cursor is not None:
            keyed = keyed.where(_after(order, key, last))
        rows += session.scalars(_sorted(keyed, order, order.key, order.id).limit(limit + 1)).all()
        last = None
    if len(rows) <= limit and order.key.nullable:
        unkeyed = select.where(order.key.is_(None))
        if last is not None:
            unkeyed = unkeyed.where(order.id > last)
        rows += session.scalars(unkeyed.order_by(order.id).limit(limit + 1 - len(rows))).all()
    more = len(rows) > limit
    rows = rows[:limit]
    following = [getattr(rows[-1], order.key.key), getattr(rows[-1], order.id.key)] if more else []
    return Page(rows, encode_cursor(query, following) if more else None)


def _plain(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value
    return value is None or (type(value) in (int, float) and isfinite(value) and abs(value) < 2**63)


def _fits(column: InstrumentedAttribute[Any], value: Any) -> bool:
    """Tell whether a value is one that the column may hold: a cursor comes back from outside."""
    if value is None:
        return bool(column.nullable)
    return (column.type.python_type is str) is isinstance(value, str)


def _sorted(select: Select[Any], order: Order, *columns: InstrumentedAttribute[Any]) -> Select[Any]:
    direction: Callable[[InstrumentedAttribute[Any]], Any] = (
        (lambda column: column.desc()) if order.descending else (lambda column: column.asc())
    )
    return select.order_by(*(direction(column) for column in dict.fromkeys(columns)))


def _after(order: Order, key: Any, last: Any) -> ColumnElement[bool]:
    pair, found = tuple_(order.key, order.id), tuple_(key, last)
    return pair < found if order.descending else pair > found


def _digest(query: str) -> str:
    return sha256(query.encode()).hexdigest()[:12]


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a cursor holds a list")
    return value
