"""Dispatch as the API needs it: who could go to a case, and the plan of a day, proposed and then applied."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from desk.dispatch.appointments import AppointmentDesk
from desk.dispatch.assigning import Assigning, Sent
from desk.dispatch.jobs import Unplanned
from desk.dispatch.planning.planners import planner
from desk.dispatch.planning.port import Planner
from desk.dispatch.proposing import Change, changes_of, problem_of, why_of
from desk.dispatch.scene import SceneReader
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.suggesting import suggestion
from desk.dispatch.travel.port import Travel
from desk.dispatch.windows import Retell
from desk.tickets.writing import CaseWriter
from fleet.assignments import Assignment
from fleet.dayplan import DayPlan, Unassigned
from fleet.errors import Conflict, InvalidInput
from fleet.grants import Sites
from fleet.localtime import day_of
from fleet.principals import Principal
from fleet.suggestions import Suggestion
from fleet.tickets import Ticket
from storage.records.assignments import engineers_at_device, open_assignments_of
from storage.records.database import DeskDatabase
from storage.records.tickets import ticket

REPLANNED = "replanned"
CHANGED = "somebody else changed it meanwhile"


@dataclass(frozen=True, slots=True)
class Proposed:
    """The plan of a day, not applied yet: what it changes, and why some cases are in nobody's day.

    `now` is when it was made (epoch ms); `cases` are those that it is about, by id.
    """

    day: date
    now: int
    plan: DayPlan
    changes: tuple[Change, ...]
    unassigned: tuple[Unassigned, ...]
    unplanned: Mapping[int, Unplanned]
    cases: Mapping[int, Ticket]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a plan: how many cases were assigned, which were refused and why, windows told."""

    assigned: int = 0
    refused: Mapping[int, str] = field(default_factory=dict)
    told: int = 0


class DispatchBoard:
    """Suggests, plans and applies. All methods may be called from any thread and process."""

    def __init__(
        self,
        desk: DeskDatabase,
        cases: CaseWriter,
        reader: SceneReader,
        travel: Travel,
        settings: DispatchSettings | None = None,
        make: Callable[[str], Planner] = planner,
    ) -> None:
        self._desk = desk
        self._cases = cases
        self._reader = reader
        self._travel = travel
        self._make = make
        self.settings = settings or DispatchSettings()
        self.assigning = Assigning(cases, reader.service, reader.demands, reader.stock)
        self.appointments = AppointmentDesk(cases)

    def suggest(self, ticket_id: int, sites: Sites = None) -> Suggestion:
        """Return who could go to a case. Raises NotFound, and Conflict where nobody is sent any more."""
        with self._desk.transaction() as session:
            case = ticket(session, ticket_id, sites)
            scene = self._reader.read(session, self._cases.now(), sites, only=case.id)
            knows = engineers_at_device(session, case.device_id) if case.device_id else frozenset()
        if case.id not in scene.cases:
            raise Conflict(f"ticket {ticket_id} is {case.state}: nobody is sent there any more")
        return suggestion(scene, scene.cases[case.id], self._travel, self.settings, knows)

    def propose(self, day: date | None = None, sites: Sites = None, seed: int = 0) -> Proposed:
        """Plan a day (None: today by the clock of the house) without changing anything."""
        now = self._cases.now()
        with self._desk.transaction() as session:
            scene = self._reader.read(session, now, sites)
        day = day or day_of(now, scene.zones[""])
        problem = problem_of(scene, day, self._travel, self.settings)
        if problem is None:
            nothing = DayPlan((), (), self.settings.planner)
            return Proposed(day, now, nothing, (), (), scene.unplanned, scene.cases)
        plan = self._make(self.settings.planner).plan(problem, self.settings.cpu_s, seed)
        changes = changes_of(scene, problem, plan)
        return Proposed(day, now, plan, changes, plan.unassigned, scene.unplanned, scene.cases)

    def apply(self, proposed: Proposed, by: Principal, sites: Sites = None, *, tell: bool = False) -> Applied:
        """Let a plan be so, whole in one transaction; what others changed since it was made stays theirs.

        `tell`: customers are told of their windows, where they do not know them.
        """
        refused: dict[int, str] = {}
        assigned = told = 0
        with self._cases.writing() as session:
            standing = self._standing(session, proposed.changes, refused)
            for change in proposed.changes:  # all let go first: two may take each other's place
                if change.ticket_id not in refused:
                    self.assigning.let_go(session, standing[change.ticket_id], REPLANNED)
            for change in proposed.changes:
                if change.ticket_id in refused:
                    continue
                try:
                    told += self._apply(session, change, by, sites, tell=tell)
                    assigned += change.stop is not None
                except (Conflict, InvalidInput) as error:
                    refused[change.ticket_id] = str(error)
        return Applied(assigned, refused, told)

    def _standing(
        self, session: Session, changes: tuple[Change, ...], refused: dict[int, str]
    ) -> dict[int, list[Assignment]]:
        """Return who is to go to each case now; a case where that is not as it was is refused."""
        known = open_assignments_of(session, [change.ticket_id for change in changes])
        for change in changes:
            now_are = [(each.id, each.state) for each in known.get(change.ticket_id, [])]
            if now_are != [(each.id, each.state) for each in change.before]:
                refused[change.ticket_id] = CHANGED
        return {change.ticket_id: known.get(change.ticket_id, []) for change in changes}

    def _apply(self, session: Session, change: Change, by: Principal, sites: Sites, *, tell: bool) -> bool:
        """Apply one change; return whether its customer was told."""
        case, stop = ticket(session, change.ticket_id, sites), change.stop
        if stop is None or change.engineer is None:
            self.assigning.released(session, case, list(change.before), by, REPLANNED)
            return self.appointments.call_off(session, case, by, REPLANNED)
        sent = Sent(
            engineer=change.engineer,
            arrives=stop.begin,
            travel_ms=stop.begin - stop.arrival + round(stop.travel_s * 1000),
            helpers=stop.beside,
            why=why_of(stop),
            reason=REPLANNED,
        )
        with session.begin_nested():
            self.assigning.assign_within(session, case, sent, by, change.before)
        return tell and self.appointments.tell_within(session, case, by) is not Retell.KEPT
