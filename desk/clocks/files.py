"""The files that clocks are reckoned from: a policy, calendars, and a case to try them on. YAML, or JSON."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, WithJsonSchema, model_validator

from desk.clocks.calendar import ALWAYS, ServiceCalendar
from desk.clocks.clocks import CaseTimes, Clocks, Rise, Wait
from fleet.config import Mistake, Mistakes, Shape, read_config
from fleet.errors import ConfigError
from fleet.faults import Level
from fleet.localtime import moment_of
from fleet.sla import Milestone, Pause, SlaPolicy, load_policy
from fleet.text import quoted
from fleet.tickets import TicketKind
from fleet.wall_fields import ZoneField

Moment = Annotated[
    str,
    WithJsonSchema({"type": "string", "description": "RFC 3339; without an offset: by the zone's clock"}),
]


class CalendarsFile(Shape):
    """A file of calendars, each with a name of its own."""

    calendars: tuple[ServiceCalendar, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_alone(cls, data: Any) -> Any:
        """Take a file that is one calendar as a list of that one."""
        alone = isinstance(data, dict) and "calendars" not in data
        return {"calendars": [data]} if alone else data

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [each.name for each in self.calendars]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"calendars: {quoted(twice)} stands there twice")
        if ALWAYS.name in names and not self.calendars[names.index(ALWAYS.name)].always:
            raise ValueError(f"calendars: {quoted(ALWAYS.name)} is the one of which every minute counts")
        return self


class RiseFile(Shape):
    """From when on a case had another level."""

    since: Moment
    level: Level


class PauseFile(Shape):
    """A time in which a case waited; without `end` it still does."""

    start: Moment
    end: Moment | None = None
    reason: Pause


class CaseFile(Shape):
    """A case as clocks see it; times without an offset are by the clock of `zone`."""

    opened_at: Moment
    zone: ZoneField
    level: Level
    kind: TicketKind = TicketKind.REPAIR
    plan: str = ""
    tier: str = ""
    of_class: str = Field("", alias="class")
    levels: tuple[RiseFile, ...] = ()
    pauses: tuple[PauseFile, ...] = ()
    done: Mapping[Milestone, Moment] = Field(default_factory=dict)
    ended_at: Moment | None = None

    def times(self) -> CaseTimes:
        """Return the case. Raises ValueError for what is no time, or not in order."""
        opened = self._moment("opened_at", self.opened_at)
        rises = [Rise(opened, self.level)]
        rises += [Rise(self._moment("levels: since", each.since), each.level) for each in self.levels]
        waits = sorted((self._wait(each) for each in self.pauses), key=lambda each: each.begins)
        for wait, following in pairwise(waits):
            if wait.ends is None or wait.ends > following.begins:
                raise ValueError("pauses: two overlap; one ends before the next begins")
        return CaseTimes(
            kind=self.kind,
            rises=tuple(rises),
            zone=self.zone,
            waits=tuple(waits),
            done={name: self._moment(f"done: {name}", at) for name, at in self.done.items()},
            ended_at=None if self.ended_at is None else self._moment("ended_at", self.ended_at),
            plan=self.plan,
            tier=self.tier,
            of_class=self.of_class,
        )

    def _wait(self, given: PauseFile) -> Wait:
        begins = self._moment("pauses: start", given.start)
        ends = None if given.end is None else self._moment("pauses: end", given.end)
        if ends is not None and ends < begins:
            raise ValueError(f"pauses: {given.end} is before {given.start}")
        return Wait(begins, ends, given.reason)

    def _moment(self, where: str, text: str) -> int:
        try:
            return moment_of(text, self.zone)
        except ValueError as error:
            raise ValueError(
                f"{where}: {quoted(text)} is no time; write 2026-03-01T08:00:00+08:00, or without its offset"
            ) from error


def load_calendars(path: Path) -> dict[str, ServiceCalendar]:
    """Read a file of calendars, by name. Raises ConfigError."""
    return {each.name: each for each in read_config(path, CalendarsFile).calendars}


def load_case(path: Path) -> CaseTimes:
    """Read a case. Raises ConfigError."""
    try:
        return read_config(path, CaseFile).times()
    except ValueError as error:
        raise Mistakes(str(path), [Mistake(None, str(error))]) from error


def load_clocks(policy: Path | None, calendars: Path | None) -> Clocks:
    """Read a policy (None: the one that ships) and its calendars (None: every minute counts).

    A policy that names no calendar is counted by the only one of the file. Raises ConfigError.
    """
    found, known = load_policy(policy), {} if calendars is None else load_calendars(calendars)
    try:
        return Clocks(counted_by(found, known), known)
    except ValueError as error:
        raise ConfigError(f"{policy or 'the policy that ships'}: {error}") from error


def counted_by(policy: SlaPolicy, calendars: Mapping[str, ServiceCalendar]) -> SlaPolicy:
    """Return a policy, by the only calendar that there is where it names none."""
    if "calendar" in policy.model_fields_set or len(calendars) != 1:
        return policy
    return policy.model_copy(update={"calendar": next(iter(calendars))})
