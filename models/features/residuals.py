"""Residuals: what a measure would be under the usual load, use and battery of the device's model.

A linear relation between daily levels, fitted to all devices of a model over the last whole days:

    y(device, day) = own(device) + sum of slope_k * x_k(device, day)

`own` is each device's alone, so that units which differ by make, place or wear do not bend the slopes. The
relation is computed from the same sums in training as in serving, as of the day looked at, and no trained
model holds it: a model of device that no training saw has one after a few days of its own.

The slopes are those of a ridge regression (Hoerl and Kennard, Technometrics 12, 1970) in units of each x's
own variance; a second pass weighs days down that the first did not explain (Cauchy weights; Holland and
Welsch, Communications in Statistics 6, 1977), because among all days there are some of failing devices.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features.measures import Measure
from models.features.terms import Term

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]

LEAST_DAYS = 20
"""A relation needs so many device-days beyond the first of each device; with fewer there is none (NaN)."""
LEAST_KNOWN = 0.5
"""What fewer than this share of a model's days know is left out of its relation."""
_RIDGE = 0.03
_TUNING = 2.385
"""Cauchy's constant: 95 % efficient where all is healthy and normal."""
_EMPTY = 1e-9


@dataclass(frozen=True, slots=True)
class Relation:
    """How much a measure changes with each thing it is given, and what of each is usual.

    Shapes: (given, models), or (given, pairs) where looked up. A slope is 0 where a model never sends what is
    given, NaN where there are too few days to tell.
    """

    slope: Floats
    usual: Floats


def fit(measure: Measure, days: Callable[[Term], Floats], model: Ints) -> Relation:
    """Fit a measure's relation on every model. `days` gives a term's daily sums, shape (days, devices).

    `model` numbers each device's model from 0, shape (devices,).
    """
    models = int(model.max(initial=-1)) + 1
    y = _levels(measure, days)
    x = np.stack([_levels(given, days) for given in measure.given])
    told, known = np.isfinite(y), np.isfinite(x)
    counts = _by_model((known & told).sum(axis=1), model, models)
    least = np.maximum(LEAST_KNOWN * _by_model(told.sum(axis=0)[None], model, models), 1)
    used = np.asarray(counts >= least)
    answered = known | ~used[:, None, model]
    complete: NDArray[np.bool_] = told & np.all(answered, axis=0)
    x = np.where(complete & used[:, None, model], x, 0.0)
    y = np.where(complete, y, 0.0)
    weight = complete.astype(y.dtype)
    slope, left = _solve(x, y, weight, model, used)
    spread = _spread(left, weight, model, models)
    weight = weight / (1 + (left / (_TUNING * spread[model])) ** 2)
    slope, _ = _solve(x, y, weight, model, used)
    of_device = complete.sum(axis=0)
    days_known, beyond = _by_model(np.stack([of_device, np.maximum(of_device - 1, 0)]), model, models)
    usual = _by_model(x.sum(axis=1), model, models) / np.maximum(days_known, 1)
    return Relation(np.where(beyond >= LEAST_DAYS, slope, np.nan), usual)


def _levels(measure: Measure, days: Callable[[Term], Floats]) -> Floats:
    top, bottom = days(measure.top), days(measure.bottom)
    level = np.full(top.shape, np.nan, dtype=top.dtype)
    return np.divide(top, bottom, out=level, where=bottom > _EMPTY)


def _solve(
    x: Floats, y: Floats, weight: Floats, model: Ints, used: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], Floats]:
    """Return the slopes (given, models), and what they leave of each day's level (days, devices)."""
    count, models = used.shape
    total = np.maximum(weight.sum(axis=0), _EMPTY)
    x = x - (weight * x).sum(axis=1, keepdims=True) / total
    y = y - (weight * y).sum(axis=0) / total
    products = np.stack([(weight * one * other).sum(axis=0) for one in x for other in (*x, y)])
    summed = _by_model(products, model, models).reshape(count, count + 1, models)
    matrix, right = np.moveaxis(summed[:, :count], 2, 0), summed[:, count].T[..., None]
    own = np.einsum("mkk->mk", matrix)
    matrix = matrix + np.eye(count) * (_RIDGE * own + (own <= _EMPTY))[:, None, :]
    slope = np.where(used, np.linalg.solve(matrix, right)[..., 0].T, 0.0)
    return slope, y - (slope[:, None, model].astype(y.dtype) * x).sum(axis=0)


def _spread(left: Floats, weight: Floats, model: Ints, models: int) -> Floats:
    """Return the standard deviation of what is left on each model. Shape: (models,)."""
    squares, days = _by_model(np.stack([(weight * left**2).sum(axis=0), weight.sum(axis=0)]), model, models)
    return np.asarray(np.sqrt(np.maximum(squares / np.maximum(days, 1), _EMPTY)), dtype=left.dtype)


def _by_model(values: NDArray[np.generic], model: Ints, models: int) -> NDArray[np.float64]:
    """Return the sums by model of `values` (rows, devices). Shape: (rows, models)."""
    return np.stack([np.bincount(model, each, models) for each in values])
