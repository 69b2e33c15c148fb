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


def chosen(past: Past) -> tuple[Form, ...]:
    """Return the form for each series, judged by pinball loss on forecasts of periods that are over.

    Too young a fleet to be judged is told by what all series taught.
    """
    backs = [back for back in _BACK if past.periods - back >= _BEFORE]
    if not backs or not past.series:
        return (Form.POOLED,) * past.series
    gains = np.stack([_gains(past, past.periods - back) for back in backs])
    likely = np.stack([_likely(gains[:, place]) for place in range(len(SIMPLE))])
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


def _likely(gains: Floats) -> Floats:
    """Return the gain to be expected of each series. Shape of `gains`: (times, series).

    What lasts of the differences between series is the covariance of their gains at two times; the rest of
    their variance is chance. With one time all is taken for chance.
    """
    told = ~np.isnan(gains).any(axis=0)
    if not told.any():
        return np.full(gains.shape[1], -np.inf)
    mean = gains[:, told].mean(axis=0)
    lasting = np.cov(gains[:, told])[0, 1] if len(gains) > 1 and told.sum() > 2 else 0.0
    trust = float(np.clip(lasting / max(float(mean.var()), 1e-300), 0.0, 1.0))
    likely = np.full(gains.shape[1], mean.mean())
    likely[told] += trust * (mean - mean.mean())
    return likely


def pinball(truth: Floats, told: Floats, q: float) -> Floats:
    """Return the pinball loss of a told quantile: q for each that was missing, 1 - q for each too many."""
    off = truth - told
    return np.asarray(np.maximum(q * off, (q - 1) * off))
