"""What people do about cases, on both databases: complaints, owners, merging, checklists, causes."""

import threading
from collections import Counter
from dataclasses import replace

import pytest
from helpers.desk_rooms import NOON, add_devices
from helpers.postgres import ready_desk, ready_url

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.clocks.sweep import ClockSweep
from desk.tickets.complaints import review_at
from desk.tickets.conversation import Audience
from desk.tickets.desk import TicketDesk
from desk.tickets.work import case_work
from desk.tickets.writing import CaseWriter
from fleet.case_files import CaseFile, FileKind
from fleet.cases import cleared, open_case, suspect
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from fleet.complaints import Complaint
from fleet.complaints import ComplaintClass as C
from fleet.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.grants import Role
from fleet.joined_cases import enlarged
from fleet.people import RoleAt
from fleet.principals import Principal, PrincipalKind, person
from fleet.requests import Channel, NewRequest
from fleet.service import load_service
from fleet.signals import Kind
from fleet.sites import Site
from fleet.sla import Milestone, load_policy
from fleet.tickets import REPORT, SuspicionState, Ticket, TicketLink, TicketOrigin
from fleet.tickets import TicketState as T
from storage.records.database import DeskDatabase
from storage.records.events import events_of
from storage.records.files import files_of_ticket, insert_file
from storage.records.people import add_person
from storage.records.requests import insert_request, place_request, requests_of_ticket
from storage.records.sites import describe_site
from storage.records.ticket_links import links_of
from storage.records.tickets import ticket

__all__ = ["ready_desk", "ready_url"]

M = Milestone
LI = Principal(PrincipalKind.PERSON, "7", "Li")
WANG = person("wang")


