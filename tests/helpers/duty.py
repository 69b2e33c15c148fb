"""A desk with people of two sites and a plan of duty, on a clock that is moved by hand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from fleet.clock import ManualClock
from fleet.events import Event, Subject
from fleet.grants import Role
from fleet.people import Person, RoleAt, Scope
from fleet.principals import person as principal_of
from fleet.sites import Site
from notify.duty.on_call import OnCall
from notify.duty.planning import Planning
from storage.records.database import DeskDatabase
from storage.records.events import events_after
from storage.records.people import add_person, disable
from storage.records.sites import describe_site

LI = principal_of("Li Wei")
BERLIN = ZoneInfo("Europe/Berlin")
PLAN = """\
schedules:
  - name: night
    zone: Europe/Berlin
    sites: [hall]
    layers:
      - name: main
        people: [ada@x.org, bo@x.org]
        start: 2026-03-02
        every: week
        handover: mon 08:00
        hours: 18:00-08:00
  - name: house
    zone: Asia/Shanghai
    layers:
      - {name: main, people: [cy@x.org], start: 2026-03-02, every: day, handover: "00:00"}
chains:
  - name: halls
    levels: [L1]
    sites: [hall]
    steps:
      - {after: 0, to: [schedule: night, role: engineer]}
      - {after: 15m, to: [person: cy@x.org, destination: ops]}
    remind: 30m
    acknowledge: 2h
    loud: true
"""
OPS = 7


def berlin(text: str) -> int:
    """Return the epoch ms of a time in Berlin."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()) * 1000


def ops(_session: Session) -> Mapping[str, int]:
    """Return the destinations: one."""
    return {"ops": OPS}


@dataclass
class DutyRoom:
    """People, the plan's keeper and the duty that follows it."""

    desk: DeskDatabase
    clock: ManualClock = field(default_factory=lambda: ManualClock(berlin("2026-03-03T20:00")))

    def __post_init__(self) -> None:
        self.duty = OnCall(self.desk, ops)
        self.planning = Planning(self.desk, self.clock, ops)
        with self.desk.transaction() as session:
            describe_site(session, Site("hall", region="north"))
            describe_site(session, Site("mall", region="south"))

    def join(self, email: str, role: Role, site: str = "", region: str = "") -> Person:
        """Add somebody with one role: everywhere, at a site or in a region."""
        scope = Scope.SITE if site else Scope.REGION if region else Scope.ALL
        with self.desk.transaction() as session:
            return add_person(session, email, email[:2], self.clock.ms, [RoleAt(role, scope, site or region)])

    def staff(self) -> dict[str, int]:
        """Add who the plan names, and return their ids."""
        return {
            "ada": self.join("ada@x.org", Role.ENGINEER, site="hall").id,
            "bo": self.join("bo@x.org", Role.ENGINEER, region="north").id,
            "cy": self.join("cy@x.org", Role.MANAGER).id,
        }

    def leave(self, person_id: int) -> None:
        """Let somebody sign in no more."""
        with self.desk.transaction() as session:
            disable(session, person_id, self.clock.ms)

    def told(self) -> Iterator[Event]:
        """Yield what the log says of duty."""
        with self.desk.transaction() as session:
            yield from (each for each in events_after(session, 0, 1000) if each.subject is Subject.DUTY)
