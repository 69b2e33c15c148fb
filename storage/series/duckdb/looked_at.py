"""The newest values of devices that somebody looked at: the next look reads on from there."""

from collections.abc import Iterable, Mapping
from threading import Lock

from fleet.signals import Kind
from storage.ports import LatestValue

Values = Mapping[str, LatestValue]
_MOST = 1_000
"""Devices kept, each with one value a signal."""


class LookedAt:
    """What `latest` found for the devices last looked at. Safe to use from several threads.

    A look puts a mark, reads, and keeps what it found where the mark is still there: readings that are not
    newer than what was read take it away, once they are committed.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[tuple[Kind, str], tuple[object, Values]] = {}

    def begin(self, kind: Kind, device_id: str) -> tuple[object, Values]:
        """Return the mark of a look, and what is known already, nothing at the first look."""
        with self._lock:
            known = self._found.pop((kind, device_id), (None, {}))[1]
            mark = object()
            self._found[kind, device_id] = mark, known
            if len(self._found) > _MOST:
                del self._found[next(iter(self._found))]
            return mark, known

    def keep(self, kind: Kind, device_id: str, mark: object, found: Values) -> None:
        """Keep what a look found, unless that is out of date already."""
        with self._lock:
            if self._found.get((kind, device_id), (None, {}))[0] is mark:
                self._found[kind, device_id] = mark, found

    def forget(self, kind: Kind, device_ids: Iterable[str]) -> None:
        """Forget devices of which an older reading came, which the next look would not see."""
        with self._lock:
            if self._found:
                for device_id in device_ids:
                    self._found.pop((kind, device_id), None)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._found.clear()
