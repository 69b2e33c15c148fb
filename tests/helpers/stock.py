"""A desk with depots, a van and parts, for tests of stock."""

from helpers.desk_rooms import NOON, add_devices

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.feedback.visits import VisitBook
from desk.parts.stock import Moving, StockDesk
from desk.tickets.desk import TicketDesk
from desk.tickets.work import case_work
from desk.tickets.writing import CaseWriter
from fleet.clock import ManualClock
from fleet.engineers import Engineer
from fleet.feedback import PartUsed, Visit
from fleet.part_catalogue import Part
from fleet.principals import Principal, PrincipalKind
from fleet.service import load_service
from fleet.signals import Kind
from fleet.sites import Site
from fleet.sla import load_policy
from fleet.stock import Movement, PlaceKind, Reservation, Stock, StockPlace
from fleet.tickets import TicketState as T
from storage.records.database import DeskDatabase
from storage.records.discrepancies import open_discrepancies
from storage.records.engineers import keep_engineer
from storage.records.paging import Asked
from storage.records.part_catalogue import keep_part
from storage.records.people import add_person
from storage.records.reservations import find_reservations
from storage.records.sites import describe_site
from storage.records.stock import all_stock, stock_of
from storage.records.stock_movements import MovementFilter, find_movements

DEPOT, SECOND, VAN = "depot-east", "depot-west", "van-li"
BEARING, PACK = "brush-bearing", "battery-pack"
LI = Principal(PrincipalKind.PERSON, "1", "Li")
ALL = Asked("id", 1000, None, "")


class StockHouse:
    """A desk with three robots in the east, two depots, and the van of Li."""

    def __init__(self, desk: DeskDatabase) -> None:
        self.desk, self.clock = desk, ManualClock(NOON)
        cases = CaseWriter(desk, TicketClocks(Clocks(load_policy())), self.clock)
        self.tickets = TicketDesk(desk, cases)
        self.work = case_work(desk, cases, TicketClocks(Clocks(load_policy())), load_service())
        self.stock = StockDesk(desk, self.clock)
        cases.follow(self.stock.moved)
        self.visits = VisitBook(desk, self.clock, self.stock.book)

    def furnish(self) -> None:
        """Describe the parts, the places and Li."""
        add_devices(self.desk, dict.fromkeys(("R1", "R2", "R3"), Kind.ROBOT))
        with self.desk.transaction() as session:
            describe_site(session, Site("hall", region="east"))
            keep_part(session, Part(BEARING, lead_days=10, supplier="Acme", lot=5))
            keep_part(session, Part(PACK, lead_days=20, supplier="Volt", warranty_months=12, serialised=True))
            person = add_person(session, "li@x.org", "Li", NOON, [])
            assert str(person.id) == LI.id
            keep_engineer(session, Engineer("e1", "Li", account=person.id, region="east", van=VAN))
        for place, kind, region in (
            (DEPOT, PlaceKind.DEPOT, "east"),
            (SECOND, PlaceKind.DEPOT, "west"),
            (VAN, PlaceKind.VAN, "east"),
        ):
            self.stock.place(StockPlace(place, kind, region=region), LI, 0)

    def receive(self, place: str, part: str, quantity: int, *serials: str) -> Stock:
        return self.stock.receive(Moving(place, part, quantity, serials), LI)

    def report(self, device: str = "R1", fault: str = "brush_jam") -> int:
        return self.tickets.report(device, fault, LI, "it squeals")

    def arrive(self, number: int) -> None:
        for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
            self.tickets.change_state(number, state, LI, "")

    def visit(self, number: int, *parts: PartUsed) -> None:
        self.visits.write(Visit(number, 0, "", None, 30, parts), LI)

    def at(self, place: str, part: str) -> tuple[int, int]:
        """Return how many are there, and how many of these are held."""
        with self.desk.transaction() as session:
            found = stock_of(session, place, part)
        return found.on_hand, found.reserved

    def ledger(self) -> list[Movement]:
        with self.desk.transaction() as session:
            return list(find_movements(session, MovementFilter(), ALL).rows)

    def reservations(self) -> list[Reservation]:
        with self.desk.transaction() as session:
            return list(find_reservations(session, ALL).rows)

    def missing(self) -> list[tuple[str, str, int]]:
        """Return what visits used that the ledger did not know of: place, part, pieces."""
        with self.desk.transaction() as session:
            return [(each.place, each.part, each.quantity) for each in open_discrepancies(session)]

    def check_sums(self) -> None:
        """See that what came less what left is there, and that what is held for cases is what is reserved."""
        pieces: dict[tuple[str, str], int] = {}
        for line in self.ledger():
            if line.target is not None:
                key = line.target, line.part
                pieces[key] = pieces.get(key, 0) + line.quantity
            if line.source is not None:
                key = line.source, line.part
                pieces[key] = pieces.get(key, 0) - line.quantity
        held: dict[tuple[str, str], int] = {}
        for each in self.reservations():
            if each.state == "held":
                held[each.place, each.part] = held.get((each.place, each.part), 0) + each.quantity
        with self.desk.transaction() as session:
            rows = all_stock(session)
        for row in rows:
            key = row.place, row.part
            assert row.on_hand == pieces.pop(key, 0), key
            assert row.reserved == held.pop(key, 0), key
            assert 0 <= row.reserved <= row.on_hand, key
        assert not any(pieces.values()) and not held
