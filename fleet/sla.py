"""The SLA policy: what was promised for which cases, and how a broken promise is followed up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from fleet.config import Duration, Shape, read_config
from fleet.faults import Level
from fleet.text import near, quoted

_BESIDE = Path(__file__).with_name("sla.yaml")
ALWAYS = "always"
"""The calendar of which every minute counts; others are named in a file of calendars."""


class Milestone(StrEnum):
    """What is promised of a case: a repair is responded to, reached and solved; a complaint has its own."""

    RESPOND = "respond"
    ON_SITE = "on_site"
    SOLVE = "solve"
    CONTACT = "contact"
    PLAN = "plan"
    CLOSE = "close"


class Pause(StrEnum):
    """Why a clock stands still."""

    WAITING_CUSTOMER = "waiting_customer"
    WAITING_PART = "waiting_part"
    REPAIRED = "repaired"


PAUSES: Mapping[Pause, frozenset[Milestone]] = {
    Pause.WAITING_CUSTOMER: frozenset({Milestone.ON_SITE, Milestone.SOLVE, Milestone.PLAN, Milestone.CLOSE}),
    Pause.WAITING_PART: frozenset(),
    Pause.REPAIRED: frozenset({Milestone.ON_SITE, Milestone.SOLVE, Milestone.PLAN, Milestone.CLOSE}),
}
"""Which milestones wait where the policy does not say: never the answer, and never for what is ours (parts).

From `repaired` until it is opened again nobody works on a case.
"""


_OF_KIND: Mapping[str, tuple[Milestone, ...]] = {"safety": (Milestone.RESPOND,)}


class Promise(Shape):
    """How long each milestone may take from opening, in ms of `calendar`; None: not promised."""

    respond_ms: Duration | None = Field(default=None, alias="respond", gt=0)
    on_site_ms: Duration | None = Field(default=None, alias="on_site", gt=0)
    solve_ms: Duration | None = Field(default=None, alias="solve", gt=0)
    contact_ms: Duration | None = Field(default=None, alias="contact", gt=0)
    plan_ms: Duration | None = Field(default=None, alias="plan", gt=0)
    close_ms: Duration | None = Field(default=None, alias="close", gt=0)
    calendar: str | None = None

    def of(self, milestone: Milestone) -> int | None:
        """Return how long a milestone may take."""
        value: int | None = getattr(self, f"{milestone}_ms")
        return value


class LevelPromise(Promise):
    """What is promised of a repair of one level; the answer always is."""

    respond_ms: Duration = Field(alias="respond", gt=0)


class Cases(Shape):
    """Which cases are meant; what is left out may be anything. `class` is that of a complaint."""

    kind: str | None = None
    level: Level | None = None
    plan: str | None = None
    tier: str | None = None
    of_class: str | None = Field(default=None, alias="class")

    @property
    def conditions(self) -> int:
        """How much it asks for: of two that fit, the one that asks for more goes before."""
        return len(self.model_fields_set)

    def fits(self, facts: "Facts") -> bool:
        """Tell whether a case is meant."""
        wanted = (
            (self.kind, facts.kind),
            (self.level, facts.level),
            (self.plan, facts.plan),
            (self.tier, facts.tier),
            (self.of_class, facts.of_class),
        )
        return all(asked is None or asked == given for asked, given in wanted)

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.conditions:
            raise ValueError("for: names nothing; write kind, level, plan, tier or class")
        return self


class Special(Promise):
    """What is promised of some cases in place of what their level promises; milestones left out stay."""

    cases: Cases = Field(alias="for")


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a case decides about its promises; "" where it is not known."""

    kind: str
    level: Level
    plan: str = ""
    tier: str = ""
    of_class: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """How long a milestone may take, in ms of working time of a calendar."""

    ms: int
    calendar: str


Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]


def _rising(steps: tuple[int, ...]) -> tuple[int, ...]:
    if list(steps) != sorted(set(steps)) or (steps and steps[0] <= 0):
        raise ValueError("each step comes later than the one before it: [30m, 2h]")
    return steps


