"""Drift: whether what models see today still looks like what they learned from.

The population stability index of a feature is sum((a - e) * ln(a / e)) over bins, e the share of training
rows in a bin and a that of recent rows (Siddiqi, "Credit Risk Scorecards", 2006; above 0.25 is a major
shift). Of two samples from the same population it is not 0 either: times n * m / (n + m) it is about
chi-squared with bins - 1 degrees of freedom (Yurdakul, "Statistical Properties of Population Stability
Index", 2018). Rows of one device resemble each other, so n and m count devices, not rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.clock import DAY_MS
from models.features.definitions import LIFE_VIEWS, YEAR_VIEWS, Feature, View
from models.features.windows import Floats, Ints

BINS = 8
LARGE = 0.25
"""A feature has drifted when its index is above this, and above what chance explains."""
_CHANCE = 1e-4
_LEAST_DEVICES = 10
_FLOOR = 1e-3
_CLOCKS = frozenset((*LIFE_VIEWS, *YEAR_VIEWS, View.HOURS_6, View.HOURS_24))
"""They count up from a repair, or follow the calendar or the time of day: that time passes is no news."""
_OF_THE_WIRE = frozenset({"readings_per_hour", "charge_gain", "errors_per_run"})
"""They change with how often a device reports, as do the extremes and spreads of what it reports."""
_BY_NUMBER = ("_peak", "_dip", "_spread")
SETTLE_MS = DAY_MS
"""So long must a row's windows lie after a model's history: else it is mostly what the model learned from."""
LEAST_MS = DAY_MS
"""Rows over less time than this are of one time of day, and no comparison with whole days."""


def compared(features: Sequence[Feature]) -> list[int]:
    """Return the columns whose stability is looked at.

    All but those that time alone moves, and those that the rate of readings moves: that is a matter of the
    wire, not of wear.
    """
    return [
        index
        for index, feature in enumerate(features)
        if feature.view not in _CLOCKS and not _by_rate(feature.measure.name)
    ]


def _by_rate(measure: str) -> bool:
    return measure in _OF_THE_WIRE or measure.endswith(_BY_NUMBER)


def comparable(card: dict[str, Any], times: Ints) -> NDArray[np.bool_]:
    """Tell which rows, by when (epoch ms) each was made, can be held against a model's history.

    None can until they span LEAST_MS, beginning SETTLE_MS after that history's end.
    """
    later = times >= int(card.get("end", 0)) + SETTLE_MS
    if not later.any() or np.ptp(times[later]) < LEAST_MS:
        return np.zeros(len(times), dtype=bool)
    return np.asarray(later)


def reference(matrix: Floats, features: Sequence[Feature]) -> dict[str, dict[str, list[float]]]:
    """Return for each feature that is compared the inner edges of its bins and the share of rows in each.

    `matrix` (rows, features) is what a model was trained on. Bins hold equal shares of it where values are
    many; the last share is that of rows in which the feature is not known. JSON-ready.
    """
    found = {}
    for column in compared(features):
        values = matrix[:, column]
        known = values[~np.isnan(values)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else known
        edges = np.array([float(f"{edge:.6g}") for edge in edges])
        found[features[column].name] = {
            "edges": edges.tolist(),
            "shares": [round(float(share), 5) for share in shares(values, edges)],
        }
    return found


def shares(values: Floats, edges: Floats) -> Floats:
    """Return the share of values in each bin between edges, and last that of NaN. Shape: (edges + 2,)."""
    unknown = np.isnan(values)
    place = np.where(unknown, len(edges) + 1, np.searchsorted(edges, values, side="right"))
    return np.bincount(place, minlength=len(edges) + 2) / max(len(values), 1)


def stability(expected: Floats, actual: Floats) -> float:
    """Return the population stability index of two distributions over the same bins."""
    e, a = np.maximum(expected, _FLOOR), np.maximum(actual, _FLOOR)
    e, a = e / e.sum(), a / a.sum()
    return float(((a - e) * np.log(a / e)).sum())


def limit(bins: int, trained_on: int, seen: int) -> float:
    """Return the index above which a feature of so many bins has drifted, given both numbers of devices."""
    from scipy.stats import chi2

    chance = float(chi2.isf(_CHANCE, max(bins - 1, 1))) * (1 / trained_on + 1 / seen)
    return max(LARGE, chance)


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """The index of one feature, the limit for it, and its share of what the model's trees gain."""

    feature: str
    psi: float
    limit: float
    importance: float

    @property
    def drifted(self) -> bool:
        """Whether it looks different than in training."""
        return self.psi > self.limit


