"""How visits are done, looked after and explained: checklists, maintenance plans, inspections, causes."""

from collections.abc import Collection
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from fleet.clock import DAY_MS
from fleet.config import Duration, Shape, read_config
from fleet.faults import FAULTS
from fleet.signals import Kind
from fleet.text import Text, near, quoted
from fleet.tickets import Ticket, TicketKind
from fleet.upkeep import Every

_BESIDE = Path(__file__).with_name("service.yaml")
SITE_TYPES = (
    *("office", "hospital", "school", "mall", "hotel"),
    *("factory", "food", "transport", "home", "other"),
)
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9_.\-]+$")]
Phrase = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Item(Shape):
    """One thing to do, or one cause; `id` is what is kept of it."""

    id: Id
    en: Phrase
    zh: Phrase

    @property
    def text(self) -> Text:
        """What it says."""
        return Text(self.en, self.zh)


class Where(Shape):
    """Which cases a checklist is for; what is left out may be anything."""

    kind: TicketKind | None = None
    faults: tuple[str, ...] = ()
    site_types: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        for names, known, what in (
            (self.faults, tuple(FAULTS), "fault"),
            (self.site_types, SITE_TYPES, "type of site"),
        ):
            for name in names:
                if name not in known:
                    raise ValueError(
                        f"{quoted(name)} is no {what}; allowed: {', '.join(known)}{near(name, known)}"
                    )
        return self

    def fits(self, case: Ticket, site_type: str) -> bool:
        """Tell whether a case is meant."""
        return (
            (self.kind is None or self.kind is case.kind)
            and (not self.faults or any(fault in self.faults for fault in case.faults))
            and (not self.site_types or site_type in self.site_types)
        )


class Checklist(Shape):
    """What is done at some visits (a standard operating procedure)."""

    id: Id
    where: Where = Field(default_factory=Where, alias="for")
    items: tuple[Item, ...] = Field(min_length=1)


class Interval(Shape):
    """How often a plan is due: by months, by hours of use, or by both, whichever comes first."""

    months: Literal[3, 6, 12] | None = None
    hours: float | None = Field(default=None, gt=0, le=100_000)

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.months is None and self.hours is None:
            raise ValueError("every: says nothing; write months (3, 6 or 12), hours, or both")
        return self

    @property
    def value(self) -> Every:
        """What reckoning goes by."""
        return Every(self.months, self.hours)


class Devices(Shape):
    """Which devices a plan is for; without `models` all of the kind."""

    kind: Literal[Kind.ROBOT] = Kind.ROBOT
    models: tuple[Phrase, ...] = ()

    def fits(self, kind: str, model: str) -> bool:
        """Tell whether a device is meant."""
        return kind == self.kind and (not self.models or model in self.models)


class Words(Shape):
    """What is said in both languages."""

    en: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    zh: Annotated[str, StringConstraints(min_length=1, max_length=1000)]

    @property
    def text(self) -> Text:
        """What it says."""
        return Text(self.en, self.zh)


class MaintenancePlan(Shape):
    """What is done to devices again and again; `self_help` is what the customer can do of it alone."""

    id: Id
    devices: Devices = Field(default_factory=Devices, alias="for")
    every: Interval
    minutes: int = Field(gt=0, le=7200)
    people: Literal[1, 2] = 1
    checklist: Id
    en: Phrase
    zh: Phrase
    self_help: Words | None = None

    @property
    def text(self) -> Text:
        """What it is called."""
        return Text(self.en, self.zh)


