"""All that dispatch looks at, read at once: open cases, who works, who is to go where, what was told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from desk.consent.desk import ConsentDesk
from desk.dispatch.experience import Experience, Learning
from desk.dispatch.jobs import Facts, Unplanned, position
from desk.dispatch.long_jobs import ends_of
from desk.dispatch.needs import PLANNED, VISITED, Needs, needs_of
from desk.dispatch.ports import Reserve
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.workdays import Around, without, workday
from fleet.absences import Absence
from fleet.assignments import Assignment
from fleet.clock import DAY_MS
from fleet.consent import Answer, Coverage
from fleet.customers import Customer
from fleet.engineers import Demands, Engineer
from fleet.grants import Sites
from fleet.localtime import day_of
from fleet.service import ServiceFile
from fleet.sites import Site
from fleet.tickets import RESTING_STATES, Ticket, TicketState
from fleet.visiting import Position, Workday
from fleet.zones import Zones
from storage.records.absences import absences_from
from storage.records.appointments import appointments_of
from storage.records.assignments import open_assignments
from storage.records.customers import customers_named
from storage.records.engineers import engineers
from storage.records.sites import all_sites
from storage.records.ticket_lists import open_cases
from storage.records.tickets import sites_of_tickets, tickets_named

_UNDER_WAY = frozenset({TicketState.EN_ROUTE, TicketState.REPAIRING})
GOES = (RESTING_STATES | {TicketState.REOPENED}) - {TicketState.WAITING_CUSTOMER}
"""Where a case stands that somebody may be sent to."""
_AHEAD = GOES | _UNDER_WAY | {TicketState.WAITING_CUSTOMER}
"""Where a visit is still to come, or under way."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be decided on at `now` (epoch ms).

    `cases` are those that somebody has to go to, with their `facts`; `unplanned` says why some cannot be.
    `assignments` are all that are open, by engineer and time, those at sites that are not asked for as well.
    `places` are where the sites of `assignments` are. `elsewhere` are cases at other sites that these
    engineers are sent to: they take their time and are not ours to move. `away` is who is away when. `aside`
    is where each case's parts are put aside, `depots` what is free at the depots of each region; `experience`
    is how long ways and visits really take.
    """

    now: int
    cases: Mapping[int, Ticket]
    facts: Mapping[int, Facts]
    unplanned: Mapping[int, Unplanned]
    engineers: Mapping[str, Engineer]
    assignments: tuple[Assignment, ...]
    places: Mapping[int, Position]
    stock: Mapping[str, Mapping[str, int]] | None
    centres: Mapping[str, Position]
    zones: Mapping[str, ZoneInfo]
    demands: Demands
    elsewhere: frozenset[int] = frozenset()
    away: Mapping[str, Sequence[Absence]] = field(default_factory=dict)
    aside: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    depots: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    experience: Experience = field(default_factory=Experience)
    _todo: dict[str, list[Assignment]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.assignments:
            self._todo.setdefault(each.engineer, []).append(each)

    def is_away(self, assignment: Assignment) -> bool:
        """Tell whether who is to go there is away then, or works here no more."""
        known = self.engineers.get(assignment.engineer)
        if known is not None and not known.active:
            return True
        away = self.away.get(assignment.engineer, ())
        return any(each.covers(assignment.begins, assignment.ends) for each in away)

    def workdays(self, day: date, settings: DispatchSettings) -> dict[str, Workday]:
        """Return who works on a day, by engineer."""
        found = {}
        for each in self.engineers.values():
            around = replace(self._around(each, day), start=self.centres.get(each.region))
            made = workday(each, around, settings)
            if made is not None:
                made = _without_long_work(made, day, self._zone(each), self.of(each.id))
            if made is not None:
                found[each.id] = made
        return found

    def ends_of(self, engineer: Engineer, arrives: int, work_ms: int, settings: DispatchSettings) -> int:
        """Return when an engineer's work is over that begins at `arrives`: the rest is done on next days."""

        def of(day: date) -> Workday | None:
            return workday(engineer, self._around(engineer, day), settings)

        return ends_of(of, arrives, work_ms, self._zone(engineer))

    def _zone(self, engineer: Engineer) -> ZoneInfo:
        return self.zones.get(engineer.region, self.zones[""])

    def _around(self, engineer: Engineer, day: date) -> Around:
        return Around(
            day,
            self._zone(engineer),
            self.centres.get(engineer.region, self.centres.get("", (0.0, 0.0))),
            self.stock,
            demands=self.demands,
            away=self.away.get(engineer.id, ()),
        )

    def of(self, engineer: str) -> list[Assignment]:
        """Return what an engineer is to do, in order of time."""
        return self._todo.get(engineer, [])


