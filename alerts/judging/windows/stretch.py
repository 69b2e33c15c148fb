"""Readings in the order in which windows take them: by device and time, and only what is news."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)


class Rows:
    """A row number for each device, counted up from 0; a device keeps its own."""

    def __init__(self) -> None:
        self._by_device: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._by_device)

    def of(self, devices: list[str]) -> Ints:
        """Return the row of each device; -1 where it has none."""
        found = map(self._by_device.get, devices, [-1] * len(devices))
        return np.fromiter(found, np.int64, len(devices))

    def add(self, devices: Iterable[str]) -> None:
        """Give new devices rows."""
        for device in devices:
            self._by_device.setdefault(device, len(self._by_device))


@dataclass(frozen=True)
class Moments:
    """Devices and times, in order of both. Shapes: (moments,). `row` is the device's, `at` epoch ms."""

    row: Ints
    at: Ints

    @cached_property
    def first(self) -> Bools:
        """Which values are the first of their device."""
        return edges(self.row)[:-1]

    @cached_property
    def last(self) -> Bools:
        """Which values are the last of their device."""
        return edges(self.row)[1:]

    @cached_property
    def single(self) -> bool:
        """Whether no device has more than one value."""
        return bool(self.first.all())

    @cached_property
    def distinct(self) -> bool:
        """Whether no device has two values of one time."""
        return self.single or bool(edges(self.row, self.at).all())


@dataclass(frozen=True, slots=True)
class Stretch:
    """Values of one signal, none absent, in order of device and time. Shapes: (values,).

    `place` is where a value stands in the frame that it came from.
    """

    moments: Moments
    value: Floats
    place: Ints

    @property
    def row(self) -> Ints:
        """The device of each."""
        return self.moments.row

    @property
    def at(self) -> Ints:
        """When each was (epoch ms)."""
        return self.moments.at


def edges(*columns: Ints) -> Bools:
    """Return where any of some columns changes, both ends included: one more than there are values."""
    found = np.ones(columns[0].size + 1, dtype=bool)
    if columns[0].size:
        found[1:-1] = False
    for column in columns:
        found[1:-1] |= column[1:] != column[:-1]
    return found


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings in order of device and time. Shapes: (readings,).

    `order` is where each stands in the frame that they came from; `rows` devices are known.
    """

    moments: Moments
    order: Ints
    rows: int

    def stretch(self, values: Floats, newest: Ints) -> Stretch:
        """Return what is news of a frame's values: newer than the `newest` of its device (by row).

        Of several values of one device and time the last counts. A value that is late, or was there before,
        is left out: who has counted it cannot tell any more.
        """
        row, at, value, place = self.moments.row, self.moments.at, values[self.order], self.order
        news = (value == value) & (at > newest[row])  # noqa: PLR0124 - NaN is not itself
        if news.all() and self.moments.distinct:
            return Stretch(self.moments, value, place)  # what is known of the moments is known once for all
        row, at, value, place = row[news], at[news], value[news], place[news]
        kept = edges(row, at)[1:]
        if not kept.all():
            row, at, value, place = row[kept], at[kept], value[kept], place[kept]
        return Stretch(Moments(row, at), value, place)


def in_order(row: Ints, at: Ints, rows: int) -> Readings:
    """Return readings in the order of device and time; those that are equal stay as they came."""
    order = np.lexsort((at, row))
    return Readings(Moments(row[order], at[order]), order, rows)


def before(stretch: Stretch, values: NDArray[T], known: NDArray[T]) -> NDArray[T]:
    """Return for each value of a stretch what came before it: within the stretch, else what is `known`."""
    found = np.empty_like(values)
    found[1:] = values[:-1]
    first = stretch.moments.first
    found[first] = known[stretch.row[first]]
    return found


def grown(array: NDArray[T], rows: int, fill: float) -> NDArray[T]:
    """Return an array whose last axis has room for so many devices; it seldom grows, and then by half."""
    if array.shape[-1] >= rows:
        return array
    size = max(rows, array.shape[-1] * 3 // 2, 64)
    more = np.full((*array.shape[:-1], size - array.shape[-1]), fill, dtype=array.dtype)
    return np.concatenate([array, more], axis=-1)
