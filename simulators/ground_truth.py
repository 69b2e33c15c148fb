"""What is really wrong with each simulated device, and since when: the log that models are judged by.

One JSON object a line:

    {"device_id": "robot-007", "fault": "brush_jam", "onset": 1763798400000, "failure": 1763901000000,
     "cause": "hazard", "shape": "exponential", "warning": true, "repaired_at": 1763990000000,
     "repaired_by": "engineer", "severity_at_end": 1.0}

Times are epoch milliseconds. `failure` is null while the degradation has not yet failed (and for ever when it
was mended before); `repaired_at` and `repaired_by` (engineer, customer, ticket, self) are null until it is
mended; `warning` tells whether anything was to be seen before the failure; `severity_at_end` runs from 0 to 1
and is the severity at the repair, or now where it is not repaired. A device is *really failing* with a fault
at time T when `onset <= T` and it is not repaired at T.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class TruthEntry:
    """One fault of one device, from its onset to its repair."""

    device_id: str
    fault: str
    onset: int
    failure: int | None
    cause: str
    shape: str
    warning: bool
    repaired_at: int | None = None
    repaired_by: str | None = None
    severity_at_end: float = 0.0

    def failing_at(self, at: int) -> bool:
        """Tell whether the fault is there at a time (epoch ms): begun and not repaired."""
        return self.onset <= at and (self.repaired_at is None or at < self.repaired_at)


class GroundTruth:
    """The log of every fault that ever began."""

    def __init__(self, entries: Iterable[TruthEntry] = ()) -> None:
        self._entries = list(entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[TruthEntry]:
        return iter(self._entries)

    def __getitem__(self, index: int) -> TruthEntry:
        return self._entries[index]

    def add(self, entry: TruthEntry) -> int:
        """Add an entry; return its index, which never changes."""
        self._entries.append(entry)
        return len(self._entries) - 1

    def failing(self, device_id: str, at: int) -> set[str]:
        """Return the faults that a device really has at a time (epoch ms)."""
        return {e.fault for e in self._entries if e.device_id == device_id and e.failing_at(at)}

    def is_failing(self, device_id: str, fault: str, at: int) -> bool:
        """Tell whether a device really has a fault at a time (epoch ms): onset <= at, and not repaired."""
        return fault in self.failing(device_id, at)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the entries JSON-ready."""
        return [asdict(entry) for entry in self._entries]

    def write(self, path: Path) -> None:
        """Write the log as JSON lines, whole: a reader never sees half of it."""
        fresh = path.with_name(path.name + ".new")
        fresh.write_text("".join(json.dumps(row) + "\n" for row in self.to_dicts()), encoding="utf-8")
        fresh.replace(path)

    @classmethod
    def read(cls, path: Path) -> "GroundTruth":
        """Read a log that `write` wrote."""
        lines = path.read_text(encoding="utf-8").splitlines()
        return cls(TruthEntry(**json.loads(line)) for line in lines if line)
