"""How likely a part is asked for in a period at all: one regression over all series of a fleet.

Parts are asked for seldom, so a series alone says little: which of its periods had an order is compared with
what all series did after looking like it. A young fleet has nothing to compare with: the regression then
stays at its prior, the series' own fading share of periods with an order, drawn towards that of the fleet.
"""

from dataclasses import dataclass

import numpy as np

from desk.parts.forecast.counts import Floats
from desk.parts.forecast.looks import PRIOR, bent, looks
from desk.parts.forecast.past import Past

_RIDGE = 100.0
"""How strongly slopes (of standardised looks) are held at 0, where the prior is all there is."""
_AHEAD, _EVERY, _BEFORE = 12, 3, 24
"""Learned from: orders in the 12 periods after every third one, from the 24th on; less for the young."""
_YOUNG_SHARE, _YOUNG_PERIODS = 1 / 12, 12.0
"""What is believed of a fleet without history: an order a year, as if one part had been seen for a year."""
_YOUNG_TOGETHER, _MOST_TOGETHER = 0.05, 0.5
_LEAST_SCALE, _FARTHEST = 0.1, 4.0
_STEPS, _ENOUGH = 25, 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """What was learned. `share` is the fleet's of periods with an order.

    `together` is the correlation between two periods of a series beyond what is known of it, which makes the
    number of orders in several periods beta-binomial. `centre`, `scale` and `slopes` belong to looks.
    """

    share: float
    together: float
    slopes: Floats
    centre: Floats
    scale: Floats

    def chances(self, past: Past) -> Floats:
        """Return the chance of an order in a coming period, before seasons. Shape: (series,)."""
        seen = looks(past, self.share)
        return _chance(seen[:, PRIOR] + _table(seen, self.centre, self.scale) @ self.slopes)


def learned(past: Past) -> Occurrence:
    """Learn from all series how the orders of coming periods follow from what a series looks like."""
    known = ~np.isnan(past.used)
    orders = float((np.nan_to_num(past.used) > 0).sum())
    share = (orders + _YOUNG_SHARE * _YOUNG_PERIODS) / (float(known.sum()) + _YOUNG_PERIODS)
    ahead, first = min(_AHEAD, past.periods // 4), min(_BEFORE, past.periods // 3)
    origins = range(past.periods - ahead, first - 1, -_EVERY) if ahead else range(0)
    rows = [_rows(past, at, ahead, share) for at in origins]
    seen = np.concatenate([each for each, _ in rows]) if rows else looks(past.until(0), share)[:0]
    after = np.concatenate([each for _, each in rows]) if rows else np.empty(0)
    return _fitted(share, seen, after, ahead)


def _rows(past: Past, at: int, ahead: int, share: float) -> tuple[Floats, Floats]:
    """Return looks before a period, and in how many of the `ahead` from it on there was an order."""
    after = past.used[:, at : at + ahead]
    whole = ~np.isnan(after).any(axis=1) & ~np.isnan(past.used[:, at - 1])
    seen = looks(Past(past.used[whole, :at]), share)
    return seen, (after[whole] > 0).sum(axis=1).astype(np.float64)


def _fitted(share: float, seen: Floats, after: Floats, ahead: int) -> Occurrence:
    """Return the regression of a ridge penalty, or the prior alone where there is no row."""
    columns = bent(np.zeros((1, seen.shape[1]))).shape[1]
    none = Occurrence(
        share, _YOUNG_TOGETHER, np.zeros(columns + 1), np.zeros(seen.shape[1]), np.ones(columns)
    )
    if not len(seen):
        return none
    centre = seen.mean(axis=0)
    scale = np.maximum(bent(seen - centre).std(axis=0), _LEAST_SCALE)
    table = _table(seen, centre, scale)
    slopes = _regressed(table, seen[:, PRIOR], after, ahead)
    chance = _chance(seen[:, PRIOR] + table @ slopes)
    return Occurrence(share, _together(chance, after, ahead), slopes, centre, scale)


def _table(seen: Floats, centre: Floats, scale: Floats) -> Floats:
    """Return standardised looks beside a column of 1; what was hardly ever seen counts as the rarest seen."""
    standard = np.clip(bent(seen - centre) / scale, -_FARTHEST, _FARTHEST)
    return np.column_stack([np.ones(len(seen)), standard])


def _regressed(table: Floats, prior: Floats, after: Floats, ahead: int) -> Floats:
    """Return the slopes of the highest penalised likelihood: Newton's steps, halved where they overshoot."""

    def likely(slopes: Floats) -> float:
        log_odds = prior + table @ slopes
        told = after * log_odds - ahead * np.logaddexp(0.0, log_odds)
        return float(told.sum() - _RIDGE / 2 * slopes @ slopes)

    slopes = np.zeros(table.shape[1])
    best = likely(slopes)
    for _ in range(_STEPS):
        step = _newton(table, prior, after, ahead, slopes)
        while (now := likely(slopes + step)) < best and np.abs(step).max() > _ENOUGH:
            step = step / 2
        slopes, best = slopes + step, now
        if np.abs(step).max() <= _ENOUGH:
            break
    return slopes


def _newton(table: Floats, prior: Floats, after: Floats, ahead: int, slopes: Floats) -> Floats:
    chance = _chance(prior + table @ slopes)
    push = table.T @ (after - ahead * chance) - _RIDGE * slopes
    weights = ahead * chance * (1 - chance)
    bend = (table * weights[:, None]).T @ table + _RIDGE * np.eye(len(slopes))
    return np.asarray(np.linalg.solve(bend, push))


def _together(chance: Floats, after: Floats, ahead: int) -> float:
    """Return the correlation of periods by moments: what the variance of their sum has above a binomial's."""
    if ahead < 2:
        return _YOUNG_TOGETHER
    binomial = ahead * chance * (1 - chance)
    excess = float(((after - ahead * chance) ** 2 - binomial).sum() / ((ahead - 1) * binomial).sum())
    return float(np.clip(excess, 0.0, _MOST_TOGETHER))


def _chance(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))))
