"""Where what a plan leaves as it is would be in the way of what it changes: nobody is in two places."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from fleet.assignments import Assignment
from fleet.dayplan import Stop


@dataclass(frozen=True, slots=True)
class Asked:
    """A case in a plan: who is to go there now (`before`), and who goes by the plan, None: nobody."""

    before: tuple[Assignment, ...]
    who: str | None
    stop: Stop | None
    may_change: bool


@dataclass(frozen=True, slots=True)
class _Taken:
    """When an engineer is taken by a case, the way included (epoch ms)."""

    begins: int
    ends: int
    case: int


def in_the_way(asked: Mapping[int, Asked], changed: Set[int], longer: Mapping[int, int]) -> set[int]:
    """Return the cases that a plan leaves as they are, by name, and has to change to what it says in full.

    `longer` are the assignments under way that end later, by id.
    """
    found: set[int] = set()
    days: dict[str, list[_Taken]] = {}
    for number, each in asked.items():
        for engineer, taken in _taken(number, each, longer, as_planned=number in changed):
            days.setdefault(engineer, []).append(taken)
    for day in days.values():
        day.sort(key=lambda each: (each.begins, each.ends))
        reaches = day[0]
        for after in day[1:]:
            if after.begins < reaches.ends:
                found |= {reaches.case, after.case}
            if after.ends > reaches.ends:
                reaches = after
    return {number for number in found - changed if asked[number].may_change and asked[number].stop}


def way_ms(stop: Stop) -> int:
    """Return how long before the work somebody sets out: the way, and what they wait there."""
    return stop.begin - stop.arrival + round(stop.travel_s * 1000)


def _taken(
    number: int, asked: Asked, longer: Mapping[int, int], *, as_planned: bool
) -> Iterator[tuple[str, _Taken]]:
    """Yield who is taken when, as planned or as it is."""
    stop = asked.stop
    if not as_planned:
        for each in asked.before:
            yield each.engineer, _Taken(each.begins, longer.get(each.id, each.ends), number)
    elif stop is not None and asked.who is not None:
        for engineer in (asked.who, *stop.beside):
            yield engineer, _Taken(stop.begin - way_ms(stop), stop.end, number)
