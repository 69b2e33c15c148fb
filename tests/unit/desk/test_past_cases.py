"""Repairs of the past: closed cases that all who read cases read, and of which nobody is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.desk_rooms import NOON, add_devices
from helpers.following import follow_at_once
from helpers.fresh_desk import fresh_desk
from sqlalchemy import func, select

from desk.tickets.past import PastCases
from desk.tickets.past_out import past_cases
from fleet.clock import DAY_MS, HOUR_MS, ManualClock
from fleet.events import Subject
from fleet.past_cases import PastCase, PastVerdict, is_brought_in
from fleet.principals import schedule
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import SuspicionState, TicketState
from notify.letters import letter_for
from notify.published import is_published
from storage.records.call_backs import to_be_called
from storage.records.case_facts import CaseFactRow
from storage.records.clock_steps import ClockStep
from storage.records.database import DeskDatabase
from storage.records.events import events_of
from storage.records.notices import NoticeRow
from storage.records.part_uses import part_orders
from storage.records.repairs import confirmed_repairs, open_tickets, renewals
from storage.records.stock_movements import first_movement, used_since
from storage.records.tickets import ticket
from sweepwatch.wiring import wire_desk

OPENED = NOON - 3 * DAY_MS
BY = schedule("tests")
CASE = PastCase(
    "R1",
    OPENED,
    ("brush_wear",),
    arrived=OPENED + 3 * HOUR_MS,
    repaired=OPENED + 4 * HOUR_MS,
    engineer="Li Wei",
    parts=("main-brush",),
    external="77",
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskDatabase]:
    made = fresh_desk(tmp_path / "desk.db")
    add_devices(made, {"R1": Kind.ROBOT, "T1": Kind.TOOL})
    yield made
    made.close()


@pytest.fixture
def past(desk: DeskDatabase) -> PastCases:
    clock = ManualClock(NOON)
    wired = wire_desk(desk, (), load_policy(), clock)
    follow_at_once(desk, [*wired.followers], clock)
    return PastCases(desk, wired.clocks, clock)


def taken(past: PastCases, case: PastCase = CASE) -> int:
    (outcome,) = past.take([case], BY)
    assert outcome.verdict is PastVerdict.NEW, outcome
    return outcome.ticket_id


def test_a_past_case_is_closed_with_its_own_times(desk: DeskDatabase, past: PastCases) -> None:
    number = taken(past)
    with desk.transaction() as session:
        found = ticket(session, number)
    assert (found.state, found.opened_at, found.on_site_at) == (TicketState.CONFIRMED, OPENED, CASE.arrived)
    assert (found.solved_at, found.responded_at, found.owner_name) == (CASE.repaired, None, "Li Wei")
    assert [(each.fault, each.state) for each in found.suspicions] == [
        ("brush_wear", SuspicionState.CONFIRMED)
    ]


def test_models_and_parts_read_it_as_any_other(desk: DeskDatabase, past: PastCases) -> None:
    taken(past)
    assert confirmed_repairs(desk).rows() == [("R1", "brush_wear", OPENED, CASE.repaired)]
    assert renewals(desk).rows() == [("R1", "brush_wear", CASE.repaired)]
    with desk.transaction() as session:
        assert [(each.part, each.device_id) for each in part_orders(session, 0, 9)] == [("main-brush", "R1")]
        assert (used_since(session, 0), first_movement(session)) == ([], None)  # out of no place of ours


def test_indicators_count_it_and_no_time_that_nobody_knows(desk: DeskDatabase, past: PastCases) -> None:
    number = taken(past)
    with desk.transaction() as session:
        fact = session.get(CaseFactRow, number)
        assert fact is not None
        assert (fact.fault, fact.engineer_name, fact.repaired_at) == ("brush_wear", "Li Wei", CASE.repaired)
        assert (fact.respond_due, fact.arrived_at) == (None, CASE.arrived)


def test_nobody_is_told_of_it(desk: DeskDatabase, past: PastCases) -> None:
    number = taken(past)
    with desk.transaction() as session:
        told = events_of(session, Subject.TICKET, str(number))
        counts = [session.scalar(select(func.count()).select_from(row)) for row in (ClockStep, NoticeRow)]
        called = to_be_called(session, 0, NOON, NOON, None, 9)
    assert [each.after for each in told] == ["opened", "repairing", "repaired", "confirmed"]
    assert all(is_brought_in(each.principal) for each in told)
    assert [each.at for each in told] == [OPENED, CASE.arrived, CASE.repaired, CASE.repaired]
    assert not any(letter_for(each) or is_published(each) for each in told)
    assert (counts, list(called)) == ([0, 0], [])


def test_sent_again_it_is_known(desk: DeskDatabase, past: PastCases) -> None:
    number = taken(past)
    later = PastCase(**{**as_dict(CASE), "note": "told again"})
    assert [(each.verdict, each.ticket_id) for each in past.take([CASE, later], BY)] == [
        (PastVerdict.KNOWN, number)
    ] * 2
    assert confirmed_repairs(desk).height == 1


def test_looked_at_nothing_changes(desk: DeskDatabase, past: PastCases) -> None:
    assert [each.verdict for each in past.look([CASE, CASE])] == [PastVerdict.NEW, PastVerdict.KNOWN]
    assert confirmed_repairs(desk).is_empty()


def test_where_nothing_was_found_it_is_no_repair(desk: DeskDatabase, past: PastCases) -> None:
    taken(past, PastCase("R1", OPENED, suspected=("filter_clog",), repaired=OPENED + HOUR_MS))
    assert confirmed_repairs(desk).is_empty()
    assert open_tickets(desk).is_empty()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"device_id": "R9"}, "there is no device"),
        ({"faults": ("tool_overuse",)}, "is no fault of a robot; allowed: "),
        ({"faults": ("unclear",)}, "is no fault of a robot"),
        ({"arrived": OPENED - 1}, "is before opened"),
        ({"repaired": NOON + DAY_MS}, "between 2000 and now"),
        ({"noticed": (1, 2, 3)}, "one time for each fault"),
        ({"engineer": "x" * 65}, "a name of at most 64"),
    ],
)
def test_a_case_that_cannot_be_is_refused_alone(past: PastCases, change: dict[str, Any], said: str) -> None:
    wrong = PastCase(**{**as_dict(CASE), "external": "78", **change})
    first, second = past.take([wrong, CASE], BY)
    assert (first.verdict, second.verdict) == (PastVerdict.REFUSED, PastVerdict.NEW)
    assert said in first.reason


def test_what_comes_out_goes_in_again_as_the_same(desk: DeskDatabase, past: PastCases) -> None:
    two = PastCase(
        "R1", OPENED, ("brush_wear", "filter_clog"), (OPENED, OPENED + 5), repaired=OPENED + DAY_MS
    )
    past.take([CASE, two], BY)
    out = list(past_cases(desk, 0, NOON))
    assert [(each.faults, each.noticed, each.engineer, each.parts, each.external) for each in out] == [
        (("brush_wear",), (OPENED,), "Li Wei", ("main-brush",), "77"),
        (("brush_wear", "filter_clog"), (OPENED, OPENED + 5), "", (), ""),
    ]
    assert [each.verdict for each in past.take(out, BY)] == [PastVerdict.KNOWN] * 2


def as_dict(case: PastCase) -> dict[str, Any]:
    return {name: getattr(case, name) for name in PastCase.__slots__}
