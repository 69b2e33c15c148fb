"""The crew of a demo in its process: let in as people, beside the robots, with a letter box of its own."""

import ssl
from collections.abc import Iterator
from contextlib import ExitStack

from access.doors import Doors
from access.sessions import Browser
from fleet.clock import SECOND_MS
from fleet.errors import NotSignedIn
from fleet.notices import ChannelKind
from notify.channels.mail import Mail, MailServer
from simulators.beside import BesideRobots
from simulators.crew.crew import Crew
from simulators.crew.mailbox import Mailbox
from simulators.crew.people import CrewPlan
from sweepwatch.run.demo_time import PEOPLE_LOOK_S
from sweepwatch.run.first_people import Hiring
from sweepwatch.run.simulated_fleet import SimulatedFleet
from sweepwatch.run.way_in import address_of
from sweepwatch.wiring import Services

MINDS = "crew-minds.json"
_SENDER = "service@sweepwatch.invalid"
_AGENT = Browser("crew of the demo", "127.0.0.1")


class PassesOfCrew:
    """Lets people of the crew in, each as themselves: nobody else can be asked for."""

    def __init__(self, doors: Doors, port: int) -> None:
        self._doors = doors
        self._cookie = f"sweepwatch_{port}"
        self._begun: list[str] = []

    def pass_of(self, email: str) -> tuple[str, str]:
        """Return the cookie of a new session. Raises NotSignedIn for who is not of the crew."""
        person = self._doors.people.of_crew(email)
        if person is None:
            raise NotSignedIn(f"{email} is nobody of the crew")
        secret = self._doors.sessions.begin(person, _AGENT, strong=True)
        self._begun.append(secret)
        return self._cookie, secret

    def end(self) -> None:
        """Sign everybody out."""
        for secret in self._begun:
            self._doors.sign_out(secret)
        self._begun.clear()


class CrewAtWork:
    """A crew with all that it needs; a context manager that opens its letter box, and stops it.

    Nobody does anything before `begin`.
    """

    def __init__(self, services: Services, doors: Doors, fleet: SimulatedFleet, plan: CrewPlan) -> None:
        self._services, self._fleet = services, fleet
        fleet.crew = frozenset(_ids(doors, plan))
        self._stack = ExitStack()
        self._passes = PassesOfCrew(doors, services.settings.server.port)
        address = address_of(services.settings).rstrip("/")
        minds = fleet.folder / MINDS
        pause = round(services.settings.simulator.speed * PEOPLE_LOOK_S * SECOND_MS)
        robots = RobotsOf(fleet, services)
        self.crew = Crew(plan, address, self._passes, robots, services.clock, minds, pause)

    def __enter__(self) -> "CrewAtWork":
        self._fleet.beside.attend(attended=True)
        if ChannelKind.MAIL not in self._services.channels:
            box = self._stack.enter_context(Mailbox(self.crew.receive))
            server = MailServer("127.0.0.1", box.port, _SENDER, tls="none")
            self._services.use_channel(Mail(server, ssl.create_default_context()))
        return self

    def begin(self) -> None:
        """Let everybody begin."""
        self._stack.enter_context(self.crew)

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._passes.end()

    def trouble(self) -> str | None:
        """Return why the crew does not get on, None where it does."""
        return self.crew.problem


class RobotsOf(BesideRobots):
    """The fleet's robots, whose state is saved when something was done to one."""

    def __init__(self, fleet: SimulatedFleet, services: Services) -> None:
        super().__init__(fleet.simulator, services.clock)
        self._fleet = fleet

    def replace(self, device_id: str, fault: str, name: str, *, lasts: bool = True) -> bool:
        """Do what mends a fault, and save the fleet: a crash does not break the robot anew."""
        there = super().replace(device_id, fault, name, lasts=lasts)
        self._fleet.save()
        return there


def crew_of(services: Services, doors: Doors, fleet: SimulatedFleet) -> CrewAtWork | None:
    """Return the crew of a demo, hired at its first start; None where it is to have none, or has people."""
    plan = None
    if services.settings.simulator.crew:
        plan = Hiring(services, doors.people, fleet.simulator, fleet.folder).plan()
    if plan is None:
        doors.people.dismiss_crew()
        fleet.beside.attend(attended=False)
        return None
    return CrewAtWork(services, doors, fleet, plan)


def _ids(doors: Doors, plan: CrewPlan) -> Iterator[str]:
    for each in plan.engineers:
        person = doors.people.of_crew(each.email)
        if person is not None:
            yield str(person.id)