def _without_long_work(
    day: Workday, on: date, zone: ZoneInfo, assignments: Collection[Assignment]
) -> Workday | None:
    """Return a day without the time of work that takes several days; None where all is taken."""
    long = [
        Absence(day.engineer, each.begins, each.ends, 0)
        for each in assignments
        if each.ends > day.hours[0].start
        and day_of(each.arrives, zone) <= on
        and day_of(each.arrives, zone) != day_of(each.ends, zone)
    ]
    hours = without(day.hours, long)
    return replace(day, hours=hours) if hours else None


@dataclass(frozen=True, slots=True)
class SceneReader:
    """Reads scenes: what is asked of the other rooms of the desk."""

    service: ServiceFile
    consent: ConsentDesk
    stock: Reserve
    zones: Zones
    demands: Demands
    learning: Learning | None = None

    def read(self, session: Session, now: int, sites: Sites = None, only: Ticket | None = None) -> Scene:
        """Return the scene of some sites; with `only`, of one case alone, whatever its kind."""
        known = {each.id: each for each in all_sites(session)}
        assignments = tuple(open_assignments(session))
        people = {each.id: each for each in engineers(session, sites)}
        cases = _to_plan(session, assignments, sites, people) if only is None else {only.id: only}
        stock = self.stock.vans(session)
        experience = Experience() if self.learning is None else self.learning(session, now)
        needs = {
            number: self._needs(case, stock is not None, experience.more_ms) for number, case in cases.items()
        }
        codes = {code for each in needs.values() for code in each.parts}
        there = self.stock.arrivals(session, codes, now)
        facts = self._facts(session, cases, known, assignments, needs, there)
        return Scene(
            now=now,
            cases=cases,
            facts=facts,
            unplanned=self._unplanned(session, cases, facts, there),
            engineers=people,
            assignments=assignments,
            places=_places(session, assignments, known),
            stock=stock,
            centres=_centres(known.values()),
            zones=self._zones(known.values(), people.values()),
            demands=self.demands,
            elsewhere=frozenset(
                number for number, case in cases.items() if sites is not None and case.site not in sites
            ),
            away=_away(session, now),
            aside=self.stock.aside(session, cases),
            depots=self.stock.depots(session),
            experience=experience,
        )

    def of_one(self, session: Session, engineer: Engineer, now: int) -> Scene:
        """Return the scene of one engineer with nothing to do: when they work, and by which clock."""
        sites = all_sites(session)
        return Scene(
            now=now,
            cases={},
            facts={},
            unplanned={},
            engineers={engineer.id: engineer},
            assignments=(),
            places={},
            stock=None,
            centres=_centres(sites),
            zones=self._zones(sites, [engineer]),
            demands=self.demands,
            away={engineer.id: absences_from(session, now - DAY_MS, engineer.id)},
        )

    def _facts(
        self,
        session: Session,
        cases: Mapping[int, Ticket],
        known: Mapping[str, Site],
        assignments: tuple[Assignment, ...],
        needs: Mapping[int, Needs],
        there: Mapping[str, int | None],
    ) -> dict[int, Facts]:
        told = appointments_of(session, cases)
        customers = customers_named(
            session, {known[case.site].customer for case in cases.values() if case.site in known}
        )
        assigned: dict[int, list[Assignment]] = {}
        for each in sorted(assignments, key=lambda one: one.helps):
            assigned.setdefault(each.ticket_id, []).append(each)
        found = {}
        for number, case in cases.items():
            site = known.get(case.site, Site(case.site))
            found[number] = Facts(
                site=site,
                zone=self.zones.of(case.site),
                needs=needs[number],
                assigned=tuple(assigned.get(number, ())),
                appointment=told.get(number),
                visits=_wishes(customers.get(site.customer)),
                parts_at=max((there.get(code) or 0 for code in needs[number].parts), default=0),
            )
        return found

    def _needs(self, case: Ticket, keeps_stock: bool, more_ms: int) -> Needs:
        needs = needs_of(case, self.service)
        if case.upkeep is None:
            needs = replace(needs, work_ms=needs.work_ms + more_ms)
        return needs if keeps_stock else replace(needs, parts={})

    def _unplanned(
        self,
        session: Session,
        cases: Mapping[int, Ticket],
        facts: Mapping[int, Facts],
        there: Mapping[str, int | None],
    ) -> dict[int, Unplanned]:
        found = {}
        refused = self._refused(session, self.consent.proposed(session, list(cases.values())))
        for number, case in cases.items():
            why = self._why_not(case, facts[number], there, refused)
            if why is not None:
                found[number] = why
        return found

    def _why_not(
        self, case: Ticket, facts: Facts, there: Mapping[str, int | None], refused: Collection[int]
    ) -> Unplanned | None:
        if case.state in _UNDER_WAY:
            return None
        if case.state not in GOES or position(facts.site) is None:
            return Unplanned.NO_POSITION if case.state in GOES else Unplanned.WAITS
        if case.id in refused:
            return Unplanned.NO_CONSENT
        missing = any(there.get(code, 0) is None for code in facts.needs.parts)
        return Unplanned.PART_MISSING if missing else None

    def _refused(self, session: Session, proposed: Collection[Ticket]) -> set[int]:
        """Return the visits that we propose to which a customer has not agreed, where they would have to."""
        found = set()
        for number, (pays, said) in self.consent.standings(session, proposed).items():
            if said is None or said.answer is None:
                refuses = pays is Coverage.CUSTOMER
            else:
                refuses = said.answer is Answer.NO
            found |= {number} if refuses else set()
        return found

    def _zones(self, sites: Collection[Site], people: Collection[Engineer]) -> dict[str, ZoneInfo]:
        """Return the clock of each region: that of its first site, by id; "" has that of the house."""
        found = {"": self.zones.of(None)}
        for site in sites:
            if site.region:
                found.setdefault(site.region, self.zones.of(site.id))
        for each in people:
            found.setdefault(each.region, self.zones.of(None))
        return found


