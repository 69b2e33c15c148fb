"""A town with a few sites and engineers, on a clock of its own: where dispatch is tried out."""

from helpers.desk_rooms import add_devices
from sqlalchemy import update

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.dispatch.board import DispatchBoard
from desk.dispatch.on_the_spot import OnTheSpot
from desk.dispatch.ports import NoStock, Reserve
from desk.dispatch.replanning import Replanner
from desk.dispatch.scene import SceneReader
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.travel.circle import Circle
from desk.people.absences import AbsenceDesk
from desk.tickets.complaints import ComplaintDesk
from desk.tickets.desk import TicketDesk
from desk.tickets.work import case_work
from desk.tickets.writing import CaseWriter
from fleet.clock import ManualClock
from fleet.complaints import Complaint, ComplaintClass
from fleet.engineers import Demands, Engineer
from fleet.principals import Principal, PrincipalKind
from fleet.service import ServiceFile, load_service
from fleet.signals import Kind
from fleet.sites import Site
from fleet.sla import load_policy
from fleet.suggestions import Candidate
from fleet.tickets import TicketState
from fleet.zones import Zones
from storage.records.assignments import open_assignments
from storage.records.database import DeskDatabase
from storage.records.devices import Device
from storage.records.engineers import keep_engineer
from storage.records.sites import describe_site

LI = Principal(PrincipalKind.PERSON, "7", "Li")
NINE = 1_800_003_600_000
"""2027-01-15 09:00 UTC, a Friday."""
CENTRE = (31.23, 121.47)
SITES = {"near": (31.24, 121.48), "north": (31.33, 121.47), "far": (31.23, 121.80), "lost": None}
DEMANDS = Demands(certified=frozenset({"electrical"}))


class Town:
    """A town with four sites, of which nobody knows where the last is, and three engineers."""

    def __init__(
        self,
        desk: DeskDatabase,
        stock: Reserve | None = None,
        service: ServiceFile | None = None,
        **settings: object,
    ) -> None:
        service = service or load_service()
        self.desk, self.clock = desk, ManualClock(NINE)
        clocks = TicketClocks(Clocks(load_policy()))
        self.cases = CaseWriter(desk, clocks, self.clock)
        self.tickets = TicketDesk(desk, self.cases)
        work = case_work(desk, self.cases, clocks, service)
        self.reader = reader = SceneReader(service, work.consent, stock or NoStock(), Zones(), DEMANDS)
        used = DispatchSettings(planner="insertion", cpu_s=0.2, **settings)  # type: ignore[arg-type]
        self.board = DispatchBoard(desk, self.cases, reader, Circle(), used)
        self.replanner = Replanner(desk, self.board, reader, self.clock)
        self.absences = AbsenceDesk(desk, self.clock)
        self.maintenance = work.maintenance
        self.on_the_spot = OnTheSpot(
            self.cases, reader, self.board.assigning, self.tickets, work.maintenance, used
        )
        add_devices(desk, {f"R{number}": Kind.ROBOT for number in range(12)}, last_seen=NINE)
        with desk.transaction() as session:
            for name, at in SITES.items():
                lat, lon = at or (None, None)
                describe_site(session, Site(name, lat=lat, lon=lon))
            for name, home in (("chen", CENTRE), ("mia", SITES["north"]), ("bo", SITES["far"])):
                keep_engineer(session, Engineer(name, name, skills=frozenset({"mechanical"}), home=home))

    def case(self, number: int, site: str = "near", fault: str = "brush_jam") -> int:
        with self.desk.transaction() as session:
            session.execute(update(Device).where(Device.id == f"R{number}").values(site=site))
        return self.tickets.report(f"R{number}", fault, LI, "it squeals")

    def complain(self, number: int) -> int:
        with self.desk.transaction() as session:
            session.execute(update(Device).where(Device.id == f"R{number}").values(site="near"))
        said = Complaint(ComplaintClass.EXPERIENCE, "nobody came")
        return ComplaintDesk(self.cases).file(said, LI, device_id=f"R{number}")

    def candidates(self, number: int) -> dict[str, Candidate]:
        return {each.engineer: each for each in self.board.suggest(number).candidates}

    def who(self) -> dict[int, str]:
        with self.desk.transaction() as session:
            return {each.ticket_id: each.engineer for each in open_assignments(session)}

    def goes(self, number: int, *states: TicketState, why: str = "") -> None:
        """Move a case through some states."""
        for state in states:
            confirmed = ("brush_jam",) if state is TicketState.REPAIRED else None
            self.tickets.change_state(number, state, LI, why, confirmed=confirmed)
