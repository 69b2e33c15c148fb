"""How many pieces will be needed: what is asked of a forecast, and what a figure of it rests on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from fleet.stock import PlaceKind, StockPlace


class Ground(StrEnum):
    """What a figure of what will be needed rests on."""

    HISTORY = "history"
    """What was used before; no risk of a device speaks of this part here."""
    BOTH = "both"
    """What was used before, and the risks that the fleet's models tell."""
    YOUNG = "young"
    """What was used in a time that is too short for more than a careful rate."""
    YOUNG_AND_RISKS = "young_and_risks"
    RISKS = "risks"
    """The risks alone: nothing was used yet, or nothing was written down."""
    NOTHING = "nothing"
    """Neither was ever used nor is threatened."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a figure rests on: `used` pieces in `months` of history, `devices` whose risk tells of the part.

    `from_history` and `from_risks` are how many pieces each expects in the mean; `season` is the factor on
    history in the days that are asked for.
    """

    ground: Ground
    months: float = 0.0
    used: int = 0
    devices: int = 0
    from_history: float = 0.0
    from_risks: float = 0.0
    season: float = 1.0


class Demand(Protocol):
    """Whoever foresees what will be needed."""

    @property
    def months(self) -> float:
        """How many months of history it knows."""
        ...

    def quantile(self, part: str, place: str, days: float, q: float) -> float:
        """Return how many pieces suffice at a place for the next days, with probability `q`."""
        ...

    def basis(self, part: str, place: str, days: float) -> Basis:
        """Return what that rests on."""
        ...


def suppliers_of_vans(places: Sequence[StockPlace]) -> dict[str, str]:
    """Return by which depot each van is supplied: the first of its region."""
    depots = depots_by_region(places)
    vans = [each for each in places if each.kind is PlaceKind.VAN and each.region in depots]
    return {each.id: depots[each.region] for each in vans}


def depots_by_region(places: Iterable[StockPlace]) -> dict[str, str]:
    """Return the first depot of each region; that which serves all is under ""."""
    depots: dict[str, str] = {}
    for each in places:
        if each.kind is PlaceKind.DEPOT and each.active:
            depots.setdefault(each.region, each.id)
    return depots
