"""Files of a history, read in blocks: CSV (plain or gzipped) and Parquet; they can go on at any block.

A line that is no row (more cells than columns, a quotation mark that is not closed) costs that line alone.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow
import pyarrow.parquet as pq

from fleet.errors import InvalidInput
from fleet.text import quoted
from ingest.history.ledger import Turned
from ingest.history.shapes import FileShape

BLOCK_BYTES = 8 * 1024 * 1024
"""Of what is larger, memory is asked for anew each time, which costs a third of reading it."""
BLOCK_ROWS = 200_000
_MORE = "more-cells-than-columns"
"""The column behind the last: what stands in it shows that a line has too many cells."""
_BLANKS = re.compile(rb"[ \t]+")
_EDGES = re.compile(rb"(?m)^ | (?=\r?$)")
_QUOTE, _BREAK, _RETURN = b'"\n\r'
UNREADABLE = (
    *(OSError, EOFError, zlib.error, pyarrow.ArrowException, pl.exceptions.PolarsError),
    *(UnicodeDecodeError, csv.Error),
)
"""What a file that is no CSV, no gzip or no Parquet raises when it is read."""
_HIDDEN = (".", "_")
Lines = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file goes on: `at` counts bytes (unpacked) or rows, `line` the lines before it."""

    at: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a file: their columns, and the line of each; `turned` are lines that are no rows."""

    frame: pl.DataFrame
    lines: Lines
    after: Place
    share: float
    turned: list[Turned] = field(default_factory=list)

    def numbers(self, shape: FileShape) -> pl.Series:
        """Return which row of its file each is, from 0 on: for files that count steps by their rows."""
        return pl.Series(self.lines - 1 - shape.header - shape.skip)


def files_of(path: Path, shape: FileShape) -> list[Path]:
    """Return the files that a path names: itself, or those of a folder that fit, in order of their names."""
    if path.is_dir():
        found = [
            each
            for each in sorted(path.rglob("*"))
            if each.is_file() and not each.name.startswith(_HIDDEN) and fnmatch(each.name, shape.files)
        ]
        if not found:
            raise InvalidInput(f"{path}: there is no file that fits {quoted(shape.files)}")
        return found
    if not path.exists():
        raise InvalidInput(f"{path}: there is no such file or folder")
    return [path]


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet, by its name."""
    return path.suffix.lower() in (".parquet", ".pq")


def columns_of(path: Path, shape: FileShape) -> list[str]:
    """Return the names of a file's columns. Raises InvalidInput where it cannot be read."""
    try:
        if is_parquet(path):
            return list(shape.columns or pq.ParquetFile(path).schema_arrow.names)
        with opened(path) as file:
            return _header(file, path, shape)[0]
    except UNREADABLE as error:
        raise InvalidInput(f"{path}: cannot be read: {error}") from error


def opened(path: Path) -> BinaryIO:
    """Open a file, unpacked where it is gzipped."""
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def blocks(
    path: Path, shape: FileShape, wanted: Collection[str], numbers: Collection[str], begin: Place
) -> Iterator[Block]:
    """Yield a file's rows from a place on: columns `wanted`, of CSV as text but for `numbers`, where all are.

    Raises InvalidInput where it cannot be read.
    """
    try:
        yield from (_parquet if is_parquet(path) else _csv)(path, shape, wanted, numbers, begin)
    except UNREADABLE as error:
        raise InvalidInput(f"{path}: cannot be read: {error}") from error


def _header(file: BinaryIO, path: Path, shape: FileShape) -> tuple[list[str], int]:
    """Return the names of the columns, and how many lines stand before the first row; the file is there."""
    for _ in range(shape.skip):
        file.readline()
    if not shape.header:
        return list(shape.columns or ()), shape.skip
    line = file.readline()
    if not line:
        raise InvalidInput(f"{path}: is empty")
    text = line.decode(shape.encoding).lstrip("\ufeff").strip("\r\n")
    if shape.columns is not None:
        return list(shape.columns), shape.skip + 1
    if shape.separator == "blanks":
        return text.split(), shape.skip + 1
    names = [name.strip() for name in next(csv.reader([text], delimiter=shape.separator))]
    return names, shape.skip + 1


def _csv(
    path: Path, shape: FileShape, wanted: Collection[str], numbers: Collection[str], begin: Place
) -> Iterator[Block]:
    size = max(1, path.stat().st_size)
    with opened(path) as file:
        names, head = _header(file, path, shape)
        place = begin if begin.at else Place(file.tell(), head)
        file.seek(place.at)
        reader = _CsvReader(path.name, shape, names, wanted, numbers)
        for raw in _whole_lines(file):
            after = Place(place.at + len(raw), place.line + _lines_in(raw))
            # Of a gzipped file only what is read of the packed one tells how far it is.
            packed = getattr(file, "fileobj", None) or file
            yield reader.block(raw, place.line, after, min(1.0, packed.tell() / size))
            place = after


