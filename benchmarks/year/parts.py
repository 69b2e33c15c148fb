"""What engineers carry: by the desk's stock, or by guess; and what came of it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, cast

from benchmarks.year.agenda import Agenda, date_of, day_start, local_day
from benchmarks.year.assumptions import DEPOT_QUANTILE, LEAD_DAYS, USUAL_LEAD_DAYS, VAN_QUANTILE, Manual
from benchmarks.year.city import City, Worker
from benchmarks.year.foreseeing import NightlyDemand
from benchmarks.year.office import DISPATCHER, Office
from benchmarks.year.recent_tiles import RecentTiles
from desk.parts.for_dispatch import AssignedCases, StockForDispatch
from desk.parts.likely import PartsAtRisk
from desk.parts.orders import OrderDesk
from desk.parts.planning import StockPlanning
from desk.parts.proposals import Wish
from desk.parts.stock import Moving
from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import Conflict
from fleet.feedback import PartUsed, Visit
from fleet.principals import Principal, PrincipalKind
from fleet.stock import PlaceKind, StockPlace
from fleet.visiting import Position
from storage.ports import TelemetryStore
from storage.records.reservations import held_for
from storage.records.stock import all_stock, stock_of

LOADED_H = 6
"""Vans are loaded overnight with what was put aside at a depot by this hour."""


@dataclass
class Tally:
    """Pieces by day: wanted at visits, there, used, and kept."""

    wanted: Counter[int] = field(default_factory=Counter)
    there: Counter[int] = field(default_factory=Counter)
    used: Counter[int] = field(default_factory=Counter)
    kept: dict[int, int] = field(default_factory=dict)

    def asked(self, day: int, *, there: bool) -> None:
        """Note that a part was wanted at a visit."""
        self.wanted[day] += 1
        self.there[day] += there


class Parts(Protocol):
    """Where engineers' parts come from."""

    tally: Tally

    def has(self, worker: Worker, ticket: int, part: str) -> bool:
        """Tell whether an engineer has a piece with them."""
        ...

    def use(self, worker: Worker, ticket: int, repair: int, parts: Sequence[str], minutes: float) -> None:
        """Note what a visit used; `repair` counts how often the case was opened again."""
        ...

    def wait_for(self, worker: Worker, ticket: int, part: str) -> int | None:
        """Get a part for a case; return when it can be brought (epoch ms), None: the plan knows."""
        ...

    def detour(self, ticket: int, now: int) -> Position | None:
        """Return the depot from which a part must be fetched on the way, if one must."""
        ...

    def night(self, day: int) -> None:
        """Do what is done about stock in the night before a day."""
        ...

    def load(self, day: int) -> None:
        """Load the vans for a day, after its last plan of the night."""
        ...


