"""What a house will need: history where there is some, the fleet's risks where these are told, never both."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import pytest

from desk.parts.demand import Ground
from desk.parts.fleet_demand import FleetDemand
from desk.parts.forecast.counts import bernoulli_sum
from desk.parts.forecast.demand import Foreseen
from desk.parts.history import PERIOD_MS, History, careful_rate
from desk.parts.threats import Known, Threats
from fleet.clock import DAY_MS
from fleet.part_catalogue import Part
from fleet.stock import PlaceKind, StockPlace
from storage.records.needed_parts import NeededPart
from storage.records.stock_movements import Used

NOW = 1_800_000_000_000
"""2027-01-15: the season of the coming month is that of late January."""
EAST, WEST = StockPlace("east", region="east"), StockPlace("west", region="west")
VAN = StockPlace("van", PlaceKind.VAN, region="east")
PLACES = (EAST, WEST, VAN)
FAN, BEARING = "fan-motor", "brush-bearing"
NO_RISKS = pl.DataFrame(
    schema={
        "device_id": pl.String,
        "fault": pl.String,
        "risk": pl.Float64,
        "life_p10_d": pl.Float64,
        "life_p90_d": pl.Float64,
    }
)


def risks(*rows: tuple[str, str, float]) -> pl.DataFrame:
    told = [(device, fault, risk, None, None) for device, fault, risk in rows]
    return pl.DataFrame(told, schema=NO_RISKS.schema, orient="row")


def threats(frame: pl.DataFrame, **more: object) -> Threats:
    regions = pl.DataFrame(
        [(f"R{number}", "S1", "east" if number < 50 else "west") for number in range(100)],
        schema=["device_id", "model", "region"],
        orient="row",
    )
    known: dict[str, object] = {"needs": (), "held": (), "taken": {}, "catalogue": {}}
    return Threats(frame, Known(places=PLACES, regions=regions, **(known | more)))  # type: ignore[arg-type]


def demand(
    used: Sequence[Used] = (),
    days: float = 0,
    frame: pl.DataFrame = NO_RISKS,
    foreseen: Mapping[str, Foreseen] | None = None,
    **more: object,
) -> FleetDemand:
    history = History(used, PLACES, NOW - round(days * DAY_MS), NOW)
    return FleetDemand(history, threats(frame, **more), foreseen or {})


def monthly(part: str, place: str, months: int, pieces: int = 1) -> list[Used]:
    return [Used(place, part, pieces, NOW - back * PERIOD_MS - DAY_MS) for back in range(months)]


def test_without_history_the_risks_of_the_region_alone_say_what_will_be_needed() -> None:
    told = demand(frame=risks(*((f"R{number}", "fan_motor_wear", 0.9) for number in (1, 2, 60))))
    assert told.quantile(FAN, "east", 30, 0.95) == 2
    assert told.quantile(FAN, "west", 30, 0.95) == 1
    basis = told.basis(FAN, "east", 30)
    assert (basis.ground, basis.devices, basis.used) == (Ground.RISKS, 2, 0)
    assert told.quantile(BEARING, "east", 30, 0.99) == 0
    assert told.basis(BEARING, "east", 30).ground is Ground.NOTHING


def test_a_house_of_a_month_is_told_a_careful_rate_that_says_so() -> None:
    month = demand(monthly(FAN, "van", 1, 4), days=31)
    assert month.basis(FAN, "east", 14).ground is Ground.YOUNG, "what the van used, its depot gives"
    assert 4 <= month.quantile(FAN, "east", 14, 0.95) <= 7
    assert month.quantile(BEARING, "east", 14, 0.95) == 0
    day = demand([Used("van", FAN, 1, NOW - DAY_MS)], days=2)
    assert 1 <= day.quantile(FAN, "east", 14, 0.95) <= 4, "one piece in two days is no seven in a fortnight"


def test_the_shorter_the_past_the_wider_is_the_careful_rate() -> None:
    short, long = careful_rate(2, 20, 30), careful_rate(20, 200, 30)
    assert short.variance / short.mean > long.variance / long.mean
    assert careful_rate(0, 0, 30).quantile(0.9) == 0


def test_from_three_months_on_all_series_teach_and_it_is_said_what_of() -> None:
    used = [each for part in (FAN, BEARING) for each in monthly(part, "van", 24, 3)]
    told = demand(used, days=24 * 31)
    basis = told.basis(FAN, "east", 30)
    assert (basis.ground, basis.used) == (Ground.HISTORY, 72)
    assert basis.months == pytest.approx(24.4, abs=0.1)
    assert 3 <= told.quantile(FAN, "east", 30, 0.95) <= 6
    assert 3 <= told.quantile(FAN, "van", 30, 0.95) <= 6
    assert told.quantile(FAN, "west", 30, 0.95) == 0


def test_orders_that_risks_had_told_of_are_not_counted_again() -> None:
    used = monthly(FAN, "east", 24, 2)
    frame = risks(*((f"R{number}", "fan_motor_wear", 0.05) for number in range(40)))
    twice = demand(used, 24 * 31, frame)
    once = demand(used, 24 * 31, frame, {FAN: Foreseen(40, 40)})
    assert twice.basis(FAN, "east", 30).from_risks == once.basis(FAN, "east", 30).from_risks > 0
    assert once.basis(FAN, "east", 30).from_history < 0.1 * twice.basis(FAN, "east", 30).from_history
    assert once.basis(FAN, "east", 30).ground is Ground.BOTH
    assert demand(used, 24 * 31, foreseen={FAN: Foreseen(40, 40)}).quantile(FAN, "east", 30, 0.95) >= 2, (
        "no risk speaks of it today: history stands for all"
    )


def test_a_device_needs_a_part_once_whatever_of_its_faults_takes_it() -> None:
    both = threats(risks(("R1", "battery_wear", 0.5), ("R1", "battery_overheat", 0.5)))
    (chance,) = both.chances("battery-pack", "east", 7)
    assert 0.5 < chance < 1


def test_an_open_case_needs_its_part_for_sure_and_once_it_is_put_aside_no_more() -> None:
    frame = risks(("R1", "fan_motor_wear", 0.4), ("R2", "fan_motor_wear", 0.4))
    need = NeededPart(7, FAN, "R1", "hall", "east", "L2", "fan_motor_wear", None, "")
    wanted = threats(frame, needs=[need]).chances(FAN, "east", 7)
    assert sorted(wanted.round(3))[-1] == 1 and len(wanted) == 2
    assert len(threats(frame, needs=[need], held={(7, FAN)}).chances(FAN, "east", 7)) == 1


def test_a_part_threatens_only_models_that_it_fits_and_as_often_as_repairs_took_it() -> None:
    frame = risks(("R1", "fan_motor_wear", 0.4))
    other = {FAN: Part(FAN, fits=frozenset({"S9"}))}
    assert len(threats(frame, catalogue=other).chances(FAN, "east", 7)) == 0
    seldom = threats(frame, taken={("fan_motor_wear", FAN): (0, 12)}).chances(FAN, "east", 7)
    always = threats(frame).chances(FAN, "east", 7)
    assert seldom == pytest.approx(always / 4)


def test_a_rainy_season_is_in_place_a_month_before() -> None:
    rainy, parts = (2, 3), (FAN, BEARING, "drive-motor")
    used = [
        Used("east", part, 3, NOW - round((back + 0.5) * PERIOD_MS))
        for part in parts
        for back in range(48)
        if (1 - back - 1) % 12 + 1 in rainy or back % 6 == 0
    ]
    told = demand(used, days=48 * 30.5)
    assert told.basis(FAN, "east", 60).season > 1.1, "the next two months are January's end to March"


def test_the_risks_of_a_large_fleet_are_added_up_in_a_moment_and_hardly_rounded() -> None:
    chances = np.random.default_rng(0).beta(0.2, 12, 20_000)
    found = bernoulli_sum(chances)
    assert found.mean == pytest.approx(chances.sum(), rel=1e-3)
    assert found.variance == pytest.approx((chances * (1 - chances)).sum(), rel=3e-3)
