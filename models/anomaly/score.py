"""The anomaly score of a stream: how far a machine is from its own normal, without history or label.

A *normal* is learned from rows without labels: their centre, and a covariance shrunk towards a multiple of
the identity. The score is the distance from it in units of that covariance (models/anomaly/changes.py, which
a fleet's score is made of too).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.anomaly.changes import away, shrunk_covariance

Floats = NDArray[np.float64]

USUAL = 0.99
"""A normal's limit is this quantile of the distances of the rows that it was learned from."""
_LEAST_SPREAD = 1e-9
_LEAST_SCORE = 1e-9


@dataclass(frozen=True, slots=True)
class Normal:
    """What is normal: `centre` (signals,), `covariance` (signals, signals), `limit` the usual distance."""

    centre: Floats
    covariance: Floats
    limit: float

    def distance(self, rows: Floats) -> Floats:
        """Return how far rows are from the centre; 1 is the limit. Shape: (rows, signals) to (rows,)."""
        return np.asarray(away((rows - self.centre).T, self.covariance) / self.limit, dtype=np.float64)


def learn_normal(rows: Floats) -> Normal:
    """Learn a normal from rows, shape (rows, signals), all numbers and at least two rows."""
    loose = Normal(rows.mean(axis=0), shrunk_covariance(rows).astype(np.float64), 1.0)
    return replace(loose, limit=max(float(np.quantile(loose.distance(rows), USUAL)), _LEAST_SPREAD))


@dataclass(frozen=True, slots=True)
class Following:
    """How a stream is followed.

    `windows` are the lengths (rows) of the trailing windows whose means are judged; the score is the
    geometric mean over them: short ones are quick to see a fault and to forget it, long ones see a small one.
    While the score is below `quiet` limits the centre moves by `adaptation` of its distance a row, so that
    slow drift of a machine in order does not add up; above it the centre stands, and the machine's recovery
    is measured against what was normal before the fault. What lasts for more than `lasting` rows (ten of the
    longest windows, as a fleet's 30 days are) is no fault any more but the new normal: the centre follows.
    """

    windows: tuple[int, ...] = (10, 30, 60)
    adaptation: float = 0.01
    quiet: float = 1.5
    lasting: int = 600


def follow(rows: Floats, learned: int, how: Following | None = None) -> Floats:
    """Return the score of each row of one machine's stream, NaN for the first `learned`, which teach it.

    Causal: a row's score knows that row and those before it, and neither their number nor the time.
    Shape: (rows, signals) to (rows,); 1 is as far from normal as 1 % of what was learned from.
    """
    how = how or Following()
    centre = rows[:learned].mean(axis=0)
    spread = np.maximum(rows[:learned].std(axis=0), _LEAST_SPREAD)
    scaled = (rows - centre) / spread
    scores = [_follow_one(trailing_means(scaled, width), learned, width, how) for width in how.windows]
    return np.asarray(np.exp(np.mean(np.log(np.maximum(scores, _LEAST_SCORE)), axis=0)))


def _follow_one(means: Floats, learned: int, width: int, how: Following) -> Floats:
    normal = learn_normal(means[min(width, learned // 2) - 1 : learned])
    centre = normal.centre.copy()
    scores = np.full(len(means), np.nan)
    alarmed = 0
    for row in range(learned, len(means)):
        moved = means[row] - centre
        scores[row] = away(moved[:, None], normal.covariance)[0] / normal.limit
        alarmed = 0 if scores[row] < how.quiet else alarmed + 1
        if not 0 < alarmed <= how.lasting:
            centre += how.adaptation * moved
    return scores


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