class GuessedParts:
    """The same kit in every van, a depot that is filled up now and then: policies (a), (b)."""

    def __init__(self, city: City, agenda: Agenda, manual: Manual) -> None:
        self.tally = Tally()
        self._agenda, self._manual = agenda, manual
        self._codes = [part.code for part in city.parts]
        self._vans = {worker.engineer.van: dict.fromkeys(self._codes, manual.kit) for worker in city.workers}
        share = len(city.workers) / 20
        self._level = max(2, round(manual.depot * share))
        self._depot = dict.fromkeys(self._codes, self._level)
        self._coming: Counter[str] = Counter()
        self._brought: defaultdict[int, list[str]] = defaultdict(list)
        self._nights = 0

    def has(self, worker: Worker, ticket: int, part: str) -> bool:
        """Tell whether it was brought for the case, or is in the kit."""
        return part in self._brought[ticket] or self._vans[worker.engineer.van][part] > 0

    def use(self, worker: Worker, ticket: int, repair: int, parts: Sequence[str], minutes: float) -> None:
        """Take pieces out of what was brought, else out of the kit."""
        del repair, minutes
        van, day = self._vans[worker.engineer.van], local_day(self._agenda.clock.ms)
        for part in parts:
            self.tally.used[day] += 1
            if part in self._brought[ticket]:
                self._brought[ticket].remove(part)
            else:
                van[part] = max(0, van[part] - 1)

    def wait_for(self, worker: Worker, ticket: int, part: str) -> int | None:
        """Fetch it from the depot by another day, or order it by itself."""
        del worker
        now = self._agenda.clock.ms
        days = self._manual.fetch_days
        if self._depot[part] > 0:
            self._depot[part] -= 1
        else:
            days += LEAD_DAYS.get(part, USUAL_LEAD_DAYS)
        ready = day_start(local_day(now) + days) + LOADED_H * HOUR_MS
        self._agenda.at(ready, lambda: self._brought[ticket].append(part))
        return ready

    def detour(self, ticket: int, now: int) -> Position | None:
        """Return that nobody fetches anything on the way."""
        del ticket, now

    def night(self, day: int) -> None:
        """Fill the kits up on Mondays, order for the depot every so many days."""
        self._nights += 1
        if (day + 3) % 7 == 0:
            for van in self._vans.values():
                for part in self._codes:
                    more = min(self._manual.kit - van[part], self._depot[part])
                    van[part] += more
                    self._depot[part] -= more
        if self._nights % self._manual.order_days == 0:
            for part in self._codes:
                more = self._level - self._depot[part] - self._coming[part]
                if more > 0:
                    self._order(part, more)
        vans = sum(sum(van.values()) for van in self._vans.values())
        self.tally.kept[day] = vans + sum(self._depot.values()) + sum(map(len, self._brought.values()))

    def load(self, day: int) -> None:
        """Do nothing: kits are filled on Mondays."""
        del day

    def _order(self, part: str, many: int) -> None:
        self._coming[part] += many

        def arrives() -> None:
            self._coming[part] -= many
            self._depot[part] += many

        lead = LEAD_DAYS.get(part, USUAL_LEAD_DAYS)
        self._agenda.at(self._agenda.clock.ms + lead * DAY_MS, arrives)


