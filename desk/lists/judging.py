"""Judges the rows of a file against what is kept: new, changed, unchanged, or refused and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from desk.lists.checks import Around, around, refusals
from desk.lists.reading import Table
from desk.lists.sheets import NEEDED, Column, Sheet
from fleet.lists import ListedRow, Refusal, Verdict
from fleet.text import quoted
from storage.records.sheets import Row, read_rows
from storage.records.stock import BETWEEN

_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Judged:
    """A row that was judged; `before` and `after` are how it stands and would stand."""

    row: ListedRow
    before: Row | None = None
    after: Row | None = None


class _Reader:
    """Reads the cells of one column; what it has read before it remembers."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._known: dict[str, Any] = {}

    def of(self, cell: str) -> Any:
        """Return what a cell says. Raises ValueError."""
        if cell in self._known:
            return self._known[cell]
        found = self._column.read(cell)
        if len(self._known) < _REMEMBERED:
            self._known[cell] = found
        return found


def judge(session: Session, sheet: Sheet, table: Table) -> list[Judged]:
    """Return what becomes of each row of a file, in its order."""
    stored = read_rows(session, sheet.kind)
    judged = list(_each(sheet, table, stored))
    names = tuple(sheet.columns)
    coming = {each.row.key: dict(zip(names, each.after, strict=True)) for each in judged if each.after}
    known = around(session, sheet.kind, coming)
    return [_checked(sheet, each, names, known) for each in judged]


def _each(sheet: Sheet, table: Table, stored: Mapping[str, Row]) -> Iterator[Judged]:
    readers = {name: _Reader(column) for name, column in sheet.columns.items()}
    lines: dict[str, int] = {}
    for line, cells in table.rows:
        if len(cells) != len(table.header):
            reason = f"it has {len(cells)} cells; the header has {len(table.header)}"
            yield _refused(line, cells[0], Refusal("", reason))
            continue
        said = dict(zip(table.header, cells, strict=True))
        key, refusal = _key(sheet, said)
        if refusal is not None:
            yield _refused(line, key, refusal)
            continue
        first = lines.setdefault(key, line)
        if first != line:
            yield _refused(line, key, Refusal(sheet.key, f"{quoted(key)} stands in line {first} already"))
            continue
        yield _row(sheet, readers, line, key, said, stored.get(key))


def _key(sheet: Sheet, said: Mapping[str, str]) -> tuple[str, Refusal | None]:
    """Return the key of a row, with why it is none."""
    whole = BETWEEN.join(said[name] for name in sheet.keys)
    for name in sheet.keys:
        try:
            sheet.read_key(said[name])
        except ValueError as error:
            return whole, Refusal(name, str(error))
    return whole, None


def _row(
    sheet: Sheet,
    readers: Mapping[str, _Reader],
    line: int,
    key: str,
    said: Mapping[str, str],
    before: Row | None,
) -> Judged:
    after, wrong = [], []
    for place, (name, column) in enumerate(sheet.columns.items()):
        cell = said.get(name)
        known = before[place] if before is not None else column.default
        if cell is None or (cell == "" and column.keeps):
            value = known
        elif cell == "":
            value = column.default
        else:
            try:
                value = readers[name].of(cell)
            except ValueError as error:
                wrong.append(Refusal(name, str(error)))
                continue
        if value is NEEDED:
            wrong.append(Refusal(name, "is missing: it has to be said"))
        after.append(value)
    if wrong:
        return _refused(line, key, *wrong)
    if before is None:
        return Judged(ListedRow(line, key, Verdict.NEW), None, tuple(after))
    changed = tuple(name for name, one, two in zip(sheet.columns, before, after, strict=True) if one != two)
    verdict = Verdict.CHANGED if changed else Verdict.UNCHANGED
    return Judged(ListedRow(line, key, verdict, changed), before, tuple(after))


def _checked(sheet: Sheet, judged: Judged, names: tuple[str, ...], known: Around) -> Judged:
    if judged.after is None or judged.row.verdict is Verdict.UNCHANGED:
        return judged
    after = dict(zip(names, judged.after, strict=True))
    before = None if judged.before is None else dict(zip(names, judged.before, strict=True))
    wrong = tuple(refusals(sheet.kind, judged.row.key, after, before, known))
    if not wrong:
        return judged
    return Judged(replace(judged.row, verdict=Verdict.REFUSED, changed=(), refusals=wrong), judged.before)


def _refused(line: int, key: str, *why: Refusal) -> Judged:
    return Judged(ListedRow(line, key[:64], Verdict.REFUSED, refusals=why))
