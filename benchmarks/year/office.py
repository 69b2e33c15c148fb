"""The service desk of one policy: production rooms over one database, on the year's clock.

Cases, clocks and their history are the desk's own for every policy; alerts for the proactive one alone. No
page, no letter and no notice is made: whoever acts here calls what the API calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.engine import AlertEngine
from alerts.judging.by_ticket import TicketEnds
from alerts.judging.rule_file import load_rules
from benchmarks.year.city import City
from desk.clocks.files import load_clocks
from desk.feedback.visits import VisitBook
from desk.parts.stock import StockDesk
from desk.tickets.desk import TicketDesk
from desk.tickets.opener import TicketOpener
from fleet.case_facts import CaseFact
from fleet.clock import ManualClock
from fleet.device_doors import NewDevice
from fleet.engineers import Engineer
from fleet.principals import Principal, PrincipalKind
from fleet.regions import Region
from fleet.signals import Kind
from fleet.sites import Site
from fleet.tickets import Ticket, TicketState
from fleet.zones import Zones
from storage.records.case_facts import facts_of_devices
from storage.records.database import DeskDatabase, open_desk
from storage.records.engineers import keep_engineer, keep_region
from storage.records.events import events_after
from storage.records.part_catalogue import keep_part
from storage.records.registering import add_devices
from storage.records.sites import describe_site
from storage.records.tickets import open_case_of
from sweepwatch.wiring import WiredDesk, wire_desk

HERE = Path(__file__).parent
ZONE = ZoneInfo("Asia/Shanghai")
DISPATCHER = Principal(PrincipalKind.PERSON, "dispatch", "Dispatch")
CALLER = Principal(PrincipalKind.PERSON, "hotline", "Hotline")
_AT_ONCE = 500


@dataclass
class Office:
    """A desk at work. Times are those of `clock`."""

    desk: DeskDatabase
    clock: ManualClock
    wired: WiredDesk
    zones: Zones
    visits: VisitBook
    _read: int = 0
    _followers: tuple[TicketOpener, TicketEnds] | None = field(default=None)

    @property
    def tickets(self) -> TicketDesk:
        """What opens and moves cases."""
        return self.wired.tickets

    @property
    def stock(self) -> StockDesk:
        """What keeps stock."""
        return self.wired.stock

    @property
    def alerts(self) -> AlertEngine:
        """What judges risks and what devices say."""
        return self.wired.alerts

    def report(self, robot: str, fault: str) -> Ticket:
        """Take a customer's call; one that a visit was to have mended is opened again."""
        number = self.tickets.report(robot, fault, CALLER, "the customer called")
        case = self.tickets.read(number)
        if case.state is TicketState.REPAIRED:
            case = self.move(number, TicketState.REOPENED, CALLER, "it fails again")
        return case

    def move(
        self,
        number: int,
        after: TicketState,
        by: Principal,
        why: str = "",
        confirmed: Sequence[str] | None = None,
        deferred: Sequence[str] | None = None,
    ) -> Ticket:
        """Move a case on."""
        return self.tickets.change_state(number, after, by, why, confirmed=confirmed, deferred=deferred)

    def open_case(self, robot: str) -> Ticket | None:
        """Return the open case of a robot."""
        with self.desk.look() as session:
            return open_case_of(session, robot)

    def follow(self) -> list[int]:
        """Let alerts become cases, and closed cases end alerts; return the cases opened or joined."""
        assert self._followers is not None
        touched: dict[int, None] = {}
        while True:
            with self.desk.transaction() as session:
                events = events_after(session, self._read, _AT_ONCE)
            if not events:
                return list(touched)
            for event in events:
                for follower in self._followers:
                    if event.subject in follower.subjects:
                        follower.handle(event)
                if event.subject == "ticket" and event.what in ("opened", "joined"):
                    touched[int(event.subject_id)] = None
            self._read = events[-1].id

    def keep_active(self, engineer: Engineer, *, active: bool) -> None:
        """Note that an engineer is away, or back."""
        with self.desk.transaction() as session:
            keep_engineer(session, replace(engineer, active=active))

    def facts(self, robots: Sequence[str]) -> list[CaseFact]:
        """Return what the indicators count of every case."""
        self.wired.facts.fill()
        with self.desk.look() as session:
            return facts_of_devices(session, robots)


def open_office(folder: Path, city: City, clock: ManualClock) -> Office:
    """Open a desk that knows the city: sites, robots, regions, engineers, the catalogue of parts."""
    clocks = load_clocks(HERE / "promises.yaml", HERE / "calendars.yaml")
    desk = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")
    zones = Zones(own=ZONE)
    wired = wire_desk(
        desk, load_rules(), clocks.policy, clock, calendars=clocks.calendars, zones=zones, reservation_days=14
    )
    with desk.transaction() as session:
        for region in sorted({place.region for place in city.places}):
            keep_region(session, Region(region))
        for place in city.places:
            describe_site(
                session,
                Site(place.id, region=place.region, lat=place.at[0], lon=place.at[1], zone=ZONE.key),
            )
        cards = city.roster.cards[Kind.ROBOT]
        new = [NewDevice(card.id, card.site, Kind.ROBOT, card.model, card.serial) for card in cards]
        add_devices(session, new, clock.now_ms())
        for worker in city.workers:
            keep_engineer(session, worker.engineer)
        for part in city.parts:
            keep_part(session, part)
    followers = [each for each in wired.followers if isinstance(each, TicketOpener | TicketEnds)]
    opener = next(each for each in followers if isinstance(each, TicketOpener))
    ends = next(each for each in followers if isinstance(each, TicketEnds))
    visits = VisitBook(desk, clock, wired.stock.book)
    return Office(desk, clock, wired, zones, visits, 0, (opener, ends))