class KeptParts:
    """The desk's own stock: ledger, reservations, and orders and transfers as it proposes them."""

    def __init__(self, city: City, agenda: Agenda, office: Office, manual: Manual) -> None:
        self.tally = Tally()
        self.port = StockForDispatch(office.stock, agenda.clock)
        self._city, self._agenda, self._office = city, agenda, office
        self._risky: PartsAtRisk | None = None
        self._orders = OrderDesk(office.desk, agenda.clock, USUAL_LEAD_DAYS)
        sent, self._foresee = AssignedCases(office.desk, office.zones), NightlyDemand()
        self._buying, self._moving = (
            StockPlanning(
                office.desk,
                agenda.clock,
                office.zones,
                Wish(quantile, USUAL_LEAD_DAYS, with_vans=True),
                self._foresee,
                sent,
                self._parts_at_risk,
            )
            for quantile in (DEPOT_QUANTILE, VAN_QUANTILE)
        )
        self._written: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        self._depot = next(iter(city.depots))
        self._begin(manual)

    def know(self, tiles: RecentTiles) -> None:
        """Let what is ordered, and what vans take along, go by the risks that are kept with the tiles."""
        self._foresee.know(tiles)
        self._risky = PartsAtRisk(cast(TelemetryStore, tiles))

    def _parts_at_risk(self, devices: Collection[str]) -> dict[str, tuple[str, ...]]:
        return {} if self._risky is None else self._risky(devices)

    def _begin(self, manual: Manual) -> None:
        """Take over what policy (a) has: the same kits, and what is in its depot, by halves."""
        stock, city = self._office.stock, self._city
        level = max(2, round(manual.depot * len(city.workers) / 20))
        for name, at in city.depots.items():
            region = name.removeprefix("depot-")
            stock.place(StockPlace(name, region=region, lat=at[0], lon=at[1]), DISPATCHER)
            for part in city.parts:
                stock.receive(Moving(name, part.code, max(1, level // len(city.depots))), DISPATCHER)
        for worker in city.workers:
            engineer = worker.engineer
            stock.place(StockPlace(engineer.van, PlaceKind.VAN, region=engineer.region), DISPATCHER)
            for part in city.parts:
                stock.receive(Moving(engineer.van, part.code, manual.kit), DISPATCHER)

    def has(self, worker: Worker, ticket: int, part: str) -> bool:
        """Tell whether it was put aside for the case, or is free in the van."""
        with self._office.desk.look() as session:
            held = any(each.part == part for each in held_for(session, [ticket]))
            return held or stock_of(session, worker.engineer.van, part).free > 0

    def use(self, worker: Worker, ticket: int, repair: int, parts: Sequence[str], minutes: float) -> None:
        """Write the visit down, which books its parts."""
        engineer = worker.engineer
        by = Principal(PrincipalKind.PERSON, engineer.id, engineer.name)
        self.tally.used[local_day(self._agenda.clock.ms)] += len(parts)
        # A repair that took two visits has one record: it tells of all that they used.
        whole = self._written[ticket, repair]
        whole.update(parts)
        used = tuple(PartUsed(code, count) for code, count in sorted(whole.items()))
        self._office.visits.write(Visit(ticket, repair, engineer.name, None, round(minutes), used), by)

    def wait_for(self, worker: Worker, ticket: int, part: str) -> int | None:
        """Leave it to the plan, which knows where pieces are and when they come."""
        del worker, ticket, part

    def detour(self, ticket: int, now: int) -> Position | None:
        """Return the depot where something was put aside too late to be loaded in the night."""
        del now
        with self._office.desk.look() as session:
            held = held_for(session, [ticket])
        late = [each.place for each in held if each.place in self._city.depots]
        return self._city.depots[late[0]] if late else None

    def night(self, day: int) -> None:
        """Let go of what is held too long, bring back what vans can do without, order what is needed."""
        self._office.stock.expire()
        for van in self._moving.van_lists(day=date_of(day)):
            for back in van.give_back:
                self._move(back.part, van.van, self._depot, back.quantity)
        for each in self._buying.proposals():
            self._order(each.part, each.place, each.quantity)
        with self._office.desk.look() as session:
            self.tally.kept[day] = sum(each.on_hand for each in all_stock(session))

    def load(self, day: int) -> None:
        """Load vans as their lists say: what is put aside for their cases, the kits, what they may need."""
        lists = self._moving.van_lists(day=date_of(day))
        for van in lists:
            tickets = {ticket for each in van.take for ticket in each.tickets}
            self._office.stock.load(van.van, tickets, DISPATCHER)
        for van in lists:
            for each in van.take:
                if each.source and each.kit:
                    self._move(each.part, each.source, van.van, each.quantity)

    def _move(self, part: str, source: str, target: str, many: int) -> None:
        with suppress(Conflict):  # somebody put them aside meanwhile
            self._office.stock.move(Moving(source, part, many, to=target), DISPATCHER)

    def _order(self, part: str, place: str, many: int) -> None:
        made = self._orders.propose(part, place, many, DISPATCHER)
        ordered = self._orders.order(made.id, DISPATCHER)
        assert ordered.expected_at is not None
        self._agenda.at(
            ordered.expected_at, lambda: _ignored(self._orders.arrive(made.id, many, (), DISPATCHER))
        )


def _ignored(_what: object) -> None:
    """Take what nobody asks for."""


def turnover(tally: Tally, days: Iterable[int]) -> float:
    """Return how often stock turned over in 30 days: pieces used against pieces kept."""
    chosen = list(days)
    kept = [tally.kept[day] for day in chosen if day in tally.kept]
    mean = sum(kept) / len(kept) if kept else 0.0
    used = sum(tally.used[day] for day in chosen)
    return used / max(len(chosen), 1) * 30 / mean if mean else 0.0


def availability(tally: Tally, days: Iterable[int]) -> float:
    """Return the share of parts wanted at visits that were there."""
    chosen = set(days)
    wanted = sum(count for day, count in tally.wanted.items() if day in chosen)
    there = sum(count for day, count in tally.there.items() if day in chosen)
    return there / wanted if wanted else 1.0