class Desk:
    """A desk with three robots at one site, and all that changes its cases."""

    def __init__(self, desk: DeskDatabase) -> None:
        self.desk = desk
        self.clock = ManualClock(NOON)
        self.clocks = TicketClocks(Clocks(load_policy()))
        self.cases = CaseWriter(desk, self.clocks, self.clock)
        self.tickets = TicketDesk(desk, self.cases)
        self.work = case_work(desk, self.cases, self.clocks, load_service())
        add_devices(desk, {"R1": Kind.ROBOT, "R2": Kind.ROBOT, "T1": Kind.TOOL})
        with desk.transaction() as session:
            describe_site(session, Site("hall", customer="ACME", type="hospital"))

    def file(self, words: str = "nobody came", of_class: C = C.EXPERIENCE, **more: object) -> int:
        """File a complaint about R1."""
        said = Complaint(of_class, words)
        return self.work.complaints.file(replace(said, **more), LI, device_id="R1")  # type: ignore[arg-type]

    def case(self, number: int) -> Ticket:
        """Return a case."""
        with self.desk.transaction() as session:
            return ticket(session, number)

    def move(self, number: int, *states: T, why: str = "so it is") -> Ticket:
        """Move a case on, an hour each."""
        for state in states:
            self.clock.ms += HOUR_MS
            self.tickets.change_state(number, state, LI, why)
        return self.case(number)

    def told(self, number: int) -> list[Event]:
        """Return what happened to a case."""
        with self.desk.transaction() as session:
            return list(events_of(session, Subject.TICKET, str(number)))

    def due(self, number: int) -> dict[M, int | None]:
        """Return when each milestone is due, in minutes after it was opened."""
        case = self.case(number)
        found = self.clocks.of(case, self.clock.ms)
        return {c.milestone: None if c.due is None else (c.due - case.opened_at) // MINUTE_MS for c in found}


@pytest.fixture
def house(ready_desk: DeskDatabase) -> Desk:
    return Desk(ready_desk)


def test_a_complaint_has_the_clocks_of_its_class_and_is_looked_at_again_after_a_week(house: Desk) -> None:
    number = house.file(of_class=C.URGENT)
    case = house.case(number)
    assert (case.kind, case.fault, case.device_id, case.site) == ("complaint", "", "R1", "hall")
    assert case.complaint is not None and case.complaint.customer == "ACME", "whose the site is"
    assert house.due(number) == {M.CONTACT: 60, M.CLOSE: 24 * 60}
    assert case.due == NOON + HOUR_MS, "what comes next"
    after = house.move(number, T.CONTACTED, T.RECTIFYING, T.VERIFYING, T.CLOSED)
    assert (after.responded_at, after.solved_at) == (NOON + HOUR_MS, NOON + 4 * HOUR_MS)
    assert after.due is None and not after.is_open
    assert review_at(after) == NOON + 4 * HOUR_MS + 7 * DAY_MS
    after = house.move(number, T.REVIEWED, why="they are content")
    assert after.complaint is not None and after.complaint.review == "they are content"
    assert review_at(after) is None


def test_whoever_answers_first_answers_for_it_until_it_is_handed_over_for_a_reason(house: Desk) -> None:
    number = house.file()
    assert house.move(number, T.CONTACTED).owner_name == "Li"
    house.clock.ms += HOUR_MS
    house.tickets.change_state(number, T.RECTIFYING, WANG, "")
    assert house.case(number).owner_name == "Li", "whoever goes on with it"
    with house.desk.transaction() as session:
        ann = add_person(session, "ann@x.org", "Ann", NOON, [RoleAt(Role.ENGINEER)])
        far = add_person(session, "far@x.org", "Far", NOON, [])
    with pytest.raises(InvalidInput, match="a reason is required"):
        house.work.conversation.hand_over(number, ann.id, LI, " ")
    with pytest.raises(InvalidInput, match="Far may not sign in, or has nothing to do with hall"):
        house.work.conversation.hand_over(number, far.id, LI, "holidays")
    after = house.work.conversation.hand_over(number, ann.id, LI, "holidays")
    assert (after.owner, after.owner_name) == (str(ann.id), "Ann")


def test_twice_not_up_to_standard_makes_a_major_one_and_so_does_loss(house: Desk) -> None:
    number = house.file()
    way = (T.CONTACTED, T.RECTIFYING, T.VERIFYING, T.RECTIFYING)
    case = house.move(number, *way)
    assert case.complaint is not None and case.complaint.of_class is C.EXPERIENCE
    case = house.move(number, T.VERIFYING, T.RECTIFYING)
    assert case.complaint is not None
    assert (case.complaint.of_class, case.complaint.setbacks, case.level) == (C.MAJOR, 2, "L1")
    assert [e.after for e in house.told(number) if e.what == "class"] == ["major"]
    assert set(house.due(number)) == {M.CONTACT, M.ON_SITE, M.PLAN, M.CLOSE}
    lost = house.case(house.file("a vase broke", loss=True))
    assert lost.complaint is not None and lost.complaint.of_class is C.MAJOR
    with pytest.raises(InvalidInput, match="a reason is required"):
        house.work.complaints.classify(number, C.URGENT, LI, "")
    stays = house.work.complaints.classify(number, C.URGENT, LI, "they say so")
    assert stays.complaint is not None and stays.complaint.of_class is C.MAJOR, "its setbacks stay"


def test_the_third_complaint_about_one_robot_is_a_major_one(house: Desk) -> None:
    classes = []
    for words in ("dirty", "dirty again", "dirty for the third time"):
        case = house.case(house.file(words, C.SUGGESTION))
        assert case.complaint is not None
        classes.append(case.complaint.of_class)
        house.clock.ms += DAY_MS
    assert classes == [C.SUGGESTION, C.SUGGESTION, C.MAJOR]


def test_a_plan_and_an_arrival_reach_their_milestones_once(house: Desk) -> None:
    number = house.file("hurt", C.MAJOR)
    house.clock.ms += HOUR_MS
    house.work.complaints.arrive(number, LI)
    with pytest.raises(Conflict, match="on the spot already"):
        house.work.complaints.arrive(number, LI)
    house.work.complaints.plan(number, "a new brush", LI)
    house.clock.ms += HOUR_MS
    case = house.work.complaints.plan(number, "two new brushes", LI)
    assert (case.on_site_at, case.planned_at) == (NOON + HOUR_MS, NOON + HOUR_MS)
    assert case.complaint is not None and case.complaint.plan == "two new brushes"
    with pytest.raises(InvalidInput, match="plan: "):
        house.work.complaints.plan(number, " \n", LI)


def test_the_same_complaint_sent_again_is_one_and_after_its_end_another(house: Desk) -> None:
    number = house.file("Nobody  CAME ")
    assert house.file("nobody came") == number
    assert [e.what for e in house.told(number)] == ["opened", "note"]
    house.move(number, T.CANCELLED)
    assert house.file("nobody came") != number


@pytest.mark.parametrize("what", ["complaint", "report"])
def test_fifty_who_say_the_same_at_once_open_one_case(house: Desk, what: str) -> None:
    found: list[int] = []

    def say() -> None:
        own = CaseWriter(house.desk, house.clocks, house.clock)
        if what == "report":
            found.append(TicketDesk(house.desk, own).report("R2", "brush_jam", LI, "it squeals"))
        else:
            work = case_work(house.desk, own, house.clocks, load_service())
            found.append(work.complaints.file(Complaint(C.URGENT, "smells"), LI, device_id="R2"))

    threads = [threading.Thread(target=say) for _ in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert Counter(found) == {found[0]: 50}


def test_of_fifty_changes_at_once_one_wins_and_the_others_hear_whose(house: Desk) -> None:
    number = house.tickets.report("R1", "brush_jam", LI, "it squeals")
    refused: list[str] = []

    def accept(name: str) -> None:
        own = TicketDesk(house.desk, CaseWriter(house.desk, house.clocks, house.clock))
        try:
            own.change_state(number, T.ACCEPTED, person(name), "mine", version=1)
        except Conflict as error:
            refused.append(str(error))

    threads = [threading.Thread(target=accept, args=(f"p{each}",)) for each in range(50)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (winner,) = {e.principal.name for e in house.told(number) if e.what == "state"}
    assert len(refused) == 49
    assert set(refused) == {
        f"ticket {number} is at version 2, not 1; read it again: {winner}: opened -> accepted"
    }
    with pytest.raises(IllegalTransition, match=f"it is final|{winner}: opened -> accepted"):
        house.tickets.change_state(number, T.ACCEPTED, LI, "mine too")


def test_a_merged_case_gives_what_it_held_and_its_alerts_stay_open(house: Desk) -> None:
    gone = house.tickets.report("R1", "battery_overheat", LI, "it is hot")
    stays = house.tickets.report("R2", "brush_jam", WANG, "it squeals")
    house.clock.ms += HOUR_MS
    with pytest.raises(InvalidInput, match="a reason is required"):
        house.work.joining.merge(gone, stays, LI, "")
    case = house.work.joining.merge(gone, stays, LI, "one and the same robot")
    assert {each.fault for each in case.suspicions} == {"brush_jam", "battery_overheat"}
    assert case.level == "L1" and case.spans[-1].begins == house.clock.ms, "the worse level runs from now"
    left = house.case(gone)
    assert (left.state, left.merged_into, left.suspicions) == (T.CANCELLED, stays, ())
    assert [e.what for e in house.told(gone)] == ["opened", "merged"]
    assert house.told(gone)[-1].data["alerts"] == []
    ClockSweep(house.desk, house.clocks).tick(house.clock.ms + 90 * DAY_MS)
    assert [e.what for e in house.told(gone)] == ["opened", "merged"], "it is owed no more"
    with pytest.raises(Conflict, match="only open ones are merged"):
        house.work.joining.merge(gone, stays, LI, "again")
    with pytest.raises(Conflict, match="one kind and one site"):
        house.work.joining.merge(house.file(), stays, LI, "all of it")


def test_what_was_reported_and_sent_goes_along_with_a_merged_case(house: Desk) -> None:
    gone = house.tickets.report("R1", "battery_overheat", LI, "it is hot")
    stays = house.tickets.report("R2", "brush_jam", WANG, "it squeals")
    with house.desk.transaction() as session:
        asked = insert_request(session, NewRequest(Channel.STAFF, "it is hot", "Chen", "139"), "x", NOON)
        place_request(session, asked.id, gone)
        for number, digest in ((gone, "same"), (gone, "other"), (stays, "same")):
            new = CaseFile(0, "a.jpg", FileKind.PHOTO, "image/jpeg", 1, digest, NOON, "li", number)
            insert_file(session, new, b"x", None)
    house.work.joining.merge(gone, stays, LI, "one and the same robot")
    with house.desk.transaction() as session:
        assert [each.id for each in requests_of_ticket(session, stays)] == [asked.id]
        assert {each.sha256 for each in files_of_ticket(session, stays)} == {"same", "other"}
        assert [each.sha256 for each in files_of_ticket(session, gone)] == ["same"], "it has that already"


def test_both_of_one_fault_are_one_suspicion_once_merged(house: Desk) -> None:
    gone = house.tickets.report("R1", "brush_jam", LI, "it squeals")
    stays = house.tickets.report("R2", "brush_jam", WANG, "it squeals")
    case = house.work.joining.merge(gone, stays, LI, "the label was read wrongly")
    assert [each.fault for each in case.suspicions] == ["brush_jam"]


def test_what_a_person_saw_is_not_lost_where_an_alert_suspected_the_same() -> None:
    seen = suspect("brush_jam", NOON, {"source": REPORT, "why": "it squeals"})
    gone = open_case("R1", "hall", TicketOrigin.REPORTED, seen, NOON)
    foreseen = suspect("brush_jam", NOON, {"source": "risk", "risk": 0.8}, alert_id=7)
    stays = cleared(open_case("R2", "hall", TicketOrigin.PROACTIVE, foreseen, NOON), "brush_jam", NOON)
    case = enlarged(stays, gone, NOON)
    (mine,) = case.suspicions
    assert (mine.alerts, mine.reported, mine.state) == ((7,), True, SuspicionState.SUSPECTED)
    assert cleared(case, "brush_jam", NOON) == case, "it does not clear by itself"


def repaired(house: Desk, device: str) -> int:
    """Return a case of two reported faults of which one was found."""
    number = house.tickets.report(device, "brush_jam", LI, "it squeals")
    house.tickets.report(device, "battery_wear", LI, "runs for ten minutes")
    house.move(number, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)
    house.tickets.change_state(number, T.REPAIRED, LI, "", confirmed=("brush_jam",))
    return number


def test_what_was_found_at_a_robot_is_not_taken_out_of_its_case_any_more(house: Desk) -> None:
    number, other = repaired(house, "R1"), house.tickets.report("R2", "fan_motor_wear", WANG, "it howls")
    for _ in range(2):
        before = house.case(number)
        with pytest.raises(Conflict, match="what was found there stands; reopen it first"):
            house.work.joining.split(number, ["brush_jam"], "R2", LI, "wrong robot")
        for pair in ((number, other), (other, number)):
            with pytest.raises(Conflict, match="reopen it first|only open ones are merged"):
                house.work.joining.merge(*pair, LI, "one and the same")
        assert house.case(number) == before
        house.move(number, *(state for state in [T.CONFIRMED] if before.state is T.REPAIRED))
    house.move(number, T.REOPENED)
    assert house.work.joining.split(number, ["brush_jam"], "R2", LI, "wrong robot") == other


def test_no_device_is_given_a_fault_that_it_cannot_have(house: Desk) -> None:
    number = house.tickets.report("R1", "brush_jam", LI, "it squeals")
    house.tickets.report("R1", "battery_wear", LI, "runs for ten minutes")
    tools = house.tickets.report("T1", "tool_consumable_spent", WANG, "it is dry")
    with pytest.raises(InvalidInput, match="T1 is a tool, which cannot have: brush_jam"):
        house.work.joining.split(number, ["brush_jam"], "T1", LI, "wrong label")
    with pytest.raises(InvalidInput, match="T1 is a tool, which cannot have: battery_wear, brush_jam"):
        house.work.joining.merge(number, tools, LI, "wrong label")


def test_a_merged_complaint_is_as_grave_as_the_graver_and_said_again_reaches_an_open_one(house: Desk) -> None:
    gone = house.file("it broke a vase", C.SUGGESTION, loss=True, contact="Ann")
    stays = house.file("nobody came", C.SUGGESTION)
    house.clock.ms += HOUR_MS
    case = house.work.joining.merge(gone, stays, LI, "one story")
    assert case.complaint is not None
    assert (case.complaint.of_class, case.complaint.loss, case.complaint.contact) == (C.MAJOR, True, "Ann")
    assert (case.level, case.spans[-1].begins) == ("L1", house.clock.ms)
    assert [(e.what, e.after) for e in house.told(stays)][-1] == ("class", C.MAJOR)
    again = house.file("it broke a vase", C.SUGGESTION)
    assert again not in (gone, stays) and house.case(again).is_open


def test_what_is_about_another_robot_is_split_off_and_linked(house: Desk) -> None:
    number = house.tickets.report("R1", "brush_jam", LI, "it squeals")
    house.tickets.report("R1", "battery_wear", LI, "runs for ten minutes")
    split = house.work.joining.split
    with pytest.raises(InvalidInput, match="allowed: brush_jam, battery_wear"):
        split(number, ["fan_motor_wear"], "R2", LI, "wrong robot")
    with pytest.raises(InvalidInput, match="nothing would be left"):
        split(number, ["brush_jam", "battery_wear"], "R2", LI, "wrong robot")
    with pytest.raises(NotFound, match="no device 'R9' at hall"):
        split(number, ["brush_jam"], "R9", LI, "wrong robot")
    other = split(number, ["battery_wear"], "R2", LI, "wrong robot")
    assert [each.fault for each in house.case(number).suspicions] == ["brush_jam"]
    case = house.case(other)
    assert (case.device_id, case.origin, [s.fault for s in case.suspicions]) == (
        "R2",
        "reported",
        ["battery_wear"],
    )
    with house.desk.transaction() as session:
        assert [(each.id, each.kind) for each in links_of(session, number)] == [(other, TicketLink.FOLLOWS)]
    house.work.joining.unlink(other, number, LI)
    with house.desk.transaction() as session:
        assert links_of(session, number) == []


def test_a_checklist_is_that_of_its_fault_and_site_and_says_who_ticked_it(house: Desk) -> None:
    number = house.tickets.report("R1", "brush_jam", LI, "it squeals")
    procedure = house.work.procedure
    items = [item.id for item, _left in procedure.checklist(house.case(number))]
    assert items[0] == "arrival.badge" and {"brush.clean", "hospital.hygiene"} <= set(items)
    assert "battery.hot" not in items
    procedure.tick(number, "brush.clean", LI, done=True)
    procedure.tick(number, "brush.clean", LI, done=True)
    (left,) = [left for _item, left in procedure.checklist(house.case(number)) if left]
    assert (left.done, left.by, left.at) == (True, "Li", NOON)
    assert [e.what for e in house.told(number)].count("checked") == 1, "the same again changes nothing"
    with pytest.raises(InvalidInput, match='"brush.cleen" is not of this case.*did you mean brush.clean'):
        procedure.tick(number, "brush.cleen", LI, done=True)


def test_what_was_late_asks_why_and_what_was_not_does_not(house: Desk) -> None:
    number = house.tickets.report("R1", "brush_jam", LI, "it squeals")
    procedure = house.work.procedure
    assert procedure.late(house.case(number)) == []
    with pytest.raises(Conflict, match="respond is not late"):
        procedure.explain(number, M.RESPOND, "no_part", LI)
    house.clock.ms += 5 * HOUR_MS
    assert procedure.late(house.case(number)) == [(M.RESPOND, None)]
    house.tickets.change_state(number, T.ACCEPTED, LI, "")
    with pytest.raises(InvalidInput, match="cause: .*did you mean no_engineer"):
        procedure.explain(number, M.RESPOND, "no_enginer", LI)
    procedure.explain(number, M.RESPOND, "no_engineer", LI, "all at the airport")
    ((milestone, said),) = procedure.late(house.case(number))
    assert (milestone, said and said.cause) == (M.RESPOND, "no_engineer"), "it was reached, and late"


def test_a_comment_says_for_whom_it_is_and_changes_no_version(house: Desk) -> None:
    number = house.file()
    house.work.conversation.comment(number, "closed on Friday", Audience.CUSTOMER, LI)
    event = house.told(number)[-1]
    assert (event.what, event.reason, event.data["audience"]) == ("comment", "closed on Friday", "customer")
    assert house.case(number).version == 1
    for text in ("", " \n", "x" * 4001, "a\x00b"):
        with pytest.raises(InvalidInput, match="1 to 4000"):
            house.work.conversation.comment(number, text, Audience.INTERNAL, LI)
    with pytest.raises(NotFound):
        house.work.conversation.comment(999, "x", Audience.INTERNAL, LI)


def test_who_calls_for_help_is_answered_within_minutes_and_the_case_ends_with_a_protocol(house: Desk) -> None:
    add_devices(house.desk, {"W1": Kind.WRISTBAND})
    number = house.tickets.report("W1", "worker_sos", LI, "the button")
    assert house.tickets.report("W1", "worker_fall", LI, "they lie on the floor") == number, (
        "one and the same"
    )
    assert (house.case(number).kind, house.due(number)) == ("safety", {M.RESPOND: 5})
    other = house.tickets.report("W1", "wristband_battery", LI, "empty")
    assert (house.case(other).kind, other == number) == ("repair", False), "that is mended, whoever wears it"
    with pytest.raises(IllegalTransition, match="allowed: accepted, cancelled"):
        house.tickets.change_state(number, T.EN_ROUTE, LI, "")
    house.move(number, T.ACCEPTED, why="")
    with pytest.raises(InvalidInput, match="a reason is required"):
        house.tickets.change_state(number, T.CLOSED, LI, " ")
    case = house.move(number, T.CLOSED, why="slipped on the stairs; first aid; nothing broken")
    assert {each.state for each in case.suspicions} == {"confirmed"}