def _to_plan(
    session: Session, assignments: Collection[Assignment], sites: Sites, people: Collection[str]
) -> dict[int, Ticket]:
    """Return the cases that a plan is about, and whatever else somebody is to go to: that takes its time."""
    sent = {each.ticket_id for each in assignments}
    found = {
        case.id: case
        for case in open_cases(session, VISITED, sites)
        if case.state in _AHEAD and (case.kind in PLANNED or case.id in sent)
    }
    if sites is not None:
        theirs = {each.ticket_id for each in assignments if each.engineer in people}
        found |= tickets_named(session, theirs - found.keys())
    return found


def _away(session: Session, now: int) -> dict[str, list[Absence]]:
    found: dict[str, list[Absence]] = {}
    for each in absences_from(session, now - DAY_MS):
        found.setdefault(each.engineer, []).append(each)
    return found


def _wishes(customer: Customer | None) -> Collection[str]:
    return frozenset() if customer is None else frozenset(str(each) for each in customer.visits)


def _centres(sites: Collection[Site]) -> dict[str, Position]:
    """Return the middle of each region's sites, "" of all: where somebody without a home sets out."""
    known: dict[str, list[Position]] = {}
    for site in sites:
        at = position(site)
        if at is not None:
            for region in {site.region, ""}:
                known.setdefault(region, []).append(at)
    return {
        region: (sum(lat for lat, _ in places) / len(places), sum(lon for _, lon in places) / len(places))
        for region, places in known.items()
    }


def _places(
    session: Session, assignments: Collection[Assignment], known: Mapping[str, Site]
) -> dict[int, Position]:
    """Return where the cases of assignments are, by ticket."""
    found = {}
    for number, site in sites_of_tickets(session, {each.ticket_id for each in assignments}).items():
        at = position(known[site]) if site in known else None
        if at is not None:
            found[number] = at
    return found
