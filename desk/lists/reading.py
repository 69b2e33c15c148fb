"""Reads a file of comma-separated values, as spreadsheets write them."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from desk.lists.cells import as_meant
from desk.lists.sheets import Sheet
from fleet.errors import InvalidInput
from fleet.text import near, quoted

_DELIMITERS = (",", ";", "\t")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
MAX_BYTES = 64 * 1024 * 1024
"""100,000 rows have a tenth of it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was read: in which encoding and with which delimiter, its header, and its rows."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: list[tuple[int, list[str]]]


def read_table(content: bytes, sheet: Sheet) -> Table:
    """Return the rows of a file, each with the line on which it begins; rows of nothing are left out.

    Raises InvalidInput for what is no such file, and for a header with an unknown column or without the key.
    """
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"the file has {len(content)} bytes; allowed: at most {MAX_BYTES}")
    encoding, text = _decoded(content)
    if not text.strip():
        raise InvalidInput(f"the file is empty; its first line names columns: {', '.join(sheet.names)}")
    delimiter = _delimiter(text, sheet)
    lines = _lines(text, delimiter)
    _, first = next(lines)
    header = tuple(cell.strip().lower() for cell in first)
    _check_header(header, sheet)
    return Table(encoding, delimiter, header, list(lines))


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith(_UTF16):
        raise InvalidInput("the file is in UTF-16; allowed: UTF-8 or GB18030; save it as CSV UTF-8")
    try:
        return "UTF-8", content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wrong = error
    try:
        return "GB18030", content.decode("gb18030")
    except UnicodeDecodeError:
        line = content.count(b"\n", 0, wrong.start) + 1
        raise InvalidInput(
            f"the file is neither UTF-8 nor GB18030: line {line} has a byte that is no character; "
            "allowed: UTF-8 or GB18030; save it as CSV UTF-8"
        ) from wrong


def _delimiter(text: str, sheet: Sheet) -> str:
    """Return what stands between the cells of the header: by which most of its names are known."""
    header = text.lstrip("\r\n").splitlines()[0]

    def known(delimiter: str) -> tuple[int, int]:
        names = [cell.strip().strip('"').lower() for cell in header.split(delimiter)]
        return sum(name in sheet.names for name in names), len(names)

    return max(_DELIMITERS, key=known)


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            if any(row):
                yield begins, [as_meant(cell.strip()) for cell in row]
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(
            f"line {begins}: it cannot be read ({error}); a cell with quotes, line breaks or "
            f"{quoted(delimiter)} stands in quotes, and its own quotes twice"
        ) from error


def _check_header(header: tuple[str, ...], sheet: Sheet) -> None:
    for name in header:
        if name not in sheet.names:
            allowed = ", ".join(sheet.names)
            raise InvalidInput(
                f"the column {quoted(name)} is unknown; allowed: {allowed}{near(name, sheet.names)}"
            )
        if header.count(name) > 1:
            raise InvalidInput(f"the column {quoted(name)} stands in the header twice")
    for key in sheet.keys:
        if key not in header:
            raise InvalidInput(f"the column {quoted(key)} is missing: rows are known by it")
