"""What topics were found to mean, so that it need not be found again with each message of a large fleet."""

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.device_codes import Codes
from ingest.watch.roster import Roster

ONE_BY_ONE = -1
_LOOK = -2
Place = tuple[int, str, str]
"""The index of a kind of device, or ONE_BY_ONE; the device and its site."""


class Places(NamedTuple):
    """Places by columns, each topic's at its number; that of number 0 is of no topic."""

    kinds: NDArray[np.int8]
    devices: pl.Series
    sites: pl.Series

    def followed_by(self, more: Sequence[Place]) -> "Places":
        """Return these places and more of them."""
        kinds, devices, sites = zip(*more, strict=True)
        return Places(
            np.concatenate([self.kinds, np.array(kinds, dtype=np.int8)]),
            pl.concat([self.devices, pl.Series(devices, dtype=pl.String)], rechunk=True),
            pl.concat([self.sites, pl.Series(sites, dtype=pl.String)], rechunk=True),
        )


_NOWHERE = Places(
    np.array([_LOOK], dtype=np.int8),
    pl.Series("device_id", [""], dtype=pl.String),
    pl.Series("site", [""], dtype=pl.String),
)


class SettledTopics:
    """Topics of telemetry whose device is known to be where they say, and is not suspected of anything.

    There are no more of them than devices. As soon as the roster moves any device, all are forgotten.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._moves = roster.moves
        self._numbers: dict[str, int] = {}
        self.places = _NOWHERE

    def numbers(self, topics: Sequence[str]) -> Codes:
        """Return the number of each topic, 0 where it must be looked at. Shape: (topics,)."""
        if self._moves != self._roster.moves:
            self._moves = self._roster.moves
            self._numbers, self.places = {}, _NOWHERE
        found = np.fromiter(map(self._numbers.get, topics, repeat(0)), dtype=np.int64, count=len(topics))
        found[self.places.kinds[found] == _LOOK] = 0
        return found

    def add(self, found: Sequence[tuple[str, Place]]) -> None:
        """Remember topics and their places."""
        new: list[Place] = []
        for topic, place in found:
            number = self._numbers.setdefault(topic, len(self.places.kinds) + len(new))
            if number < len(self.places.kinds):
                self.places.kinds[number] = place[0]  # it had been forgotten
            else:
                new.append(place)
        if new:
            self.places = self.places.followed_by(new)

    def forget(self, topic: str) -> None:
        """Look at a topic again when it comes again."""
        number = self._numbers.get(topic, 0)
        self.places.kinds[number] = _LOOK
