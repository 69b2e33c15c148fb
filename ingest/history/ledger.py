"""What became of the rows of a history: read = taken + refused, each refusal with its reason and place."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from fleet.errors import InvalidInput

SHOWN = 10
"""So many refused rows of each part are shown; all of them go to the file of refusals."""
_HEADER = ("part", "file", "line", "what", "reason", "detail")
_LONGEST = 200


def _nothing(_row: int) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Turned:
    """Rows of a file that were refused for one reason, or values of the signal `what` that were dropped.

    `detail` says of the n-th of them what stood there.
    """

    file: str
    lines: Sequence[int]
    reason: str
    detail: Callable[[int], str] = _nothing
    what: str = "row"


@dataclass(frozen=True, slots=True)
class Shown:
    """One of them, as it is shown."""

    file: str
    line: int
    reason: str
    detail: str
    what: str


@dataclass
class PartLedger:
    """The counts of one part: `read = taken + refused`, in rows.

    `new` and `known` are what the taken ones made, and what of it was there already: readings (of a long file
    several rows make one), devices, cases. `dropped` are values whose rows were taken, by signal and reason,
    such as `suction_pa: out_of_range`.
    """

    read: int = 0
    taken: int = 0
    new: int = 0
    known: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    shown: list[Shown] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many rows were refused."""
        return self.reasons.total()

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON-ready data, from which `from_data` makes it again."""
        return {
            "read": self.read,
            "taken": self.taken,
            "new": self.new,
            "known": self.known,
            "refused": self.refused,
            "reasons": dict(self.reasons),
            "dropped": dict(self.dropped),
            "shown": [asdict(one) for one in self.shown],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "PartLedger":
        """Return a ledger as it was kept."""
        return cls(
            data["read"],
            data["taken"],
            data["new"],
            data["known"],
            Counter(data["reasons"]),
            Counter(data["dropped"]),
            [Shown(**each) for each in data["shown"]],
        )


class Ledger:
    """The ledgers of all parts, and the file with every refusal, where one is asked for."""

    def __init__(self, rejects: Path | None = None, kept: Mapping[str, Any] | None = None) -> None:
        """Begin anew, or go on with what was `kept`: what was written beyond it is cut off."""
        self.parts: dict[str, PartLedger] = {}
        self._at = 0
        if kept is not None:
            self.parts = {name: PartLedger.from_data(each) for name, each in kept["parts"].items()}
            self._at = kept["at"] if kept["rejects"] == str(rejects) else 0
        self._rejects = rejects
        self._file = None if rejects is None else self._opened(rejects)

    def _opened(self, path: Path) -> TextIO:
        """Open the file of refusals, and cut off what was written beyond what is kept."""
        try:
            file = path.open("r+" if self._at and path.exists() else "w", encoding="utf-8", newline="")
        except OSError as error:
            raise InvalidInput(f"{path}: {error.strerror}") from error
        file.truncate(self._at)
        file.seek(self._at)
        if not self._at:
            csv.writer(file).writerow(_HEADER)
        return file

    def of(self, part: str) -> PartLedger:
        """Return the ledger of a part."""
        return self.parts.setdefault(part, PartLedger())

    def refuse(self, part: str, turned: Iterable[Turned]) -> None:
        """Count rows that are refused."""
        ledger = self.of(part)
        for one in turned:
            ledger.reasons[one.reason] += len(one.lines)
            self._note(part, ledger, one)

    def drop(self, part: str, turned: Iterable[Turned]) -> None:
        """Count values that are dropped."""
        ledger = self.of(part)
        for one in turned:
            ledger.dropped[f"{one.what}: {one.reason}"] += len(one.lines)
            self._note(part, ledger, one)

    def _note(self, part: str, ledger: PartLedger, turned: Turned) -> None:
        most = len(turned.lines) if self._file is not None else SHOWN - len(ledger.shown)
        for row in range(min(most, len(turned.lines))):
            detail = turned.detail(row)[:_LONGEST]
            one = Shown(turned.file, int(turned.lines[row]), turned.reason, detail, turned.what)
            if len(ledger.shown) < SHOWN:
                ledger.shown.append(one)
            if self._file is not None:
                csv.writer(self._file).writerow((part, one.file, one.line, one.what, one.reason, one.detail))

    def as_data(self) -> dict[str, Any]:
        """Return all parts as JSON-ready data."""
        return {name: each.as_data() for name, each in self.parts.items()}

    def keep(self) -> dict[str, Any]:
        """Return all as JSON-ready data; the file of refusals holds what belongs to it."""
        if self._file is not None:
            self._file.flush()
            self._at = self._file.tell()
        return {"parts": self.as_data(), "rejects": str(self._rejects), "at": self._at}

    def close(self) -> None:
        """Close the file of refusals."""
        if self._file is not None:
            self._file.close()
