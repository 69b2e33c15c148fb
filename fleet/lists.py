"""Lists that come in and go out as CSV: which there are, and what becomes of each row."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class ListKind(StrEnum):
    """The lists; in this order one may need what stands in those before it."""

    CUSTOMERS = "customers"
    SITES = "sites"
    CONTRACTS = "contracts"
    ENGINEERS = "engineers"
    PARTS = "parts"
    DEVICES = "devices"
    STOCK = "stock"


class Verdict(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is refused: which column ("" for the whole row), what is wrong and what is allowed."""

    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A row of a file: the line on which it begins, its key, what becomes of it, and which columns change."""

    line: int
    key: str
    verdict: Verdict
    changed: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class ListReport:
    """What a file holds and what becomes of it; `taken` says whether it was, or would be."""

    kind: ListKind
    encoding: str
    delimiter: str
    taken: bool
    rows: Sequence[ListedRow] = field(default_factory=tuple)

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many rows there are of each sort."""
        found = Counter(row.verdict for row in self.rows)
        return {verdict: found.get(verdict, 0) for verdict in Verdict}
