"""The port of planners: what is to be planned, and whoever plans it."""

from dataclasses import dataclass
from typing import Protocol

from desk.dispatch.travel.port import TravelMatrix
from fleet.dayplan import DayPlan
from fleet.errors import InvalidInput
from fleet.visiting import Job, Workday


@dataclass(frozen=True, slots=True)
class Problem:
    """A day to be planned from `now` on (epoch ms).

    `travel` knows every position of the jobs and workdays. Parts that are `discontinued` come no more.
    A window of arrival that was told is left where there is no other way, or where that saves more than
    `told_cost_s` of travel; 0: as if none had been told. Work begins `margin_ms` before it is due, where
    there is a way.
    Raises InvalidInput for ids that occur twice, a position without travel, or a cost or margin below 0.
    """

    now: int
    jobs: tuple[Job, ...]
    workdays: tuple[Workday, ...]
    travel: TravelMatrix
    discontinued: frozenset[str] = frozenset()
    told_cost_s: int = 300
    margin_ms: int = 0

    def __post_init__(self) -> None:
        for name in ("told_cost_s", "margin_ms"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"{name} is {getattr(self, name)}; it must be 0 or more")
        _check_different("job", [job.id for job in self.jobs])
        _check_different("engineer", [day.engineer for day in self.workdays])
        ends = [day.end for day in self.workdays if day.end is not None]
        for place in (*(job.at for job in self.jobs), *(day.start for day in self.workdays), *ends):
            if place not in self.travel.index:
                raise InvalidInput(
                    f"travel: the position {place} of a job or an engineer is not in the matrix"
                )


class Planner(Protocol):
    """Whoever plans a day."""

    @property
    def name(self) -> str:
        """What it is called, in plans and settings."""
        ...

    def plan(self, problem: Problem, cpu_s: float, seed: int = 0, before: DayPlan | None = None) -> DayPlan:
        """Plan in about `cpu_s` seconds of one core; `before` is the plan in force: it is bettered, or kept.

        Each job is in one route (two where two people are needed) or among the unassigned, with the reason.
        """
        ...


def _check_different(what: str, ids: list[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise InvalidInput(f"{what} {each} is there twice; each may be there once")
        seen.add(each)