def _lines_in(raw: bytes) -> int:
    breaks = int(np.count_nonzero(np.frombuffer(raw, dtype=np.uint8) == _BREAK))  # half of bytes.count
    return breaks + (not raw.endswith(b"\n"))


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file in pieces that end with a line."""
    left = b""
    while piece := file.read(BLOCK_BYTES):
        end = piece.rfind(b"\n") + 1
        if not end:
            left += piece
            continue
        yield left + piece[:end]
        left = piece[end:]
    if left:
        yield left


class _CsvReader:
    """Makes columns of the lines of one file."""

    def __init__(
        self,
        file: str,
        shape: FileShape,
        names: Sequence[str],
        wanted: Collection[str],
        numbers: Collection[str],
    ) -> None:
        self._file, self._shape = file, shape
        # Names of our own: theirs may be anything, and stand there twice.
        places = {name: place for place, name in reversed(list(enumerate(names))) if name in wanted}
        self._names = {f"c{place}": name for name, place in sorted(places.items(), key=lambda one: one[1])}
        columns = [*(f"c{place}" for place in range(len(names))), _MORE]
        self._text: dict[str, pl.DataType] = dict.fromkeys(columns, pl.String())
        typed = {ours: pl.Float64() for ours, name in self._names.items() if name in numbers}
        self._typed: dict[str, pl.DataType] = self._text | typed
        self._separator = " " if shape.separator == "blanks" else shape.separator
        # A header of our own: else the first line says how many cells there are.
        self._head = self._separator.join(columns).encode() + b"\n"

    def block(self, raw: bytes, before: int, after: Place, share: float) -> Block:
        """Return the rows of some lines, of which `before` stand before them."""
        if self._shape.encoding != "utf-8":
            raw = raw.decode(self._shape.encoding, errors="replace").encode()
        if self._shape.separator == "blanks":
            raw = _EDGES.sub(b"", _BLANKS.sub(b" ", raw))
        raw, lines, turned = self._sound(raw, before)
        frame = self._read(raw)
        if frame.height != len(lines):
            raise InvalidInput(
                f"{self._file}: near line {before + 1}: {len(lines)} lines gave {frame.height} rows"
            )
        more = frame[_MORE].is_not_null()
        if more.any():
            at = more.arg_true().to_numpy()
            turned.append(self._malformed(lines[at], "more cells than there are columns"))
            frame, lines = frame.filter(~more), np.delete(lines, at)
        return Block(frame.drop(_MORE), lines, after, share, turned)

    def _sound(self, raw: bytes, before: int) -> tuple[bytes, Lines, list[Turned]]:
        """Return lines without those that are blank or would draw others in with them, and their numbers."""
        text = np.frombuffer(raw, dtype=np.uint8)
        ends = np.flatnonzero(text == _BREAK)
        begins = np.append(0, ends[: len(ends) - raw.endswith(b"\n")] + 1)
        lines = before + 1 + np.arange(len(begins), dtype=np.int64)
        lengths = np.diff(np.append(begins, len(raw)))
        blank = lengths <= 1
        short = np.flatnonzero(lengths == 2)
        blank[short] |= (text[begins[short]] == _RETURN) & (text[begins[short] + 1] == _BREAK)
        blank[-1] &= text[begins[-1] :].tobytes() in (b"", b"\n", b"\r\n")
        if raw and lengths[-1] == 1 and text[-1] != _BREAK:
            blank[-1] = False
        odd = np.zeros(len(begins), dtype=bool)
        if b'"' in raw:
            odd = np.add.reduceat((text == _QUOTE).view(np.uint8), begins, dtype=np.int64) % 2 == 1
        turned = (
            [self._malformed(lines[odd], "a quotation mark is not closed on its line")] if odd.any() else []
        )
        keep = ~(blank | odd)
        if keep.all():
            return raw, lines, turned
        # Single characters that are rows of one-column files stay; what is left out are whole lines.
        kept = [
            raw[begin : begin + length] for begin, length in zip(begins[keep], lengths[keep], strict=True)
        ]
        return b"".join(kept), lines[keep], turned

    def _malformed(self, lines: Lines, why: str) -> Turned:
        return Turned(self._file, lines.tolist(), "malformed", lambda _row: why)

    def _read(self, raw: bytes) -> pl.DataFrame:
        if not raw:
            return pl.DataFrame(schema=dict.fromkeys((*self._names.values(), _MORE), pl.String()))
        try:
            return self._parsed(raw, self._typed)
        except pl.exceptions.PolarsError:
            pass  # some cell is no number, or no UTF-8: these lines are looked at cell by cell
        return self._parsed(raw.decode(errors="replace").encode(), self._text)

    def _parsed(self, raw: bytes, schema: dict[str, pl.DataType]) -> pl.DataFrame:
        return pl.read_csv(
            self._head + raw,
            schema=schema,
            columns=[*self._names, _MORE],
            separator=self._separator,
            null_values=list(self._shape.nulls),
            decimal_comma=self._shape.decimal == ",",
            truncate_ragged_lines=True,
        ).rename(self._names)


def _parquet(
    path: Path, shape: FileShape, wanted: Collection[str], _numbers: Collection[str], begin: Place
) -> Iterator[Block]:
    file = pq.ParquetFile(path)
    names = list(shape.columns or file.schema_arrow.names)
    theirs = [
        (ours, name) for ours, name in zip(names, file.schema_arrow.names, strict=False) if ours in wanted
    ]
    rows, group, first = file.metadata.num_rows, 0, 0
    while group < file.metadata.num_row_groups:
        held = file.metadata.row_group(group).num_rows
        if first + held > begin.at:
            break
        first, group = first + held, group + 1
    groups = list(range(group, file.metadata.num_row_groups))
    at = first
    if not groups:
        return
    for batch in file.iter_batches(
        BLOCK_ROWS, row_groups=groups, columns=[name for _, name in theirs], use_threads=False
    ):
        skipped = max(0, min(batch.num_rows, begin.at - at))
        begins, at = at + skipped, at + batch.num_rows
        if skipped == batch.num_rows:
            continue
        frame = pl.DataFrame(pl.from_arrow(batch.slice(skipped)))
        frame = frame.select(pl.col(name).alias(ours) for ours, name in theirs)
        lines = np.arange(begins + 1, at + 1, dtype=np.int64)
        yield Block(frame, lines, Place(at, at), at / max(1, rows))
