"""Features: each measure looked at in a few ways, as one declarative table that training and serving run.

The feature `brush_current_a:cohort` is the measure `brush_current_a` in the view `cohort`. At (device, hour)
a feature uses tiles of that hour and before, never later ones.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from models import terms
from models.measures import MEASURES, RESET_BY, Component, Measure, components_of
from models.terms import Term


class View(StrEnum):
    """How a measure is looked at. Windows end with the hour asked for and never reach behind a repair."""

    DAY = "day"
    """Its level over 24 h."""
    STEP = "step"
    """Its level over 24 h minus that over the 24 h before."""
    TREND = "trend"
    """Its slope a day: least squares through the levels of the last 7 days, at least 3 of them."""
    OWN = "own"
    """Its level over 48 h against the device's own baseline."""
    COHORT = "cohort"
    """Its level over 48 h against all other devices of the same model over the same hours."""
    RENEWED = "renewed"
    """Days since the last repair of its component, whatever its level."""


_COMPARED = (View.STEP, View.TREND, View.OWN, View.COHORT)

DAY_HOURS = 24
RECENT_HOURS = 48
TREND_DAYS = 7
TREND_LEAST_DAYS = 3
BASELINE_HOURS = 120
"""A baseline is the level over the first 5 days after the last repair, or else after the first reading."""
BASELINE_LEAST_HOURS = 24
LOOKBACK_HOURS = 90 * 24
"""No window reaches further back: serving needs no older tiles, a baseline is renewed after that time."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a feature matrix."""

    measure: Measure
    view: View

    @property
    def name(self) -> str:
        """Its unique name."""
        return f"{self.measure.name}:{self.view}"


def _views() -> list[tuple[Measure, View]]:
    """Return each measure in its views; the first measure of a component also carries its age.

    Levels that differ from unit to unit (motor currents, speeds) and totals over a life are no features by
    themselves: in a fleet of dozens they tell robots apart, and a model would learn which robot had failed.
    """
    pairs = []
    aged = {Component.USE}
    for measure in MEASURES:
        if measure.component is Component.USE or not measure.relative:
            pairs.append((measure, View.DAY))
        if measure.component is not Component.USE:
            pairs += [(measure, view) for view in _COMPARED]
        if measure.component not in aged:
            aged.add(measure.component)
            pairs.append((measure, View.RENEWED))
    return pairs


FEATURES: tuple[Feature, ...] = tuple(Feature(measure, view) for measure, view in _views())
BY_NAME: dict[str, Feature] = {feature.name: feature for feature in FEATURES}


def features_of(fault: str) -> tuple[Feature, ...]:
    """Return the features that the model of a fault sees, in the order of its columns."""
    parts = components_of(fault)
    return tuple(feature for feature in FEATURES if feature.measure.component in parts)


def terms_of(features: Iterable[Feature]) -> tuple[Term, ...]:
    """Return the terms that a grid must hold to compute `features`, each once."""
    wanted = [term for each in features for term in (each.measure.top, each.measure.bottom)]
    return tuple(dict.fromkeys([terms.PRESENT, *wanted]))


def digest(features: Iterable[Feature]) -> str:
    """Return the SHA-256 of the definition of `features`: a model fits only the very features it learned."""
    windows = [
        DAY_HOURS,
        RECENT_HOURS,
        TREND_DAYS,
        TREND_LEAST_DAYS,
        BASELINE_HOURS,
        BASELINE_LEAST_HOURS,
        LOOKBACK_HOURS,
    ]
    rows = [
        [
            each.name,
            each.measure.top.name,
            str(each.measure.top.expression),
            each.measure.bottom.name,
            str(each.measure.bottom.expression),
            each.measure.relative,
            each.measure.root,
            RESET_BY[each.measure.component],
        ]
        for each in features
    ]
    return hashlib.sha256(json.dumps([windows, rows]).encode()).hexdigest()
