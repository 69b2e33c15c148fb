"""What is looked at on the filters of hse-filter: our features over their seconds, and what dust explains.

Two things tell when a filter is full: how much dust it has taken, and how high its pressure drop stands
against runs that took as much. The feed still to come is not known: it is taken from those other runs whose
feed went the same way so far. The end is the first reading above 600 Pa, so a run whose pressure flickers
ends sooner: its noise counts as much as its level.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleet.text import Text
from models.features import terms
from models.features.batch_windows import BatchWindows, Moments
from models.features.compute import Look
from models.features.definitions import Feature, View, terms_of
from models.features.grid import TileGrid
from models.features.measures import Measure
from models.features.windows import NO_RESETS, FleetFacts, Floats, Ints, Windows
from yardsticks.filter_files import FAILED_PA, Run, as_tiles

_SHORT = Windows(5, 5, 1, 5, 10, 20, 20, 1)
_LONG = Windows(20, 5, 1, 10, 20, 40, 20, 1)
_SO_FAR = Windows(400, 5, 1, 10, 20, 40, 20, 1)
"""Lengths in seconds: what a level is over, and what it is compared with."""
_DUST_GRID = 128
"""Steps of dust, up to twice what a run took at most."""
_SETTLED = 0.25
"""From this share of its last level on, the pressure drop alone tells where a run stands."""
_NOISE_AT = 4
"""Where the noise over 20 s stands among the long looks."""
_LEAST_NOISE_PA = 1.0
_MOST_TIMES = 4.0
_AHEAD_S = (15, 30, 60)


def _mean(signal: str) -> Measure:
    label = Text(signal, signal)
    return Measure(signal, signal, "", "filter", label, terms.total(signal), terms.count(signal), False)


_NOISE = Measure(
    "noise", "dp", "Pa", "filter", Text("noise", "noise"), terms.squares("dp"), terms.count("dp"), False, True
)
_LOOKS: tuple[tuple[Windows, tuple[Feature, ...]], ...] = (
    (
        _SHORT,
        (
            Feature(_mean("dp"), View.DAY),
            Feature(_mean("dp"), View.STEP),
            Feature(_mean("dp"), View.TREND),
            Feature(_mean("top"), View.DAY),
            Feature(_mean("top"), View.STEP),
            Feature(_mean("feed"), View.DAY),
        ),
    ),
    (
        _LONG,
        (
            Feature(_mean("dp"), View.DAY),
            Feature(_mean("dp"), View.TREND),
            Feature(_mean("dp"), View.MONTH),
            Feature(_mean("top"), View.DAY),
            Feature(_NOISE, View.DAY),
            Feature(_mean("dropped"), View.DAY),
        ),
    ),
    (
        _SO_FAR,
        (
            Feature(_NOISE, View.DAY),
            Feature(_mean("dropped"), View.DAY),
            Feature(_mean("flow"), View.DAY),
            Feature(_mean("feed"), View.DAY),
        ),
    ),
)


@dataclass(frozen=True)
class Seen:
    """A run looked at second by second.

    `features` (seconds, features); `level` (Pa), its mean over 5 s; `noise` (Pa), the sd within seconds over
    20 s.
    """

    run: Run
    features: Floats
    level: Floats
    noise: Floats


def look_at(runs: Sequence[Run]) -> list[Seen]:
    """Compute the features of each run by itself; nothing later than a second is used."""
    every = [feature for _, some in _LOOKS for feature in some]
    grid = TileGrid(terms_of(every))
    grid.update(as_tiles(list(runs)))
    return [_seen(grid, run) for run in runs]


def _seen(grid: TileGrid, run: Run) -> Seen:
    seconds = np.arange(len(run.dp), dtype=np.int64)
    moments = Moments(np.repeat(grid.rows_of([run.name]), len(seconds)), seconds)
    facts = FleetFacts({}, NO_RESETS)
    tables = [Look(BatchWindows(grid, facts, moments, look)).matrix(some) for look, some in _LOOKS]
    level, noise = tables[0][:, 0].astype(float), tables[1][:, _NOISE_AT].astype(float)
    highest = np.maximum.accumulate(run.top)
    own = np.stack([run.time, run.dust, highest, highest - level], axis=1)
    return Seen(run, np.hstack([own, *tables]), level, np.maximum(noise, _LEAST_NOISE_PA))


class Reference:
    """Other runs, as what one run can be held against: levels by dust taken, and ways of feeding."""

    def __init__(self, runs: Sequence[Seen]) -> None:
        self._runs = runs
        most = max(each.run.dust[-1] for each in runs)
        self._dust = np.linspace(0, 2 * most, _DUST_GRID)
        self._levels = np.stack(
            [np.interp(self._dust, each.run.dust, each.level, right=np.nan) for each in runs]
        )
        self._longest = max(len(each.run.feed) for each in runs)

    def against(self, seen: Seen, rows: Ints, others: Sequence[int]) -> Floats:
        """Return what `others` (places in the runs given) say of some seconds of a run.

        Seconds left by dust alone and by its level, how far it is ahead in dust, and the feed that is to
        come over the next 15, 30 and 60 s. Shape: (rows, 6).
        """
        at, curve = rows, self._curve(others)
        last = float(np.mean([self._runs[other].level[-1] for other in others]))
        full = np.interp(self._end_level(seen.noise[at], others), curve, self._dust)
        total = float(np.mean([self._runs[other].run.dust[-1] for other in others]))
        dust, level = seen.run.dust[at], seen.level[at]
        stands = np.interp(level, curve, self._dust)
        sure = np.clip(level / (_SETTLED * last), 0.0, 1.0)
        by_level = np.maximum(full - (sure * stands + (1 - sure) * dust), 0.0)
        weight, fed = self._ways(seen.run, at, others)
        left = [_seconds_for(rest, at, weight, fed) for rest in (np.maximum(total - dust, 0.0), by_level)]
        ahead = [
            sum(w * (each[at + 1 + step] - each[at + 1]) / step for w, each in zip(weight, fed, strict=True))
            for step in _AHEAD_S
        ]
        return np.stack([*left, stands - dust, *ahead], axis=1)

    def _end_level(self, noise: Floats, others: Sequence[int]) -> Floats:
        """Return the level at which a run of some noise ends: others ended so many times theirs below 600."""
        ends = [self._runs[other] for other in others]
        times = float(np.median([(FAILED_PA - each.level[-1]) / each.noise[-1] for each in ends]))
        return np.asarray(FAILED_PA - np.clip(times, 0, _MOST_TIMES) * noise)

    def _curve(self, others: Sequence[int]) -> Floats:
        """Return the mean level of `others` by dust, rising; where few are left it goes on as it did."""
        levels = self._levels[list(others)]
        known = np.isfinite(levels).sum(axis=0)
        end = int(np.flatnonzero(known >= max(len(others) / 3, 1))[-1]) + 1
        curve = np.maximum.accumulate(np.nanmean(levels[:, :end], axis=0))
        back = min(8, end - 1)
        slope = max((curve[-1] - curve[-1 - back]) / max(back, 1), 1e-6)
        rest = curve[-1] + slope * np.arange(1, _DUST_GRID - end + 1)
        return np.asarray(np.concatenate([curve, rest]) + 1e-6 * np.arange(_DUST_GRID))

    def _ways(self, run: Run, at: Ints, others: Sequence[int]) -> tuple[Floats, list[Floats]]:
        """Return how likely each of `others` tells the feed to come, (others, rows), and what each was fed.

        A second fed otherwise makes a run less likely by a factor e; feeds differ by a quarter of the mean.
        """
        seconds = len(run.feed) + 3 * self._longest
        feeds = np.stack([_longer(self._runs[other].run.feed, seconds) for other in others])
        apart = 0.25 * float(np.mean([self._runs[other].run.feed.mean() for other in others]))
        differ = np.cumsum(np.abs(feeds[:, : len(run.feed)] - run.feed) > apart, axis=1)[:, at]
        weight = np.exp(-(differ - differ.min(axis=0)).astype(float))
        fed = list(np.pad(np.cumsum(feeds, axis=1), ((0, 0), (1, 0))))
        return np.asarray(weight / weight.sum(axis=0)), fed


def _longer(feed: Floats, seconds: int) -> Floats:
    """Return a feed that goes on as it ended."""
    return np.pad(feed, (0, seconds - len(feed)), mode="edge")


def _seconds_for(rest: Floats, at: Ints, weight: Floats, fed: list[Floats]) -> Floats:
    """Return the seconds until `rest` more dust was fed, the mean over the ways it may be fed."""
    clock = np.arange(len(fed[0]), dtype=float)
    times = [np.interp(each[at + 1] + rest, each, clock) - (at + 1) for each in fed]
    return np.asarray((weight * np.stack(times)).sum(axis=0))