class SlaPolicy(Shape):
    """A named policy: promises by level, classes of complaints and special cases.

    `warn_at` is the share of working time after which a clock warns, `escalate` how long after a breach (by
    the clock on the wall) each further step of the chain is told, `pauses` which milestones wait for what.
    """

    name: Name
    warn_at: float = Field(gt=0, lt=1)
    calendar: str = ALWAYS
    levels: Mapping[Level, LevelPromise]
    complaints: Mapping[str, Promise] = Field(default_factory=dict)
    special: tuple[Special, ...] = ()
    escalate: Annotated[tuple[Duration, ...], AfterValidator(_rising)] = ()
    pauses: Mapping[Pause, frozenset[Milestone]] = Field(default_factory=lambda: dict(PAUSES))

    @model_validator(mode="after")
    def _covers_every_level(self) -> Self:
        missing = [level for level in Level if level not in self.levels]
        if missing:
            raise ValueError(
                f"levels: {', '.join(missing)} missing; each of {', '.join(Level)} needs a promise"
            )
        if Milestone.RESPOND in {each for held in self.pauses.values() for each in held}:
            raise ValueError("pauses: respond never waits: an answer needs nobody but us")
        return self

    @property
    def calendars(self) -> frozenset[str]:
        """The names of the calendars that its promises are counted by."""
        promises = (*self.levels.values(), *self.complaints.values(), *self.special)
        return frozenset({self.calendar, *(each.calendar for each in promises if each.calendar)})

    def check_calendars(self, known: Mapping[str, object]) -> None:
        """Raise ValueError for a calendar that is named, and that no file describes."""
        for name in sorted(self.calendars - {ALWAYS, *known}):
            allowed = (ALWAYS, *known)
            raise ValueError(
                f"calendar: there is no {quoted(name)}; allowed: {', '.join(allowed)}{near(name, allowed)}"
            )

    def waits_for(self, milestone: Milestone) -> frozenset[str]:
        """Return the reasons for which a milestone waits while a case does."""
        return frozenset(pause for pause, held in self.pauses.items() if milestone in held)

    def allowed(self, facts: Facts) -> dict[Milestone, Allowed]:
        """Return what is promised of a case, in the order of milestones."""
        promises = list(self._fitting(facts))
        found = {}
        for milestone in self._promised(facts):
            promise = next((each for each in promises if each.of(milestone) is not None), None)
            if promise is not None:
                ms = promise.of(milestone)
                assert ms is not None
                found[milestone] = Allowed(ms, promise.calendar or self.calendar)
        return found

    def _promised(self, facts: Facts) -> Iterator[Milestone]:
        """Yield the milestones that cases of a kind have: nobody travels to a case of safety by a promise."""
        yield from _OF_KIND.get(facts.kind, Milestone)

    def _fitting(self, facts: Facts) -> Iterator[Promise]:
        """Yield what is promised, what goes before first."""
        fitting = [each for each in self.special if each.cases.fits(facts)]
        yield from sorted(fitting, key=lambda each: -each.cases.conditions)
        if facts.of_class:
            if facts.of_class in self.complaints:
                yield self.complaints[facts.of_class]
        else:
            yield self.levels[facts.level]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When each milestone is due, epoch ms; None: not promised."""

    respond: int
    on_site: int | None
    solve: int | None


def load_policy(path: Path | None = None) -> SlaPolicy:
    """Read and check a policy file; without a path, the one that ships with us. Raises ConfigError."""
    return _shipped() if path is None else read_config(path, SlaPolicy)


@cache
def _shipped() -> SlaPolicy:
    return read_config(_BESIDE, SlaPolicy)


def deadlines(policy: SlaPolicy, level: Level, opened_at: int) -> Deadlines:
    """Return when a ticket of this level, opened then, must have reached each milestone."""
    promise = policy.levels[level]
    return Deadlines(
        respond=opened_at + promise.respond_ms,
        on_site=None if promise.on_site_ms is None else opened_at + promise.on_site_ms,
        solve=None if promise.solve_ms is None else opened_at + promise.solve_ms,
    )
