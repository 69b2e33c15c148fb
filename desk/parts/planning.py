"""What stock asks people to do: order, move, take along, bring back; and what is in danger."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from desk.parts.demand import Demand
from desk.parts.likely import LikelyParts
from desk.parts.orders import OrderDesk
from desk.parts.past_use import PastUse
from desk.parts.proposals import Proposal, Wish, propose
from desk.parts.seasons import Transfer, transfers
from desk.parts.shortages import Shortage, shortages
from desk.parts.stock import StockDesk
from desk.parts.vans import KEEP_DAYS, Around, Assignments, OwnedCases, VanList, van_list
from fleet.clock import DAY_MS, Clock
from fleet.grants import Sites
from fleet.localtime import day_of
from fleet.part_catalogue import Part
from fleet.signals import Kind
from fleet.stock import COMING, OrderState, PlaceKind
from fleet.zones import Zones
from storage.records.database import DeskDatabase
from storage.records.engineers import engineers
from storage.records.needed_parts import needed_parts
from storage.records.part_catalogue import all_parts
from storage.records.part_findings import device_of_repairs, findings, unnamed_cases
from storage.records.reservations import held_for
from storage.records.stock import all_stock
from storage.records.stock_orders import orders_in
from storage.records.stock_places import stock_places

_FINDINGS_DAYS = 365
"""What repairs found in so many days tells what a case may need of which nobody knows what is wrong."""
Foresee = Callable[[Session, int], Demand]
"""Returns who foresees demand, by what the database holds at a time (epoch ms)."""


AtRisk = Callable[[Collection[str]], Mapping[str, Sequence[str]]]
"""Returns by device the parts that it may need soon."""


class StockPlanning:
    """Works out proposals from what the database holds now; nothing is changed.

    `sites` are those that somebody sees: proposals are for places that serve these, cases are at these.
    """

    def __init__(
        self,
        desk: DeskDatabase,
        clock: Clock,
        zones: Zones,
        wish: Wish,
        foresee: Foresee = PastUse.of,
        assignments: Assignments | None = None,
        at_risk: AtRisk | None = None,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._zones = zones
        self._wish = wish
        self._foresee = foresee
        self._assignments = assignments or OwnedCases(desk)
        self._at_risk = at_risk

    def proposals(self, sites: Sites = None) -> list[Proposal]:
        """Return what to order, by supplier."""
        with self._desk.look() as session:
            return propose(
                all_parts(session),
                stock_places(session, sites),
                all_stock(session, sites),
                orders_in(session, (OrderState.PROPOSED, *COMING)),
                self._foresee(session, self._clock.now_ms()),
                self._wish,
            )

    def months(self) -> float:
        """Return how many months of history stand behind what is proposed."""
        with self._desk.look() as session:
            return self._foresee(session, self._clock.now_ms()).months

    def shortages(self, sites: Sites = None) -> list[Shortage]:
        """Return what is short for which cases; others' cases come before these where they are due first."""
        with self._desk.look() as session:
            needs = needed_parts(session)
            held = {(each.ticket, each.part) for each in held_for(session, {each.ticket for each in needs})}
            found = shortages(
                needs,
                stock_places(session),
                all_stock(session),
                orders_in(session, COMING),
                held,
                all_parts(session),
                self._clock.now_ms(),
            )
        return found if sites is None else _of_sites(found, sites)

    def transfers(self, sites: Sites = None) -> list[Transfer]:
        """Return what to move so that it is there a month ahead."""
        with self._desk.look() as session:
            demand = self._foresee(session, self._clock.now_ms())
            return transfers(
                stock_places(session, sites),
                all_stock(session, sites),
                demand,
                self._wish.quantile,
                0 if self._wish.with_vans else KEEP_DAYS,
            )

    def tomorrow(self) -> date:
        """Return the day after today, by the installation's clock."""
        return day_of(self._clock.now_ms(), self._zones.of(None)) + timedelta(days=1)

    def van_lists(self, sites: Sites = None, day: date | None = None) -> list[VanList]:
        """Return the list of each engineer's van for a day, tomorrow unless given; those with nothing too."""
        day = day or self.tomorrow()
        with self._desk.look() as session:
            needs = needed_parts(session)
            held = held_for(session, {each.ticket for each in needs})
            kits = self._kits(session)
            known = Around(stock_places(session, sites), all_stock(session, sites), held, needs, kits)
            vans = {each.id for each in known.places if each.kind is PlaceKind.VAN and each.active}
            whose = [each for each in engineers(session, sites) if each.active and each.van in vans]
            demand = self._foresee(session, self._clock.now_ms())
        return [
            van_list(
                each,
                day,
                self._assignments.tickets_of(each.id, day),
                known,
                demand,
                self._wish.quantile,
                overnight=self._wish.with_vans,
            )
            for each in whose
        ]

    def _kits(self, session: Session) -> dict[int, tuple[str, ...]]:
        """Return what each case may need beside what it names: by risks, and by what such cases were."""
        since = self._clock.now_ms() - _FINDINGS_DAYS * DAY_MS
        found: dict[int, tuple[str, ...]] = {}
        if self._at_risk is not None:
            devices = device_of_repairs(session)
            risky = self._at_risk(set(devices.values()))
            found = {number: tuple(risky[device]) for number, device in devices.items() if risky.get(device)}
        for kind in Kind:
            cases = unnamed_cases(session, kind)
            if cases:
                likely = LikelyParts(findings(session, kind, since))
                found |= {case.ticket: (*found.get(case.ticket, ()), *likely.kit(case)) for case in cases}
        return found

    def catalogue(self) -> dict[str, Part]:
        """Return the parts that there are, by code."""
        with self._desk.look() as session:
            return all_parts(session)


def _of_sites(found: Sequence[Shortage], sites: frozenset[str]) -> list[Shortage]:
    kept = []
    for each in found:
        cases = tuple(case for case in each.cases if case.site in sites)
        if cases:
            kept.append(Shortage(each.part, cases, each.next_at, each.replaced_by))
    return kept


@dataclass(frozen=True)
class PartsRoom:
    """All about stock, as the API needs it."""

    stock: StockDesk
    orders: OrderDesk
    planning: StockPlanning
