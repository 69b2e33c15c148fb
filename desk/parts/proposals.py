"""What to order from whom: what is there and on its way, against what will be needed until it could come."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from desk.parts.demand import Basis, Demand, suppliers_of_vans
from fleet.part_catalogue import Part, to_order
from fleet.stock import OrderState, PlaceKind, Stock, StockOrder, StockPlace

DISCONTINUED = "discontinued"
"""Why something is missing that cannot be ordered: nothing takes its place."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Pieces to order for a depot. `instead_of` are discontinued parts whose place they take.

    `target` is what the time until delivery will need with the wished probability, `basis` what that rests
    on; `free` is what nobody holds, `coming` what is ordered or proposed already. `obstacle` says why it
    cannot be ordered, "" where it can.
    """

    supplier: str
    part: str
    place: str
    quantity: int
    target: int
    free: int
    coming: int
    lead_days: int
    basis: Basis
    instead_of: tuple[str, ...] = ()
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """How sure stock is to suffice (0 to 1), and how long a delivery takes where nobody said it.

    `with_vans`: what the vans of a depot carry counts as its own, since they are loaded overnight and bring
    back what another needs; it is ordered a day ahead then, since tomorrow's load is taken out tonight.
    """

    quantile: float = 0.95
    lead_days: int = 14
    with_vans: bool = False


def propose(
    catalogue: Mapping[str, Part],
    places: Iterable[StockPlace],
    stock: Iterable[Stock],
    orders: Iterable[StockOrder],
    demand: Demand,
    wish: Wish,
) -> list[Proposal]:
    """Return what to order for each depot, by supplier, part and depot."""
    known = list(places)
    free = _free(known, stock, wish)
    coming = _coming(orders)
    found = []
    for place in known:
        if place.kind is not PlaceKind.DEPOT or not place.active:
            continue
        for code, olds in _families(catalogue).items():
            one = _of_place(catalogue, code, olds, place.id, free, coming, demand, wish)
            if one is not None:
                found.append(one)
    return sorted(found, key=lambda each: (each.supplier, each.part, each.place))


def _families(catalogue: Mapping[str, Part]) -> dict[str, list[str]]:
    """Return what is ordered, each with the discontinued parts that it stands for, and those alone."""
    found: dict[str, list[str]] = {}
    for code, part in catalogue.items():
        ordered = to_order(code, catalogue)
        if not ordered:
            found.setdefault(code, [])
        elif ordered in catalogue:
            olds = found.setdefault(ordered, [])
            if part.discontinued:
                olds.append(code)
    return found


def _of_place(
    catalogue: Mapping[str, Part],
    code: str,
    olds: Sequence[str],
    place: str,
    free: Mapping[tuple[str, str], int],
    coming: Mapping[tuple[str, str], int],
    demand: Demand,
    wish: Wish,
) -> Proposal | None:
    part = catalogue[code]
    lead = wish.lead_days if part.lead_days is None else part.lead_days
    family = [code, *olds]
    days = lead + 1 if wish.with_vans else lead
    target = sum(ceil(demand.quantile(each, place, days, wish.quantile)) for each in family)
    there = sum(free.get((place, each), 0) for each in family)
    ordered = sum(coming.get((place, each), 0) for each in family)
    missing = target - there - ordered
    if missing <= 0:
        return None
    many = ceil(missing / part.lot) * part.lot
    wanted = tuple(each for each in olds if demand.quantile(each, place, lead, wish.quantile) > 0)
    most = max(family, key=lambda each: demand.quantile(each, place, lead, wish.quantile))
    basis = demand.basis(most, place, lead)
    one = Proposal(part.supplier, code, place, many, target, there, ordered, lead, basis, wanted)
    return replace(one, obstacle=DISCONTINUED) if part.discontinued else one


def _free(places: Sequence[StockPlace], stock: Iterable[Stock], wish: Wish) -> dict[tuple[str, str], int]:
    """Return what nobody put aside, by place and part; of vans at their depot where they count there."""
    depots = suppliers_of_vans(places) if wish.with_vans else {}
    free: Counter[tuple[str, str]] = Counter()
    for each in stock:
        free[depots.get(each.place, each.place), each.part] += each.free
    return free


def _coming(orders: Iterable[StockOrder]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for each in orders:
        many = each.quantity if each.state is OrderState.PROPOSED else each.to_come
        found[each.place, each.part] = found.get((each.place, each.part), 0) + many
    return found
