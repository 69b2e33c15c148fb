"""While an engineer is at a site: what else could be done there in the same visit, and its taking over."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlalchemy.orm import Session

from desk.dispatch.assigning import Assigning, Sent
from desk.dispatch.jobs import Unplanned
from desk.dispatch.needs import Needs
from desk.dispatch.scene import Scene, SceneReader
from desk.dispatch.settings import DispatchSettings
from desk.maintenance.desk import MaintenanceDesk
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.assignments import Assignment
from fleet.clock import DAY_MS, MINUTE_MS
from fleet.engineers import able
from fleet.errors import Conflict
from fleet.faults import FAULTS
from fleet.grants import Sites
from fleet.localtime import day_of
from fleet.principals import Principal
from fleet.tickets import Ticket, TicketKind, TicketOrigin
from fleet.upkeep import MAINTENANCE
from storage.records.assignments import open_assignments_of
from storage.records.device_lists import risky_at
from storage.records.tickets import ticket

ON_THE_SPOT = "on_the_spot"
"""Why an assignment is made: its engineer is there anyway."""
AT_RISK = 0.3
"""From such a risk on a device is worth a look by who stands beside it; alerts ask for more."""


class There(StrEnum):
    """What else is at a site."""

    MAINTENANCE = "maintenance"
    DUE_SOON = "due_soon"
    """Maintenance falls due before long, and has no case yet."""
    FORESEEN = "foreseen"
    """A fault that our models see coming has a case."""
    REPORTED = "reported"
    AT_RISK = "at_risk"
    """A device has no case yet, and a risk that is worth a look."""


class Hindered(StrEnum):
    """Why it cannot be done in this visit."""

    PART = "part"
    SKILL = "skill"
    TIME = "time"
    CONSENT = "consent"
    PEOPLE = "people"
    """It takes two."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that could be done in the same visit: a case, or what has none yet (`ticket_id` 0).

    That is a device at `risk`, or a `plan` of maintenance that is due at `due_at` (epoch ms). `hindered` says
    what is in its way, `about` which parts or skills; none: it fits. `until` is when the visit would be over
    with it (epoch ms).
    """

    ticket_id: int
    device_id: str
    fault: str
    what: There
    work_ms: int
    until: int
    parts: Mapping[str, int] = field(default_factory=dict)
    risk: float = 0.0
    plan: str = ""
    due_at: int | None = None
    hindered: Hindered | None = None
    about: tuple[str, ...] = ()


class OnTheSpot:
    """Offers and takes over. Raises NotFound for an unknown case, Conflict where nobody is to go there."""

    def __init__(
        self,
        cases: CaseWriter,
        reader: SceneReader,
        assigning: Assigning,
        tickets: TicketDesk,
        maintenance: MaintenanceDesk,
        settings: DispatchSettings,
    ) -> None:
        self._cases = cases
        self._reader = reader
        self._assigning = assigning
        self._tickets = tickets
        self._maintenance = maintenance
        self._settings = settings

    def offers(self, session: Session, ticket_id: int, sites: Sites = None) -> list[Offer]:
        """Return what else could be done at the site of a case by who goes there; what fits comes first."""
        case = ticket(session, ticket_id, sites)
        lead = _lead(session, case)
        scene = self._reader.read(session, self._cases.now(), frozenset({case.site}))
        if lead.engineer not in scene.engineers:
            return []
        visit = _visit(scene, case, lead, self._settings)
        found = [
            *visit.cases(case),
            *visit.devices(session, case),
            *visit.due_soon(session, case, self._maintenance),
        ]
        return sorted(found, key=lambda each: (each.hindered is not None, each.what, each.device_id))

    def take(
        self,
        ticket_id: int,
        by: Principal,
        sites: Sites = None,
        *,
        other: int = 0,
        device_id: str = "",
        plan: str = "",
    ) -> Assignment:
        """Let who is at a case do another one there, too; what has no case gets one first.

        That is a device at risk, or a plan of maintenance at one. Raises Conflict for what is not offered,
        or is in the way.
        """
        with self._cases.writing() as session:
            known = self.offers(session, ticket_id, sites)
            lead = _lead(session, ticket(session, ticket_id, sites))
        wanted = (other, "", "") if other else (0, device_id, plan)
        offer = next((each for each in known if _key(each) == wanted), None)
        if offer is None:
            raise Conflict("that is not offered there any more; read again")
        if offer.hindered is not None:
            raise Conflict(
                f"it does not fit into this visit: {offer.hindered} {', '.join(offer.about)}".strip()
            )
        why_data = {"chosen": ON_THE_SPOT, "beside": ticket_id, "what": str(offer.what)}
        sent = Sent(lead.engineer, offer.until - offer.work_ms, why=why_data, reason=ON_THE_SPOT)
        return self._assigning.assign(offer.ticket_id or self._opened(offer, by), sent, by, sites)

    def _opened(self, offer: Offer, by: Principal) -> int:
        """Open the case of what has none; return its number."""
        if offer.plan:
            return self._maintenance.open_early(offer.device_id, offer.plan, by, ON_THE_SPOT)
        why = f"on the spot: a risk of {offer.risk:.0%}"
        return self._tickets.report(offer.device_id, offer.fault, by, why)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A visit of an engineer to a site: free until `free_until`, over at `over` with all that is taken."""

    scene: Scene
    lead: Assignment
    free_until: int
    over: int

    def cases(self, case: Ticket) -> Iterator[Offer]:
        """Yield the other cases at the site that nobody is sent to."""
        for number, other in self.scene.cases.items():
            facts = self.scene.facts[number]
            if number == case.id or other.site != case.site or facts.assigned:
                continue
            if other.kind not in (TicketKind.REPAIR, TicketKind.MAINTENANCE):
                continue
            what = There.REPORTED
            if other.kind is TicketKind.MAINTENANCE:
                what = There.MAINTENANCE
            elif other.origin is TicketOrigin.PROACTIVE:
                what = There.FORESEEN
            asks = self.scene.unplanned.get(number) is Unplanned.NO_CONSENT
            offer = Offer(number, other.device_id, other.fault, what, 0, 0)
            yield self._offer(offer, facts.needs, Hindered.CONSENT if asks else None)

    def devices(self, session: Session, case: Ticket) -> Iterator[Offer]:
        """Yield the devices at the site that are at risk and have no case."""
        for device, fault_code, risk in risky_at(session, case.site, AT_RISK):
            fault = FAULTS.get(fault_code)
            if fault is None or device == case.device_id:
                continue
            parts = {fault.part: 1} if fault.part and self.scene.stock is not None else {}
            needs = Needs(fault.repair_minutes * MINUTE_MS, frozenset({fault.skill}), parts)
            yield self._offer(Offer(0, device, fault_code, There.AT_RISK, 0, 0, risk=risk), needs)

    def due_soon(self, session: Session, case: Ticket, maintenance: MaintenanceDesk) -> Iterator[Offer]:
        """Yield the maintenance at the site that falls due soon and has no case yet."""
        for plan, due in maintenance.due_soon(session, case.site):
            offer = Offer(
                0, due.device_id, MAINTENANCE, There.DUE_SOON, 0, 0, plan=plan.id, due_at=due.due_at
            )
            yield self._offer(offer, Needs(plan.minutes * MINUTE_MS, people=plan.people))

    def _offer(self, offer: Offer, needs: Needs, hindered: Hindered | None = None) -> Offer:
        engineer = self.scene.engineers[self.lead.engineer]
        until = self.over + needs.work_ms
        day = day_of(self.over, self.scene.zones[engineer.region])
        lacks = sorted(each for each in needs.skills if not able(engineer, each, day, self.scene.demands))
        van = {} if self.scene.stock is None else self.scene.stock.get(engineer.van, {})
        short = sorted(code for code, count in needs.parts.items() if van.get(code, 0) < count)
        about: list[str] = []
        if lacks:
            hindered, about = Hindered.SKILL, lacks
        elif short:
            hindered, about = Hindered.PART, short
        elif needs.people > 1:
            hindered = Hindered.PEOPLE
        elif hindered is None and until > self.free_until:
            hindered = Hindered.TIME
        return replace(
            offer,
            work_ms=needs.work_ms,
            until=until,
            parts=needs.parts,
            hindered=hindered,
            about=tuple(about),
        )


def _key(offer: Offer) -> tuple[int, str, str]:
    return (offer.ticket_id, "", "") if offer.ticket_id else (0, offer.device_id, offer.plan)


def _lead(session: Session, case: Ticket) -> Assignment:
    found = open_assignments_of(session, [case.id]).get(case.id)
    if not found:
        raise Conflict(f"ticket {case.id}: nobody is to go there")
    return found[0]


def _visit(scene: Scene, case: Ticket, lead: Assignment, settings: DispatchSettings) -> "_Visit":
    """Return a visit with all that is taken over already: when it is over, and until when there is time."""
    over = max(lead.ends, scene.now)
    rest = []
    for each in scene.of(lead.engineer):
        other = scene.cases.get(each.ticket_id)
        if other is not None and other.site == case.site and each.begins <= over:
            over = max(over, each.ends)
        elif each.begins >= lead.begins:
            rest.append(each.begins)
    day = day_of(lead.arrives, scene.zones[scene.engineers[lead.engineer].region])
    works = scene.workdays(day, settings).get(lead.engineer)
    if works is not None:
        rest.append(works.hours[-1].end)
    return _Visit(scene, lead, min(rest, default=over + DAY_MS), over)
