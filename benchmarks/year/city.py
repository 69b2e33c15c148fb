"""The city of a seed: robots at customers' sites, engineers with homes and vans, depots."""

from dataclasses import dataclass, replace
from datetime import date
from math import cos, radians

import numpy as np

from benchmarks.year.agenda import LOCAL_MS
from benchmarks.year.assumptions import (
    AWAY_SHARE,
    HOLIDAYS,
    LEAD_DAYS,
    REGIONS,
    ROBOTS_A_SITE,
    ROBOTS_AN_ENGINEER,
    SEASONS,
    SHIFTS,
    SKILL_SHARE,
    SPREAD_KM,
    USUAL_LEAD_DAYS,
)
from fleet.clock import DAY_MS
from fleet.engineers import Engineer
from fleet.faults import FAULTS
from fleet.part_catalogue import Part
from fleet.signals import Kind
from fleet.visiting import Position
from simulators.common_faults import CommonFaults, usual_use
from simulators.crew.hands import Hand, draw_hand
from simulators.crew.households import Household, draw_household
from simulators.ground_truth import GroundTruth
from simulators.roster import Roster, mix
from simulators.worlds import CITY

MIDDLE = (31.23, 121.47)
_KM_A_DEGREE = 111.195
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH_DAY = 719_163
"""The proleptic Gregorian ordinal of 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Place:
    """A customer's site: where it is, of which region, and who is there."""

    id: str
    at: Position
    region: str
    household: Household


@dataclass(frozen=True, slots=True)
class Worker:
    """An engineer as the desk knows them, and as they really work."""

    engineer: Engineer
    hand: Hand


@dataclass(frozen=True, slots=True)
class City:
    """All that a seed draws. `place_of` gives the place of each robot, by its row."""

    seed: int
    roster: Roster
    places: tuple[Place, ...]
    place_of: tuple[int, ...]
    workers: tuple[Worker, ...]
    depots: dict[str, Position]
    parts: tuple[Part, ...]

    @property
    def robots(self) -> list[str]:
        """The ids of the robots, by row."""
        return [card.id for card in self.roster.cards[Kind.ROBOT]]

    def place(self, robot: int) -> Place:
        """Return where a robot works."""
        return self.places[self.place_of[robot]]

    def luck(self, *what: int) -> np.random.Generator:
        """Return the chance that belongs to something, whoever asks and whenever."""
        return np.random.default_rng((self.seed, 71, *what))

    def faults(self, truth: GroundTruth) -> CommonFaults:
        """Return the faults that will befall the robots."""
        use = usual_use(self.roster)
        return CommonFaults(self.robots, self.roster.hazard, truth, CITY.faults, self.seed, use, SEASONS)

    def away(self, number: int, day: int) -> bool:
        """Tell whether an engineer, by number, has a holiday on a local day."""
        for first, length in HOLIDAYS:
            begins = first.toordinal() - _EPOCH_DAY
            if begins <= day < begins + length:
                return number % round(1 / AWAY_SHARE) == 0
        return False


def fleet_size(robots: int) -> int:
    """Return of how many devices a simulated fleet has so many robots."""
    return next(count for count in range(robots, 2 * robots + 3) if mix(count)[Kind.ROBOT] >= robots)


def make_city(seed: int, robots: int, engineers: int, start: int) -> City:
    """Draw a city; `start` (epoch ms) is when its robots' life begins."""
    draw = np.random.default_rng((seed, 70))
    roster = Roster(fleet_size(robots), seed, start, CITY)
    places, place_of = _places(roster, draw)
    cards = roster.cards[Kind.ROBOT]
    roster.cards[Kind.ROBOT] = [
        replace(card, site=places[place_of[row]].id) for row, card in enumerate(cards)
    ]
    workers = tuple(_worker(number, draw) for number in range(engineers))
    depots = {f"depot-{name}": _around(MIDDLE, draw, 0.5) for name in REGIONS}
    parts = sorted({fault.part for fault in FAULTS.values() if fault.kind is Kind.ROBOT and fault.part})
    catalogue = tuple(Part(code, lead_days=LEAD_DAYS.get(code, USUAL_LEAD_DAYS)) for code in parts)
    return City(seed, roster, places, place_of, workers, depots, catalogue)


def engineers_for(robots: int) -> int:
    """Return how many engineers suit so many robots, at least four: each skill is to be there every day."""
    return max(4, round(robots / ROBOTS_AN_ENGINEER))


def _places(roster: Roster, draw: np.random.Generator) -> tuple[tuple[Place, ...], tuple[int, ...]]:
    """Part the robots of each site of the roster (hours, climate) among customers' places."""
    place_of = np.zeros(len(roster.site_index[Kind.ROBOT]), dtype=np.int64)
    places: list[Place] = []
    for site in range(len(roster.sites)):
        rows = np.flatnonzero(roster.site_index[Kind.ROBOT] == site)
        while len(rows):
            some, rows = np.split(rows, [1 + draw.poisson(ROBOTS_A_SITE - 1)])
            place_of[some] = len(places)
            at = _around(MIDDLE, draw)
            household = draw_household(draw)
            places.append(Place(f"site-{len(places) + 1:04d}", at, _region(at), household))
    return tuple(places), tuple(place_of.tolist())


def _around(middle: Position, draw: np.random.Generator, share: float = 1.0) -> Position:
    north, east = draw.normal(0.0, SPREAD_KM * share, 2)
    latitude = middle[0] + north / _KM_A_DEGREE
    longitude = middle[1] + east / (_KM_A_DEGREE * cos(radians(middle[0])))
    return round(float(latitude), 5), round(float(longitude), 5)


def _region(at: Position) -> str:
    return REGIONS[0] if at[0] >= MIDDLE[0] else REGIONS[-1]


def _worker(number: int, draw: np.random.Generator) -> Worker:
    home = _around(MIDDLE, draw)
    luck = draw.random(len(SKILL_SHARE))
    # The first two know everything, so that no small crew lacks a skill for a whole day.
    skills = {
        skill
        for (skill, share), drawn in zip(SKILL_SHARE.items(), luck, strict=True)
        if drawn < share or number < 2
    }
    rest = {(number * 2) % 7, (number * 2 + 1) % 7}
    hours = SHIFTS[number % len(SHIFTS)]
    shifts = {name: hours for day, name in enumerate(_DAYS) if day not in rest}
    name = f"E{number + 1:02d}"
    engineer = Engineer(
        name,
        name,
        region=_region(home),
        skills=frozenset(skills),
        shifts=shifts,
        home=home,
        van=f"van-{name}",
    )
    return Worker(engineer, draw_hand(skills, draw))


def started(begins: date, run_in: int) -> int:
    """Return when the days of run-in before a date begin, epoch ms, at a local midnight."""
    return (begins.toordinal() - _EPOCH_DAY - run_in) * DAY_MS - LOCAL_MS
