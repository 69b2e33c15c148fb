"""Which distribution stands for a series: the one that all series taught, or a plain one of its own.

Few orders make any comparison on one series chance, so what its past says is drawn towards what the whole
fleet's says, as far as gains of one year told nothing of those of the next (empirical Bayes).
"""

import numpy as np

from desk.parts.forecast.counts import Floats
from desk.parts.forecast.hurdles import hurdles
from desk.parts.forecast.past import Past
from desk.parts.forecast.simple import SIMPLE, Form, levels

HALF_LIFE = 48.0
"""With it the mean and the dispersion of the plain distributions fade."""
_AT = (0.95, 0.99)
_BACK, _AHEAD, _BEFORE = (24, 12), 12, 24
"""Judged as if standing 24 and 12 periods back, on the 12 after, where at least 24 came before."""

_FEW, _ERRORS = 5, 2.0
"""Fewer series do not show what holds for all; an estimate may be off by so many standard errors."""


def chosen(past: Past) -> tuple[Form, ...]:
    """Return the form for each series, judged by pinball loss on forecasts of periods that are over.

    What is too young to be judged, or was never used, is told by what all series taught.
    """
    backs = [back for back in _BACK if past.periods - back >= _BEFORE]
    if not backs or not past.series:
        return (Form.POOLED,) * past.series
    gains = np.stack([_gains(past, past.periods - back) for back in backs])
    likely = np.stack([likely_gains(gains[:, place]) for place in range(len(SIMPLE))])
    best = likely.argmax(axis=0)
    return tuple(SIMPLE[at] if likely[at, row] > 0 else Form.POOLED for row, at in enumerate(best))


def _gains(past: Past, at: int) -> Floats:
    """Return by how much each plain form was better than the pooled one, NaN where unknown.

    In mean absolute differences of the series, so that all count alike. Shape: (forms, series).
    """
    before, after = past.until(at), past.used[:, at : at + _AHEAD]
    pooled, plain = hurdles(before, _AHEAD), levels(before, HALF_LIFE)
    total = np.zeros((len(SIMPLE), *after.shape))
    for q in _AT:
        ours = pinball(after, pooled.quantiles(q), q)
        for place, form in enumerate(SIMPLE):
            total[place] += ours - pinball(after, plain.quantiles(form, q)[:, None], q)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.abs(np.diff(before.used, axis=1))
        scale = np.nansum(scale, axis=1) / (~np.isnan(scale)).sum(axis=1)
        return np.asarray(np.where(scale > 0, total.mean(axis=2) / scale, np.nan))


def likely_gains(gains: Floats) -> Floats:
    """Return the gain of each series that is all but sure. Shape of `gains`: (times, series).

    What lasts of the differences between series is the covariance of their gains at two times, the rest of
    their variance is chance; with one time all is taken for chance. The fleet's mean and the covariance each
    count as two standard errors less than they are. Where a gain is unknown (NaN) it is -inf.
    """
    likely = np.full(gains.shape[1], -np.inf)
    told = ~np.isnan(gains).any(axis=0)
    count = int(told.sum())
    if count < _FEW:
        return likely
    mean = gains[:, told].mean(axis=0)
    variance = max(float(mean.var(ddof=1)), 1e-300)
    trust = 0.0
    if len(gains) > 1:
        spread = np.cov(gains[:, told])
        lasting = spread[0, 1] - _ERRORS * np.sqrt(spread[0, 0] * spread[1, 1] / count)
        trust = float(np.clip(lasting / variance, 0.0, 1.0))
    fleet = mean.mean() - _ERRORS * np.sqrt(variance / count)
    likely[told] = fleet + trust * (mean - mean.mean())
    return likely


def pinball(truth: Floats, told: Floats, q: float) -> Floats:
    """Return the pinball loss of a told quantile: q for each that was missing, 1 - q for each too many."""
    off = truth - told
    return np.asarray(np.maximum(q * off, (q - 1) * off))
