"""What stock asks people to do: order, move, take along, bring back; and which cases are in danger."""

from collections.abc import Mapping
from datetime import date
from typing import cast

import polars as pl
import pytest
from scipy.stats import nbinom, poisson

from desk.parts.demand import Basis, Ground
from desk.parts.likely import LikelyParts, PartsAtRisk
from desk.parts.past_use import PastUse, count_quantile
from desk.parts.proposals import DISCONTINUED, Wish, propose
from desk.parts.seasons import Transfer, transfers
from desk.parts.shortages import TRANSFER_MS, shortages
from desk.parts.vans import Around, ToReturn, ToTake, van_list
from fleet.clock import DAY_MS, HOUR_MS
from fleet.engineers import Engineer
from fleet.part_catalogue import Part, to_order
from fleet.stock import OrderState, PlaceKind, Reservation, Stock, StockOrder, StockPlace
from storage.ports import TelemetryStore
from storage.records.needed_parts import NeededPart
from storage.records.part_findings import Finding, Unnamed
from storage.records.stock_movements import Used

NOW = 1_800_000_000_000
EAST, WEST = StockPlace("east", region="east"), StockPlace("west", region="west")
VAN = StockPlace("van", PlaceKind.VAN, region="east")
DAY = date(2027, 1, 16)


BASIS = Basis(Ground.HISTORY, 12.0, 30, from_history=2.5)


class Fixed:
    """Foresees what a test says, whatever the days."""

    def __init__(self, wanted: Mapping[tuple[str, str], float]) -> None:
        self._wanted = wanted

    months = 12.0

    def quantile(self, part: str, place: str, days: float, q: float) -> float:
        assert days >= 0 and 0 < q < 1
        return self._wanted.get((part, place), 0.0)

    def basis(self, part: str, place: str, days: float) -> Basis:
        return BASIS


def need(ticket: int, part: str = "fan", due: int | None = NOW + HOUR_MS, region: str = "east") -> NeededPart:
    return NeededPart(ticket, part, f"R{ticket}", "hall", region, "L1", "fan_motor_wear", due, "")


def an_order(part: str, place: str, quantity: int, **more: object) -> StockOrder:
    return StockOrder("Acme", part, place, quantity, NOW, **more)  # type: ignore[arg-type]  # any of its fields


def test_what_is_missing_until_delivery_is_proposed_in_whole_lots_by_supplier() -> None:
    parts = {
        "fan": Part("fan", supplier="Zeta", lead_days=10, lot=4),
        "seal": Part("seal", supplier="Acme"),
        "brush": Part("brush", supplier="Acme"),
    }
    stock = [Stock("east", "fan", 5, 2), Stock("east", "brush", 9, 0)]
    orders = [
        an_order("fan", "east", 9, arrived=8, state=OrderState.PARTLY_ARRIVED),
        an_order("seal", "east", 1),
    ]
    demand = Fixed({("fan", "east"): 6.2, ("seal", "east"): 2, ("brush", "east"): 3, ("fan", "van"): 9})
    found = propose(parts, [EAST, VAN], stock, orders, demand, Wish(0.95, 14))
    assert [(one.supplier, one.part, one.quantity, one.lead_days) for one in found] == [
        ("Acme", "seal", 1, 14),
        ("Zeta", "fan", 4, 10),
    ]
    assert (found[1].target, found[1].free, found[1].coming) == (7, 3, 1)


def test_a_discontinued_part_proposes_what_replaces_it_and_says_so_where_nothing_does() -> None:
    parts = {
        "fan": Part("fan", discontinued=True, replaced_by="fan-2"),
        "fan-2": Part("fan-2", discontinued=True, replaced_by="fan-3"),
        "fan-3": Part("fan-3", supplier="Acme"),
        "seal": Part("seal", discontinued=True),
    }
    stock = [Stock("east", "fan", 1), Stock("east", "fan-3", 1)]
    demand = Fixed({("fan", "east"): 4, ("fan-3", "east"): 1, ("seal", "east"): 1})
    found = {one.part: one for one in propose(parts, [EAST], stock, [], demand, Wish())}
    assert (found["fan-3"].quantity, found["fan-3"].instead_of) == (3, ("fan",))
    assert (found["fan-3"].obstacle, found["seal"].obstacle) == ("", DISCONTINUED)
    assert found.keys() == {"fan-3", "seal"}


