"""Who goes to which case when, on both databases: nobody is in two places at once, whoever asks how often."""

import threading
from contextlib import suppress

import pytest
from helpers.desk_rooms import NOON, add_devices
from helpers.postgres import ready_desk, ready_url
from sqlalchemy.exc import IntegrityError

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.dispatch.appointments import AppointmentDesk
from desk.dispatch.assigning import Assigning, Sent
from desk.dispatch.windows import Retell
from desk.parts.for_dispatch import StockForDispatch
from desk.parts.stock import Moving, StockDesk
from desk.tickets.desk import TicketDesk
from desk.tickets.joining import Joining
from desk.tickets.writing import CaseWriter
from fleet.assignments import Appointment, AppointmentState, Assignment, AssignmentState, Rather
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from fleet.engineers import Certificate, Demands, Engineer
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.events import Subject
from fleet.faults import FAULTS
from fleet.part_catalogue import Part
from fleet.principals import Principal, PrincipalKind
from fleet.service import load_service
from fleet.signals import Kind
from fleet.sites import Site
from fleet.sla import load_policy
from fleet.stock import PlaceKind, StockPlace
from fleet.tickets import TicketState as T
from storage.records.appointments import appointment_of
from storage.records.assignments import add_assignment, assignments_between, assignments_of
from storage.records.database import DeskDatabase
from storage.records.engineers import keep_engineer
from storage.records.events import events_of
from storage.records.part_catalogue import keep_part
from storage.records.reservations import held_for
from storage.records.sites import describe_site

__all__ = ["ready_desk", "ready_url"]

LI = Principal(PrincipalKind.PERSON, "7", "Li")
S = AssignmentState
DEMANDS = Demands(certified=frozenset({"electrical"}))


class Board:
    """A desk with forty robots at one site, two engineers who may mend brushes, and one who may not."""

    def __init__(self, desk: DeskDatabase) -> None:
        self.desk, self.clock = desk, ManualClock(NOON)
        self.clocks = TicketClocks(Clocks(load_policy()))
        self.cases = CaseWriter(desk, self.clocks, self.clock)
        self.tickets = TicketDesk(desk, self.cases)
        self.stock = StockDesk(desk, self.clock)
        self.cases.follow(self.stock.moved)
        for_dispatch = StockForDispatch(self.stock, self.clock)
        self.assigning = Assigning(self.cases, load_service(), DEMANDS, for_dispatch)
        self.appointments = AppointmentDesk(self.cases)
        add_devices(desk, {f"R{number}": Kind.ROBOT for number in range(60)})
        with desk.transaction() as session:
            describe_site(session, Site("hall", zone="Asia/Shanghai"))
            for name, skills in (("chen", {"mechanical"}), ("mia", {"mechanical"}), ("bo", set[str]())):
                keep_engineer(
                    session, Engineer(name, name.title(), skills=frozenset(skills), van=f"van-{name}")
                )

    def case(self, device: str = "R1", fault: str = "brush_jam") -> int:
        return self.tickets.report(device, fault, LI, "it squeals")

    def send(self, number: int, engineer: str = "chen", after_h: float = 2, **more: object) -> Assignment:
        arrives = self.clock.ms + round(after_h * HOUR_MS)
        sent = Sent(engineer, arrives, 30 * MINUTE_MS, **more)  # type: ignore[arg-type]
        return self.assigning.assign(number, sent, LI)

    def carries(self, van: str, quantity: int, part: str = "main-brush") -> None:
        """Let a van carry so many pieces of a part."""
        with self.desk.transaction() as session:
            keep_part(session, Part(part))
        self.stock.place(StockPlace(van, PlaceKind.VAN), LI)
        if quantity:
            self.stock.receive(Moving(van, part, quantity), LI)

    def held(self, number: int) -> list[tuple[str, str, int]]:
        with self.desk.transaction() as session:
            return [(each.place, each.part, each.quantity) for each in held_for(session, [number])]

    def states(self, number: int) -> list[tuple[str, str]]:
        with self.desk.transaction() as session:
            return [(each.engineer, each.state) for each in assignments_of(session, number)]

    def told(self, number: int) -> list[tuple[str, str | None, str | None]]:
        with self.desk.transaction() as session:
            events = events_of(session, Subject.TICKET, str(number))
        return [
            (each.what, each.before or each.data.get("was"), each.after or each.data.get("engineer"))
            for each in events
            if each.what != "opened" and not each.what.startswith("part_")
        ]

    def appointment(self, number: int) -> Appointment | None:
        with self.desk.transaction() as session:
            return appointment_of(session, number)


