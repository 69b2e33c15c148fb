"""Why an indicator was missed: which groups of cases were missed more often than all together."""

from collections.abc import Mapping
from dataclasses import dataclass

_LIKELY = 0.05
"""So seldom chance alone may bring so many, for a group to be named likely."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A group of cases: `misses` of its `cases`, `excess` more than its share of all misses.

    `dimension` is what the group has in common (`site`, `hour`, ...) and `value` which. `chance` is how often
    as many misses would come about if the group were like all others: of many groups some look bad by it.
    """

    dimension: str
    value: str
    cases: int
    misses: int
    excess: float
    chance: float

    @property
    def likely(self) -> bool:
        """Whether chance alone seldom brings as many."""
        return self.chance < _LIKELY


def ranked(
    groups: Mapping[str, Mapping[str, tuple[int, int]]], cases: int, misses: int, most: int = 5
) -> list[Cause]:
    """Return the groups with the most misses beyond their share, the worst first.

    `groups` maps each dimension and value to its cases and its misses. A group that holds all cases explains
    nothing, and one with less than one miss beyond its share is not worth a line.
    """
    from scipy.special import bdtrc

    if not cases:
        return []
    share = misses / cases
    found = []
    for dimension, values in groups.items():
        for value, (count, missed) in values.items():
            excess = missed - count * share
            if value and count < cases and excess >= 1:
                chance = float(bdtrc(missed - 1, count, share))
                found.append(Cause(dimension, value, count, missed, excess, chance))
    return sorted(found, key=lambda each: (-each.excess, each.dimension, each.value))[:most]
