"""Windows over all of history: cut out of a grid of running sums, for any device at any moment."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from fleet.clock import HOUR_MS
from models.features.components import reset_by
from models.features.grid import TileGrid
from models.features.measures import Measure
from models.features.residuals import Relation, fit
from models.features.terms import CLOCK, PRESENT, RUN_TIME, Term
from models.features.windows import FleetFacts, Floats, Groups, Ints, Windows, overlap


@dataclass(frozen=True)
class Moments:
    """Pairs of device and hour at which features are wanted. Shapes: (pairs,).

    `rows` are rows of the grid, `hours` count from the epoch; the hour itself is the last that is used.
    """

    rows: Ints
    hours: Ints


class BatchWindows:
    """A WindowSource over a grid. What later tiles changed in an old hour is seen, as the grid holds it."""

    def __init__(
        self, grid: TileGrid, facts: FleetFacts, moments: Moments, windows: Windows | None = None
    ) -> None:
        self.windows = windows or Windows()
        self.now = moments.hours
        self._grid = grid
        self._facts = facts
        self._rows = moments.rows
        self._starts: dict[str, Ints] = {}

    @cached_property
    def started(self) -> Ints:
        """The first step in which each device was heard. Shape: (pairs,)."""
        return self._first_of_all[self._rows]

    def life_start(self, component: str) -> Ints:
        """Return the first step after the last repair of a component; 0 for none. Shape: (pairs,)."""
        if component not in self._starts:
            known = self._facts.resets.filter(pl.col("fault").is_in(reset_by(component)))
            last = last_before(self._grid, known, Moments(self._rows, self.now))
            self._starts[component] = np.where(last > 0, last // HOUR_MS + 1, 0)
        return self._starts[component]

    def steps(self, term: Term) -> Floats:
        """Return the recent steps one by one. Shape: (steps, pairs)."""
        return self._cells(term, self.now[None, :] + 1 - np.arange(self.windows.steps, -1, -1)[:, None])

    def days(self, term: Term) -> Floats:
        """Return the last days, today's as far as it has come. Shape: (month_days, pairs)."""
        today = self.now // self.windows.day
        day = today[None, :] + 1 - np.arange(self.windows.month_days, -1, -1)[:, None]
        return self._cells(term, np.minimum(day * self.windows.day, self.now[None, :] + 1))

    def first(self, term: Term) -> Floats:
        """Return the sum over the device's first `baseline` steps. Shape: (pairs,)."""
        return self._sum(term, self.started, self.started + self.windows.baseline)

    def since_repair(self, term: Term, component: str) -> Floats:
        """Return the sum over the first `baseline` steps of the component's present life. Shape: (pairs,)."""
        start = np.maximum(self.life_start(component), self.started)
        return self._sum(term, start, start + self.windows.baseline)

    def used(self, component: str, term: Term = RUN_TIME) -> Floats:
        """Return the run time (s), or charge cycles, of the component's present life. Shape: (pairs,)."""
        start = np.maximum(self.life_start(component), self.started)
        return self._sum(term, start, self.now + 1)

    def cohort(self, term: Term) -> Floats:
        """Return the sum over the recent steps of all other devices of the cohort. Shape: (pairs,)."""
        hours, place = np.unique(self.now, return_inverse=True)
        return self._others(term, hours + 1 - self.windows.steps, hours + 1)[place, np.arange(len(place))]

    def cohort_days(self, term: Term) -> Floats:
        """Return the sums of all other devices of the cohort over the last days: (month_days, pairs)."""
        hours, place = np.unique(self.now, return_inverse=True)
        days = []
        for back in range(self.windows.month_days - 1, -1, -1):
            start = (hours // self.windows.day - back) * self.windows.day
            end = np.minimum(start + self.windows.day, hours + 1)
            days.append(self._others(term, start, end)[place, np.arange(len(place))])
        return np.stack(days)

    def _others(self, term: Term, start: Ints, end: Ints) -> Floats:
        """Return the sums over some windows of all other devices of each pair's cohort: (windows, pairs)."""
        if term is CLOCK:
            total = overlap(start[None, :], end[None, :], self._first_of_all[:, None], end[None, :]).astype(
                float
            )
        else:
            total = self._grid.totals(term, start, end)
        sums = self._groups.sums_of_all(total.T)
        return np.asarray(sums[:, self._groups.cohort[self._rows]] - total[self._rows].T)

    def relation(self, measure: Measure) -> Relation:
        """Return how a measure goes with what it is given, on each device's model. Shapes: (given, pairs)."""
        if not len(self.now):
            nothing = np.empty((len(measure.given), 0))
            return Relation(nothing, nothing)
        days, place = np.unique(self.now // self.windows.day, return_inverse=True)
        found = [self._relation_on(measure, int(day)) for day in days]
        chosen = self._groups.model[self._rows]
        return Relation(
            np.stack([each.slope for each in found])[place, :, chosen].T,
            np.stack([each.usual for each in found])[place, :, chosen].T,
        )

    def _relation_on(self, measure: Measure, today: int) -> Relation:
        """Return the relation of each model as of the days before `today`. Shapes: (given, models)."""
        everyone = np.arange(len(self._grid.devices))
        edges = np.arange(today + 1 - self.windows.month_days, today + 1)[:, None] * self.windows.day

        def days(term: Term) -> Floats:
            if term is CLOCK:
                return np.asarray(np.diff(np.maximum(edges, self._first_of_all), axis=0).astype(float))
            return np.asarray(self._grid.cells(term, everyone, edges))

        return fit(measure, days, self._groups.model)

    def _cells(self, term: Term, edges: Ints) -> Floats:
        if term is CLOCK:
            return np.asarray(np.diff(np.maximum(edges, self.started[None, :]), axis=0).astype(float))
        return np.asarray(self._grid.cells(term, self._rows, edges))

    def _sum(self, term: Term, start: Ints, end: Ints) -> Floats:
        end = np.minimum(end, self.now + 1)
        return np.asarray(self._cells(term, np.stack([start, np.maximum(start, end)]))[0])

    @cached_property
    def _first_of_all(self) -> Ints:
        return self._grid.first_hours(PRESENT)

    @cached_property
    def _groups(self) -> Groups:
        return Groups(self._grid.devices, self._facts)


def last_before(grid: TileGrid, events: pl.DataFrame, moments: Moments) -> Ints:
    """Return the time (epoch ms) of each pair's newest event before its hour's end; 0 for none.

    `events` has the columns device_id and ts.
    """
    if not events.height:
        return np.zeros(len(moments.rows), dtype=np.int64)
    names = pl.Series("device_id", grid.devices, dtype=pl.String)
    pairs = pl.DataFrame(
        {
            "device_id": names.gather(moments.rows),
            "until": (moments.hours + 1) * HOUR_MS - 1,
            "order": np.arange(len(moments.rows)),
        }
    )
    found = pairs.sort("until").join_asof(
        events.select("device_id", "ts").sort("ts"),
        left_on="until",
        right_on="ts",
        by="device_id",
        strategy="backward",
        check_sortedness=False,
    )
    return found.sort("order")["ts"].fill_null(0).to_numpy()