@pytest.fixture
def board(ready_desk: DeskDatabase) -> Board:
    return Board(ready_desk)


def test_an_assignment_takes_the_way_and_the_work_and_another_takes_its_place(board: Board) -> None:
    number = board.case()
    first = board.send(number)
    assert (first.begins, first.arrives) == (NOON + 90 * MINUTE_MS, NOON + 2 * HOUR_MS)
    assert first.ends - first.arrives == 25 * MINUTE_MS, "the usual minutes of a brush (fleet.faults)"
    board.send(number, "mia", 3)
    assert board.states(number) == [("chen", S.RELEASED), ("mia", S.PLANNED)]
    assert board.told(number) == [("assigned", None, "chen"), ("assigned", "chen", "mia")]


def test_an_engineer_has_one_place_at_a_time(board: Board) -> None:
    one, two = board.case("R1"), board.case("R2")
    board.send(one)
    with pytest.raises(Conflict, match=f"chen is at ticket {one} then"):
        board.send(two, after_h=2.4)
    board.send(two, after_h=3)
    assert board.states(two) == [("chen", S.PLANNED)], "right after it there is time, the way included"


def test_the_database_refuses_what_nobody_looked_for(board: Board) -> None:
    one, two = board.case("R1"), board.case("R2")
    found = board.send(one)
    same = Assignment(two, "chen", found.ends - 1, found.ends, found.ends + HOUR_MS)
    with pytest.raises(IntegrityError), board.desk.transaction() as session:
        add_assignment(session, same)
    board.assigning.release(one, LI, "the customer is away")
    with board.desk.transaction() as session:
        add_assignment(session, same)


def test_of_fifty_who_send_one_engineer_at_once_nobody_makes_two_of_him(board: Board) -> None:
    numbers = [board.case(f"R{each}") for each in range(50)]
    refused: list[str] = []

    def send(number: int) -> None:
        own = Assigning(CaseWriter(board.desk, board.clocks, board.clock), load_service(), DEMANDS)
        try:
            own.assign(number, Sent("chen", NOON + 2 * HOUR_MS, 30 * MINUTE_MS), LI)
        except Conflict as error:
            refused.append(str(error))

    threads = [threading.Thread(target=send, args=(each,)) for each in numbers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with board.desk.transaction() as session:
        taken = [each for each in assignments_between(session, NOON, NOON + DAY_MS) if each.is_open]
    assert (len(taken), len(refused)) == (1, 49)
    assert all("chen" in each for each in refused)


def test_who_may_not_do_it_is_sent_for_a_reason_alone(board: Board) -> None:
    number = board.case()
    with pytest.raises(InvalidInput, match="bo may not do mechanical on 20"):
        board.send(number, "bo")
    assert board.states(number) == []
    assert board.send(number, "bo", reason="he has watched it ten times").reason


def test_an_expired_certificate_is_no_skill(board: Board) -> None:
    paper = Certificate("low voltage", "electrical", expires=None)
    with board.desk.transaction() as session:
        keep_engineer(session, Engineer("mia", "Mia", skills=frozenset({"electrical", "mechanical"})))
    number = board.case(fault="battery_wear")
    with pytest.raises(InvalidInput, match="mia may not do electrical"):
        board.send(number, "mia")
    with board.desk.transaction() as session:
        able = Engineer("mia", "Mia", skills=frozenset({"electrical"}), certificates=(paper,))
        keep_engineer(session, able)
    board.send(number, "mia")


def test_an_assignment_follows_its_case(board: Board) -> None:
    number = board.case()
    board.send(number)
    for state, after in ((T.ACCEPTED, S.PLANNED), (T.EN_ROUTE, S.UNDER_WAY), (T.ACCEPTED, S.PLANNED)):
        board.tickets.change_state(number, state, LI, "")
        assert board.states(number) == [("chen", after)]
    board.clock.ms += 2 * HOUR_MS
    for state in (T.EN_ROUTE, T.REPAIRING):
        board.tickets.change_state(number, state, LI, "")
    with pytest.raises(Conflict, match="on the way there already"):
        board.send(number, "mia")
    board.clock.ms += 10 * MINUTE_MS
    board.tickets.change_state(number, T.REPAIRED, LI, "", confirmed=("brush_jam",))
    assert board.states(number) == [("chen", S.DONE)]
    two = board.case("R2")
    board.send(two, after_h=0.5)  # twenty minutes sooner than planned, he is free


def test_who_cannot_go_on_is_free_and_what_is_merged_needs_nobody(board: Board) -> None:
    one, two = board.case("R1"), board.case("R2")
    board.send(one)
    board.tickets.change_state(one, T.ACCEPTED, LI, "")
    board.tickets.change_state(one, T.WAITING_CUSTOMER, LI, "")
    assert board.states(one) == [("chen", S.RELEASED)]
    board.send(one)
    Joining(board.cases).merge(one, two, LI, "one and the same")
    assert board.states(one)[-1] == ("chen", S.RELEASED)


def test_two_go_together_or_nobody(board: Board) -> None:
    one, two = board.case("R1"), board.case("R2")
    board.send(two, "mia")
    with pytest.raises(Conflict, match="mia is at ticket"):
        board.send(one, helpers=("mia",))
    assert board.states(one) == [], "neither of them goes"
    board.send(one, helpers=("mia",), after_h=4)
    assert board.states(one) == [("chen", S.PLANNED), ("mia", S.PLANNED)]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (Sent("chen", NOON + 31 * DAY_MS), "within 30 days"),
        (Sent("chen", NOON, -1), "0 to 24 hours"),
        (Sent("chen", NOON, 2 * DAY_MS), "0 to 24 hours"),
        (Sent("chen", NOON, helpers=("chen",)), "each engineer once"),
        (Sent("nobody", NOON), "no engineer"),
    ],
)
def test_what_cannot_be_is_refused_in_words(board: Board, sent: Sent, said: str) -> None:
    number = board.case()
    with pytest.raises((InvalidInput, NotFound), match=said):
        board.assigning.assign(number, sent, LI)
    assert board.states(number) == []


