"""Requests and files keep their promises on SQLite and on PostgreSQL, whoever reports at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from helpers.desk_rooms import NOON, add_devices
from helpers.postgres import ready_desk, ready_url

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.files.checked import Checked
from desk.files.files import CaseFiles
from desk.intake.intake import Intake
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.case_files import FileKind
from fleet.clock import ManualClock
from fleet.principals import person
from fleet.requests import Channel, NewRequest, RequestState
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import SuspicionState
from storage.records.database import DeskDatabase
from storage.records.files import files_of_ticket
from storage.records.paging import Asked
from storage.records.requests import find_requests
from storage.records.ticket_lists import TicketFilter, find_tickets

__all__ = ["ready_desk", "ready_url"]

AT_ONCE, PROCESSES = 50, 4
SAID = NewRequest(Channel.QR, "it does not suck", contact="desk 7", device_id="R1", fault="fan_motor_wear")


def process(desk: DeskDatabase) -> Intake:
    """Return intake as a process of its own has it: their locks know nothing of each other."""
    clock = ManualClock(NOON)
    return Intake(desk, TicketDesk(desk, CaseWriter(desk, TicketClocks(Clocks(load_policy())), clock)), clock)


def test_fifty_reports_at_once_are_one_case_with_one_suspicion(ready_desk: DeskDatabase) -> None:
    add_devices(ready_desk, {"R1": Kind.ROBOT})
    intakes = [process(ready_desk) for _ in range(PROCESSES)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        taken = list(pool.map(lambda n: intakes[n % PROCESSES].take(SAID, person(f"p{n}")), range(AT_ONCE)))
    with ready_desk.transaction() as session:
        (case,) = find_tickets(session, TicketFilter(), Asked("id", 9, None, "")).rows
        requests = find_requests(session, RequestState.PLACED, Asked("id", 100, None, "")).rows
    assert {one.ticket_id for one in taken} == {case.id}
    assert [(each.fault, each.state) for each in case.suspicions] == [
        ("fan_motor_wear", SuspicionState.SUSPECTED)
    ]
    assert len(requests) == AT_ONCE


def test_the_same_message_taken_by_several_at_once_is_one_request(ready_desk: DeskDatabase) -> None:
    add_devices(ready_desk, {"R1": Kind.ROBOT})
    said = replace(SAID, channel=Channel.MAIL, message_id="ab" * 32)
    intakes = [process(ready_desk) for _ in range(PROCESSES)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: intakes[n % PROCESSES].take(said, person("mail")), range(8)))
    assert len({one.id for one in taken}) == 1


def test_a_large_file_comes_back_as_it_was_kept_and_goes_with_its_request(ready_desk: DeskDatabase) -> None:
    add_devices(ready_desk, {"R1": Kind.ROBOT})
    body = bytes(range(256)) * 5_000
    file = Checked("a.jpg", FileKind.PHOTO, "image/jpeg", body, b"small")
    intake, files = process(ready_desk), CaseFiles(ready_desk, ManualClock(NOON))
    waits = intake.take(replace(SAID, device_id=None, site="hall", fault=None), person("li"), [file, file])
    placed = intake.place(waits.id, "R1", None, person("li"))
    with ready_desk.transaction() as session:
        (kept,) = files_of_ticket(session, placed.ticket_id or 0)
    assert files.open(placed.ticket_id or 0, kept.id)[1] == body
    assert files.open(placed.ticket_id or 0, kept.id, small=True)[1] == b"small"
