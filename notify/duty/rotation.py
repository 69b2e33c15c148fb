"""Who is on call: pure functions of a schedule, its overrides, who has left, and a time (epoch ms).

A schedule speaks in local time; what is returned is epoch ms. Each answer says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise

from fleet.clock import DAY_MS
from fleet.localtime import DAY_MIN, clamped, day_of, ms_of
from fleet.shifts import Override
from fleet.wall_fields import WEEKDAYS
from notify.duty.fields import RESTDAYS, WORKDAYS
from notify.duty.plan import Layer, Schedule

SEARCHED_MS = 400 * DAY_MS
"""How far is looked for when somebody is on call again: a holiday of once a year is within."""
_CHUNK_MS = 14 * DAY_MS
_DAY = timedelta(days=1)


class Why(StrEnum):
    """Why somebody is on call, or nobody."""

    ROTATION = "rotation"
    OVERRIDE = "override"
    FREED = "freed"
    """An override says that nobody is."""
    DISABLED = "person_disabled"
    """Whose turn it is may not sign in any more, and is not skipped: somebody has to say who takes it."""
    UNCOVERED = "no_layer"
    """No layer has anybody at that time."""


@dataclass(frozen=True, slots=True)
class Held:
    """Who is on call (an e-mail address), None: nobody; `missing` is whose turn it would be.

    `by` is the name of the layer, or the number of the override.
    """

    person: str | None
    why: Why
    by: str = ""
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Who is on call in [begins, ends), epoch ms."""

    begins: int
    ends: int
    held: Held


@dataclass(frozen=True, slots=True)
class Known:
    """What besides the schedule decides: its overrides, and who may still sign in (e-mail addresses)."""

    overrides: tuple[Override, ...] = ()
    able: frozenset[str] | None = None

    def may(self, person: str) -> bool:
        """Tell whether somebody may sign in; without `able` everybody may."""
        return self.able is None or person in self.able


def on_call(schedule: Schedule, known: Known, at: int) -> Held:
    """Return who is on call at a time."""
    at = clamped(at)
    taken = [each for each in known.overrides if each.begins <= at < each.until]
    if taken:
        newest = max(taken, key=lambda each: each.id)
        if newest.person is None:
            return Held(None, Why.FREED, str(newest.id))
        return _held(newest.person, Why.OVERRIDE, str(newest.id), known)
    for layer in schedule.layers:
        person = _turn(schedule, layer, at) if _covers(schedule, layer, at) else None
        if person is not None:
            return _held(person, Why.ROTATION, layer.name, known)
    return Held(None, Why.UNCOVERED)


def spans(schedule: Schedule, known: Known, begins: int, ends: int) -> list[Span]:
    """Return who is on call from one time to another, without a hole; gaps are spans too."""
    found: list[Span] = []
    edges = [begins, *_edges(schedule, known, begins, ends), ends]
    for begin, end in pairwise(edges):
        held = on_call(schedule, known, begin)
        if found and found[-1].held == held:
            found[-1] = Span(found[-1].begins, end, held)
        elif begin < end:
            found.append(Span(begin, end, held))
    return found


def next_begin(schedule: Schedule, known: Known, at: int) -> int | None:
    """Return when somebody is on call, from `at` on; None where nobody is in sight."""
    if on_call(schedule, known, at).person is not None:
        return at
    if not _somebody(schedule, known, at):
        return None
    return next(
        (edge for edge in _later(schedule, known, at) if on_call(schedule, known, edge).person is not None),
        None,
    )


def next_change(schedule: Schedule, known: Known, at: int) -> int | None:
    """Return when it is another's turn, or nobody's any more; None where that is not in sight."""
    held = on_call(schedule, known, at)
    return next(
        (edge for edge in _later(schedule, known, at) if on_call(schedule, known, edge) != held), None
    )


def _held(person: str, why: Why, by: str, known: Known) -> Held:
    return Held(person, why, by) if known.may(person) else Held(None, Why.DISABLED, by, person)


def _turn(schedule: Schedule, layer: Layer, at: int) -> str | None:
    """Return whose turn it is in a layer, None before its start."""
    day = day_of(at, schedule.zone)
    if at < ms_of(day, layer.handover.minute, schedule.zone):
        day -= _DAY
    turns = (day - layer.start).days // layer.every
    return None if turns < 0 else layer.people[turns % len(layer.people)]


def _covers(schedule: Schedule, layer: Layer, at: int) -> bool:
    """Tell whether a time is within the hours and days of a layer."""
    if layer.hours is None and layer.days is None:
        return True
    today = day_of(at, schedule.zone)
    for day in (today, today - _DAY):
        if _is_of(schedule, layer, day):
            begins, ends = _window(schedule, layer, day)
            if begins <= at < ends:
                return True
    return False


def _window(schedule: Schedule, layer: Layer, day: date) -> tuple[int, int]:
    """Return from when to when (epoch ms) a layer covers the hours that begin on a day."""
    if layer.hours is None:
        return ms_of(day, 0, schedule.zone), ms_of(day, DAY_MIN, schedule.zone)
    return ms_of(day, layer.hours.begin, schedule.zone), ms_of(day, layer.hours.end, schedule.zone)


def _is_of(schedule: Schedule, layer: Layer, day: date) -> bool:
    """Tell whether the hours that begin on a day are a layer's."""
    if layer.days is None:
        return True
    if WORKDAYS in layer.days or RESTDAYS in layer.days:
        return schedule.holidays.days().is_worked(day) == (WORKDAYS in layer.days)
    return WEEKDAYS[day.weekday()] in layer.days


def _edges(schedule: Schedule, known: Known, begins: int, ends: int) -> list[int]:
    """Return each time between two at which somebody else may be on call, in order."""
    found = {edge for each in known.overrides for edge in (each.begins, each.until)}
    day, last = day_of(begins, schedule.zone) - _DAY, day_of(ends, schedule.zone)
    while day <= last:
        for layer in schedule.layers:
            found |= _edges_of(schedule, layer, day)
        day += _DAY
    return sorted(edge for edge in found if begins < edge < ends)


def _edges_of(schedule: Schedule, layer: Layer, day: date) -> set[int]:
    found: set[int] = set()
    since = (day - layer.start).days
    if since >= 0 and since % layer.every == 0:
        found.add(ms_of(day, layer.handover.minute, schedule.zone))
    if layer.hours is not None or layer.days is not None:
        found.update(_window(schedule, layer, day))
    return found


def _later(schedule: Schedule, known: Known, at: int) -> Iterator[int]:
    """Yield the edges after a time, in order: those soon, then those around what begins far away."""
    far = {ms_of(layer.start, layer.handover.minute, schedule.zone) for layer in schedule.layers}
    far |= {each.begins for each in known.overrides}
    reached = at
    for base in (at, *sorted(each for each in far if each > at + SEARCHED_MS)):
        if base > reached:
            yield base
            reached = base
        while reached < clamped(base + SEARCHED_MS):
            until = clamped(reached + _CHUNK_MS)
            # The end of a chunk is an edge too: one that is none in truth changes nothing.
            yield from (*_edges(schedule, known, reached, until), until)
            reached = until


def _somebody(schedule: Schedule, known: Known, at: int) -> bool:
    """Tell whether anybody may be on call at any time from `at` on."""
    people = {person for layer in schedule.layers for person in layer.people}
    people |= {each.person for each in known.overrides if each.person and each.until > at}
    return any(known.may(person) for person in people)