def test_a_customer_is_told_of_a_window_once_and_again_only_when_it_does_not_hold(board: Board) -> None:
    number = board.case()
    with pytest.raises(Conflict, match="nobody is to go there"):
        board.appointments.tell(number, LI)
    board.send(number, after_h=30)
    assert board.appointments.tell(number, LI) is Retell.FIRST
    told = board.appointment(number)
    assert told is not None and told.ends - told.begins == 4 * HOUR_MS
    board.send(number, "mia", after_h=31)
    assert board.appointments.tell(number, LI) is Retell.KEPT
    board.send(number, "mia", after_h=34)
    assert board.appointments.tell(number, LI) is Retell.MOVED
    moved = board.appointment(number)
    assert moved is not None and (moved.times, moved.state) == (2, AppointmentState.TOLD)


def test_a_window_narrows_within_what_was_told_and_what_was_confirmed_stays_so(board: Board) -> None:
    number = board.case()
    board.send(number, after_h=30)
    board.appointments.tell(number, LI)
    first = board.appointment(number)
    secret = board.appointments.link_again(number)
    board.appointments.answer(secret, AppointmentState.CONFIRMED)
    board.clock.ms += 25 * HOUR_MS
    assert board.appointments.tell(number, LI) is Retell.NARROWER
    near = board.appointment(number)
    assert first is not None and near is not None
    assert first.begins <= near.begins < near.ends <= first.ends
    assert (near.ends - near.begins, near.state) == (2 * HOUR_MS, AppointmentState.CONFIRMED)
    board.tickets.change_state(number, T.ACCEPTED, LI, "")
    board.clock.ms += 4 * HOUR_MS  # half an hour before the arrival
    board.tickets.change_state(number, T.EN_ROUTE, LI, "")
    assert board.told(number)[-1] == ("appointment", None, "under_way"), (
        "whoever knows of it is told by itself"
    )
    assert board.appointments.tell(number, LI) is Retell.KEPT
    board.tickets.change_state(number, T.WAITING_CUSTOMER, LI, "nobody opened")
    assert board.told(number)[-1][0] == "appointment_off"