def test_parts_that_replace_each_other_in_a_circle_are_not_to_be_had() -> None:
    parts = {
        "a": Part("a", discontinued=True, replaced_by="b"),
        "b": Part("b", discontinued=True, replaced_by="a"),
    }
    assert to_order("a", parts) == ""
    assert to_order("c", parts) == "c"


def test_a_shortage_names_the_cases_that_it_endangers_those_due_first_are_served() -> None:
    needs = [need(1), need(2), need(3, due=NOW + 9 * DAY_MS), need(4)]
    stock = [Stock("east", "fan", 3, 2), Stock("west", "fan", 0)]
    late = an_order("fan", "east", 5, state=OrderState.ORDERED, expected_at=NOW + 3 * DAY_MS)
    (found,) = shortages(needs, [EAST, WEST], stock, [late], {(4, "fan")}, {}, NOW)
    assert [case.ticket for case in found.cases] == [2], (
        "1 gets the free one, 3 the ordered one, 4 has its own"
    )
    assert found.next_at == NOW + 3 * DAY_MS


@pytest.mark.parametrize(
    ("place", "due", "short"),
    [
        (EAST, NOW + HOUR_MS, False),
        (EAST, NOW - HOUR_MS, False),
        (WEST, NOW + HOUR_MS, True),
        (WEST, NOW + TRANSFER_MS, False),
        (WEST, None, False),
        (StockPlace("west"), NOW + HOUR_MS, False),
        (StockPlace("west", active=False), None, True),
    ],
)
def test_a_piece_serves_a_case_where_it_can_be_there_in_time(
    place: StockPlace, due: int | None, short: bool
) -> None:
    found = shortages([need(1, due=due)], [place], [Stock(place.id, "fan", 1)], [], (), {}, NOW)
    assert bool(found) is short


def test_what_replaces_a_part_serves_its_cases_and_is_named_where_it_is_short() -> None:
    parts = {"fan": Part("fan", discontinued=True, replaced_by="fan-2"), "fan-2": Part("fan-2")}
    assert shortages([need(1)], [EAST], [Stock("east", "fan-2", 1)], [], (), parts, NOW) == []
    (found,) = shortages([need(1)], [EAST], [], [], (), parts, NOW)
    assert (found.part, found.replaced_by) == ("fan", "fan-2")


def test_a_van_takes_along_what_its_cases_miss_and_brings_back_what_nobody_needs() -> None:
    li = Engineer("e1", "Li", region="east", van="van")
    stock = [
        Stock("van", "fan", 2, 1),
        Stock("van", "seal", 5),
        Stock("van", "brush", 2),
        Stock("east", "belt", 1),
        Stock("west", "fan", 9),
    ]
    held = [Reservation(1, "fan", "van", 1, NOW, NOW), Reservation(2, "lidar", "west", 1, NOW, NOW)]
    needs = [need(1), need(2), need(2, "belt"), need(3), need(2, "lidar"), need(9, "belt")]
    demand = Fixed({("seal", "van"): 1.5, ("brush", "van"): 2})
    found = van_list(li, DAY, [1, 2, 3], Around([EAST, WEST, VAN], stock, held, needs), demand, 0.95)
    assert found.take == (
        ToTake("belt", 1, (2,), "east"),
        ToTake("fan", 1, (1, 2, 3), "west"),
        ToTake("lidar", 1, (2,), "west"),
    )
    assert found.give_back == (ToReturn("seal", 3),)


