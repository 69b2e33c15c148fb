"""A made-up city with a desk of its own, on its own clock: engineers, sites, robots that fail; no stock."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.harness.service_day import places
from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.consent.desk import ConsentDesk
from desk.dispatch.board import DispatchBoard
from desk.dispatch.planning.planners import planner
from desk.dispatch.planning.port import Planner, Problem
from desk.dispatch.ports import NoStock
from desk.dispatch.replanning import Replanner
from desk.dispatch.scene import SceneReader
from desk.dispatch.settings import DispatchSettings, Replan
from desk.dispatch.travel.circle import Circle
from desk.people.absences import AbsenceDesk
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.assignments import Assignment
from fleet.clock import ManualClock
from fleet.dayplan import DayPlan
from fleet.engineers import Demands, Engineer, known_skills
from fleet.faults import FAULTS, is_unclear
from fleet.principals import Principal, PrincipalKind
from fleet.service import load_service
from fleet.signals import Kind
from fleet.sites import Site
from fleet.sla import load_policy
from fleet.tickets import TicketState
from fleet.visiting import Position
from fleet.zones import Zones
from storage.records.database import open_desk
from storage.records.devices import Device
from storage.records.engineers import keep_engineer
from storage.records.sites import describe_site

BY = Principal(PrincipalKind.PERSON, "1", "Li")
_HOUR_OF_SPEED = 10
_MENDED = tuple(
    sorted(code for code, each in FAULTS.items() if each.kind is Kind.ROBOT and not is_unclear(code))
)


class Freely:
    """A planner that plans as if no customer had been told anything."""

    def __init__(self, name: str) -> None:
        self._planner: Planner = planner(name)

    @property
    def name(self) -> str:
        """What it is called."""
        return self._planner.name

    def plan(self, problem: Problem, cpu_s: float, seed: int = 0, before: DayPlan | None = None) -> DayPlan:
        """Plan a day."""
        return self._planner.plan(replace(problem, told_cost_s=0), cpu_s, seed, before)


class City:
    """Engineers (3 to 5 skills, from home and back, office hours with lunch) and sites, one robot each.

    Days are planned anew by production's Replanner with `replan` = apply. `free`: as if nothing had been
    told, and whatever has to be told anew.
    """

    def __init__(self, folder: Path, sites: int, engineers: int, seed: int, *, free: bool) -> None:
        self.clock = ManualClock(0)
        self.desk = open_desk(f"sqlite:///{folder}/desk.db")
        self._rng = np.random.default_rng(seed)
        cases = CaseWriter(self.desk, TicketClocks(Clocks(load_policy())), self.clock)
        self._tickets = TicketDesk(self.desk, cases)
        reader = SceneReader(load_service(), ConsentDesk(cases), NoStock(), Zones(), Demands())
        settings = DispatchSettings(replan=Replan.APPLY, retold_share=1.0 if free else 0.15)
        self.board = DispatchBoard(self.desk, cases, reader, Circle(), settings, Freely if free else planner)
        self.replanner = Replanner(self.desk, self.board, reader, self.clock)
        self.absences = AbsenceDesk(self.desk, self.clock)
        self.homes = self._engineers(engineers)
        self.sites = self._sites(sites)
        self._sound = list(self.sites)

    def fail(self, at: int) -> int:
        """Let the next robot fail at a time (epoch ms), and its site report it; return the case."""
        self.clock.ms = at
        fault = str(self._rng.choice(_MENDED))
        return self._tickets.report(f"R-{self._sound.pop(0)}", fault, BY, "it does not go on")

    def move(self, case: int, state: TicketState) -> None:
        """Move a case on; what was suspected is what it was."""
        fault = self._tickets.read(case).fault
        confirmed = (fault,) if state is TicketState.REPAIRED else None
        self._tickets.change_state(case, state, BY, "", confirmed=confirmed)

    def state(self, case: int) -> TicketState:
        """Return where a case stands."""
        return self._tickets.read(case).state

    def due(self, case: int) -> int:
        """Return by when somebody was to be there (epoch ms)."""
        found = self._tickets.read(case)
        return found.on_site_due or found.due or 0

    def travel_s(self, visits: Iterable[Assignment], sites: dict[int, str]) -> float:
        """Return what all drove for these visits, each from home and back, at the speed of ten o'clock."""
        ways: dict[str, list[Position]] = {}
        for each in sorted(visits, key=lambda one: one.arrives):
            way = ways.setdefault(each.engineer, [self.homes[each.engineer]])
            way.append(self.sites[sites[each.ticket_id]])
        legs = Counter[tuple[Position, Position]]()
        for engineer, way in ways.items():
            legs.update(zip(way, [*way[1:], self.homes[engineer]], strict=True))
        travel = Circle().matrix(sorted({place for leg in legs for place in leg}), _HOUR_OF_SPEED)
        return float(
            sum(
                count * travel.seconds[travel.index[start], travel.index[end]]
                for (start, end), count in legs.items()
            )
        )

    def _engineers(self, count: int) -> dict[str, Position]:
        homes = {f"E{n}": home for n, home in enumerate(places(self._rng, count, 18_000.0))}
        with self.desk.transaction() as session:
            for name, home in homes.items():
                count = int(self._rng.integers(3, len(known_skills()) + 1))
                skills = self._rng.choice(known_skills(), count, replace=False)
                keep_engineer(session, Engineer(name, name, skills=frozenset(skills.tolist()), home=home))
        return homes

    def _sites(self, count: int) -> dict[str, Position]:
        where = places(self._rng, count, 15_000.0, clusters=max(3, count // 25))
        order = self._rng.permutation(count)  # the clusters are as likely to fail early as late
        found = {f"S{n}": where[n] for n in order}
        with self.desk.transaction() as session:
            for name, (lat, lon) in found.items():
                describe_site(session, Site(name, lat=lat, lon=lon))
                session.add(
                    Device(
                        id=f"R-{name}",
                        kind=Kind.ROBOT,
                        site=name,
                        registered_at=0,
                        status="online",
                        last_seen=0,
                    )
                )
        return found
