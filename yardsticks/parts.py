"""The parts yardstick: quantiles of intermittent demand, and the stock of a store that orders by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from desk.parts.forecast.choice import pinball
from desk.parts.forecast.counts import Floats
from desk.parts.forecast.forecast import Forecast, forecast
from desk.parts.forecast.past import Past
from desk.parts.forecast.simple import Form, Levels, levels
from fleet.errors import InvalidInput
from yardsticks.parts_files import read_series
from yardsticks.parts_stock import Held, Targets, Weights, held_at_fill, poisson_target
from yardsticks.report import Report, over_seeds

HORIZON, LEAD = 12, 3
"""Months of the test; and for how long an order has to last."""
FILL = 0.95
_QUANTILES = {"pinball_95": 0.95, "pinball_99": 0.99}
_LEAST_PAST = 12
_JANUARY = 1
"""The files name no months: only where in a year a month lies matters, not what it is called."""
PROTOCOL = (
    "The last months (12, or --horizon) are the test; each quantile of theirs is told when they begin, from "
    "the months before alone, in whole parts. Pinball loss at q over the test months, divided by the mean "
    "absolute difference of neighbouring months before them, mean over series; one that never changed "
    "before is left out. Stock: at each review, from the months before it alone, order up to the quantile "
    "of the sum over 3 months, with one q for all, halved until 95 % of all units asked for in the "
    "test months are met at once; stock_ratio_95 is the mean stock at a month's end against that of a "
    "Poisson base stock at its own such q. Settings were chosen on months 37 to 72 of raf-even, each year "
    "told from those before it. There is no chance in it: all seeds agree."
)


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Series (series, months), and the month at which the test begins."""

    series: Floats
    origin: int

    @property
    def past(self) -> Past:
        """Return what is known when the test begins."""
        return self.before(self.origin)

    @property
    def test(self) -> Floats:
        """Return the months of the test."""
        return self.series[:, self.origin :]

    def before(self, month: int) -> Past:
        """Return what is known when a month begins."""
        return Past(self.series[:, :month], _JANUARY)


def evaluate(folder: Path, seeds: Sequence[int], horizon: int = HORIZON) -> dict[str, Any]:
    """Score the yardstick in a folder, as `yardsticks.report.Report.as_json` says.

    Raises InvalidInput when a file is missing or wrong, or its series are too short for `horizon` months.
    """
    split = prepared(folder, horizon)
    told = forecast(split.past, horizon)
    stocks = stocks_of(split)
    figures = pinballs(split, {q: told.quantiles(q) for q in _QUANTILES.values()})
    figures |= {"stock_ratio_95": _ratio(stocks["ours"], stocks["poisson"])}
    metrics, _ = over_seeds(seeds, lambda _: figures)
    return Report(
        "parts", seeds, metrics, baselines(split, stocks), PROTOCOL, _details(split, told, stocks)
    ).as_json()


def prepared(folder: Path, horizon: int = HORIZON) -> Split:
    """Read a folder and cut off the test. Raises InvalidInput."""
    if horizon < 1:
        raise InvalidInput(f"--horizon: {horizon} must be 1 month or more")
    series = read_series(folder)
    months = series.shape[1]
    if months < horizon + _LEAST_PAST:
        raise InvalidInput(
            f"{folder} holds series of {months} months; {horizon} to test and {_LEAST_PAST} before are needed"
        )
    split = Split(series, months - horizon)
    young = np.flatnonzero(np.isnan(series[:, split.origin - LEAD]))
    if len(young):
        raise InvalidInput(f"{folder}: series {young[0] + 1} begins less than {LEAD} months before the test")
    return split


def pinballs(split: Split, told: dict[float, Floats]) -> dict[str, float]:
    """Return the scaled loss of told quantiles, each of shape (series, months) or (series, 1)."""
    scale = scales(split.past)
    counts = scale > 0
    if not counts.any():
        raise InvalidInput("no series ever changes before the test: there is nothing to scale the loss by")
    return {
        name: float((pinball(split.test, told[q], q).mean(axis=1)[counts] / scale[counts]).mean())
        for name, q in _QUANTILES.items()
    }


def scales(past: Past) -> Floats:
    """Return the mean absolute difference of neighbouring months; 0 without any. Shape: (series,)."""
    steps = np.abs(np.diff(past.used, axis=1))
    return np.asarray(np.nansum(steps, axis=1) / np.maximum((~np.isnan(steps)).sum(axis=1), 1))


