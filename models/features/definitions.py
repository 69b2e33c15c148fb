"""Features: each measure looked at in a few ways, as one declarative table that training and serving run.

The feature `brush_current_a:cohort` is the measure `brush_current_a` in the view `cohort`. At (device, hour)
a feature uses tiles of that hour and before, never later ones.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache

from fleet.catalogue.entries import Catalogue
from fleet.catalogue.present import present
from models.features import terms
from models.features.components import Component, components_of, reset_by
from models.features.measures import Measure
from models.features.own_measures import age_measure, own_measures
from models.features.robot_measures import MEASURES
from models.features.terms import Term
from models.features.windows import Windows


class View(StrEnum):
    """How a measure is looked at. Windows end with the hour asked for and never reach behind a repair.

    Lengths are those of `models.windows.Windows`: with hourly tiles a level is over 24 h. Slopes are a day's,
    least squares through levels, as a share of their mean for relative measures.
    """

    DAY = "day"
    """Its level over 24 h."""
    STEP = "step"
    """Its level over 24 h against that of the last 7 days."""
    HOURS_6 = "trend_6h"
    """Its slope through the last 6 hours."""
    HOURS_24 = "trend_24h"
    """Its slope through the last 24 hours."""
    TREND = "trend"
    """Its slope through the last 7 days."""
    MONTH = "trend_30d"
    """Its slope through the last 30 days."""
    OWN = "own"
    """Its level over the last 3 days against the first 5 since the last repair."""
    FIRST = "first"
    """Its level over the last 3 days against the first 5 in which the device was heard."""
    COHORT = "cohort"
    """Its level over 24 h against all other devices of the same model and site over the same hours."""
    RENEWED = "renewed"
    """Days since the last repair of its component, whatever its level."""
    USED = "used"
    """Run hours since the last repair of its component, or else since the device was first heard."""
    CYCLED = "cycled"
    """Charge cycles since the last repair of its component, or else since the device was first heard."""
    YEAR_SINE = "sine"
    """Sine of the time of year, 0 at the turn of the year: +1 in spring, -1 in autumn of the north."""
    YEAR_COSINE = "cosine"
    """Cosine of the time of year: +1 at the turn of the year, -1 in midsummer of the north."""


_COMPARED = (
    View.STEP,
    View.HOURS_6,
    View.HOURS_24,
    View.TREND,
    View.MONTH,
    View.OWN,
    View.FIRST,
    View.COHORT,
)
_CHANGES = (View.STEP, View.TREND, View.OWN, View.COHORT)
_COUNTED = (View.DAY, View.STEP, View.COHORT)
_FEWER: dict[str, tuple[View, ...]] = {
    "drive_current_a_spread": _CHANGES,
    "suction_pa_spread": _CHANGES,
    "error_share": _COUNTED,
    "error_hours": _COUNTED,
    "time_of_year": (View.YEAR_SINE, View.YEAR_COSINE),
}
"""Measures that are looked at in fewer ways than others of their kind."""
LIFE_VIEWS = (View.RENEWED, View.USED, View.CYCLED)
"""What a component has behind it since its last repair, whatever its measures say."""
YEAR_VIEWS = (View.YEAR_SINE, View.YEAR_COSINE)
"""The season. In a history of less than a year a date is a name for what happened on it: training drops it
there (models/features/history.py), and no model that it trains looks at it."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a feature matrix."""

    measure: Measure
    view: View

    @property
    def name(self) -> str:
        """Its unique name."""
        return f"{self.measure.name}:{self.view}"


@dataclass(frozen=True)
class FeatureTable:
    """All features of one catalogue, in the order of a matrix's columns."""

    features: tuple[Feature, ...]
    by_name: Mapping[str, Feature]
    columns: Mapping[str, int]


@lru_cache(maxsize=4)
def _table(catalogue: Catalogue) -> FeatureTable:
    found = tuple(Feature(measure, view) for measure, view in _views(catalogue))
    return FeatureTable(
        found,
        {feature.name: feature for feature in found},
        {feature.name: column for column, feature in enumerate(found)},
    )


