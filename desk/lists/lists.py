"""Takes lists in and gives them out. Repeated, an import changes nothing: no event, no version."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy.orm import Session

from desk.lists.cells import written
from desk.lists.judging import Judged, judge
from desk.lists.reading import read_table
from desk.lists.sheets import SHEETS, Sheet
from desk.parts.ledger import Act, count
from desk.people.changes import described
from fleet.clock import Clock
from fleet.errors import Conflict
from fleet.events import Subject
from fleet.lists import ListedRow, ListKind, ListReport, Refusal, Verdict
from fleet.principals import Principal
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.sheets import read_rows, write_rows
from storage.records.stock import BETWEEN

T = TypeVar("T")
REASON = "by a list"
_AT_ONCE = 2_000
_BOM = "\ufeff"
"""Without it some spreadsheets take UTF-8 for another encoding."""
_MEANWHILE = "it was changed by someone else meanwhile; import the list again"
_SUBJECTS = {
    ListKind.CUSTOMERS: Subject.CUSTOMER,
    ListKind.SITES: Subject.SITE,
    ListKind.CONTRACTS: Subject.CONTRACT,
    ListKind.ENGINEERS: Subject.ENGINEER,
    ListKind.PARTS: Subject.PART,
    ListKind.DEVICES: Subject.DEVICE,
    ListKind.STOCK: Subject.PART,
}
_WRITES = (Verdict.NEW, Verdict.CHANGED)


class Lists:
    """The lists of an installation. Each row that is new or changed is an event of the log.

    All may raise StoreUnavailable, and InvalidInput for a file that cannot be read as a list.
    """

    def __init__(self, desk: DeskDatabase, clock: Clock, changed: Callable[[], None] = lambda: None) -> None:
        self._desk = desk
        self._clock = clock
        self._changed = changed

    def export(self, kind: ListKind) -> Iterator[str]:
        """Yield a list as CSV, some rows at a time, by key; `take` of it changes nothing."""
        sheet = SHEETS[kind]
        with self._desk.look() as session:
            rows = read_rows(session, kind)
        yield _BOM + _lines([sheet.names])
        for some in _parts(sorted(rows.items()), _AT_ONCE):
            yield _lines((*map(written, sheet.cells_of(key)), *map(written, row)) for key, row in some)

    def look(self, kind: ListKind, content: bytes) -> ListReport:
        """Return what would become of each row of a file; nothing is changed."""
        return self._judged(kind, content)[0]

    def take(
        self, kind: ListKind, content: bytes, by: Principal, *, all_or_nothing: bool = False
    ) -> ListReport:
        """Keep the rows of a file that can be, and return what became of each.

        `all_or_nothing`: where one is refused, none is kept; all are in one transaction then, else some at
        a time, so that others can write meanwhile.
        """
        report, judged = self._judged(kind, content)
        if all_or_nothing and report.counts[Verdict.REFUSED]:
            return report
        writes = [each for each in judged if each.row.verdict in _WRITES]
        size = max(1, len(writes)) if all_or_nothing else _AT_ONCE
        late: set[str] = set()
        for some in _parts(writes, size):
            with self._desk.transaction() as session:
                found = self._write(session, kind, some, by)
                if found and all_or_nothing:
                    raise Conflict(f"{min(found)}: {_MEANWHILE}")
            late |= found
        if writes:
            self._changed()
        rows = (
            [_too_late(each) if each.key in late else each for each in report.rows] if late else report.rows
        )
        return replace(report, taken=True, rows=rows)

    def _judged(self, kind: ListKind, content: bytes) -> tuple[ListReport, list[Judged]]:
        sheet = SHEETS[kind]
        table = read_table(content, sheet)
        with self._desk.look() as session:
            judged = judge(session, sheet, table)
        rows = [each.row for each in judged]
        return ListReport(kind, table.encoding, table.delimiter, False, rows), judged

    def _write(self, session: Session, kind: ListKind, some: Sequence[Judged], by: Principal) -> set[str]:
        """Write rows and tell of them; return the keys of those that are not any more as they were judged."""
        now, sheet = self._clock.now_ms(), SHEETS[kind]
        stands = read_rows(session, kind, [each.row.key for each in some])
        late = {each.row.key for each in some if stands.get(each.row.key) != each.before}
        kept = [each for each in some if each.row.key not in late]
        if kind is ListKind.STOCK:
            _count(session, kept, Act(by, now, REASON))
            return late
        write_rows(session, kind, [(each.row.key, each.after) for each in kept if each.after], now)
        for each in kept:
            _tell(session, sheet, each, by, now)
        return late


def _count(session: Session, judged: Sequence[Judged], act: Act) -> None:
    """Take rows of stock as counts; in the order in which all who change stock hold its rows."""
    counted = [(*each.row.key.split(BETWEEN, 1)[::-1], each.after[0]) for each in judged if each.after]
    for part, place, figure in sorted(counted):
        count(session, place, part, figure, None, act)


def _tell(session: Session, sheet: Sheet, judged: Judged, by: Principal, now: int) -> None:
    assert judged.after is not None  # else it would not have been written
    names = judged.row.changed or tuple(sheet.columns)
    after = dict(zip(sheet.columns, judged.after, strict=True))
    before = None
    if judged.before is not None:
        held = dict(zip(sheet.columns, judged.before, strict=True))
        before = {name: held[name] for name in names}
    site = {ListKind.DEVICES: after.get("site"), ListKind.SITES: judged.row.key}.get(sheet.kind)
    subject, told = _SUBJECTS[sheet.kind], {name: after[name] for name in names}
    event = described(subject, judged.row.key, by, now, before, told, REASON, site)
    if sheet.kind is ListKind.CONTRACTS:
        event.data["customer"] = after["customer"]
    tell(session, event)


def _too_late(row: ListedRow) -> ListedRow:
    return replace(row, verdict=Verdict.REFUSED, changed=(), refusals=(Refusal("", _MEANWHILE),))


def _parts(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (rows[begin : begin + size] for begin in range(0, len(rows), size))


def _lines(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