def test_where_nobody_knows_what_is_wrong_a_kit_is_taken_along_once_and_not_brought_back() -> None:
    li = Engineer("e1", "Li", region="east", van="van")
    stock = [
        Stock("van", "fan", 1),
        Stock("van", "seal", 1),
        Stock("east", "fan", 1),
        Stock("east", "brush", 1),
    ]
    kits = {2: ("fan", "seal", "brush", "belt"), 3: ("brush",)}
    around = Around([EAST, VAN], stock, [], [need(1)], kits)
    found = van_list(li, DAY, [1, 2, 3], around, Fixed({}), 0.95)
    assert found.take == (
        ToTake("brush", 1, (2, 3), "east", kit=True),
        ToTake("fan", 1, (2,), "east", kit=True),
    ), "the one fan in the van is for case 1, a seal is there, and no place has a belt"
    assert found.give_back == ()


def test_a_van_that_is_loaded_every_night_carries_what_two_days_may_need_and_nothing_while_it_rests() -> None:
    rest = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("08:00-17:00",))
    li = Engineer("e1", "Li", region="east", van="van", shifts=rest)
    stock = [Stock("van", "fan", 3), Stock("van", "seal", 0), Stock("east", "seal", 2)]
    demand = Fixed({("fan", "van"): 1, ("seal", "van"): 1})
    around = Around([EAST, VAN], stock, [], [])
    friday = van_list(li, date(2027, 1, 15), [], around, demand, 0.95, overnight=True)
    assert friday.take == (ToTake("seal", 1, (), "east", kit=True),)
    assert friday.give_back == (ToReturn("fan", 2),)
    days = Days()
    van_list(li, date(2027, 1, 16), [], around, days, 0.95, overnight=True)
    assert days.asked == {0}, "on Saturday it rests: what no day needs goes back"


class Days(Fixed):
    """Keeps for how many days it was asked."""

    def __init__(self) -> None:
        super().__init__({})
        self.asked: set[float] = set()

    def quantile(self, part: str, place: str, days: float, q: float) -> float:
        self.asked.add(days)
        return 0.0


def test_the_parts_of_risks_are_taken_along_to_a_device_that_is_visited() -> None:
    class Store:
        def latest_risks(self, device_id: str) -> pl.DataFrame:
            told = {"R1": [("brush_jam", 0.4), ("fan_motor_wear", 0.06), ("water_leak", 0.01)], "R2": []}
            return pl.DataFrame(
                told[device_id], schema={"fault": pl.String, "risk": pl.Float64}, orient="row"
            )

    found = PartsAtRisk(cast(TelemetryStore, Store()))(["R1", "R2"])
    assert found == {"R1": ("brush-bearing", "fan-motor"), "R2": ()}


def test_what_vans_carry_counts_as_their_depots_where_they_bring_back_what_another_needs() -> None:
    parts, demand = {"fan": Part("fan", lead_days=2)}, Fixed({("fan", "east"): 4})
    stock = [Stock("east", "fan", 1), Stock("van", "fan", 3)]
    (apart,) = propose(parts, [EAST, VAN], stock, [], demand, Wish())
    assert apart.quantity == 3
    assert propose(parts, [EAST, VAN], stock, [], demand, Wish(with_vans=True)) == []


def test_a_kit_is_ranked_by_what_cases_of_the_same_kind_turned_out_to_need() -> None:
    seen = [
        Finding("fan", "CR-1", "unclear", 30),
        Finding("seal", "CR-1", "unclear", 60),
        Finding("lidar", "CR-2", "water_leak", 9),
        Finding("belt", "CR-2", "unclear", 1),
    ]
    assert LikelyParts(seen).kit(Unnamed(1, "CR-1", "unclear")) == ("seal", "fan"), "the others are rare"
    assert LikelyParts(seen).kit(Unnamed(1, "CR-2", "unusual"))[0] == "lidar"
    assert LikelyParts([]).kit(Unnamed(1, "CR-1", "unclear")) == ()


def test_what_a_depot_will_not_need_goes_where_a_month_will_need_it() -> None:
    stock = [Stock("east", "fan", 9), Stock("west", "fan", 2), Stock("van", "fan", 0)]
    demand = Fixed({("fan", "east"): 4, ("fan", "west"): 5, ("fan", "van"): 1})
    assert transfers([EAST, WEST, VAN], stock, demand, 0.95) == [
        Transfer("fan", "east", "van", 1, "east", 1, 0, BASIS),
        Transfer("fan", "east", "west", 3, "west", 5, 2, BASIS),
    ]
    short = [Stock("east", "fan", 5), Stock("west", "fan", 2), Stock("van", "fan", 0)]
    assert [(one.target, one.quantity) for one in transfers([EAST, WEST, VAN], short, demand, 0.95)] == [
        ("west", 1)
    ], "no depot gives what it needs itself"


