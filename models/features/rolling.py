"""Windows kept up to date tile by tile, for fleets whose history does not fit into memory.

Of each device there are the recent steps one by one, the sums of the last days, the sums of its baselines and
the run time of its parts: some 55 numbers a term, whatever the length of history. A tile costs the same
however much came before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import HOUR_MS
from models.features.components import component_codes, reset_by
from models.features.measures import Measure
from models.features.residuals import Relation, fit
from models.features.terms import CLOCK, CYCLES, READINGS, RUN_TIME, Term, values
from models.features.windows import NO_RESETS, FleetFacts, Floats, Groups, Ints, Windows, overlap

_ROOM = 1.25
"""Room for new devices grows by this, so that a fleet that registers one by one is copied rarely."""
_TILES_AT_ONCE = 25_000
"""Terms of so many tiles are computed together: more would be faster by nothing, and hold more memory."""
_USES = (RUN_TIME, CYCLES)


@dataclass(frozen=True, slots=True)
class Update:
    """What changed: `touched` devices look different; those in `reload` must be read again as a whole."""

    reload: frozenset[str]
    touched: frozenset[str]


class RollingTiles:
    """The state of a fleet up to its newest tile. One step is one hour of the tiles' `hour`.

    `parts` names for each component the terms whose baseline since its last repair is asked for.
    """

    def __init__(
        self, terms: Sequence[Term], parts: dict[str, tuple[Term, ...]], windows: Windows | None = None
    ) -> None:
        self.windows = windows or Windows()
        self.components = component_codes()
        self.terms = tuple(dict.fromkeys([*terms, *_USES]))
        self.devices: list[str] = []
        self.end = 0
        """The step after the newest tile."""
        self._index: dict[str, int] = {}
        self._row = {term.name: row for row, term in enumerate(self.terms)}
        self._pairs = [(part, term) for part, each in parts.items() for term in each if term is not CLOCK]
        self._pair = {(part, term.name): row for row, (part, term) in enumerate(self._pairs)}
        self._term_of_pair = np.array([self._row[term.name] for _, term in self._pairs], dtype=np.int64)
        self._part_of_pair = np.array(
            [self.components.index(part) for part, _ in self._pairs], dtype=np.int64
        )
        self._facts = FleetFacts({}, NO_RESETS)
        self._groups: Groups | None = None
        self._relations: dict[str, Relation] = {}
        self._group_days: dict[str, NDArray[np.float64]] = {}
        self._allocate(0)

    def _allocate(self, room: int) -> None:
        terms, w = len(self.terms), self.windows
        # The windows below read these as they are: the two classes are one room.
        self._steps: NDArray[np.float32] = np.zeros((terms, w.steps, room), dtype=np.float32)
        self._days: NDArray[np.float32] = np.zeros((terms, w.month_days, room), dtype=np.float32)
        self._first: NDArray[np.float32] = np.zeros((terms, room), dtype=np.float32)
        self._since: NDArray[np.float32] = np.zeros((len(self._pairs), room), dtype=np.float32)
        self._used: NDArray[np.float64] = np.zeros((len(_USES), len(self.components), room))
        self._started: Ints = np.zeros(room, dtype=np.int64)
        self._life: Ints = np.zeros((len(self.components), room), dtype=np.int64)
        self._group_steps: NDArray[np.float64] = np.zeros((terms, w.steps, 0))

    def rows_of(self, devices: Sequence[str]) -> Ints:
        """Return the rows of devices by id; -1 for one without tiles."""
        return np.array([self._index.get(device, -1) for device in devices], dtype=np.int64)

    def know(self, facts: FleetFacts) -> Update:
        """Take over models, sites and repairs up to the newest tile.

        To be read again are devices with a repair before the recent steps that was not known yet.
        """
        if facts.models != self._facts.models or facts.sites != self._facts.sites:
            self._groups = None
        self._facts = facts
        return self._renew(facts.resets, self.end, len(self.devices))

    def update(self, tiles: pl.DataFrame, whole: frozenset[str] = frozenset()) -> Update:
        """Lay tiles (fleet.tiles): a new hour is added, a known recent one is replaced.

        A tile older than the recent steps is laid only for a device that was not known before this call;
        other devices that have one are left as they are and returned in `reload`. Not so those of `whole`,
        whose history is being read again from its beginning, piece by piece.
        """
        if not tiles.height:
            return Update(frozenset(), frozenset())
        known, fresh = frozenset(self._index), len(self.devices)
        self._admit(tiles)
        stale = self._too_late(tiles, known - whole)
        kept = (tiles.filter(~pl.col("device_id").is_in(sorted(stale))) if stale else tiles).sort("hour")
        until = max(self.end, int(tiles["hour"].max()) // HOUR_MS + 1)  # type: ignore[arg-type]
        renewed = self._renew(self._facts.resets, until, fresh)
        for piece in kept.iter_slices(_TILES_AT_ONCE):
            rows, numbers = self.rows_of(piece["device_id"].to_list()), values(self.terms, piece)
            hours, begins = np.unique(piece["hour"].to_numpy() // HOUR_MS, return_index=True)
            for hour, begin, end in zip(hours, begins, [*begins, piece.height][1:], strict=True):
                self._lay(int(hour), rows[begin:end], numbers[:, begin:end].astype(np.float32))
        touched = frozenset(kept["device_id"].unique().to_list())
        return Update(stale | renewed.reload, touched | renewed.touched)

    def _too_late(self, tiles: pl.DataFrame, known: frozenset[str]) -> frozenset[str]:
        """Return the known devices that have a tile before the recent steps, or before their first one."""
        hours = tiles["hour"].to_numpy() // HOUR_MS
        started = self._started[self.rows_of(tiles["device_id"].to_list())]
        before = np.maximum(started, self.end - self.windows.steps)
        late = tiles["device_id"].filter(pl.Series(hours < before)).unique().to_list()
        return known.intersection(late)

    def short_of(self, devices: Sequence[str], days: Ints, readings: Ints) -> set[str]:
        """Return the known devices that had more `readings` on a day than the tiles laid of it say.

        One row for each device and day, days counted from the epoch. Of days that have left the windows only
        those before a device's first step are judged: nothing was known of them.
        """
        w, rows = self.windows, self.rows_of(devices)
        today = (self.end - 1) // w.day
        laid = self._days[self._row[READINGS.name], days % w.month_days, rows]
        held = days > today - w.month_days
        early = days < self._started[rows] // w.day
        short = (
            (rows >= 0) & ((held & (readings > laid)) | early) if self.devices else np.zeros(0, dtype=bool)
        )
        return {devices[row] for row in np.flatnonzero(short).tolist()}

    def drop(self, devices: Sequence[str]) -> None:
        """Forget devices, so that their whole history can be laid again."""
        gone = self.rows_of(devices)
        keep = np.setdiff1d(np.arange(len(self.devices)), gone)
        for name in ("_steps", "_days", "_first", "_since", "_used", "_started", "_life"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[..., keep]))
        self.devices = [self.devices[row] for row in keep]
        self._index = {device: row for row, device in enumerate(self.devices)}
        self._groups = None

    def at(self, rows: Ints) -> "RollingWindows":
        """Return the windows of some devices as of the newest tile of the fleet."""
        return RollingWindows(self, rows)

    def _admit(self, tiles: pl.DataFrame) -> None:
        """Make room for devices not known yet."""
        firsts = tiles.group_by("device_id").agg(pl.col("hour").min()).sort("device_id")
        fresh = [(device, hour) for device, hour in firsts.iter_rows() if device not in self._index]
        if not fresh:
            return
        needed = len(self.devices) + len(fresh)
        if needed > self._started.shape[0]:
            self._grow(max(needed, int(self._started.shape[0] * _ROOM)))
        for device, hour in fresh:
            row = self._index[device] = len(self.devices)
            self.devices.append(device)
            self._started[row] = hour // HOUR_MS
        self._groups = None

    def _grow(self, room: int) -> None:
        for name in ("_steps", "_days", "_first", "_since", "_used", "_started", "_life"):
            old = getattr(self, name)
            new = np.zeros((*old.shape[:-1], room), dtype=old.dtype)
            new[..., : old.shape[-1]] = old
            setattr(self, name, new)

    def _lay(self, hour: int, rows: Ints, new: Floats) -> None:
        """Lay the tiles of one hour: `new` (terms, rows)."""
        self.advance(hour + 1)
        slot = hour % self.windows.steps
        if hour >= self.end - self.windows.steps:
            delta = new - self._steps[:, slot, rows]
            self._steps[:, slot, rows] = new
            if self._groups is not None:
                self._group_steps[:, slot] += self._groups.sums(delta, rows)
        else:
            delta = new
        day = hour // self.windows.day
        if day < (self.end - 1) // self.windows.day:
            self._forget_days()
        if day > (self.end - 1) // self.windows.day - self.windows.month_days:
            self._days[:, day % self.windows.month_days, rows] += delta
        early = hour < self._started[rows] + self.windows.baseline
        if early.any():
            self._first[:, rows[early]] += delta[:, early]
        self._lay_lives(hour, rows, delta)

    def _lay_lives(self, hour: int, rows: Ints, delta: Floats) -> None:
        for part in range(len(self.components)):
            start = np.maximum(self._life[part, rows], self._started[rows])
            alive = hour >= start
            for use, term in enumerate(_USES):
                self._used[use, part, rows[alive]] += delta[self._row[term.name], alive]
            early = alive & (hour < start + self.windows.baseline)
            pairs = np.flatnonzero(self._part_of_pair == part)
            if early.any() and len(pairs):
                self._since[np.ix_(pairs, rows[early])] += delta[np.ix_(self._term_of_pair[pairs], early)]

    def advance(self, end: int) -> None:
        """Pass on to the step before `end`, though no tile of it came yet."""
        if end <= self.end:
            return
        w = self.windows
        steps = np.arange(max(self.end, end - w.steps), end) % w.steps
        last, today = (self.end - 1) // w.day, (end - 1) // w.day
        if today > last:
            self._forget_days()
        days = np.arange(max(last + 1, today + 1 - w.month_days), today + 1) % w.month_days
        self._steps[:, steps] = 0
        self._days[:, days] = 0
        self._group_steps[:, steps] = 0
        self.end = end

    def _renew(self, resets: pl.DataFrame, until: int, fresh: int) -> Update:
        """Begin the lives that resets before step `until` began, ahead of the tiles from `end` to there.

        One that began before the recent steps cannot be summed here; rows from `fresh` on have no sums yet.
        """
        stale: set[str] = set()
        touched: set[str] = set()
        known = resets.filter(pl.col("ts") < until * HOUR_MS)
        for part, component in enumerate(self.components):
            of_part = known.filter(pl.col("fault").is_in(reset_by(component)))
            newest = of_part.group_by("device_id").agg(pl.col("ts").max())
            rows = self.rows_of(newest["device_id"].to_list())
            starts = newest["ts"].to_numpy() // HOUR_MS + 1
            begun = (rows >= 0) & (starts > self._life[part, rows] if self.devices else False)
            for row, start in zip(rows[begun].tolist(), starts[begun].tolist(), strict=True):
                self._life[part, row] = start
                touched.add(self.devices[row])
                if row >= fresh or start <= self._started[row]:
                    continue
                if start < self.end - self.windows.steps:
                    stale.add(self.devices[row])
                else:
                    self._restart(part, row, start)
        return Update(frozenset(stale), frozenset(touched))

    def _restart(self, part: int, row: int, start: int) -> None:
        """Sum the baseline of a component that was renewed within the recent steps anew."""
        hours = np.arange(max(start, self.end - self.windows.steps), self.end)
        recent = self._steps[:, hours % self.windows.steps, row]
        for use, term in enumerate(_USES):
            self._used[use, part, row] = recent[self._row[term.name]].sum()
        pairs = np.flatnonzero(self._part_of_pair == part)
        early = hours < start + self.windows.baseline
        self._since[pairs, row] = recent[self._term_of_pair[pairs]][:, early].sum(axis=1)

    def groups(self) -> Groups:
        """Return who belongs to whom, and bring the sums of groups up to it."""
        if self._groups is None:
            self._forget_days()
            self._groups = Groups(self.devices, self._facts)
            count = len(self.devices)
            self._group_steps = np.stack(
                [self._groups.sums_of_all(steps[:, :count]) for steps in self._steps]
            )
        return self._groups

    def _forget_days(self) -> None:
        """Forget what was computed from whole days, of which one is another now."""
        self._relations.clear()
        self._group_days.clear()

    def group_days(self, term: Term) -> NDArray[np.float64]:
        """Return the sums of groups over the last days. Shape: (month_days, groups).

        Those of days that are over are kept until one of them changes; today's come from the recent steps.
        """
        groups, w = self.groups(), self.windows
        everyone = self.at(np.arange(len(self.devices)))
        if term.name not in self._group_days:
            self._group_days[term.name] = groups.sums_of_all(everyone.days(term)[:-1])
        begun = (self.end - 1) // w.day * w.day
        if term is CLOCK:
            today = groups.sums_of_all(everyone.days(term)[-1:])[0]
        else:
            today = self._group_steps[self._row[term.name], np.arange(begun, self.end) % w.steps].sum(axis=0)
        return np.vstack([self._group_days[term.name], today])

    def relation(self, measure: Measure) -> Relation:
        """Return how a measure goes with what it is given, on each model. Shapes: (given, models).

        It is fitted to whole days, so that it holds for a day unless a tile of an earlier one changes.
        """
        groups = self.groups()
        if measure.name not in self._relations:
            everyone = self.at(np.arange(len(self.devices)))
            self._relations[measure.name] = fit(measure, lambda term: everyone.days(term)[:-1], groups.model)
        return self._relations[measure.name]


class RollingWindows:
    """A WindowSource over rolling tiles, as of the newest tile of the fleet."""

    def __init__(self, tiles: RollingTiles, rows: Ints) -> None:
        self.windows = tiles.windows
        self.now: Ints = np.full(len(rows), tiles.end - 1, dtype=np.int64)
        self.started: Ints = tiles._started[rows]
        self._tiles = tiles
        self._rows = _as_slice(rows)

    def life_start(self, component: str) -> Ints:
        """Return the first step after the last repair of a component; 0 for none. Shape: (pairs,)."""
        return np.asarray(self._tiles._life[self._tiles.components.index(component), self._rows])

    def steps(self, term: Term) -> Floats:
        """Return the recent steps one by one. Shape: (steps, pairs)."""
        w, end = self.windows, self._tiles.end
        if term is CLOCK:
            return self._clock(np.arange(end - w.steps, end + 1))
        return self._picked(self._tiles._steps[self._row(term)], np.arange(end - w.steps, end) % w.steps)

    def days(self, term: Term) -> Floats:
        """Return the last days, today's as far as it has come. Shape: (month_days, pairs)."""
        w, end = self.windows, self._tiles.end
        today = (end - 1) // w.day
        if term is CLOCK:
            return self._clock(np.minimum(np.arange(today + 1 - w.month_days, today + 2) * w.day, end))
        places = np.arange(today + 1 - w.month_days, today + 1) % w.month_days
        return self._picked(self._tiles._days[self._row(term)], places)

    def first(self, term: Term) -> Floats:
        """Return the sum over the device's first `baseline` steps. Shape: (pairs,)."""
        if term is CLOCK:
            return self._elapsed(self.started)
        return np.asarray(self._tiles._first[self._row(term), self._rows])

    def since_repair(self, term: Term, component: str) -> Floats:
        """Return the sum over the first `baseline` steps of the component's present life. Shape: (pairs,)."""
        if term is CLOCK:
            return self._elapsed(np.maximum(self.life_start(component), self.started))
        return np.asarray(self._tiles._since[self._tiles._pair[component, term.name], self._rows])

    def used(self, component: str, term: Term = RUN_TIME) -> Floats:
        """Return the run time (s), or charge cycles, of the component's present life. Shape: (pairs,)."""
        return np.asarray(
            self._tiles._used[_USES.index(term), self._tiles.components.index(component), self._rows]
        )

    def cohort(self, term: Term) -> Floats:
        """Return the sum over the recent steps of all other devices of the cohort. Shape: (pairs,)."""
        groups = self._tiles.groups()
        if term is CLOCK:
            everyone = np.arange(len(self._tiles.devices))
            end = np.full(len(everyone), self._tiles.end)
            started = self._tiles._started[: len(everyone)]
            heard = overlap(end - self.windows.steps, end, started, end).astype(float)
            sums, own = groups.sums_of_all(heard), heard[self._rows]
        else:
            row = self._row(term)
            sums = self._tiles._group_steps[row].sum(axis=0)
            own = self.steps(term).sum(axis=0, dtype=np.float64)
        return np.asarray(sums[groups.cohort[self._rows]] - own)

    def cohort_days(self, term: Term) -> Floats:
        """Return the sums of all other devices of the cohort over the last days: (month_days, pairs)."""
        sums, groups = self._tiles.group_days(term), self._tiles.groups()
        return np.asarray(sums[:, groups.cohort[self._rows]] - self.days(term))

    def relation(self, measure: Measure) -> Relation:
        """Return how a measure goes with what it is given, on each device's model. Shapes: (given, pairs)."""
        fitted, chosen = self._tiles.relation(measure), self._tiles.groups().model[self._rows]
        return Relation(fitted.slope[:, chosen], fitted.usual[:, chosen])

    def _row(self, term: Term) -> int:
        return self._tiles._row[term.name]

    def _picked(self, cells: Floats, places: Ints) -> Floats:
        """Return some rows of the devices asked for."""
        one_by_one = isinstance(self._rows, np.ndarray)
        return cells[places[:, None], self._rows] if one_by_one else cells[places, self._rows]

    def _clock(self, edges: Ints) -> Floats:
        return np.asarray(np.diff(np.maximum(edges[:, None], self.started[None, :]), axis=0).astype(float))

    def _elapsed(self, start: Ints) -> Floats:
        return np.asarray(np.clip(self._tiles.end - start, 0, self.windows.baseline).astype(float))


def _as_slice(rows: Ints) -> Ints | slice:
    """Return rows that follow one another, as those of a fleet read at the start do, as a slice.

    It is copied at the speed of memory, not row by row.
    """
    if len(rows) and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
        return slice(int(rows[0]), int(rows[0]) + len(rows))
    return rows
