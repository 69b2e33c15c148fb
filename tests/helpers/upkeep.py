"""A desk whose maintenance and inspections tests let go on day by day."""

from helpers.desk_rooms import NOON, add_devices
from sqlalchemy import update

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.tickets.desk import TicketDesk
from desk.tickets.work import case_work
from desk.tickets.writing import CaseWriter
from fleet.clock import ManualClock
from fleet.principals import Principal, PrincipalKind
from fleet.service import load_service
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import Ticket
from fleet.tickets import TicketState as T
from fleet.upkeep import Used
from storage.records.database import DeskDatabase
from storage.records.devices import Device
from storage.records.maintenance import dues_of_devices
from storage.records.maintenance_tickets import open_maintenance
from storage.records.paging import Asked
from storage.records.ticket_lists import TicketFilter, find_tickets

LI = Principal(PrincipalKind.PERSON, "7", "Li")
WANG = Principal(PrincipalKind.PERSON, "8", "Wang")
SERVICE = load_service()


class House:
    """A desk with robots, a tool and a wristband, registered at noon."""

    def __init__(self, desk: DeskDatabase, clock: ManualClock | None = None) -> None:
        self.desk, self.clock = desk, clock or ManualClock(NOON)
        clocks = TicketClocks(Clocks(load_policy()))
        self.clocks = clocks
        cases = CaseWriter(desk, clocks, self.clock)
        self.tickets = TicketDesk(desk, cases)
        self.work = case_work(desk, cases, clocks, SERVICE)

    def add(self, *robots: str) -> None:
        add_devices(self.desk, dict.fromkeys(robots, Kind.ROBOT) | {"T": Kind.TOOL, "W": Kind.WRISTBAND})

    def tick(self, at: int, **used: Used) -> int:
        """Let it be a later time, all devices having been heard of, and open what is due."""
        self.clock.ms = at
        self.heard()
        return self.work.maintenance.tick(used)

    def heard(self, **columns: object) -> None:
        with self.desk.transaction() as session:
            session.execute(update(Device).values(last_seen=self.clock.ms, **columns))

    def due(self, device: str, plan: str) -> int:
        with self.desk.transaction() as session:
            due = dues_of_devices(session, [device])[device, plan].due_at
        assert due is not None
        return due

    def known(self) -> dict[tuple[str, str], int]:
        with self.desk.transaction() as session:
            return open_maintenance(session)

    def all(self) -> list[Ticket]:
        with self.desk.transaction() as session:
            return list(find_tickets(session, TicketFilter(), Asked("id", 1000, None, "")).rows)

    def move(self, number: int, *states: T, by: Principal = LI, why: str = "") -> Ticket:
        for state in states:
            confirmed = ["none"] if state is T.REPAIRED else None
            case = self.tickets.change_state(number, state, by, why, confirmed=confirmed)
        return case

    def repair(self, device: str, by: Principal = LI) -> int:
        """Report a robot and repair it."""
        number = self.tickets.report(device, "brush_jam", by, "it squeals")
        self.move(number, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.REPAIRED, by=by)
        return number
