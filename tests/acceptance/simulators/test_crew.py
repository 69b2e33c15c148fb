"""A small crew at work by the real API, over hours on a clock that tests move."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.api import NOW, House, add_device, client_of, open_house, raise_alert

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.events import Subject
from fleet.principals import PrincipalKind, person
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.stock import MovementKind
from fleet.tickets import TicketKind, TicketState
from notify.sender import Sender
from simulators.beside import BesideRobots
from simulators.crew.crew import Crew
from simulators.crew.mailbox import Mailbox
from simulators.crew.people import DEPOT, CrewPlan
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from storage.records.assignments import assignments_of
from storage.records.devices import Devices, Placement
from storage.records.events import events_of
from storage.records.paging import Asked
from storage.records.stock import stock_figures
from storage.records.stock_movements import MovementFilter, find_movements
from storage.records.ticket_lists import TicketFilter, find_tickets
from sweepwatch.run.crew import PassesOfCrew
from sweepwatch.run.first_people import Hiring
from sweepwatch.run.server import WebServer, listen
from sweepwatch.wiring_words import said_of

MORNING = NOW + 17 * HOUR_MS
"""Monday, 9 in the morning by the crew's clock."""
STEP_MS = 5 * MINUTE_MS


@dataclass
class Town:
    """A small fleet with its people, served on a port."""

    house: House
    fleet: FleetSimulator
    robots: BesideRobots
    plan: CrewPlan
    new_crew: Callable[[], Crew]
    send: Callable[[], None]

    def live(self, crew: Crew, hours: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let hours pass, from one thing that somebody does to the next; return whether `until` came."""
        clock = self.house.clock
        end = clock.ms + round(hours * HOUR_MS)
        while clock.ms < end:
            self.fleet.advance_to(clock.ms)
            due = crew.step()
            self.send()
            clock.ms = min(max(due, clock.ms + STEP_MS), clock.ms + HOUR_MS)
            assert crew.problem is None
            if until():
                return True
        return False

    def tickets(self, *states: TicketState, kind: TicketKind | None = None) -> list[Any]:
        with self.house.desk.transaction() as session:
            asked = Asked("-opened_at", 100, None, "")
            return list(find_tickets(session, TicketFilter(states=states, kind=kind), asked, None).rows)

    def break_down(self, fault: str, robot: int = 0) -> str:
        name = self.fleet.roster.cards[Kind.ROBOT][robot].id
        self.fleet.inject(name, fault, 0.9999)
        for _ in range(200):
            self.house.clock.advance(STEP_MS)
            self.fleet.advance_to(self.house.clock.ms)
            if any(name in self.robots.out_of_use(site) for site in self.plan.sites):
                return name
        raise AssertionError("it does not break down")


@contextmanager
def open_town(folder: Path, devices: int = 20) -> Iterator[Town]:
    letters: list[Callable[[str, str], None]] = []
    with Mailbox(lambda to, text: letters[-1](to, text) if letters else None) as box:
        listener = listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        mail = {"host": "127.0.0.1", "port": box.port, "tls": "none", "sender": "service@sweepwatch.invalid"}
        with open_house(folder, server={"port": port}, notify={"mail": mail}) as house:
            house.clock.ms = MORNING
            fleet = FleetSimulator(FleetConfig(devices, 3, MORNING, hazard=0), STANDARD_SIGNALS)
            Devices(house.desk).register(
                {card.id: Placement(card.site, Kind(card.kind)) for card in fleet.cards}, MORNING - DAY_MS
            )
            robots = BesideRobots(fleet, house.clock)
            robots.attend(attended=True)
            plan = Hiring(house.services, house.doors.people, fleet, folder).plan()
            assert plan is not None
            sender = Sender(
                house.desk, house.services.channels, said_of(house.services), house.clock, "test:1"
            )

            def send() -> None:
                for destination, _ in sender.due():
                    sender.send_to(destination)

            def new_crew() -> Crew:
                passes = PassesOfCrew(house.doors, port)
                crew = Crew(
                    plan, f"http://127.0.0.1:{port}", passes, robots, house.clock, folder / "minds.json"
                )
                letters.append(crew.receive)
                crews.callback(crew.close)
                return crew

            with WebServer(house.app, listener), ExitStack() as crews:
                yield Town(house, fleet, robots, plan, new_crew, send)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with open_town(tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("fault", "part"), [("drive_motor_wear", "drive-motor"), ("charging_failure", "charge-contacts")]
)
def test_a_robot_that_breaks_down_is_reported_visited_and_mended_by_people(
    town: Town, fault: str, part: str
) -> None:
    """The second needs somebody with an electrician's certificate."""
    robot = town.break_down(fault)
    crew = town.new_crew()
    before = dict(_stock(town.house))
    assert town.live(crew, 72, lambda: bool(town.tickets(TicketState.CONFIRMED)))
    (case,) = town.tickets(TicketState.CONFIRMED)
    assert case.device_id == robot
    assert town.robots.look_at(robot) == []
    with town.house.desk.transaction() as session:
        events = events_of(session, Subject.TICKET, str(case.id))
        (*_, visit) = assignments_of(session, case.id)
    names = {each.id: each.name for each in town.plan.engineers}
    by = {event.after: event.principal for event in events if event.what == "state"}
    assert events[0].principal.kind is PrincipalKind.CUSTOMER
    assert by["repaired"].name == names[visit.engineer]
    assert all(by[state].kind is PrincipalKind.PERSON for state in ("accepted", "en_route", "repairing"))
    assert case.confirmed_faults == (fault,)
    used = {key: count - _stock(town.house).get(key, 0) for key, count in before.items()}
    assert sum(count for key, count in used.items() if key.endswith(f"/{part}")) == 1
    assert [event.what for event in events if event.what == "appointment"]


def test_a_restart_in_the_middle_goes_on_and_does_nothing_twice(town: Town) -> None:
    town.break_down("fan_motor_wear")
    crew = town.new_crew()

    def mends() -> bool:
        return any(mind.step == "mend" for mind in crew.minds.engineers.values())

    assert town.live(crew, 72, mends)
    crew = town.new_crew()
    assert mends()  # it is remembered
    town.house.clock.advance(2 * HOUR_MS)
    lost = town.new_crew()
    for mind in lost.minds.engineers.values():  # the memory of it is gone: what the house says is taken up
        mind.step, mind.ticket = "", 0
    assert town.live(lost, 72, lambda: bool(town.tickets(TicketState.CONFIRMED)))
    (case,) = town.tickets(TicketState.CONFIRMED)
    with town.house.desk.transaction() as session:
        events = events_of(session, Subject.TICKET, str(case.id))
        asked = Asked("-id", 100, None, "")
        moves = find_movements(
            session, MovementFilter(kind=MovementKind.USED, ticket=case.id), asked, None
        ).rows
    assert [event.after for event in events if event.after == "repaired"] == ["repaired"]
    assert len(moves) == 1
    replaced = [event for event in town.fleet.take_events() if event.code == "part_replaced"]
    assert len(replaced) == 1


def test_cases_of_real_devices_are_left_alone(town: Town) -> None:
    site = next(iter(town.plan.sites))
    add_device(town.house, "real-1", site=site)
    case = town.house.tickets.report("real-1", "brush_jam", person("Somebody"), "it jams")
    crew = town.new_crew()
    town.live(crew, 12)
    (found,) = [each for each in town.tickets() if each.id == case]
    assert found.state is TicketState.OPENED
    with town.house.desk.transaction() as session:
        assert assignments_of(session, case) == []


def test_what_fires_is_seen_to_and_that_of_a_real_device_left_alone(town: Town) -> None:
    robot = next(iter(town.plan.sites.values())).devices[0]
    add_device(town.house, "real-1", site=next(iter(town.plan.sites)))
    for device in (robot, "real-1"):
        raise_alert(town.house, device, "brush_jam", 0.9)
    town.live(town.new_crew(), 2)
    states = {
        each["device_id"]: each["state"]
        for each in client_of(town.house).get("/api/v1/alerts").json()["items"]
    }
    assert states == {robot: "acknowledged", "real-1": "firing"}


def test_who_reports_what_we_proposed_to_mend_at_their_cost_gets_their_visit(town: Town) -> None:
    customer = next(each for each in town.plan.customers if each.pays and each.sites)
    robot = next(device for site in customer.sites for device in site.devices)
    raise_alert(town.house, robot, "brush_jam", 0.9)
    crew, api = town.new_crew(), client_of(town.house)
    (case,) = town.tickets()
    assert not town.live(crew, 2, lambda: bool(_visits(town, case.id))), "they are asked first"
    said = {"device": robot, "words": "it squeals"}
    assert api.post("/api/v1/hooks/reports", json=said).status_code in (200, 201)
    assert town.live(crew, 24, lambda: bool(_visits(town, case.id)))


def _visits(town: Town, ticket: int) -> list[Any]:
    with town.house.desk.transaction() as session:
        return list(assignments_of(session, ticket))


def test_what_somebody_else_does_first_is_not_done_again(town: Town) -> None:
    robot = town.break_down("brush_wear")
    who = person("Demo")
    case = town.house.tickets.report(robot, "brush_wear", who, "seen")
    for state in (TicketState.ACCEPTED, TicketState.EN_ROUTE, TicketState.REPAIRING):
        town.house.tickets.change_state(case, state, who, "")
    town.house.tickets.change_state(case, TicketState.REPAIRED, who, "", confirmed=["brush_wear"])
    town.robots.replace(robot, "brush_wear", "by hand")
    crew = town.new_crew()
    town.live(crew, 12)
    with town.house.desk.transaction() as session:
        events = events_of(session, Subject.TICKET, str(case))
    assert [event.after for event in events if event.what == "state"].count("repaired") == 1


def _stock(house: House) -> dict[str, int]:
    with house.desk.transaction() as session:
        return {key: figures[0] for key, figures in stock_figures(session).items()}


def test_the_first_people_are_made_once_and_a_house_with_its_own_has_none(tmp_path: Path) -> None:
    with open_town(tmp_path) as town:
        assert f"{DEPOT}/battery-pack" in _stock(town.house)
        again = Hiring(town.house.services, town.house.doors.people, town.fleet, tmp_path)
        before = _stock(town.house)
        assert again.plan() == town.plan
        (tmp_path / "crew.json").unlink()  # it crashed before the end
        made = again.plan()
        assert made is not None and made.engineers == town.plan.engineers
        assert _stock(town.house) == before
        from fleet.engineers import Engineer

        town.house.services.service.engineer(Engineer("own", "Own"), person("Somebody"))
        (tmp_path / "crew.json").unlink()
        assert again.plan() is None