def baselines(split: Split, stocks: dict[str, tuple[Held, Held]]) -> dict[str, Any]:
    """Return what always 0, and plain distributions of each series' own months, reach."""
    plain = levels(split.past)
    found: dict[str, Any] = {
        "always_zero": pinballs(split, dict.fromkeys(_QUANTILES.values(), np.zeros((1, 1))))
    }
    for form in (Form.EMPIRICAL, Form.POISSON, Form.NEGATIVE_BINOMIAL):
        told = {q: plain.quantiles(form, q)[:, None] for q in _QUANTILES.values()}
        ratio = _ratio(stocks[form], stocks["poisson"])
        found[form.value] = pinballs(split, told) | {"stock_ratio_95": ratio}
    return found


def stocks_of(split: Split) -> dict[str, tuple[Held, Held]]:
    """Return what each policy holds when it meets 95 % of all units, and of a series' demand in the mean.

    The first in units; the second in months of each series' mean demand, so that all series count alike.
    """
    first = split.origin - LEAD + 1
    pasts = [split.before(month) for month in range(first, first + split.test.shape[1])]
    demand, weights = split.series[:, first:], _weights(split)
    policies: dict[str, Targets] = {"ours": _ours(pasts)}
    for form in (Form.EMPIRICAL, Form.POISSON, Form.NEGATIVE_BINOMIAL):
        policies[form.value] = _plain(pasts, form)
    return {
        name: (
            held_at_fill(demand, targets, LEAD, FILL, weights[0]),
            held_at_fill(demand, targets, LEAD, FILL, weights[1]),
        )
        for name, targets in policies.items()
    }


def _weights(split: Split) -> tuple[Weights, Weights]:
    asked, mean = split.test.sum(axis=1), np.nanmean(split.past.used, axis=1)
    ones = np.ones(len(asked))
    alike = [np.where(each > 0, 1 / np.maximum(each, 1e-300), 0.0) for each in (asked, mean)]
    return Weights(ones, ones), Weights(*alike)


def _ours(pasts: Sequence[Past]) -> Targets:
    reviews = []
    for past in pasts:
        told = forecast(past, LEAD)
        counts = [told.total(row, LEAD) for row in range(past.series)]
        reviews.append([(-each.tails(), each.step) for each in counts])

    def targets(strictness: float) -> Floats:
        chance = -(10.0**-strictness)
        found = [[int(tails.searchsorted(chance)) * step for tails, step in each] for each in reviews]
        return np.array(found, np.float64).T

    return targets


def _plain(pasts: Sequence[Past], form: Form) -> Targets:
    over = [_over_lead(past, form) for past in pasts]

    def targets(strictness: float) -> Floats:
        if form is Form.POISSON:
            return poisson_target(np.stack([each.mean for each in over], axis=1), strictness)
        return np.stack([each.exceeded_with(form, 10.0**-strictness) for each in over], axis=1)

    return targets


def _over_lead(past: Past, form: Form) -> Levels:
    """Return the plain distribution of the sum over the lead time: sums that were seen, or as many means."""
    if form is Form.EMPIRICAL:
        windows = np.lib.stride_tricks.sliding_window_view(past.used, LEAD, axis=1)
        return levels(Past(windows.sum(axis=2)))
    one = levels(past)
    return Levels(one.mean * LEAD, one.variance * LEAD, one.used, one.weights)


def _ratio(held: tuple[Held, Held], against: tuple[Held, Held], place: int = 0) -> float:
    """Return one stock against another; NaN where the fill is out of reach of either."""
    reached = min(held[place].fill, against[place].fill) >= FILL
    return held[place].stock / against[place].stock if reached else float("nan")


def _details(split: Split, told: Forecast, stocks: dict[str, tuple[Held, Held]]) -> dict[str, Any]:
    used = split.past.used
    return {
        "series": len(used),
        "months_before": used.shape[1],
        "share_of_zeros": float((used == 0).sum() / (~np.isnan(used)).sum()),
        "never_changed": int((scales(split.past) == 0).sum()),
        "forms": {form.value: told.forms.count(form) for form in Form},
        "stock_ratio_95_series_alike": _ratio(stocks["ours"], stocks["poisson"], 1),
        "stock": {name: _shown(units) for name, (units, _) in stocks.items()},
        "stock_in_mean_months": {name: _shown(alike) for name, (_, alike) in stocks.items()},
    }


def _shown(held: Held) -> dict[str, float]:
    return {"mean": held.stock, "fill": held.fill, "minus_log10_of_1_minus_q": held.strictness}
