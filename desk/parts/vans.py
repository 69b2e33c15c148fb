"""What each van takes along tomorrow, and what it brings back. Pure, but for the plain assignments."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from typing import Protocol

from desk.parts.demand import Demand
from fleet.engineers import Engineer
from fleet.stock import PlaceKind, Reservation, Stock, StockPlace
from storage.records.database import DeskDatabase
from storage.records.engineers import engineer_of
from storage.records.needed_parts import NeededPart, owned_cases

KEEP_DAYS, FILLED_DAYS = 7, 2
"""What a van may need within so many days it keeps; where it is loaded every night, within so many."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Assignments(Protocol):
    """Whoever knows which cases an engineer is sent to."""

    def tickets_of(self, engineer: str, day: date) -> Sequence[int]:
        """Return the cases of an engineer (by id) on a day."""
        ...


class OwnedCases:
    """Where nobody plans days: an engineer's are the open cases that their account answers for."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def tickets_of(self, engineer: str, day: date) -> Sequence[int]:
        """Return the open repairs that they answer for."""
        with self._desk.look() as session:
            account = engineer_of(session, engineer).account
            return [] if account is None else owned_cases(session, str(account))


@dataclass(frozen=True, slots=True)
class ToTake:
    """Pieces that a van needs for some cases; `source` is where they are, "" where no place has them.

    `kit`: in case they are needed, since nobody knows what is wrong.
    """

    part: str
    quantity: int
    tickets: tuple[int, ...]
    source: str = ""
    kit: bool = False


@dataclass(frozen=True, slots=True)
class ToReturn:
    """Pieces that a van does not need for its cases, nor is likely to within a week."""

    part: str
    quantity: int


@dataclass(frozen=True, slots=True)
class VanList:
    """The list of one van for a day."""

    engineer: str
    name: str
    van: str
    day: date
    take: tuple[ToTake, ...] = ()
    give_back: tuple[ToReturn, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """What lists of vans are made of: places, their stock, what is held, and what open cases need.

    `kits` are the parts that are likely to be needed by cases of which nobody knows what is wrong, by case.
    """

    places: Sequence[StockPlace]
    stock: Sequence[Stock]
    held: Sequence[Reservation]
    needs: Sequence[NeededPart]
    kits: Mapping[int, Sequence[str]] = field(default_factory=dict)


def van_list(
    engineer: Engineer,
    day: date,
    tickets: Sequence[int],
    known: Around,
    demand: Demand,
    quantile: float,
    *,
    overnight: bool = False,
) -> VanList:
    """Return what a van takes along for its engineer's cases on a day, and what it can do without.

    One kit serves all cases of a day of which nobody knows what is wrong. `overnight`: vans are loaded every
    night. Then one carries what it is likely to need until it is loaded again, and one that rests nothing.
    """
    wanted = Counter(each.part for each in known.needs if each.ticket in tickets)
    kit = _kit(tickets, known)
    here = {each.part: each for each in known.stock if each.place == engineer.van}
    own = _held(known, tickets, engineer.van)
    rests = overnight and bool(engineer.shifts) and not engineer.shifts.get(_DAYS[day.weekday()])
    days = (0 if rests else FILLED_DAYS) if overnight else KEEP_DAYS
    take, back = [], []
    for part in sorted({*wanted, *kit, *here, *(each.part for each in known.stock if overnight)}):
        free = here[part].free if part in here else 0
        cases = tuple(dict.fromkeys(each.ticket for each in known.needs if _is_for(each, part, tickets)))
        missing = wanted[part] - free - own.get(part, 0)
        if missing > 0:
            take.append(ToTake(part, missing, cases, _source(part, missing, engineer, tickets, known)))
        usual = ceil(demand.quantile(part, engineer.van, days, quantile))
        spare = free - max(0, wanted[part] - own.get(part, 0))
        more = max(part in kit, usual if overnight else 0) - max(0, spare)
        source = _source(part, more, engineer, (), known) if more > 0 else ""
        if source:
            take.append(ToTake(part, more, kit.get(part, ()), source, kit=True))
        if spare > max(part in kit, usual):
            back.append(ToReturn(part, spare - max(part in kit, usual)))
    return VanList(engineer.id, engineer.name, engineer.van, day, tuple(take), tuple(back))


def _is_for(need: NeededPart, part: str, tickets: Sequence[int]) -> bool:
    return need.part == part and need.ticket in tickets


def _kit(tickets: Sequence[int], known: Around) -> dict[str, tuple[int, ...]]:
    """Return the parts to have along in case, each with the cases that may need it."""
    found: dict[str, list[int]] = {}
    for number in tickets:
        for part in known.kits.get(number, ()):
            cases = found.setdefault(part, [])
            if number not in cases:
                cases.append(number)
    return {part: tuple(cases) for part, cases in sorted(found.items())}


def _held(known: Around, tickets: Sequence[int], place: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in known.held:
        if each.place == place and each.ticket in tickets:
            found[each.part] = found.get(each.part, 0) + each.quantity
    return found


def _source(part: str, quantity: int, engineer: Engineer, tickets: Sequence[int], known: Around) -> str:
    """Return where to get pieces: where they are held for these cases, else a depot, a near one first."""
    for each in known.held:
        if each.part == part and each.ticket in tickets and each.place != engineer.van:
            return each.place
    free: Mapping[str, int] = {each.place: each.free for each in known.stock if each.part == part}
    depots = [each for each in known.places if each.kind is PlaceKind.DEPOT and each.active]
    near_first = sorted(depots, key=lambda each: (each.region != engineer.region, each.id))
    return next((each.id for each in near_first if free.get(each.id, 0) >= quantity), "")
