"""The sequential test that stops a roll-out: an exact permutation test that spends its false stops. Pure.

Chance alone drew who has the new firmware. So if it makes no difference, each other order that might have
been drawn (draw.other_orders) would show a difference as large as the one seen just as often, whatever
devices are like: one that errs ten times as often as others, a hard week for all, faults that come in bursts
do not matter (Fisher, "The design of experiments", 1935). At each look the roll-out stops if its difference
is among the few largest; how few rises as the stage goes on (the alpha spending of Lan and DeMets, Biometrika
70, 1983), and an order that would have been stopped at an earlier look stays stopped. Over all looks an equal
firmware is therefore stopped with at most the chance that was to be spent. The four rates are judged as one:
the statistic is the largest of theirs and of their sum (Westfall and Young, "Resampling-based multiple
testing", 1993), so their number costs nothing of that.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from access.firmware.draw import Ints

Floats = NDArray[np.float64]
FALSE_STOPS = 0.03
"""The chance that an equal firmware is ever stopped, all looks and stages of a roll-out together."""
_PSEUDO_H = 72.0
"""So many hours of the fleet's average are mixed into a device's past: one with little is like the rest."""
_SPREAD = 0.5
"""Squared coefficient of variation of a rate around what is expected of it; only power depends on it."""
_FAR = 3.0
"""A single device counts for at most so many standard deviations."""
_NO_SPREAD = 1e-12


def to_spend(part: int, elapsed: float) -> float:
    """Return the chance of a false stop that may have been spent in a comparison by now.

    `part` is its number from 0 (a stage, or what follows a pause), of which each has half of what is left;
    `elapsed` is the time since it began against its soak time. At its end three quarters are spent, the rest
    is for as long as it goes on.
    """
    return float(FALSE_STOPS * 0.5 ** (part + 1) * (1 - 4.0 ** -max(0.0, elapsed)))


def count_scores(seen: Floats, hours: Floats, past: Floats, past_hours: Floats) -> Floats:
    """Return how much more a device did than its own past lets expect, as a score. Shape: (devices,).

    `seen` is how many of its `hours` were bad, `past` how many of its `past_hours`. The past is shrunk to the
    fleet's average (Robbins's empirical Bayes); the score is that of a negative binomial rate, with outliers
    held back. It may be anything that does not depend on the draw, and the test stays valid.
    """
    total = past_hours.sum()
    average = (past.sum() + 0.5) / (total + _PSEUDO_H) if total > 0 else 0.0
    expected = hours * (past + _PSEUDO_H * average) / (past_hours + _PSEUDO_H)
    spread = np.sqrt(expected + _SPREAD * expected**2)
    return np.asarray(np.minimum(seen - expected, _FAR * spread + 1) / (1 + _SPREAD * expected))


def level_scores(now: Floats, before: Floats) -> Floats:
    """Return how much a level (a risk, 0 to 1) has risen; 0 where either is not known (NaN)."""
    return np.nan_to_num(now - before, nan=0.0)


def centred(scores: Floats, sites: Ints) -> Floats:
    """Return scores against the mean of their site: what all of a site share is no difference."""
    counts = np.bincount(sites)
    means = np.bincount(sites, weights=scores) / np.maximum(counts, 1)
    alone = counts[sites] < 2
    return np.asarray(scores - np.where(alone, scores.mean(), means[sites]))


def differences(scores: Sequence[Floats], orders: Ints) -> Floats:
    """Return the standardised difference of each beginning from the rest. Shape: (scores + 1, orders).

    `orders` (orders, cohort) are the devices of each; the last row is the sum of the others.
    """
    devices, cohort = len(scores[0]), orders.shape[1]
    share = cohort * (devices - cohort) / (devices * max(1, devices - 1))
    rows = []
    for each in scores:
        variance = share * float((each**2).sum())
        sums = each[orders].sum(axis=1)
        rows.append(sums / math.sqrt(variance) if variance > _NO_SPREAD else np.zeros(len(orders)))
    return np.array([*rows, np.sum(rows, axis=0) / math.sqrt(len(rows))])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look says. `worst` names the rate that differs most ("all" for the sum of them).

    `statistic` is what was seen, `bound` what would have stopped it, infinite where nothing can yet. `larger`
    is the share of orders that show as much. `ended` are the other orders that have been stopped by now.
    """

    stop: bool
    worst: str
    statistic: float
    bound: float
    larger: float
    spent: float
    ended: tuple[int, ...]
    each: Mapping[str, float]


def judge(
    scores: Mapping[str, Floats], own: Ints, others: Ints, spend: float, ended: Sequence[int] = ()
) -> Verdict:
    """Look once at a comparison. `own` (cohort,) are those with the firmware, `others` (orders, cohort).

    `spend` is the chance that may have been spent by now, `ended` the orders stopped at earlier looks.
    """
    names = [*scores, "all"]
    found = differences(list(scores.values()), np.vstack([own[None, :], others]))
    found = np.round(found, 9)  # equal sums in another order are equal
    largest = found.max(axis=0)
    out = np.zeros(len(largest), dtype=bool)
    out[np.array(ended, dtype=np.int64) + 1] = True
    room = math.floor(spend * len(largest) + 1e-9) - int(out.sum())
    bound = _bound(largest[~out], room)
    stop = bool(largest[0] >= bound)
    out |= largest >= bound
    out[0] = False
    return Verdict(
        stop,
        names[int(found[:, 0].argmax())],
        float(largest[0]),
        bound,
        float((largest >= largest[0]).mean()),
        spend,
        tuple((np.flatnonzero(out) - 1).tolist()),
        dict(zip(names, found[:, 0].tolist(), strict=True)),
    )


def _bound(running: Floats, room: int) -> float:
    """Return the least statistic of which at most `room` of those still running are as large."""
    if room < 1:
        return math.inf
    falling = np.sort(running)[::-1]
    if room >= len(falling):
        return float(falling[-1])
    below = falling[room]  # the largest that may go on
    larger = falling[falling > below]
    return float(larger[-1]) if len(larger) else math.inf
