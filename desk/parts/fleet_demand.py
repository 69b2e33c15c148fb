"""The demand that a house plans its stock by: its history, joined with what the fleet's models foresee."""

from collections.abc import Mapping
from threading import Lock

from sqlalchemy.orm import Session

from desk.parts.demand import Basis, Demand, Ground
from desk.parts.forecast.counts import bernoulli_sum
from desk.parts.forecast.demand import Foreseen, LeadDemand, joined, unforeseen_share
from desk.parts.history import MOST_PERIODS, PERIOD_MS, History
from desk.parts.threats import Known, Threats
from fleet.clock import DAY_MS, MINUTE_MS
from fleet.faults import FAULTS
from fleet.risks import HINDCAST
from storage.ports import TelemetryStore
from storage.records.device_lists import newest_risk
from storage.records.device_regions import device_regions
from storage.records.needed_parts import needed_parts
from storage.records.part_catalogue import all_parts
from storage.records.part_uses import PartOrder, part_orders, parts_taken
from storage.records.reservations import held_for
from storage.records.stock_movements import first_movement, newest_movement, used_since
from storage.records.stock_places import stock_places

FRESH_MS = 15 * MINUTE_MS
"""So long what was learned holds, unless the ledger or the places change before."""
_LOOKED_AT = 200
"""So many of the newest orders are looked at for whether a risk had told of them."""
_TOLD_WITHIN_MS = 14 * DAY_MS
"""A risk had told of an order where it stood there within so long before the case."""
_LEAST_MEAN = 0.005
"""Risks that expect fewer pieces than that are no ground for a figure."""


class FleetDemand:
    """Foresees by history and risks, no order counted by both (docs/decisions/0053)."""

    def __init__(self, history: History, threats: Threats, foreseen: Mapping[str, Foreseen]) -> None:
        self._history = history
        self._threats = threats
        self._foreseen = foreseen
        self._fleet = Foreseen(
            sum(each.scored for each in foreseen.values()), sum(each.orders for each in foreseen.values())
        )
        self._known: dict[tuple[str, str, float], tuple[LeadDemand, int]] = {}

    @property
    def months(self) -> float:
        """How many months of history it knows."""
        return self._history.months

    def quantile(self, part: str, place: str, days: float, q: float) -> float:
        """Return how many pieces suffice at a place for the next days, with probability `q`."""
        return float(self._need(part, place, days)[0].total.quantile(q))

    def basis(self, part: str, place: str, days: float) -> Basis:
        """Return what that rests on: the months and pieces of history, and how many devices' risks."""
        need, devices = self._need(part, place, days)
        history = self._history
        used, risky = history.used(part, place), need.from_risks.mean >= _LEAST_MEAN
        return Basis(
            _ground(used > 0, risky, history.is_young),
            round(history.months, 1),
            used,
            devices if risky else 0,
            round(need.from_history.mean, 2),
            round(need.from_risks.mean, 2),
            round(history.season(days), 2),
        )

    def _need(self, part: str, place: str, days: float) -> tuple[LeadDemand, int]:
        key = (part, place, days)
        if key not in self._known:
            chances = self._threats.chances(part, place, days)
            # What no risk speaks of today is told by all of history, whatever risks saw before.
            share = (
                unforeseen_share(self._foreseen.get(part, Foreseen()), self._fleet) if len(chances) else 1.0
            )
            history = self._history.counts(part, place, days, share)
            self._known[key] = (joined(bernoulli_sum(chances), history, share), len(chances))
        return self._known[key]


class Foreseeing:
    """Learns what will be needed, and keeps it while it is fresh; may be used from any thread."""

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self._lock = Lock()
        self._kept: tuple[object, int, Demand] | None = None

    def __call__(self, session: Session, now: int) -> Demand:
        """Return the demand as of `now` (epoch ms)."""
        stands = (newest_movement(session), tuple(stock_places(session)))
        with self._lock:
            if self._kept is not None:
                kept, at, demand = self._kept
                if kept == stands and 0 <= now - at < FRESH_MS:
                    return demand
            demand = self._learned(session, now)
            self._kept = (stands, now, demand)
            return demand

    def _learned(self, session: Session, now: int) -> Demand:
        places, begin = stock_places(session), first_movement(session) or now
        since = max(begin, now - MOST_PERIODS * PERIOD_MS)
        needs = needed_parts(session)
        known = Known(
            places=places,
            regions=device_regions(session),
            catalogue=all_parts(session),
            needs=needs,
            held={(each.ticket, each.part) for each in held_for(session, {each.ticket for each in needs})},
            taken=parts_taken(session, since),
        )
        newest = newest_risk(session)
        end = 0 if newest is None else newest + 1
        risks = self._store.fleet_risks(end - DAY_MS, end, lives=True)
        return FleetDemand(
            History(used_since(session, since), places, since, now),
            Threats(risks, known),
            self._foreseen(part_orders(session, since, _LOOKED_AT)),
        )

    def _foreseen(self, orders: list[PartOrder]) -> dict[str, Foreseen]:
        """Return of how many of the newest orders the device's risk was told before its case."""
        found: dict[str, Foreseen] = {}
        for order in orders:
            known = found.get(order.part, Foreseen())
            scored = known.scored + self._was_told(order)
            found[order.part] = Foreseen(scored, known.orders + 1)
        return found

    def _was_told(self, order: PartOrder) -> bool:
        start, end = order.opened_at - _TOLD_WITHIN_MS, order.opened_at
        told = self._store.risk_history(order.device_id, start, end, _TOLD_WITHIN_MS)
        mended = {each.code for each in FAULTS.values() if each.part == order.part}
        return any(
            fault in mended and not model.startswith(HINDCAST)
            for fault, model in told.select("fault", "model").iter_rows()
        )


def _ground(used: bool, risky: bool, young: bool) -> Ground:
    if not used:
        return Ground.RISKS if risky else Ground.NOTHING
    if young:
        return Ground.YOUNG_AND_RISKS if risky else Ground.YOUNG
    return Ground.BOTH if risky else Ground.HISTORY