class Maintenance(Shape):
    """The plans, and what holds for all of them.

    A ticket opens `open` before it is due, and has at least `at_least` until then. Where a repair is open,
    what is due `join` from now is done with it; from a risk of `high_risk` on it is pulled forward. Of
    devices that were not heard for `absent` nothing is due.
    """

    open_ms: Duration = Field(default=14 * DAY_MS, alias="open", gt=0)
    join_ms: Duration = Field(default=30 * DAY_MS, alias="join", gt=0)
    at_least_ms: Duration = Field(default=7 * DAY_MS, alias="at_least", gt=0)
    absent_ms: Duration = Field(default=90 * DAY_MS, alias="absent", gt=0)
    high_risk: float = Field(default=0.5, gt=0, le=1)
    plans: tuple[MaintenancePlan, ...] = ()

    def plan(self, plan_id: str) -> MaintenancePlan | None:
        """Return the plan of an id."""
        return next((each for each in self.plans if each.id == plan_id), None)


class InspectionLevel(StrEnum):
    """Who looks at finished work: the engineer, a leader at a sample of each engineer's, quality at all's."""

    SELF = "self_check"
    LEADER = "leader"
    QUALITY = "quality"


class Scored(Item):
    """One thing that an inspection looks at, and how much it counts."""

    points: int = Field(ge=1, le=100)


class InspectionList(Shape):
    """How many cases are inspected (`share`, but `at_least` so many), until when, and what is looked at."""

    share: float = Field(gt=0, le=1)
    at_least: int = Field(default=1, ge=0, le=100)
    due_ms: Duration = Field(alias="due", gt=0)
    items: tuple[Scored, ...] = Field(min_length=1, max_length=50)


class ServiceFile(Shape):
    """The file: checklists, maintenance, inspections, and the causes of lateness that people choose from.

    To the faults of `two_people` two go, of whom one has all skills and parts.
    """

    checklists: tuple[Checklist, ...] = ()
    maintenance: Maintenance = Field(default_factory=Maintenance)
    inspections: dict[InspectionLevel, InspectionList] = Field(default_factory=dict)
    late_causes: tuple[Item, ...] = Field(min_length=1)
    two_people: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_faults(self) -> Self:
        for name in self.two_people:
            if name not in FAULTS:
                raise ValueError(
                    f"two_people: {quoted(name)} is no fault; "
                    f"allowed: {', '.join(FAULTS)}{near(name, FAULTS)}"
                )
        return self

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        _check_once("checklists", [each.id for each in self.checklists])
        _check_once("items", [item.id for each in self.checklists for item in each.items])
        _check_once("late_causes", [each.id for each in self.late_causes])
        _check_once("maintenance.plans", [each.id for each in self.maintenance.plans])
        for level, asked in self.inspections.items():
            _check_once(f"inspections.{level}", [each.id for each in asked.items])
        return self

    @model_validator(mode="after")
    def _plans_name_checklists(self) -> Self:
        known = [each.id for each in self.checklists]
        for plan in self.maintenance.plans:
            if plan.checklist not in known:
                raise ValueError(
                    f"maintenance.plans: {quoted(plan.id)} names the checklist {quoted(plan.checklist)}; "
                    f"allowed: {', '.join(known)}{near(plan.checklist, known)}"
                )
        return self

    def items_for(self, case: Ticket, site_type: str) -> tuple[Item, ...]:
        """Return what is to be done for a case, in the order of the file."""
        plan = None if case.upkeep is None else self.maintenance.plan(case.upkeep.plan)
        planned = {each.checklist for each in self.maintenance.plans}
        fitting = (
            each.items
            for each in self.checklists
            if each.where.fits(case, site_type)
            # What a plan names is for that plan alone.
            and (each.id not in planned or (plan is not None and each.id == plan.checklist))
        )
        return tuple(item for items in fitting for item in items)


def _check_once(what: str, ids: Collection[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise ValueError(f"{what}: {quoted(each)} is there twice; each id once")
        seen.add(each)


def load_service(path: Path | None = None) -> ServiceFile:
    """Read and check a file; without a path, the one that ships with us. Raises ConfigError."""
    return _shipped() if path is None else read_config(path, ServiceFile)


@cache
def _shipped() -> ServiceFile:
    return read_config(_BESIDE, ServiceFile)
