"""The plan of duty, as people write it (YAML): who is on call when, and whom alerts are told."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, StringConstraints, model_validator

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.config import Duration, Mistake, Mistakes, Shape, line_of, parse_config
from fleet.duty import Target, TargetKind
from fleet.errors import ConfigError
from fleet.faults import Level
from fleet.grants import Role
from fleet.text import near, quoted
from fleet.wall_fields import WEEKDAYS, DateField, HoursField, ZoneField
from fleet.working_days import Holidays
from notify.duty.fields import (
    DaysField,
    Delay,
    HandoverField,
    LengthField,
    OrNever,
)

LONGEST = 100_000
"""Of a plan's text, in characters."""
_MOST = 200


def _some(most: int, least: int = 1) -> AfterValidator:
    """Return what counts a list, once each item of it is right."""

    def counted(items: tuple[Any, ...]) -> tuple[Any, ...]:
        if not least <= len(items) <= most:
            raise ValueError(f"allowed: {least} to {most}, not {len(items)}")
        return items

    return AfterValidator(counted)


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Email = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$", max_length=254)]
Place = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]


class Layer(Shape):
    """One rotation: `people` in order from the date `start` on, each for `every` days.

    Where `hours` or `days` are given, only then; hours count for the day on which they begin.
    """

    name: Name
    people: Annotated[tuple[Email, ...], _some(_MOST)]
    start: DateField
    every: LengthField
    handover: HandoverField
    hours: HoursField | None = None
    days: DaysField | None = None

    @model_validator(mode="after")
    def _meets(self) -> Self:
        named = self.handover.weekday
        if named is None:
            return self
        if self.every % 7:
            raise ValueError(f"handover: on {WEEKDAYS[named]} only turns of whole weeks can end; every: week")
        if self.start.weekday() != named:
            begins = WEEKDAYS[self.start.weekday()]
            raise ValueError(f"start: {self.start} is a {begins}, the handover is on {WEEKDAYS[named]}")
        return self


class Schedule(Shape):
    """Who is on call when: of the layers the first that has somebody counts.

    `sites` and `regions` say whose it is: their managers may override it; without any it is everybody's.
    """

    name: Name
    zone: ZoneField
    layers: Annotated[tuple[Layer, ...], _some(20)]
    holidays: Holidays = Holidays()
    sites: Annotated[tuple[Place, ...], _some(_MOST, least=0)] = ()
    regions: Annotated[tuple[Place, ...], _some(_MOST, least=0)] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _once(self.layers, "layer")
        return self


def _target(value: object) -> Target:
    kinds = [str(each) for each in TargetKind]
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"write one of {', '.join(kinds)} and a name, such as role: manager")
    ((kind, name),) = value.items()
    if kind not in kinds:
        raise ValueError(f"unknown key {quoted(kind)}; allowed: {', '.join(kinds)}{near(kind, kinds)}")
    name = str(name).strip()
    if kind == TargetKind.ROLE and name not in list(Role):
        raise ValueError(f"{quoted(name)} is no role; allowed: {', '.join(Role)}{near(name, list(Role))}")
    if not 1 <= len(name) <= 254 or "\x00" in name:
        raise ValueError(f"{kind}: a name is required, of at most 254 characters")
    return Target(TargetKind(kind), name.lower() if kind == TargetKind.PERSON else name)


class StepShape(Shape):
    """A step of a chain."""

    after: Delay
    to: Annotated[tuple[Annotated[Target, BeforeValidator(_target)], ...], _some(20)]


class ChainShape(Shape):
    """Whom alerts of some levels, at some sites, are told; `personal`: those of workers, and no others."""

    name: Name
    levels: Annotated[tuple[Level, ...], _some(len(Level))] = tuple(Level)
    sites: Annotated[tuple[Place, ...], _some(_MOST, least=0)] = ()
    regions: Annotated[tuple[Place, ...], _some(_MOST, least=0)] = ()
    personal: bool = False
    steps: Annotated[tuple[StepShape, ...], _some(20)]
    remind: OrNever
    acknowledge: Duration
    loud: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        delays = [step.after for step in self.steps]
        if delays[0] != 0:
            raise ValueError("steps: the first is told at once: after: 0")
        if any(later <= before for before, later in pairwise(delays)):
            raise ValueError("steps: each comes later than the one before")
        if delays[-1] > 7 * DAY_MS:
            raise ValueError("steps: the last comes within 7d")
        _between("remind", self.remind, 5 * MINUTE_MS, 30 * DAY_MS)
        _between("acknowledge", self.acknowledge, 5 * MINUTE_MS, 30 * DAY_MS)
        return self


class Plan(Shape):
    """The whole plan. Of the chains the first that fits an alert counts; where none does, a default."""

    schedules: Annotated[tuple[Schedule, ...], _some(_MOST, least=0)] = ()
    chains: Annotated[tuple[ChainShape, ...], _some(_MOST, least=0)] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _once(self.schedules, "schedule")
        _once(self.chains, "chain")
        return self

    def schedule(self, name: str) -> Schedule | None:
        """Return the schedule of a name, None where there is none."""
        return next((each for each in self.schedules if each.name == name), None)

    def zone_of(self, name: str) -> ZoneInfo:
        """Return by whose clock a schedule lives; UTC where there is none of this name."""
        found = self.schedule(name)
        return ZoneInfo("UTC") if found is None else found.zone


def parse_plan(text: str, origin: str = "plan") -> Plan:
    """Return the plan that a text describes. Raises ConfigError naming each mistake by its line."""
    if len(text) > LONGEST:
        raise ConfigError(f"{origin}: too long; allowed: {LONGEST} characters")
    if "\x00" in text:
        raise ConfigError(f"{origin}: a NUL character cannot be kept")
    plan = parse_config(text, Plan, origin)
    wrong = [Mistake(line_of(text, *loc), says) for loc, says in _unknown_schedules(plan)]
    if wrong:
        raise Mistakes(origin, wrong)
    return plan


def targets_of(plan: Plan) -> Iterator[tuple[tuple[str | int, ...], Target]]:
    """Yield each target of the chains, with its place in the plan."""
    for number, chain in enumerate(plan.chains):
        for place, step in enumerate(chain.steps):
            for which, target in enumerate(step.to):
                yield ("chains", number, "steps", place, "to", which), target


def _unknown_schedules(plan: Plan) -> Iterator[tuple[tuple[str | int, ...], str]]:
    known = [each.name for each in plan.schedules]
    for loc, target in targets_of(plan):
        if target.kind is TargetKind.SCHEDULE and target.name not in known:
            allowed = ", ".join(known) or "none, there are no schedules"
            yield loc, f"no schedule {quoted(target.name)}; allowed: {allowed}{near(target.name, known)}"


def _once(named: tuple[Any, ...], what: str) -> None:
    names = [each.name for each in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"the {what} {quoted(twice)} stands twice; each has a name of its own")


def _between(key: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise ValueError(f"{key}: allowed: {least // MINUTE_MS}m to {most // DAY_MS}d")