class Even(Fixed):
    """Foresees what a test says of a month, evenly."""

    def quantile(self, part: str, place: str, days: float, q: float) -> float:
        return super().quantile(part, place, days, q) * days / 30


def test_a_van_gets_what_its_depot_needs_later_than_a_week_and_another_depot_does_not() -> None:
    demand = Even({("fan", "east"): 8, ("fan", "west"): 8, ("fan", "van"): 8})
    stock = [Stock("east", "fan", 4), Stock("west", "fan", 0), Stock("van", "fan", 0)]
    moved = [(one.target, one.quantity) for one in transfers([EAST, WEST, VAN], stock, demand, 0.95)]
    assert moved == [("van", 2)], (
        "of four it keeps the two of a week, and what it lacks of a month is ordered"
    )


def test_past_use_foresees_nothing_where_nothing_was_used() -> None:
    assert PastUse([], [EAST], NOW, NOW).quantile("fan", "east", 30, 0.95) == 0


def test_past_use_of_a_region_is_that_of_its_vans_too() -> None:
    used = [Used("van", "fan", 1, NOW - day * DAY_MS) for day in range(1, 181, 3)]
    demand = PastUse(used, [EAST, WEST, VAN], NOW - 180 * DAY_MS, NOW)
    assert 10 <= demand.quantile("fan", "east", 30, 0.5) <= 11, "every third day, so ten a month"
    assert demand.quantile("fan", "van", 30, 0.5) == demand.quantile("fan", "east", 30, 0.5)
    assert demand.quantile("fan", "west", 30, 0.5) == 0
    assert demand.quantile("fan", "east", 30, 0.99) > demand.quantile("fan", "east", 30, 0.9) > 10
    assert demand.quantile("fan", "east", 60, 0.9) > demand.quantile("fan", "east", 30, 0.9)


def test_use_that_comes_in_heaps_needs_more_stock_than_use_that_is_even() -> None:
    even = [Used("east", "fan", 1, NOW - day * DAY_MS) for day in range(1, 361, 6)]
    heaps = [Used("east", "fan", 20, NOW - day * DAY_MS) for day in (10, 130, 250)]
    places, begin = [EAST], NOW - 360 * DAY_MS
    one, other = (
        PastUse(each, places, begin, NOW).quantile("fan", "east", 30, 0.95) for each in (even, heaps)
    )
    assert other > 1.5 * one > 0


def test_a_season_is_seen_once_a_whole_year_is_behind() -> None:
    """All of it was used in the month that comes, a year ago."""
    used = [Used("east", "fan", 1, NOW - (364 - day) * DAY_MS) for day in range(28)]
    year = PastUse(used, [EAST], NOW - 400 * DAY_MS, NOW)
    young = PastUse(used, [EAST], NOW - 364 * DAY_MS, NOW)
    assert year.quantile("fan", "east", 30, 0.5) > 2 * young.quantile("fan", "east", 30, 0.5)
    calm = PastUse([Used("east", "fan", 28, NOW - 100 * DAY_MS)], [EAST], NOW - 400 * DAY_MS, NOW)
    assert calm.quantile("fan", "east", 30, 0.9) < year.quantile("fan", "east", 30, 0.9)


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("mean", [0.01, 0.3, 1.0, 4.7, 33.0, 1200.0])
def test_quantiles_of_counts_are_those_of_their_distributions(mean: float, q: float) -> None:
    assert count_quantile(mean, 1, q) == poisson.ppf(q, mean)
    for spread in (1.01, 2.5, 40.0):
        assert count_quantile(mean, spread, q) == nbinom.ppf(q, mean / (spread - 1), 1 / spread)
