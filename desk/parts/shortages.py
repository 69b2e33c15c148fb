"""Which open cases a part will be missing for when somebody is to be on site. Pure functions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleet.clock import DAY_MS
from fleet.part_catalogue import Part, to_order
from fleet.stock import Stock, StockOrder, StockPlace
from storage.records.needed_parts import NeededPart

TRANSFER_MS = DAY_MS
"""So long pieces travel from a place of another region; within one they are there at once."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A part that no place has in time for some cases, those due first first.

    `next_at` is when the next order of it is expected, epoch ms; None where nothing is on its way.
    `replaced_by` is what could be put in instead, "" for nothing.
    """

    part: str
    cases: tuple[NeededPart, ...]
    next_at: int | None = None
    replaced_by: str = ""


@dataclass
class _Lot:
    """Pieces that are, or will be, at a place of a region."""

    region: str
    at: int
    pieces: int

    def serves(self, region: str, now: int) -> int:
        """Return when one of them can be in a region, epoch ms."""
        near = not region or not self.region or region == self.region
        return max(now, self.at) + (0 if near else TRANSFER_MS)


def shortages(
    needs: Sequence[NeededPart],
    places: Iterable[StockPlace],
    stock: Iterable[Stock],
    orders: Iterable[StockOrder],
    held: Collection[tuple[int, str]],
    catalogue: Mapping[str, Part],
    now: int,
) -> list[Shortage]:
    """Return what is short, and for which cases; `held` are the parts that cases have reserved.

    Cases are served in the order of their promises, each from where a piece can be soonest: free ones, and
    ordered ones from when they are expected. A case of which nothing is promised is served by any order.
    """
    orders = list(orders)
    lots = _lots(places, stock, orders, now)
    short: dict[str, list[NeededPart]] = {}
    for need in needs:
        codes = {need.part, to_order(need.part, catalogue) or need.part}
        if any((need.ticket, code) in held for code in codes):
            continue
        ready = [lot for code in codes for lot in lots.get(code, ()) if lot.pieces > 0]
        soonest = min(ready, key=lambda lot: lot.serves(need.region, now), default=None)
        if soonest is None or (
            need.due is not None and soonest.serves(need.region, now) > max(need.due, now)
        ):
            short.setdefault(need.part, []).append(need)
        else:
            soonest.pieces -= 1
    return [
        Shortage(part, tuple(cases), _next(orders, part), _instead(part, catalogue))
        for part, cases in sorted(short.items())
    ]


def _lots(
    places: Iterable[StockPlace], stock: Iterable[Stock], orders: Iterable[StockOrder], now: int
) -> dict[str, list[_Lot]]:
    regions = {each.id: each.region for each in places if each.active}
    found: dict[str, list[_Lot]] = {}
    for each in stock:
        if each.place in regions and each.free > 0:
            found.setdefault(each.part, []).append(_Lot(regions[each.place], now, each.free))
    for order in orders:
        if order.place in regions and order.to_come and order.expected_at is not None:
            lot = _Lot(regions[order.place], order.expected_at, order.to_come)
            found.setdefault(order.part, []).append(lot)
    return found


def _next(orders: Iterable[StockOrder], part: str) -> int | None:
    times = [each.expected_at for each in orders if each.part == part and each.to_come and each.expected_at]
    return min(times, default=None)


def _instead(part: str, catalogue: Mapping[str, Part]) -> str:
    found = to_order(part, catalogue)
    return "" if found == part else found
