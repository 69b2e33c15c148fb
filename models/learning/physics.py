"""Physics: which way each fault moves what is measured, whatever a history of few failures may suggest.

It stands in the catalogue (`signs`). A model may be told so (`directions` is scikit-learn's `monotonic_cst`),
and one that was told is tested against it (tests/contract/models/test_battery.py). Only levels and their
distances from what is usual have a direction; a slope may rise because a part fails or because someone just
mended it.
"""

from collections.abc import Sequence

from fleet.faults import FAULTS
from models.features.definitions import Feature, View

_DIRECTED = frozenset({View.DAY, View.OWN, View.FIRST, View.COHORT})


def direction(fault: str, feature: Feature) -> int:
    """Return 1 or -1 if a higher value can only raise or only lower a fault's risk; 0 if either may be."""
    known = FAULTS.get(fault)
    return known.signs.get(feature.measure.name, 0) if known and feature.view in _DIRECTED else 0


def directions(fault: str, features: Sequence[Feature]) -> list[int]:
    """Return the direction of each feature of a model's matrix, in the order of its columns."""
    return [direction(fault, feature) for feature in features]
