"""The ledger as others may read it: what came in since the process started, and what became of it."""

from collections.abc import Mapping
from typing import Protocol


class LedgerView(Protocol):
    """Counts of readings at one moment: `received = written + duplicate + quarantined`.

    `since` is when counting began (epoch ms); the two mappings go by the named reasons of fleet.wire.
    """

    @property
    def since(self) -> int:
        """Return when counting began, epoch ms."""
        ...

    @property
    def received(self) -> int:
        """Return how many readings came in."""
        ...

    @property
    def written(self) -> int:
        """Return how many were stored as new."""
        ...

    @property
    def duplicate(self) -> int:
        """Return how many were stored already."""
        ...

    @property
    def quarantined(self) -> int:
        """Return how many were turned away."""
        ...

    @property
    def late(self) -> int:
        """Return how many of those written came out of order."""
        ...

    @property
    def seq_repeated(self) -> int:
        """Return how many repeated a sequence number with a new time."""
        ...

    @property
    def quarantined_by_reason(self) -> Mapping[str, int]:
        """Return how many were turned away for which reason."""
        ...

    @property
    def values_dropped(self) -> Mapping[str, int]:
        """Return how many single values were dropped from readings that stayed, by reason."""
        ...
