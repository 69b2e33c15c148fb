"""What customers wrote goes when it is old and its case is over, on both kinds of database; scores stay."""

from helpers.desk_rooms import NOON, add_devices
from helpers.postgres import ready_desk, ready_url

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.feedback.desk import FeedbackDesk
from desk.feedback.visits import VisitBook
from desk.tickets.complaints import ComplaintDesk
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.assignments import Appointment
from fleet.case_files import CaseFile, FileKind
from fleet.clock import DAY_MS, ManualClock
from fleet.complaints import Complaint, ComplaintClass
from fleet.feedback import FeedbackSource, Said, Visit
from fleet.principals import person
from fleet.requests import Channel, NewRequest
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import TicketState as T
from storage.records.appointments import keep_appointment
from storage.records.complaints import ComplaintRow
from storage.records.customers_words import forget_customers_words, forget_files
from storage.records.database import DeskDatabase
from storage.records.feedback import feedback_of_case
from storage.records.files import CaseFilePiece, CaseFileRow, insert_file
from storage.records.requests import RequestRow, dismiss_request, insert_request
from storage.records.visits import visit_of

__all__ = ["ready_desk", "ready_url"]

LI = person("li")


def test_old_words_of_cases_that_are_over_go_and_all_else_stays(ready_desk: DeskDatabase) -> None:
    clock = ManualClock(NOON)
    cases = CaseWriter(ready_desk, TicketClocks(Clocks(load_policy())), clock)
    tickets, complaints = TicketDesk(ready_desk, cases), ComplaintDesk(cases)
    add_devices(ready_desk, {"R1": Kind.ROBOT, "R2": Kind.ROBOT})
    repairs = []
    for device in ("R1", "R2"):
        number = tickets.report(device, "fan_motor_wear", LI, "it hums")
        repairs.append(number)
        for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
            tickets.change_state(number, state, LI, "")
        VisitBook(ready_desk, clock).write(Visit(number, 0, "", None, 30, (), "new fan", None, "王"), LI)
        tickets.change_state(number, T.REPAIRED, LI, "", confirmed=["fan_motor_wear"])
        FeedbackDesk(ready_desk, clock, 3).record(number, Said(4, True, "好"), FeedbackSource.CALL, LI)
        with ready_desk.transaction() as session:
            said = NewRequest(Channel.STAFF, f"it hums {device}", "Chen", "139", device_id=device)
            row = session.get(RequestRow, insert_request(session, said, device, NOON).id)
            assert row is not None
            row.ticket_id = number
            arranged = Appointment(number, NOON, NOON + 1, NOON, remark="children sleep")
            keep_appointment(session, arranged)
        complaints.file(
            Complaint(ComplaintClass.URGENT, f"nobody came to {device}", "Chen", "139"), LI, device_id=device
        )
    tickets.change_state(repairs[1], T.REOPENED, LI, "it hums again")
    with ready_desk.transaction() as session:
        assert forget_customers_words(session, NOON) == 0, "it is not old"
        assert forget_customers_words(session, NOON + DAY_MS) == 4, "request, feedback, visit, appointment"
        assert forget_customers_words(session, NOON + DAY_MS) == 0
    with ready_desk.transaction() as session:
        words = {row.device_id: (row.words, row.who, row.contact) for row in session.query(RequestRow)}
        assert words == {"R1": ("", "", ""), "R2": ("it hums R2", "Chen", "139")}
        assert [each.said for each in feedback_of_case(session, repairs[0])] == [Said(4, True, "")]
        visits = [visit_of(session, number, 0) for number in repairs]
        assert [each.signed_by for each in visits if each] == ["", "王"]
        assert [each.remark for each in visits if each] == ["new fan"] * 2, "an engineer wrote that"
        assert {row.contact for row in session.query(ComplaintRow)} == {"139"}, "these are open"


def test_old_files_go_with_their_case_and_those_of_an_open_one_stay(ready_desk: DeskDatabase) -> None:
    clock = ManualClock(NOON)
    tickets = TicketDesk(ready_desk, CaseWriter(ready_desk, TicketClocks(Clocks(load_policy())), clock))
    add_devices(ready_desk, {"R1": Kind.ROBOT, "R2": Kind.ROBOT})
    over, runs = (tickets.report(device, "fan_motor_wear", LI, "it hums") for device in ("R1", "R2"))
    tickets.change_state(over, T.CANCELLED, LI, "it was nothing")
    with ready_desk.transaction() as session:
        dismissed, waits = (
            insert_request(session, NewRequest(Channel.STAFF, words, "Chen", "139"), words, NOON).id
            for words in ("spam", "it hums")
        )
        dismiss_request(session, dismissed, NOON, "spam")
        for number in (over, runs):
            insert_file(session, picture(ticket_id=number), b"x" * 600_000, None)
        for number in (dismissed, waits):
            insert_file(session, picture(request_id=number), b"y", b"small")
    with ready_desk.transaction() as session:
        assert forget_files(session, NOON) == 0, "they are not old"
        assert forget_files(session, NOON + DAY_MS) == 2
        assert forget_files(session, NOON + DAY_MS) == 0
    with ready_desk.transaction() as session:
        kept = {(row.ticket_id, row.request_id) for row in session.query(CaseFileRow)}
        assert kept == {(runs, None), (None, waits)}
        assert session.query(CaseFilePiece).count() == 3 + 1, "pieces of what is gone are gone"


def picture(ticket_id: int | None = None, request_id: int | None = None) -> CaseFile:
    return CaseFile(0, "a.jpg", FileKind.PHOTO, "image/jpeg", 1, "0" * 64, NOON, "li", ticket_id, request_id)
