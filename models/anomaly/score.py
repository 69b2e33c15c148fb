"""The anomaly score of a stream: how far a machine is from its own normal, without history or label.

What is looked at are a machine's signals and how restless each is (the root of its distance from its own
trailing mean), as changes of trailing windows against a centre that follows, in the units that a fleet's
score has too (models/anomaly/changes.py). By itself a signal moves within a window (quieter the longer that
is) and by drift: as far as its later learning rows lie from its earlier ones, beyond
chance, and the further the longer ago the centre was learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.anomaly.changes import Change, Units, away, in_units, shrunk_covariance

Floats = NDArray[np.float64]

_RESTLESS = 30
"""A signal's unrest is that against so many rows."""
_LARGEST = 8.0
_FEWEST = 3
"""A window is at most one part of so many of what was learned."""
_CHANCE, _GOES_ON = 2.0, 0.7
"""So many variances of a half's mean are chance; drift beyond goes on by so much of what was seen."""
_STILL, _STILL_SHARE = 1e-9, 0.01
"""A signal that never moved (by this share) is in units of so much of its level."""


@dataclass(frozen=True, slots=True)
class Following:
    """How a stream is followed, in rows.

    `windows` are the trailing windows whose means are judged: short ones are quick to see a fault and to
    forget it, long ones see a small one. While the score is below `quiet` the centre moves by one part of
    `memory` of its distance a row, so that slow drift of a machine in order does not add up; above it by one
    of `lasting`: recovery is measured against what was normal before, but what lasts becomes normal.
    """

    windows: tuple[int, ...] = (5, 15, 45)
    memory: int = 300
    lasting: int = 3000
    quiet: float = 1.3


@dataclass(frozen=True, slots=True)
class Own:
    """What a machine does by itself.

    `noise` from row to row and `drift` a row (measures, 1), `beside` (windows, measures, 1) what windows'
    means vary by beyond that noise (variance), and the `covariance` of changes (measures, measures).
    """

    noise: Floats
    beside: Floats
    drift: Floats
    covariance: Floats

    def units(self, age: float) -> Units:
        """Return the units of changes against what was learned so many rows ago."""
        spread = np.sqrt(self.beside + (self.drift * age) ** 2)
        same = np.ones_like(self.noise)
        return Units(self.noise, spread, 0 * same, _LARGEST * same)


def follow(rows: Floats, learned: int, how: Following | None = None) -> Floats:
    """Return the score of each row of one machine's stream, NaN for the first `learned`, which teach it.

    Causal: a row's score knows that row and those before it, and neither their number nor the time. Units of
    signals do not matter. Shape: (rows, signals) to (rows,); between 1 and 2 is usual.
    """
    how = how or Following()
    windows = tuple(min(width, max(learned // _FEWEST, 1)) for width in how.windows)
    levels = _levels(rows, learned)
    own = learn_own(levels[:learned], windows)
    means = np.stack([trailing_means(levels, width) for width in windows])
    centre, age = np.zeros(levels.shape[1]), (learned - 1) / 2
    scores = np.full(len(rows), np.nan)
    for row in range(learned, len(rows)):
        age += 1
        scores[row] = _judged(means[:, row] - centre, own, windows, age, min(learned, how.memory))
        pace = 1 / (how.memory if scores[row] < how.quiet else how.lasting)
        centre += pace * (means[0, row] - centre)
        age *= 1 - pace
    return scores


def _judged(moved: Floats, own: Own, windows: Sequence[int], age: float, known: int) -> float:
    parts = [_change(each, width, known) for each, width in zip(moved, windows, strict=True)]
    return away(in_units(parts, own.units(age))[:, 0], own.covariance)


def _change(moved: Floats, now: int, earlier: int) -> Change:
    return Change(np.atleast_2d(moved).T, np.array(earlier), np.array(now))


def _levels(rows: Floats, learned: int) -> Floats:
    """Return signals and their unrest in units of what was learned. Shape: (rows, 2 x signals)."""
    mean, spread = rows[:learned].mean(axis=0), rows[:learned].std(axis=0)
    level = np.where(mean == 0, 1.0, np.abs(mean))
    still = spread <= _STILL * level
    scaled = (rows - mean) / np.where(still, _STILL_SHARE * level, spread)
    unrest = np.sqrt(np.abs(scaled - trailing_means(scaled, _RESTLESS)))
    return np.hstack([scaled, unrest - unrest[:learned].mean(axis=0)])


def learn_own(levels: Floats, windows: Sequence[int]) -> Own:
    """Learn what a machine does by itself from levels, shape (rows, measures), whose mean is 0."""
    learned, size = len(levels), np.array(windows)[:, None, None]
    time = np.arange(learned)[:, None] - (learned - 1) / 2
    left = levels - time * (time * levels).sum(axis=0) / (time**2).sum()
    means = [trailing_means(left, width) for width in windows]
    # Few long windows lie side by side in what was learned: their variance about its mean is too small.
    variance = np.stack([each[width - 1 :].var(axis=0) for each, width in zip(means, windows, strict=True)])
    variance = variance[:, :, None] * (1 + size / learned) + _STILL
    # Rows that take turns above and below leave less in a window's mean than chance would.
    noise = np.sqrt(np.minimum((variance * size).min(axis=0), left.var(axis=0)[:, None] + _STILL))
    beside = np.maximum(variance - noise**2 / size, 0)
    drift = _drift(levels, variance[-1] * windows[-1])
    own = Own(noise, beside, drift, np.eye(levels.shape[1]))
    whole = [each[max(windows) - 1 :] for each in means]
    seen = [_change(each, width, learned) for each, width in zip(whole, windows, strict=True)]
    covariance = shrunk_covariance(in_units(seen, own.units(0.0)).T, windows[0])
    return replace(own, covariance=covariance.astype(np.float64))


def _drift(levels: Floats, a_row: Floats) -> Floats:
    """Return by how much measures drift a row beyond chance, which is a variance of so much `a_row`."""
    half = len(levels) // 2
    moved = (levels[half:].mean(axis=0) - levels[:half].mean(axis=0))[:, None]
    return np.asarray(_GOES_ON * np.sqrt(np.maximum(moved**2 - _CHANCE * a_row / half, 0)) / half)


def trailing_means(rows: Floats, width: int) -> Floats:
    """Return the mean of each row and the `width - 1` before it, or of as many as there are."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    end = np.arange(1, len(rows) + 1)
    start = np.maximum(end - width, 0)
    return np.asarray((sums[end] - sums[start]) / (end - start)[:, None])


def held_out_scores(streams: Sequence[Floats], learned: int, how: Following | None = None) -> Floats:
    """Return scores of learning rows that were not learned from: what quiet machines score later on.

    Of each stream's first `learned` rows the first half teaches and scores the third quarter, the first three
    quarters teach and score the last: as in life, what is judged comes after what was learned.
    """
    quarter = learned // 4
    parts = [
        follow(rows[: (known + 1) * quarter], known * quarter, how)[known * quarter :]
        for rows in streams
        for known in (2, 3)
    ]
    return np.concatenate(parts)


def limit_for(budget: float, streams: Sequence[Floats], learned: int, how: Following | None = None) -> float:
    """Return the score that a share `budget` of quiet rows passes, from learning rows alone."""
    return float(np.quantile(held_out_scores(streams, learned, how), 1 - budget))