def measures() -> tuple[Measure, ...]:
    """Return everything that is watched: of the standard signals, and of an installation's own."""
    return (*MEASURES, *own_measures(present()))


def _views(catalogue: Catalogue) -> list[tuple[Measure, View]]:
    """Return each measure in its views; the first measure of a component also carries its age and use.

    Of a component that repairs renew, and of which no signal speaks, age and use alone are looked at.

    Levels that differ from unit to unit (motor currents, speeds) and totals over a life are no features by
    themselves: in a fleet of dozens they tell robots apart, and a model would learn which robot had failed.
    """
    pairs = []
    aged: set[str] = {Component.USE}
    for measure in (*MEASURES, *own_measures(catalogue)):
        pairs += [(measure, view) for view in _views_of(measure)]
        if measure.component not in aged:
            aged.add(measure.component)
            cycled = catalogue.components[measure.component].cycled
            pairs += [(measure, view) for view in LIFE_VIEWS if cycled or view is not View.CYCLED]
    unheard = [code for code in catalogue.components if code not in aged and _is_renewed(catalogue, code)]
    return pairs + [(age_measure(catalogue, code), view) for code in unheard for view in LIFE_VIEWS[:2]]


def _is_renewed(catalogue: Catalogue, component: str) -> bool:
    return any(component in fault.renews for fault in catalogue.faults.values())


def _views_of(measure: Measure) -> tuple[View, ...]:
    if measure.name in _FEWER:
        return _FEWER[measure.name]
    if measure.given:
        return _CHANGES
    if measure.component is Component.USE:
        return (View.DAY,)
    return _COMPARED if measure.relative else (View.DAY, *_COMPARED)


LOOKBACK_HOURS = 180 * 24
"""History begins so long ago: older tiles are read neither to train nor to serve."""


def all_features() -> tuple[Feature, ...]:
    """Return the features of everything that is watched, in the order of a matrix's columns."""
    return _table(present()).features


def by_name() -> Mapping[str, Feature]:
    """Return all features by their name."""
    return _table(present()).by_name


def columns_by_name() -> Mapping[str, int]:
    """Return by the name of each feature which column of a matrix of all features is its."""
    return _table(present()).columns


def features_of(fault: str) -> tuple[Feature, ...]:
    """Return the features that the model of a fault sees, in the order of its columns."""
    parts = components_of(fault)
    return tuple(feature for feature in all_features() if feature.measure.component in parts)


def telling(features: Sequence[Feature]) -> list[int]:
    """Return the columns that say something of the fault itself, not only of use, age and season."""
    return [
        index
        for index, feature in enumerate(features)
        if feature.measure.component is not Component.USE and feature.view not in (*LIFE_VIEWS, *YEAR_VIEWS)
    ]


def terms_of(features: Iterable[Feature]) -> tuple[Term, ...]:
    """Return the terms that a grid must hold to compute `features`, each once."""
    wanted = [term for each in features for term in each.measure.terms]
    return tuple(dict.fromkeys([terms.PRESENT, terms.RUN_TIME, terms.CYCLES, *wanted]))


def parts_of(features: Iterable[Feature]) -> dict[str, tuple[Term, ...]]:
    """Return for each component the terms whose baseline since its last repair `features` ask for."""
    parts: dict[str, dict[Term, None]] = {}
    for each in features:
        if each.view is View.OWN:
            wanted = parts.setdefault(each.measure.component, {})
            wanted |= dict.fromkeys(each.measure.terms)
    return {part: tuple(wanted) for part, wanted in parts.items()}


def digest(features: Iterable[Feature], windows: Windows | None = None) -> str:
    """Return the SHA-256 of the definition of `features`: a model fits only the very features it learned."""
    rows = [
        [
            each.name,
            each.measure.top.name,
            str(each.measure.top.expression),
            each.measure.bottom.name,
            str(each.measure.bottom.expression),
            each.measure.relative,
            each.measure.root,
            reset_by(each.measure.component),
            [given.name for given in each.measure.given],
        ]
        for each in features
    ]
    return hashlib.sha256(json.dumps([asdict(windows or Windows()), rows]).encode()).hexdigest()
