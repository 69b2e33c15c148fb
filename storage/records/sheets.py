"""The rows of lists, many at once: read as tuples by key, written in few statements.

Callers bring the transaction. What a list leaves out of a row (a device's status, an engineer's stars) stays.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from fleet.lists import ListKind
from storage.records.base import Base
from storage.records.customers import ContractRow, CustomerRow
from storage.records.described import keep_many, key_of, stored_columns
from storage.records.devices import UNKNOWN_MODEL, UNKNOWN_STATUS, Device
from storage.records.engineers import EngineerRow
from storage.records.part_catalogue import PartRow
from storage.records.purchases import PurchaseRow
from storage.records.sites import SiteRow
from storage.records.stock import StockRow, stock_figures

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SheetTable:
    """Where a list is kept: its table, its columns beside the key, and those of a table beside it.

    `keys` are the columns by which rows are known, where these are several.
    """

    table: type[Base]
    names: tuple[str, ...]
    keys: tuple[str, ...] = ()
    beside: type[Base] | None = None
    beside_names: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name of the key's column."""
        return key_of(self.table)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns beside the key, in the order of a row."""
        return self.names + self.beside_names


def _table(table: type[Base], *left_out: str) -> SheetTable:
    names = table.__table__.columns.keys()
    return SheetTable(
        table, tuple(each for each in names if each not in (key_of(table), "version", *left_out))
    )


TABLES: Mapping[ListKind, SheetTable] = {
    ListKind.CUSTOMERS: _table(CustomerRow),
    ListKind.SITES: _table(SiteRow),
    ListKind.CONTRACTS: _table(ContractRow),
    ListKind.ENGINEERS: _table(EngineerRow, "stars", "stars_at"),
    ListKind.PARTS: _table(PartRow),
    ListKind.DEVICES: SheetTable(
        Device,
        ("kind", "site", "model", "firmware", "serial"),
        beside=PurchaseRow,
        beside_names=("purchased", "warranty_until"),
    ),
    ListKind.STOCK: SheetTable(StockRow, ("on_hand",), ("place", "part")),
}
"""Where each list is kept."""


def read_rows(session: Session, kind: ListKind, keys: Collection[str] | None = None) -> dict[str, Row]:
    """Return the rows of a list that have these keys (None: all), by key; in the order of its columns."""
    if kind is ListKind.STOCK:
        return dict(stock_figures(session, keys))
    where = TABLES[kind]
    found = stored_columns(session, where.table, where.names, keys)
    if where.beside is None:
        return found
    beside = stored_columns(session, where.beside, where.beside_names, keys)
    none = (None,) * len(where.beside_names)
    return {key: row + beside.get(key, none) for key, row in found.items()}


def write_rows(session: Session, kind: ListKind, rows: Sequence[tuple[str, Row]], now: int) -> None:
    """Keep rows of a list, new ones or in place of what they held; stock is counted instead (desk/parts)."""
    where, own = TABLES[kind], len(TABLES[kind].names)
    first = {"status": UNKNOWN_STATUS, "registered_at": now} if kind is ListKind.DEVICES else {}
    named = [{where.key: key, **dict(zip(where.names, row[:own], strict=True))} for key, row in rows]
    if kind is ListKind.DEVICES:
        named = [{**row, "model": row["model"] or UNKNOWN_MODEL} for row in named]
    keep_many(session, where.table, named, first)
    if where.beside is not None:
        key = key_of(where.beside)
        beside = [
            {key: one, **dict(zip(where.beside_names, row[own:], strict=True))}
            for one, row in rows
            if any(value is not None for value in row[own:])
        ]
        keep_many(session, where.beside, beside)