def test_by_a_link_a_customer_would_rather_have_another_time(board: Board) -> None:
    number = board.case()
    board.send(number, after_h=30)
    board.appointments.tell(number, LI)
    old, secret = board.appointments.link_again(number), board.appointments.link_again(number)
    for wrong in (old, secret[:-1], ""):
        with board.desk.transaction() as session, pytest.raises(NotFound):
            board.appointments.open(session, wrong)
    with pytest.raises(InvalidInput, match="say when it would suit"):
        board.appointments.answer(secret, AppointmentState.MOVE)
    with pytest.raises(InvalidInput, match="allowed: confirmed, move"):
        board.appointments.answer(secret, AppointmentState.OFF)
    said = board.appointments.answer(secret, AppointmentState.MOVE, [Rather.AFTER_20], "children sleep")
    assert (said.rather, said.by) == ((Rather.AFTER_20,), "customer")
    assert board.told(number)[-1] == ("appointment_answer", "told", "move")
    board.tickets.change_state(number, T.ACCEPTED, LI, "")
    board.tickets.change_state(number, T.EN_ROUTE, LI, "")
    with pytest.raises(Conflict, match="on the way already"):
        board.appointments.answer(secret, AppointmentState.CONFIRMED)


def test_an_assignment_and_its_part_are_both_there_or_neither(board: Board) -> None:
    part = FAULTS["brush_jam"].part or "none"
    board.carries("van-chen", 1, part)
    one, two = board.case("R1"), board.case("R2")
    board.send(one)
    assert board.held(one) == [("van-chen", part, 1)]
    with pytest.raises(InvalidInput, match=f"no {part} is in the van"):
        board.send(two, after_h=4)
    assert (board.states(two), board.held(two)) == ([], []), "nobody is sent without it, unless for a reason"
    board.send(two, after_h=4, reason="the customer has one")
    board.assigning.release(one, LI, "the customer is away")
    assert board.held(one) == []
    board.send(two, after_h=5)
    assert board.held(two) == [("van-chen", part, 1)]
    board.tickets.change_state(two, T.CANCELLED, LI, "a mistake")
    assert board.held(two) == []


def test_of_fifty_who_send_somebody_with_the_last_part_one_has_both(board: Board) -> None:
    part = FAULTS["brush_jam"].part or "none"
    board.stock.place(StockPlace("depot"), LI)
    board.carries("van-chen", 0, part)
    board.stock.receive(Moving("depot", part, 1), LI)
    with board.desk.transaction() as session:
        for each in range(50):
            keep_engineer(session, Engineer(f"e{each}", f"E{each}", skills=frozenset({"mechanical"})))
    numbers = [board.case(f"R{each}") for each in range(50)]

    def send(each: int) -> None:
        cases = CaseWriter(board.desk, board.clocks, board.clock)
        stock = StockForDispatch(StockDesk(board.desk, board.clock), board.clock)
        own = Assigning(cases, load_service(), DEMANDS, stock)
        with suppress(Conflict, InvalidInput):
            own.assign(numbers[each], Sent(f"e{each}", NOON + 2 * HOUR_MS, 30 * MINUTE_MS), LI)

    threads = [threading.Thread(target=send, args=(each,)) for each in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    sent = [number for number in numbers if board.states(number)]
    assert len(sent) == 1
    assert [number for number in numbers if board.held(number)] == sent


def test_a_visit_is_made_longer_where_that_is_free_and_stays_as_it_was_where_it_is_not(board: Board) -> None:
    going, following = board.case("R1"), board.case("R2")
    sent = board.send(going, after_h=1)
    board.send(following, after_h=3)
    for state in (T.ACCEPTED, T.EN_ROUTE):
        board.tickets.change_state(going, state, LI, "")
    with board.cases.writing() as session:
        board.assigning.take_longer(session, sent.id, sent.ends + 10 * MINUTE_MS)
        board.assigning.take_longer(session, sent.id, sent.ends + 5 * HOUR_MS)
    with board.desk.transaction() as session:
        (kept,) = assignments_of(session, going)
    assert kept.ends == sent.ends + 10 * MINUTE_MS