@dataclass
class RecentRows:
    """A sample of the rows that were scored lately: at most one of a device each day, at most `capacity`.

    Times are epoch ms of the devices' newest readings; rows older than `days` before the newest are gone.
    """

    capacity: int = 4_000
    days: int = 7
    _rows: list[Floats] = field(default_factory=list)
    _devices: list[str] = field(default_factory=list)
    _times: list[int] = field(default_factory=list)
    _taken: dict[str, int] = field(default_factory=dict)

    def take(self, devices: Sequence[str], times: Sequence[int], matrix: Floats) -> None:
        """Take the rows of devices that have none of the last day; `matrix` (devices, features)."""
        due = [
            index
            for index, (device, time) in enumerate(zip(devices, times, strict=True))
            if time - self._taken.get(device, -(2**62)) >= DAY_MS
        ]
        # Of a large fleet every n-th device is enough.
        step = max(1, -(-len(due) * self.days // self.capacity))
        for index in due:
            self._taken[devices[index]] = times[index]
        for index in due[::step]:
            self._rows.append(matrix[index].astype(np.float32))
            self._devices.append(devices[index])
            self._times.append(times[index])
        self._forget()

    def _forget(self) -> None:
        if not self._times:
            return
        oldest = max(self._times) - self.days * DAY_MS
        kept = [index for index, time in enumerate(self._times) if time > oldest][-self.capacity :]
        if len(kept) < len(self._times):
            self._rows = [self._rows[index] for index in kept]
            self._devices = [self._devices[index] for index in kept]
            self._times = [self._times[index] for index in kept]

    def matrix(self) -> tuple[Floats, Ints, Ints]:
        """Return the rows, a number for the device of each, and its time.

        Shapes: (rows, features), (rows,), (rows,).
        """
        if not self._rows:
            nothing = np.empty(0, dtype=np.int64)
            return np.empty((0, 0)), nothing, nothing
        _, devices = np.unique(self._devices, return_inverse=True)
        times = np.array(self._times, dtype=np.int64)
        return np.stack(self._rows).astype(np.float64), devices.astype(np.int64), times


def drift_of(
    card: dict[str, Any], features: Sequence[Feature], matrix: Floats, devices: Ints
) -> tuple[FeatureDrift, ...]:
    """Compare recent rows (rows, features of the model) with the reference in a card's details.

    The strongest first; empty where the card has no reference, or fewer than 10 devices were seen.
    """
    stored = card.get("reference")
    seen = len(np.unique(devices))
    if not stored or seen < _LEAST_DEVICES:
        return ()
    importance = card.get("importance", {})
    found = []
    for index in compared(features):
        feature = features[index]
        of = stored.get(feature.name)
        if of is None:
            continue
        expected = np.asarray(of["shares"])
        psi = stability(expected, shares(matrix[:, index], np.asarray(of["edges"])))
        most = limit(len(expected), int(card["devices"]), seen)
        found.append(FeatureDrift(feature.name, psi, most, float(importance.get(feature.name, 0.0))))
    return tuple(sorted(found, key=lambda each: (-each.psi / each.limit, each.feature)))


def drifted_share(found: Sequence[FeatureDrift]) -> float:
    """Return the share of the model's decisions that rests on features that have drifted, 0 to 1."""
    total = sum(each.importance for each in found)
    return sum(each.importance for each in found if each.drifted) / total if total > 0 else 0.0
