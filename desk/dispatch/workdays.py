"""An engineer's day as planners see it: their hours by the clock of their region, and where they set out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from desk.dispatch.settings import DispatchSettings
from fleet.absences import Absence
from fleet.engineers import Demands, Engineer, able
from fleet.localtime import ms_of
from fleet.visiting import Position, Rest, Window, Workday
from fleet.working_days import WorkingDays

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MIN = 24 * 60
CONTRACTOR_S = 4 * 3600
"""The seconds of travel that a contractor has to save: they are planned apart (planning/own_first.py)."""


@dataclass(frozen=True, slots=True)
class Around:
    """What an engineer's day depends on: the date and its clock, and what is known of the place.

    `start` is where they set out without a home of their own. `stock` is what each van carries by part, by
    the van's name; None where no stock is kept. `days` says which days are worked where nobody has shifts.
    `away` are the absences of the engineer.
    """

    day: date
    zone: ZoneInfo
    start: Position | None = None
    stock: Mapping[str, Mapping[str, int]] | None = None
    days: WorkingDays = field(default_factory=WorkingDays)
    demands: Demands = field(default_factory=Demands)
    away: Sequence[Absence] = ()


def workday(engineer: Engineer, around: Around, settings: DispatchSettings) -> Workday | None:
    """Return an engineer's day; None for who does not work then, or of whom nobody knows where they start."""
    start = engineer.home or around.start
    hours = without(hours_of(engineer, around, settings), around.away)
    if not engineer.active or not hours or start is None:
        return None
    skills = frozenset(each for each in engineer.skills if able(engineer, each, around.day, around.demands))
    return Workday(
        engineer=engineer.id,
        start=start,
        end=engineer.home,
        hours=hours,
        skills=skills,
        stock={} if around.stock is None else dict(around.stock.get(engineer.van, {})),
        rests=tuple(rest for each in hours if (rest := _lunch(each, around, settings)) is not None),
        dear_s=CONTRACTOR_S if engineer.employer else 0,
    )


def hours_of(engineer: Engineer, around: Around, settings: DispatchSettings) -> tuple[Window, ...]:
    """Return when an engineer works on a day, in order; who has no shifts at all works office hours."""
    if not engineer.shifts:
        begins, ends = settings.hours
        return (_window(begins, ends, around),) if around.days.is_worked(around.day) else ()
    told = engineer.shifts.get(_DAYS[around.day.weekday()], ())
    parts = sorted(_minutes(each) for each in told)
    return _apart([_window(begins, ends, around) for begins, ends in parts])


def _minutes(hours: str) -> tuple[int, int]:
    """Return minutes after midnight of hours such as 22:00-06:00, which end on the next day."""
    begins, ends = (
        int(hour) * 60 + int(minute) for hour, minute in (each.split(":") for each in hours.split("-"))
    )
    return begins, ends if ends > begins else ends + _DAY_MIN


def _window(begins: int, ends: int, around: Around) -> Window:
    return Window(ms_of(around.day, begins, around.zone), ms_of(around.day, ends, around.zone))


def _apart(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Return hours without overlaps: two that meet are one."""
    found: list[Window] = []
    for each in windows:
        if found and each.start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return tuple(found)


def without(hours: Sequence[Window], away: Sequence[Absence]) -> tuple[Window, ...]:
    """Return hours without the times in which somebody is away."""
    left = list(hours)
    for each in away:
        cut: list[Window] = []
        for part in left:
            if not each.covers(part.start, part.end):
                cut.append(part)
                continue
            if part.start < each.begins:
                cut.append(Window(part.start, each.begins))
            if each.until < part.end:
                cut.append(Window(each.until, part.end))
        left = cut
    return tuple(left)


def _lunch(part: Window, around: Around, settings: DispatchSettings) -> Rest | None:
    begins = ms_of(around.day, settings.lunch_from, around.zone)
    ends = ms_of(around.day, settings.lunch_to, around.zone)
    if not settings.lunch_ms or part.start > begins or part.end < ends:
        return None
    return Rest(settings.lunch_ms, begins, ends)
