"""Dispatch as the API needs it: who could go to a case, and the plan of a day, proposed and then applied."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from desk.dispatch.appointments import AppointmentDesk
from desk.dispatch.assigning import Assigning, Sent
from desk.dispatch.long_jobs import LONG_MS, long_first
from desk.dispatch.nearer import Nearer, nearer_free
from desk.dispatch.needs import VISITED
from desk.dispatch.planning.own_first import own_first
from desk.dispatch.planning.planners import planner
from desk.dispatch.planning.port import Planner
from desk.dispatch.proposing import changes_of, in_force, left_of, long_changes, longer_of, problem_of
from desk.dispatch.scene import Scene, SceneReader
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.suggesting import suggestion
from desk.dispatch.travel.port import Travel
from desk.tickets.writing import CaseWriter
from fleet.assignments import Assignment
from fleet.dayplan import DayPlan, Remedy, Undone
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.grants import Sites
from fleet.localtime import day_of
from fleet.principals import Principal
from fleet.proposals import REPLANNED, Change, Left, Proposal, Trouble
from fleet.suggestions import Suggestion
from fleet.text import quoted
from storage.records.assignments import engineers_at_device, open_assignments_of
from storage.records.database import DeskDatabase
from storage.records.day_plans import (
    keep_proposal,
    note_refused,
    proposal_of,
    proposals_of,
    take_proposal,
)
from storage.records.engineers import engineer_of
from storage.records.sites import sites_in
from storage.records.tickets import ticket

CHANGED = "somebody else changed it meanwhile"
MOST_AHEAD = 14
"""So many days ahead a day is planned at most."""


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
        self.assigning = Assigning(
            cases, reader.service, reader.demands, reader.stock, reader.zones, self._ends
        )
        self.appointments = AppointmentDesk(cases)

    def _ends(self, session: Session, engineer: str, arrives: int, work_ms: int) -> int:
        """Return when work is over: what is longer than a shift goes on the next days."""
        if work_ms <= LONG_MS:
            return arrives + work_ms
        known = engineer_of(session, engineer)
        scene = self._reader.of_one(session, known, self._cases.now())
        return scene.ends_of(known, arrives, work_ms, self.settings)

    def suggest(self, ticket_id: int, sites: Sites = None) -> Suggestion:
        """Return who could go to a case. Raises NotFound, and Conflict where nobody is sent any more."""
        with self._desk.transaction() as session:
            case = ticket(session, ticket_id, sites)
            if not case.is_open or case.kind not in VISITED:
                raise Conflict(f"ticket {ticket_id} is {case.state}: nobody is sent there any more")
            scene = self._reader.read(session, self._cases.now(), sites, only=case)
            knows = engineers_at_device(session, case.device_id) if case.device_id else frozenset()
        return suggestion(scene, case, scene.experience.of(self._travel), self.settings, knows)

    def release(self, ticket_id: int, by: Principal, why: str, sites: Sites = None) -> None:
        """Let nobody go to a case for now, and tell its customer, who was told of somebody."""
        with self._cases.writing() as session:
            case = ticket(session, ticket_id, sites)
            self.assigning.release_within(session, case, by, why)
            self.appointments.call_off(session, case, by, why)

    def propose(
        self,
        by: Principal,
        day: date | None = None,
        sites: Sites = None,
        seed: int = 0,
        *,
        region: str = "",
        causes: Sequence[Trouble] = (),
    ) -> Proposal:
        """Plan a day (None: today by the clock of the house); nothing changes until it is applied.

        The plan is of `sites`, of `region` alone where one is named; `causes` say why the schedule made it.
        """
        now = self._cases.now()
        with self._desk.transaction() as session:
            if region:
                sites = _of_region(session, region, sites)
            scene = self._reader.read(session, now, sites)
        day = day or day_of(now, scene.zones[""])
        if not 0 <= (day - day_of(now, scene.zones[""])).days <= MOST_AHEAD:
            raise InvalidInput(f"day: allowed: from today on, {MOST_AHEAD} days ahead at most")
        problem = problem_of(scene, day, scene.experience.of(self._travel), self.settings)
        plan, long, left = DayPlan((), (), self.settings.planner), list[Change](), list[Left]()
        if problem is not None:
            problem, visits, undone = long_first(problem)
            long = list(long_changes(scene, visits))
            left = [Left(int(job.id), str(Undone.TOO_LONG), str(Remedy.NEW_WINDOW)) for job in undone]
            plan = own_first(
                self._make(self.settings.planner),
                problem,
                self.settings.cpu_s,
                seed,
                in_force(scene, problem),
            )
        new = Proposal(
            day=day,
            made_at=now,
            made_by=by.name,
            planner=plan.planner,
            changes=() if problem is None else (*long, *changes_of(scene, problem, plan)),
            left=(*left, *left_of(scene, plan)),
            stops=sum(1 for _ in plan.stops()),
            travel_ms=round(plan.travel_s * 1000),
            cpu_s=plan.cpu_s,
            causes=tuple(causes),
            region=region,
            sites=sites,
            longer=() if problem is None else tuple(longer_of(scene, problem)),
        )
        with self._cases.writing() as session:
            return keep_proposal(session, new)

    def nearer(self, scene: Scene, day: date, known: Container[str] = ()) -> list[Nearer]:
        """Return the visits of a day that somebody nearer, who is free, could make; not what is `known`."""
        return list(nearer_free(scene, day, self._travel, self.settings, known))

    def suggest_change(self, by: Principal, day: date, found: Nearer) -> Proposal:
        """Keep one change as a plan of its own, for its site alone."""
        now = self._cases.now()
        with self._cases.writing() as session:
            site = ticket(session, found.change.ticket_id).site
            new = Proposal(
                day=day,
                made_at=now,
                made_by=by.name,
                planner="suggestion",
                changes=(found.change,),
                stops=1,
                travel_ms=found.change.travel_ms,
                causes=(found.trouble,),
                sites=frozenset({site}),
            )
            return keep_proposal(session, new)

    def proposal(self, proposal_id: int, sites: Sites = None) -> Proposal:
        """Return a proposal. Raises NotFound, also for one that is of sites beyond those."""
        with self._desk.transaction() as session:
            return _seen(proposal_of(session, proposal_id), sites)

    def proposals(self, day: date, sites: Sites = None) -> list[Proposal]:
        """Return the newest proposals for a day that change something, or did."""
        with self._desk.transaction() as session:
            found = proposals_of(session, day)
        return [each for each in found if not each.is_empty and _is_of(each, sites)]

    def apply(self, proposal_id: int, by: Principal, sites: Sites = None, *, tell: bool = False) -> Proposal:
        """Let a plan be so, whole in one transaction; what others changed since it was made stays theirs.

        `tell`: customers are told of their windows, where they do not know them. Returns it as applied.
        Raises NotFound, and Conflict where it was applied already.
        """
        refused: dict[int, str] = {}
        with self._cases.writing() as session:
            found = _seen(proposal_of(session, proposal_id), sites)
            if not take_proposal(session, proposal_id, by.name, self._cases.now()):
                raise Conflict(f"plan {proposal_id} was applied already; propose another")
            self.assigning.lock(session, {change.ticket_id: change.engineer for change in found.changes})
            standing = self._standing(session, found.changes, refused)
            for change in found.changes:  # all let go first: two may take each other's place
                if change.ticket_id not in refused:
                    self.assigning.let_go(session, standing[change.ticket_id], REPLANNED)
                    self._reader.stock.release(session, change.ticket_id, by, REPLANNED)
            for number, ends in found.longer:
                self.assigning.take_longer(session, number, ends)
            applying, failed = Applying(found.reason, by, sites, tell), list[int]()
            for change in found.changes:
                if change.ticket_id not in refused:
                    try:
                        self._apply(session, change, standing[change.ticket_id], applying)
                    except (Conflict, InvalidInput, NotFound) as error:
                        refused[change.ticket_id] = str(error)
                        failed.append(change.ticket_id)
            for number in failed:
                self._as_before(session, number, standing[number], applying)
            note_refused(session, proposal_id, refused)
            return proposal_of(session, proposal_id)

    def _as_before(
        self, session: Session, number: int, before: Sequence[Assignment], applying: "Applying"
    ) -> None:
        """Let who was to go to a case go there after all; where that is not free, tell that nobody does."""
        if not before:
            return
        case, lead = ticket(session, number), before[0]
        sent = Sent(
            engineer=lead.engineer,
            arrives=lead.arrives,
            travel_ms=lead.arrives - lead.begins,
            helpers=tuple(each.engineer for each in before[1:]),
            held=lead.held,
            why=lead.why,
            reason=lead.reason or applying.reason,
        )
        try:
            with session.begin_nested():
                self.assigning.assign_within(session, case, sent, applying.by, before)
        except (Conflict, InvalidInput, NotFound):
            self.assigning.released(session, case, before, applying.by, applying.reason)
            self.appointments.call_off(session, case, applying.by, applying.reason)

    def _standing(
        self, session: Session, changes: Sequence[Change], refused: dict[int, str]
    ) -> dict[int, list[Assignment]]:
        """Return who is to go to each case now; a case where that is not as it was is refused."""
        known = open_assignments_of(session, [change.ticket_id for change in changes])
        for change in changes:
            now_are = tuple((each.id, str(each.state)) for each in known.get(change.ticket_id, []))
            if now_are != change.before:
                refused[change.ticket_id] = CHANGED
        return {change.ticket_id: known.get(change.ticket_id, []) for change in changes}

    def _apply(
        self, session: Session, change: Change, before: Sequence[Assignment], applying: "Applying"
    ) -> None:
        case = ticket(session, change.ticket_id, applying.sites)
        if change.engineer is None:
            self.assigning.released(session, case, before, applying.by, applying.reason)
            self.appointments.call_off(session, case, applying.by, applying.reason)
            return
        sent = Sent(
            engineer=change.engineer,
            arrives=change.arrives,
            travel_ms=change.travel_ms,
            helpers=change.helpers,
            why=change.why,
            reason=applying.reason,
        )
        # A savepoint: of two who go together neither stays where the other cannot. SQLite has one only within
        # a transaction that wrote before, as this one did.
        with session.begin_nested():
            self.assigning.assign_within(session, case, sent, applying.by, before)
        if applying.tell:
            self.appointments.tell_within(session, case, applying.by)


@dataclass(frozen=True, slots=True)
class Applying:
    """How a plan is applied: why, by whom, at which sites they may, and whether customers are told."""

    reason: str
    by: Principal
    sites: Sites
    tell: bool


def _of_region(session: Session, region: str, sites: Sites) -> frozenset[str]:
    """Return the sites of a region, of those that somebody plans for. Raises InvalidInput for none."""
    found = sites_in(session, [region]).get(region, frozenset())
    found = found if sites is None else found & sites
    if not found:
        raise InvalidInput(f"region: {quoted(region)} has no site of yours")
    return found


def _is_of(found: Proposal, sites: Sites) -> bool:
    return sites is None or (found.sites is not None and found.sites <= sites)


def _seen(found: Proposal, sites: Sites) -> Proposal:
    """Return a proposal that is of no other sites than these. Raises NotFound for others."""
    if not _is_of(found, sites):
        raise NotFound(f"there is no plan {found.id}; propose one anew")
    return found
