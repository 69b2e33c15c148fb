"""Stories of cases: who is told of a promise that is about to be broken, of one that was, of a complaint."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import add_devices
from helpers.fresh_desk import fresh_file
from helpers.noticed import MANAGERS, Noticed
from sqlalchemy import update

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.clocks.sweep import ClockSweep
from desk.feedback.desk import FeedbackDesk
from desk.feedback.sweep import FollowUpSweep
from desk.tickets.desk import TicketDesk
from desk.tickets.telling import CaseTeller
from desk.tickets.work import case_work
from desk.tickets.writing import CaseWriter
from fleet.clock import DAY_MS, HOUR_MS
from fleet.complaints import Complaint, ComplaintClass
from fleet.duty import Target, TargetKind
from fleet.feedback import FeedbackSource, Said
from fleet.grants import Role
from fleet.outbox import Wishes
from fleet.principals import Principal, PrincipalKind
from fleet.service import load_service
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import TicketState as T
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Device
from storage.records.maintenance import dues_of_devices


class Desk:
    """A desk whose clocks and complaints are told to Ada (English), the manager, and Li (Chinese)."""

    def __init__(self, desk: DeskDatabase) -> None:
        self.room = Noticed(desk)
        self.ada = self.room.person("mail:ada@x.example")
        self.li = self.room.person("mail:li@x.example", wishes=Wishes("zh"))
        self.room.duty.on[MANAGERS] = (self.ada,)
        self.room.duty.on[Target(TargetKind.PERSON, str(self.li))] = (self.li,)
        clocks, teller = TicketClocks(Clocks(load_policy())), CaseTeller(self.room.duty)
        cases = CaseWriter(desk, clocks, self.room.clock)
        self.tickets = TicketDesk(desk, cases)
        self.work = case_work(desk, cases, clocks, load_service(), teller)
        self.complaints = self.work.complaints
        self.feedback = FeedbackDesk(desk, self.room.clock, 3, teller)
        self.sweep, self.unattended = ClockSweep(desk, clocks, teller), FollowUpSweep(desk, teller)
        add_devices(desk, {"R1": Kind.ROBOT}, last_seen=self.room.clock.ms)
        self.room.duty.on[Target(TargetKind.ROLE, Role.MANAGER)] = (self.ada,)
        self.by_li = Principal(PrincipalKind.PERSON, str(self.li), "Li")

    def after(self, hours: float) -> list[tuple[str, str]]:
        """Let time pass; return who is told what by then."""
        self.room.clock.ms += round(hours * HOUR_MS)
        self.sweep.tick(self.room.clock.ms)
        self.unattended.tick(self.room.clock.ms)
        self.room.follow()
        told = len(self.room.mail.taken)
        self.room.send()
        return [(to, message.title) for _, to, message in self.room.mail.taken[told:]]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "desk.db").write_bytes(fresh_file())
    desk = open_desk(f"sqlite:///{tmp_path / 'desk.db'}")
    yield Desk(desk)
    desk.close()


def test_an_answer_that_is_due_soon_and_overdue_is_told_and_what_is_done_is_not(house: Desk) -> None:
    number = house.tickets.report("R1", "fan_motor_wear", house.by_li, "it hums")
    assert house.after(2.9) == []
    (told,) = house.after(0.2)
    assert told == ("ada@x.example", f"[L2] Due soon: answer – Suction fan worn – hall (ticket #{number})")
    (told,) = house.after(1)
    assert told[1].startswith("[L2] Overdue: answer")
    house.tickets.change_state(number, T.ACCEPTED, house.by_li, "")
    assert house.after(3) == [], "it was answered, late: nobody is told again"
    told = house.after(11.5)
    assert {to for to, _ in told} == {"li@x.example", "ada@x.example"}, "who answers for it, and the chain"
    assert dict(told)["li@x.example"].startswith("[L2] 即将到期：到场")


def test_a_complaint_is_told_at_once_in_the_customers_words_until_somebody_answers(house: Desk) -> None:
    said = Complaint(ComplaintClass.MAJOR, "the robot drove into my leg", loss=True)
    number = house.complaints.file(said, house.by_li, device_id="R1")
    (told,) = house.after(0.01)
    assert told == ("ada@x.example", f"[L1] Complaint, major – hall (ticket #{number})")
    message = house.room.mail.taken[-1][2]
    assert "In the customer's words: the robot drove into my leg" in message.text
    assert message.link is not None and "/n/" in message.link
    house.tickets.change_state(number, T.CONTACTED, house.by_li, "")
    assert house.complaints.file(said, house.by_li, device_id="R1") == number
    assert house.after(0.01) == [], "said again it is the same, and somebody has answered"


def _repaired(house: Desk) -> int:
    number = house.tickets.report("R1", "fan_motor_wear", house.by_li, "it hums")
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.REPAIRED):
        confirmed = ("fan_motor_wear",) if state is T.REPAIRED else None
        house.tickets.change_state(number, state, house.by_li, "", confirmed=confirmed)
    house.after(0.01)
    return number


def test_a_low_score_is_told_at_once_and_again_above_when_nobody_looked_after_it(house: Desk) -> None:
    number = _repaired(house)
    house.feedback.record(number, Said(2, False, "it hums again"), FeedbackSource.CALL, house.by_li)
    told = dict(house.after(0.01))
    assert told["ada@x.example"].endswith(f"Low score: 2/5 – Suction fan worn – hall (ticket #{number})")
    assert "it hums again" not in house.room.mail.taken[-1][2].text, "what customers say stays in the console"
    assert house.after(23) == []
    told = dict(house.after(1.1))
    assert "Nobody looked after a low score: 2/5" in told["ada@x.example"]
    assert house.after(48) == [], "told once"


def test_a_low_score_that_was_looked_after_meanwhile_is_told_to_nobody(house: Desk) -> None:
    number = _repaired(house)
    house.feedback.record(number, Said(1, False), FeedbackSource.STAFF, house.by_li)
    (found,) = house.feedback.follow_ups()
    house.feedback.end_follow_up(found.id, house.by_li, "called, they get a new fan")
    assert house.after(25) == []


def test_maintenance_that_comes_is_told_so_that_a_visit_is_arranged(house: Desk) -> None:
    assert house.work.maintenance.tick() == 0
    with house.room.desk.transaction() as session:
        due = dues_of_devices(session, ["R1"])["R1", "quarter"].due_at
        assert due is not None
        house.room.clock.ms = due - 10 * DAY_MS
        session.execute(update(Device).values(last_seen=house.room.clock.ms))
    assert house.work.maintenance.tick() == 1
    ((to, title),) = house.after(0.01)
    assert (to, title.split(": ")[0]) == ("ada@x.example", "[L3] Arrange a visit for maintenance")
