"""The columns that rules need beside those of a batch: windows, places, and where rules apply."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from alerts.judging.applies import Applies
from alerts.judging.places import Place, within
from alerts.judging.quantities import Measure, Quantity, held_name
from alerts.judging.rules import Rule
from alerts.judging.scan import DEVICE_ROW, Scan
from alerts.judging.scope import ZoneOf
from alerts.judging.windows.held import Coded, Held, as_numbers
from alerts.judging.windows.measures import GAP_MS, measuring
from alerts.judging.windows.stretch import Bools, Floats, Ints, Readings, Rows, in_order
from fleet.readings import ReadingBatch
from fleet.signals import Kind, SignalTable
from storage.records.database import DeskDatabase

Past = Callable[[Kind, Sequence[str], int, int], ReadingBatch]
"""Returns the readings of some devices from a time until another (storage.ports.TelemetryStore.readings)."""


class Columns:
    """What the rules over one kind of device and one source measure; it remembers each device that it saw.

    A device that it sees for the first time is looked up in the `past`, as far back as the longest window
    goes: so windows survive a restart.
    """

    def __init__(
        self,
        kind: Kind,
        rules: Sequence[Rule],
        signals: SignalTable,
        desk: DeskDatabase,
        zone_of: ZoneOf | None = None,
        past: Past | None = None,
    ) -> None:
        self._kind = kind
        self.rules = rules
        self._devices = Rows()
        self.applies = Applies(desk, rules, zone_of, self._devices)
        self.scan = Scan(rules, self._devices)
        self._past = past
        self.quantities = tuple(dict.fromkeys(each for rule in rules for each in rule.quantities))
        self._measuring = {
            each: measuring(each, signals.get(each.of))
            for each in self.quantities
            if each.measure not in (None, Measure.PLACE, Measure.RISK, Measure.LIFE)
        }
        self._places = _places(rules)
        held = {name: age for rule in rules for name, age in rule.held_ms.items()}
        windows = {each.column for each in self._measuring}
        self._words = {name: Coded() for name in held if name not in windows}
        self._said = Held({name: held[name] for name in self._words}, GAP_MS)
        self._told_last = Held({name: age for name, age in held.items() if name in windows}, GAP_MS)
        self._told: tuple[object, pl.DataFrame] | None = None

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns of which its quantities are measured."""
        during = (each.during_column for each in self.quantities)
        return tuple(
            dict.fromkeys(
                [*(each.value_column for each in self.quantities), *(name for name in during if name)]
            )
        )

    @property
    def lookback_ms(self) -> int:
        """How far back the longest window goes."""
        spans = [each.over_ms or GAP_MS for each in self._measuring]
        spans += [GAP_MS] if self._words else []
        return max([*spans, *(rule.longest_ms for rule in self.rules)], default=0)

    def added(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with the columns that its rules need.

        The same frame again, because it could not be judged at once, is told the same: nothing counts twice.
        """
        if self._told is None or self._told[0] is not frame:
            self._told = frame, self._extended(frame)
        return self._told[1]

    def done(self) -> None:
        """Let go of a frame that was judged."""
        self._told = None

    def _extended(self, frame: pl.DataFrame) -> pl.DataFrame:
        more = [within(frame, places).alias(name) for name, places in self._places.items()]
        ids = frame["device_id"].to_list()
        row = self._rows_of(ids, frame)
        more.append(pl.Series(DEVICE_ROW, row))
        more += self._measured(frame, row)
        more += self.applies.columns(frame, ids, row)
        return frame.hstack(more)

    def _rows_of(self, ids: list[str], frame: pl.DataFrame) -> Ints:
        """Return the row of each device; those that are new are looked up in the past first."""
        row = self._devices.of(ids)
        if (row < 0).any():
            new = sorted({ids[place] for place in np.flatnonzero(row < 0)})
            self._devices.add(new)
            self._recall(new, frame)
            row = self._devices.of(ids)
        return row

    def _measured(self, frame: pl.DataFrame, row: Ints) -> list[pl.Series]:
        """Return what devices said last, and what is measured: of readings, and of that."""
        if not self._measuring and not self._words:
            return []
        readings = in_order(row, frame["ts"].to_numpy(), len(self._devices))
        said = self._held_words(frame, readings)
        whole = frame.hstack(said)
        values = {
            quantity.column: measures.observe(readings, _values(whole, quantity))
            for quantity, measures in self._measuring.items()
        }
        last = self._told_last.fill(values, readings)
        values |= {held_name(name): each for name, each in last.items()}
        return [*said, *(pl.Series(name, each, nan_to_null=True) for name, each in values.items())]

    def _held_words(self, frame: pl.DataFrame, readings: Readings) -> list[pl.Series]:
        codes = {name: coded.numbers(frame[name]) for name, coded in self._words.items()}
        filled = self._said.fill(codes, readings)
        columns = (
            # Most devices say it each time: then there is nothing to fill.
            coded.words(filled[name], frame.schema[name]) if frame[name].null_count() else frame[name]
            for name, coded in self._words.items()
        )
        return [column.alias(held_name(name)) for name, column in zip(self._words, columns, strict=True)]

    def _recall(self, devices: list[str], frame: pl.DataFrame) -> None:
        """Let windows see what new devices sent before this frame."""
        if self._past is None or not (self._measuring or self._words):
            return
        until = int(frame.filter(pl.col("device_id").is_in(devices))["ts"].min())  # type: ignore[arg-type]
        past = self._past(self._kind, devices, until - self.lookback_ms, until).frame
        if past.height:
            self._measured(past, self._devices.of(past["device_id"].to_list()))


def _places(rules: Sequence[Rule]) -> dict[str, list[Place]]:
    """Return the places that rules name, by the column that tells whether a reading is within."""
    found: dict[str, list[Place]] = {}
    for rule in rules:
        for quantity in rule.quantities:
            if quantity.measure is Measure.PLACE:
                found[quantity.column] = [place for place in rule.places if place.name == quantity.of]
    return found


def _values(frame: pl.DataFrame, quantity: Quantity) -> Floats:
    """Return the values that a quantity measures as numbers, NaN where there are none."""
    if quantity.value_column not in frame.columns:
        return np.full(frame.height, np.nan)
    values = _numbers(frame[quantity.value_column])
    if quantity.during_column is None:
        return values
    return np.where(_during(frame, quantity), values, np.nan)


def _during(frame: pl.DataFrame, quantity: Quantity) -> Bools:
    """Return in which readings, or hours, it was as the quantity wants it; where nobody said so: not."""
    name = quantity.during_column
    if name not in frame.columns:
        return np.zeros(frame.height, dtype=bool)
    column = frame[name]
    if quantity.hourly:
        column = column > 0
    elif column.dtype != pl.Boolean:
        column = column == quantity.during
    return np.asarray(column.fill_null(value=False).to_numpy(), dtype=bool)


def _numbers(column: pl.Series) -> Floats:
    if column.dtype == pl.String:
        column = pl.select(pl.when(column.is_not_null()).then(column.hash())).to_series()
    return as_numbers(column)
