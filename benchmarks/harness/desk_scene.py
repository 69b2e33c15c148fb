"""A desk at work until it is killed: reports, complaints, changes, merges, clocks; and what must hold."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks, dues_of
from desk.clocks.sweep import CLOCK_EVENTS, ESCALATED, ClockSweep
from desk.tickets.desk import TicketDesk
from desk.tickets.work import CaseWork, case_work
from desk.tickets.writing import CaseWriter
from fleet.complaints import Complaint, ComplaintClass
from fleet.errors import SweepwatchError
from fleet.events import Event, Subject
from fleet.principals import Principal, PrincipalKind
from fleet.service import load_service
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import Ticket, TicketKind, TicketState
from fleet.workflows import WORKFLOWS
from storage.records.clock_steps import ClockStep
from storage.records.complaints import ComplaintRow
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Device
from storage.records.events import events_after
from storage.records.tickets import TicketRow, to_tickets

ROBOTS = 24
FASTER = 2_400
"""An hour of this desk passes in one and a half seconds."""
BEGINS = 1_790_000_000_000
_FAULTS = ("brush_jam", "battery_wear", "fan_motor_wear", "battery_overheat")
_BY = Principal(PrincipalKind.PERSON, "1", "Li")


@dataclass
class FastClock:
    """A clock that runs faster, from `begins` (epoch ms) on."""

    begins: int
    started: float = field(default_factory=time.monotonic)

    def now_ms(self) -> int:
        """Return its time, epoch ms."""
        return self.begins + int((time.monotonic() - self.started) * 1000 * FASTER)


@dataclass(frozen=True)
class Scene:
    """The parts of a desk over one database."""

    desk: DeskDatabase
    clocks: TicketClocks
    tickets: TicketDesk
    work: CaseWork
    sweep: ClockSweep


def scene(folder: Path, clock: Any) -> Scene:
    """Open the desk of a folder."""
    desk = open_desk(f"sqlite:///{folder / 'desk.db'}")
    clocks = TicketClocks(Clocks(load_policy()))
    cases = CaseWriter(desk, clocks, clock)
    work = case_work(desk, cases, clocks, load_service())
    return Scene(desk, clocks, TicketDesk(desk, cases), work, ClockSweep(desk, clocks))


def prepare(folder: Path) -> None:
    """Make the database with its robots."""
    found = scene(folder, FastClock(BEGINS))
    with found.desk.transaction() as session:
        for number in range(ROBOTS):
            session.add(
                Device(
                    id=f"R{number}",
                    kind=Kind.ROBOT,
                    site=f"hall{number % 3}",
                    registered_at=BEGINS,
                    status="online",
                    last_seen=BEGINS,
                )
            )
    found.desk.close()


def live(folder: Path, begins: int, seed: int, ready: Any) -> None:
    """Work until killed; what was answered is written down after each commit."""
    clock = FastClock(begins)
    found, moments = scene(folder, clock), random.Random(seed)
    ready.send_bytes(b"ready")
    with (folder / "answered").open("a", encoding="utf-8") as answered:
        while True:
            said = _do_something(found, moments)
            if said:
                answered.write(f"{said}\n")
                answered.flush()
            found.sweep.tick(clock.now_ms())


def _do_something(found: Scene, moments: random.Random) -> str:
    robot, fault = f"R{moments.randrange(ROBOTS)}", moments.choice(_FAULTS)
    what = moments.random()
    try:
        if what < 0.3:
            return f"report {found.tickets.report(robot, fault, _BY, 'it squeals')} {fault}"
        if what < 0.45:
            said = Complaint(moments.choice(list(ComplaintClass)), f"words {moments.randrange(40)}")
            return f"complaint {found.work.complaints.file(said, _BY, device_id=robot)} -"
        with found.desk.transaction() as session:
            ids = list(session.scalars(select(TicketRow.id).order_by(TicketRow.id.desc()).limit(40)))
        if not ids:
            return ""
        number = moments.choice(ids)
        if what < 0.5:
            found.work.joining.merge(number, moments.choice(ids), _BY, "the same")
            return ""
        case = found.tickets.read(number)
        ways = WORKFLOWS[case.kind].ways[case.state]
        if not ways:
            return ""
        after = moments.choice(ways)
        confirmed = ["none"] if after is TicketState.REPAIRED else None
        found.tickets.change_state(number, after, _BY, "so it is", confirmed=confirmed)
    except SweepwatchError:
        pass  # what the desk refuses is refused
    return ""


@dataclass
class Account:
    """What was found at the end; `wrong` counts what must not be, by its name."""

    tickets: int = 0
    steps: int = 0
    answered: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


def account(folder: Path, now: int) -> Account:
    """Let the clocks go on to `now` (epoch ms), and look at every case, step and answer."""
    found = scene(folder, FastClock(now))
    while found.sweep.tick(now):
        pass
    result = Account()
    with found.desk.transaction() as session:
        rows = list(session.scalars(select(TicketRow).order_by(TicketRow.id)))
        cases = to_tickets(session, rows)
        steps = list(session.scalars(select(ClockStep)))
        complaints = set(session.scalars(select(ComplaintRow.ticket_id)))
        events = _events(session)
        twice = session.scalar(
            select(func.count()).select_from(
                select(TicketRow.device_id)
                .where(TicketRow.kind == "repair", TicketRow.state.not_in(("confirmed", "cancelled")))
                .group_by(TicketRow.device_id)
                .having(func.count() > 1)
                .subquery()
            )
        )
    result.tickets, result.wrong["two_open_of_a_robot"] = len(cases), twice or 0
    told = Counter(
        (int(event.subject_id), event.data["milestone"], event.data["step"])
        for event in events
        if event.what in (*CLOCK_EVENTS.values(), ESCALATED)
    )
    result.steps = sum(told.values())
    result.wrong["steps_told_twice"] = sum(count - 1 for count in told.values())
    marked = {(each.ticket_id, each.milestone, each.step) for each in steps if each.told_at is not None}
    result.wrong["steps_marked_and_untold"] = len(marked - set(told))
    result.wrong["steps_told_and_unmarked"] = len(set(told) - marked)
    by_case: dict[int, list[Event]] = {}
    for event in events:
        by_case.setdefault(int(event.subject_id), []).append(event)
    for case in cases:
        _look(found, case, by_case.get(case.id, []), complaints, marked, now, result)
    _compare(folder / "answered", {case.id: case for case in cases}, by_case, result)
    found.desk.close()
    return result


def _events(session: Any) -> list[Event]:
    events: list[Event] = []
    while more := events_after(session, events[-1].id if events else 0, 5_000):
        events += more
    return [event for event in events if event.subject is Subject.TICKET]


def _look(
    found: Scene,
    case: Ticket,
    events: list[Event],
    complaints: set[int],
    marked: set[tuple[int, str, str]],
    now: int,
    result: Account,
) -> None:
    states = [event.after for event in events if event.what in ("opened", "state", "merged")]
    if not states or states[-1] != case.state:
        result.wrong["case_is_not_as_the_log_tells"] += 1
    if not case.spans or case.spans[-1].state != case.state or case.spans[-1].level != case.level:
        result.wrong["spans_end_otherwise"] += 1
    if (case.kind is TicketKind.COMPLAINT) != (case.id in complaints):
        result.wrong["half_a_complaint"] += 1
    if case.kind is TicketKind.REPAIR and not case.suspicions and case.merged_into is None:
        result.wrong["half_a_case"] += 1
    clocks = found.clocks.dues(case, now)
    if case.is_open and dues_of(clocks).respond != case.respond_due:
        result.wrong["due_otherwise"] += 1
    wanted = {(case.id, str(key[0]), key[1]) for key, at in found.clocks.steps(clocks).items() if at <= now}
    if case.is_open:
        result.wrong["steps_missed"] += len(wanted - marked)


def _compare(
    answered: Path, cases: dict[int, Ticket], events: dict[int, list[Event]], result: Account
) -> None:
    for line in answered.read_text(encoding="utf-8").splitlines():
        parts = line.split()
        if len(parts) != 3:
            continue  # the last line of a life
        result.answered += 1
        number, fault = int(parts[1]), parts[2]
        kept = [each.data.get("fault", "-") for each in events.get(number, [])]
        if number not in cases or fault not in kept:
            result.wrong["answered_and_lost"] += 1
