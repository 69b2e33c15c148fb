"""What belongs to a component: learned from its failures, so that one model can serve all components.

Each component has few failures. Seen through its own signal, its own errors and its own age, what fails looks
alike, and one model learns from all failures at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yardsticks.azure_features import PlantTable, Table, in_phase
from yardsticks.azure_plant import VISIT

Bools = NDArray[np.bool_]
_LEAST_SHARE = 0.01
"""No error is taken to be surer than this, however few failures there are."""


@dataclass(frozen=True, slots=True)
class Own:
    """A component's own signal, with its sign and what each of its columns is divided by, and its errors.

    `errors`: by name the log-likelihood ratios of an error that came, and that did not come, in the last day;
    the most telling one first.
    """

    component: str
    number: int
    signal: str
    scales: tuple[float, ...]
    errors: dict[str, tuple[float, float]]


def learn_own(table: PlantTable, component: str, number: int, positive: Bools, rows: Bools) -> Own:
    """Learn from `rows`, shape (machines, moments), which signal and errors go with a component's failures.

    Its signal is the one whose distance from the cohort differs most before failures, in standard deviations.
    """
    failing, fine = positive & rows, ~positive & rows
    contrast = {signal: _contrast(tables[2], failing, fine) for signal, tables in table.telemetry.items()}
    signal = max(contrast, key=lambda name: abs(contrast[name]))
    sign = 1.0 if contrast[signal] > 0 else -1.0
    scales = tuple(sign * max(float(np.nanstd(each[fine])), 1e-9) for each in table.telemetry[signal])
    names = [name.removesuffix(":day") for name in table.log if name.endswith(":day")]
    ratios = {name: _ratios(table.log[f"{name}:day"], failing, fine) for name in names}
    ranked = sorted(names, key=lambda name: -ratios[name][0])
    return Own(component, number, signal, scales, {name: ratios[name] for name in ranked})


def _contrast(distance: Table, failing: Bools, fine: Bools) -> float:
    spread = max(float(np.nanstd(distance[fine])), 1e-9)
    return float(np.nanmean(distance[failing]) - np.nanmean(distance[fine])) / spread


def _ratios(rate: Table, failing: Bools, fine: Bools) -> tuple[float, float]:
    came = rate > 0
    low, range_ = _LEAST_SHARE, 1 - 2 * _LEAST_SHARE
    before, usual = (low + range_ * float(came[rows].mean()) for rows in (failing, fine))
    return float(np.log(before / usual)), float(np.log((1 - before) / (1 - usual)))


def telemetry_columns(table: PlantTable, own: Own, onset_period: int) -> list[Table]:
    """Return what telemetry, model and age alone say of a component, one table a column."""
    return [*_signal(table, own), *in_phase(table.onsets, onset_period), *_machine(table, own)]


def all_columns(table: PlantTable, own: Own, visit_period: int) -> list[Table]:
    """Return telemetry, errors, ages and the schedule of visits as one component sees them."""
    since = table.log[f"{VISIT}:renewed"]
    error = next(iter(own.errors), None)
    return [
        *_signal(table, own),
        _evidence(table, own),
        np.full_like(since, np.nan) if error is None else table.log[f"{error}:renewed"],
        table.log[f"{own.component}:renewed"],
        since,
        visit_period - np.mod(since, visit_period),
        *_machine(table, own),
    ]


def flat(columns: Sequence[Table], rows: Bools) -> NDArray[np.float32]:
    """Return chosen rows of some tables as a matrix. Shape: (rows, columns)."""
    return np.stack([column[rows] for column in columns], axis=1)


def _signal(table: PlantTable, own: Own) -> list[Table]:
    return [
        each / np.float32(scale) for each, scale in zip(table.telemetry[own.signal], own.scales, strict=True)
    ]


def _evidence(table: PlantTable, own: Own) -> Table:
    """Return the summed log-likelihood ratio of the last day's errors, taken as independent (naive Bayes)."""
    total = np.zeros_like(table.onsets)
    for name, (came, stayed_away) in own.errors.items():
        total += np.where(table.log[f"{name}:day"] > 0, np.float32(came), np.float32(stayed_away))
    return total


def _machine(table: PlantTable, own: Own) -> list[Table]:
    shape = table.onsets.shape
    facts = (table.model[:, None], table.age[:, None], np.float32(own.number))
    return [np.broadcast_to(fact, shape) for fact in facts]
