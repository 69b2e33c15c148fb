"""Stock in place before it is needed: what depots have too much of goes where a month will need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from desk.parts.demand import Basis, Demand
from desk.parts.vans import KEEP_DAYS
from fleet.stock import PlaceKind, Stock, StockPlace

AHEAD_DAYS = 30


@dataclass(frozen=True, slots=True)
class Transfer:
    """Pieces that would better be at another place: `need` is what it will need, `free` what it has.

    `basis` says what the need rests on.
    """

    part: str
    source: str
    target: str
    quantity: int
    region: str
    need: int
    free: int
    basis: Basis


def transfers(
    places: Sequence[StockPlace],
    stock: Sequence[Stock],
    demand: Demand,
    quantile: float,
    keep_days: int = KEEP_DAYS,
) -> list[Transfer]:
    """Return what to move: depots for the next month, vans for a week; from a place's own region first.

    To another depot goes only what one will not need within a month; to a van what it will not need within a
    week (`keep_days`; 0 where vans are loaded overnight and bring back what another needs): the van serves
    the same sites, and until then more is ordered. What is missing most is served first.
    """
    active = [each for each in places if each.active]
    found = []
    for part in sorted({each.part for each in stock}):
        found += _of_part(part, active, stock, demand, quantile, keep_days)
    return sorted(found, key=lambda each: each.region)


def _of_part(
    part: str,
    places: Sequence[StockPlace],
    stock: Sequence[Stock],
    demand: Demand,
    quantile: float,
    keep_days: int,
) -> list[Transfer]:
    free = {each.place: each.free for each in stock if each.part == part}
    needs = {each.id: ceil(demand.quantile(part, each.id, _days(each), quantile)) for each in places}
    left = {each.id: free.get(each.id, 0) for each in places if each.kind is PlaceKind.DEPOT}
    keeps = {
        depot: ceil(demand.quantile(part, depot, keep_days, quantile)) if keep_days else 0
        for depot, has in left.items()
        if has
    }
    short = [each for each in places if needs[each.id] > free.get(each.id, 0)]
    found = []
    for target in sorted(short, key=lambda each: (free.get(each.id, 0) - needs[each.id], each.id)):
        missing = needs[target.id] - free.get(target.id, 0)
        kept = needs if target.kind is PlaceKind.DEPOT else keeps
        for source in sorted(places, key=lambda each: (each.region != target.region, each.id)):
            many = min(missing, left.get(source.id, 0) - kept.get(source.id, 0))
            if many > 0 and source.id != target.id:
                left[source.id] -= many
                missing -= many
                has = free.get(target.id, 0)
                basis = demand.basis(part, target.id, _days(target))
                found.append(
                    Transfer(part, source.id, target.id, many, target.region, needs[target.id], has, basis)
                )
    return found


def _days(place: StockPlace) -> int:
    return AHEAD_DAYS if place.kind is PlaceKind.DEPOT else KEEP_DAYS
