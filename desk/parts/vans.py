"""What each van takes along tomorrow, and what it brings back. Pure, but for the plain assignments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Protocol

from desk.parts.demand import Demand
from fleet.engineers import Engineer
from fleet.stock import PlaceKind, Reservation, Stock, StockPlace
from storage.records.database import DeskDatabase
from storage.records.engineers import engineer_of
from storage.records.needed_parts import NeededPart, owned_cases

KEEP_DAYS = 7
"""What a van may need within so many days it keeps."""


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
    """Pieces that a van needs for some cases; `source` is where they are, "" where no place has them."""

    part: str
    quantity: int
    tickets: tuple[int, ...]
    source: str = ""


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
    """What lists of vans are made of: places, their stock, what is held, and what open cases need."""

    places: Sequence[StockPlace]
    stock: Sequence[Stock]
    held: Sequence[Reservation]
    needs: Sequence[NeededPart]


def van_list(
    engineer: Engineer, day: date, tickets: Sequence[int], known: Around, demand: Demand, quantile: float
) -> VanList:
    """Return what a van takes along for its engineer's cases on a day, and what it can do without."""
    needs: dict[str, list[int]] = {}
    for each in known.needs:
        if each.ticket in tickets:
            needs.setdefault(each.part, []).append(each.ticket)
    here = {each.part: each for each in known.stock if each.place == engineer.van}
    own = _held(known, tickets, engineer.van)
    take = []
    for part, cases in sorted(needs.items()):
        ready = (here[part].free if part in here else 0) + own.get(part, 0)
        if len(cases) > ready:
            source = _source(part, len(cases) - ready, engineer, tickets, known)
            take.append(ToTake(part, len(cases) - ready, tuple(cases), source))
    back = []
    for part, row in sorted(here.items()):
        wanted = max(0, len(needs.get(part, ())) - own.get(part, 0))
        keeps = max(wanted, ceil(demand.quantile(part, engineer.van, KEEP_DAYS, quantile)))
        if row.free > keeps:
            back.append(ToReturn(part, row.free - keeps))
    return VanList(engineer.id, engineer.name, engineer.van, day, tuple(take), tuple(back))


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
