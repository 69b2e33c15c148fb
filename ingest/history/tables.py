"""Short files (devices, repairs, events) a few thousand rows at a time; cells may hold line breaks."""

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from fleet.errors import InvalidInput
from ingest.history.ledger import Turned
from ingest.history.shapes import FileShape
from ingest.history.sources import UNREADABLE, Block, Place, blocks, columns_of, is_parquet, opened

_ROWS = 5_000
_LONGEST_CELL = 1_000_000


def table_blocks(path: Path, shape: FileShape, wanted: Collection[str]) -> Iterator[Block]:
    """Yield a file's rows, columns as text (of Parquet as they are). Raises InvalidInput."""
    if is_parquet(path) or shape.separator == "blanks":
        yield from blocks(path, shape, wanted, (), Place())
        return
    try:
        yield from _csv(path, shape, wanted)
    except UNREADABLE as error:
        raise InvalidInput(f"{path}: cannot be read: {error}") from error


def _csv(path: Path, shape: FileShape, wanted: Collection[str]) -> Iterator[Block]:
    names = columns_of(path, shape)
    places = {name: place for place, name in reversed(list(enumerate(names))) if name in wanted}
    csv.field_size_limit(_LONGEST_CELL)
    with opened(path) as raw:
        for _ in range(shape.skip + shape.header):
            raw.readline()
        text = io.TextIOWrapper(raw, encoding=shape.encoding, errors="replace", newline="")
        rows = csv.reader(text, delimiter=shape.separator)
        before = shape.skip + shape.header
        nulls, begin = frozenset(shape.nulls), 1
        cells: list[list[str | None]] = []
        lines: list[int] = []
        long: list[int] = []
        for row in rows:
            line, begin = before + begin, rows.line_num + 1
            if not row:
                continue
            if len(row) > len(names):
                long.append(line)
                continue
            stripped = [cell.strip() for cell in row]
            cells.append([_cell(stripped, place, nulls) for place in places.values()])
            lines.append(line)
            if len(cells) >= _ROWS:
                yield _block(path, list(places), cells, lines, long)
                cells, lines, long = [], [], []
        if cells or long:
            yield _block(path, list(places), cells, lines, long)


def _cell(row: list[str], place: int, nulls: frozenset[str]) -> str | None:
    return row[place] if place < len(row) and row[place] not in nulls else None


def _block(
    path: Path, names: list[str], cells: list[list[str | None]], lines: list[int], long: list[int]
) -> Block:
    frame = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")
    why = "more cells than there are columns"
    turned = [Turned(path.name, long, "malformed", lambda _row: why)] if long else []
    return Block(frame, np.array(lines, dtype=np.int64), Place(), 1.0, turned)
