"""Tickets: opened once for each alert, moved on legally and with a reason, every change kept."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, open_rooms
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.clock import HOUR_MS
from fleet.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.principals import Principal, PrincipalKind, person
from fleet.sla import load_policy
from fleet.tickets import Ticket, TicketKind, TicketState
from fleet.workflows import WORKFLOWS
from storage.records.events import events_after
from storage.records.paging import Asked
from storage.records.ticket_lists import TicketFilter, find_tickets

T = TicketState
LI, WANG, ZHAO = person("Li"), person("Wang"), person("Zhao")
_TO_REPAIRED = (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.REPAIRED)


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = open_rooms(tmp_path)
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.8)])
    yield rooms
    rooms.desk.close()


REPAIR = WORKFLOWS[TicketKind.REPAIR]


def opened(rooms: Rooms) -> int:
    ticket_id = rooms.tickets.open_for(rooms.fired[0])
    assert ticket_id is not None
    return ticket_id


def tickets(rooms: Rooms) -> list[Ticket]:
    with rooms.desk.transaction() as session:
        return list(find_tickets(session, TicketFilter(), Asked("id", 100, None, "")).rows)


def told(rooms: Rooms) -> list[Event]:
    with rooms.desk.transaction() as session:
        return [event for event in events_after(session, 0, 1000) if event.subject is Subject.TICKET]


def events(rooms: Rooms) -> list[tuple[str, str, str | None, str | None, str]]:
    return [
        (event.principal.name, event.what, event.before, event.after, event.reason) for event in told(rooms)
    ]


def walk(rooms: Rooms, ticket_id: int, *states: TicketState) -> Ticket:
    for state in states:
        confirmed = ["brush_jam"] if state is T.REPAIRED else None
        ticket = rooms.tickets.change_state(ticket_id, state, LI, "as planned", confirmed=confirmed)
    return ticket


def test_an_alert_opens_a_proactive_ticket_with_what_the_engineer_needs(rooms: Rooms) -> None:
    opened(rooms)
    (ticket,) = tickets(rooms)
    assert (ticket.device_id, ticket.site, ticket.fault, ticket.level) == ("R1", "hall", "brush_jam", "L2")
    assert (ticket.origin, ticket.state) == ("proactive", "opened")
    (suspicion,) = ticket.suspicions
    assert (suspicion.part, suspicion.skill, suspicion.alerts) == ("brush-bearing", "mechanical", (1,))
    assert ticket.respond_due == NOON + 4 * HOUR_MS
    assert ticket.on_site_due == NOON + 24 * HOUR_MS
    assert ticket.solve_due is None
    assert ticket.evidence["risk"] == 0.8
    assert ticket.evidence["drivers"][0]["signal"] == "brush_current_a"
    assert events(rooms) == [("risk", "opened", None, "opened", "alert 1: first")]
    (event,) = told(rooms)
    assert (event.subject_id, event.site, event.principal.kind) == ("1", "hall", PrincipalKind.MODEL)
    assert event.data == {
        "device_id": "R1",
        "alerts": ["1"],
        "confirmed": [],
        "fault": "brush_jam",
        "version": 1,
    }


def test_the_same_alert_twice_is_one_ticket(rooms: Rooms) -> None:
    assert opened(rooms) == opened(rooms)
    assert len(tickets(rooms)) == 1
    assert len(events(rooms)) == 1


def test_an_alert_that_wants_no_ticket_gets_none(rooms: Rooms) -> None:
    rooms.robot("R1", 0, dustbin_pct=99.0)
    rooms.robot("R1", 300, dustbin_pct=99.0)
    assert rooms.tickets.open_for(rooms.fired[-1]) is None
    assert tickets(rooms) == []


def test_the_whole_way_sets_each_time_once_counts_versions_and_keeps_every_step(rooms: Rooms) -> None:
    ticket_id = opened(rooms)
    for state in (T.ACCEPTED, T.WAITING_PART, T.EN_ROUTE, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        rooms.clock.advance(1000)
        walk(rooms, ticket_id, state)
    rooms.clock.advance(1000)
    ticket = walk(rooms, ticket_id, T.REPAIRED)
    times = (ticket.responded_at, ticket.on_site_at, ticket.solved_at)
    assert times == (NOON + 1000, NOON + 6000, NOON + 7000)
    assert (ticket.version, ticket.confirmed_fault) == (8, "brush_jam")
    afters = [after for _, _, _, after, _ in events(rooms)]
    assert afters == [
        "opened",
        *["accepted", "waiting_part", "en_route", "accepted", "en_route", "repairing", "repaired"],
    ]


@pytest.mark.parametrize(
    ("states", "reason"),
    [((*_TO_REPAIRED, T.CONFIRMED), "ticket_confirmed"), ((T.CANCELLED,), "ticket_cancelled")],
)
def test_closing_a_ticket_ends_its_alert_and_the_engine_learns_of_it(
    rooms: Rooms, states: tuple[TicketState, ...], reason: str
) -> None:
    walk(rooms, opened(rooms), *states)
    assert rooms.history() == [("brush_jam", "resolved", reason)]
    rooms.engine.reload()
    assert rooms.engine.open_alerts() == []


def test_what_a_visit_did_not_find_is_not_foreseen_again_until_its_horizon_is_over(rooms: Rooms) -> None:
    """The horizon of a jammed brush is two days; one that is found only settles for one."""
    ticket_id = opened(rooms)
    walk(rooms, ticket_id, *_TO_REPAIRED[:3])
    rooms.tickets.change_state(ticket_id, T.REPAIRED, LI, "it runs well", confirmed=["none"])
    walk(rooms, ticket_id, T.CONFIRMED)
    assert rooms.history() == [("brush_jam", "resolved", "ticket_refuted")]
    rooms.engine.reload()
    closed = rooms.clock.ms
    for hours in (1, 25, 47):
        rooms.engine.observe_risks([a_risk("R1", closed + hours * HOUR_MS, 0.9)])
    assert rooms.engine.open_alerts() == []
    rooms.engine.observe_risks([a_risk("R1", closed + 48 * HOUR_MS, 0.9)])
    (again,) = rooms.engine.open_alerts()
    assert (again.reason, again.evidence["previous_alert"]) == ("recurrence_of:1", "1")


def test_closing_a_ticket_whose_alert_is_over_changes_nothing_about_the_alert(rooms: Rooms) -> None:
    ticket_id = opened(rooms)
    for step in (1, 2):
        rooms.engine.observe_risks([a_risk("R1", NOON + step, 0.0)])
    walk(rooms, ticket_id, T.CANCELLED)
    assert rooms.history() == [("brush_jam", "resolved", "cleared")]


def test_a_reopened_ticket_runs_again(rooms: Rooms) -> None:
    ticket = walk(rooms, opened(rooms), *_TO_REPAIRED, T.CONFIRMED, T.REOPENED)
    assert (ticket.state, ticket.solved_at, ticket.confirmed_fault) == ("reopened", None, None)
    assert ticket.responded_at == NOON


def test_a_ticket_cannot_be_reopened_beside_a_newer_open_one(rooms: Rooms) -> None:
    first = opened(rooms)
    walk(rooms, first, *_TO_REPAIRED, T.CONFIRMED)
    rooms.tickets.report("R1", "brush_jam", WANG, "it squeaks again")
    with pytest.raises(Conflict, match="another open ticket"):
        walk(rooms, first, T.REOPENED)
    assert [ticket.state for ticket in tickets(rooms)] == ["confirmed", "opened"]


@pytest.mark.parametrize("confirmed", ["none", "brush_wear"])
def test_a_repair_says_what_was_wrong_or_that_nothing_was(rooms: Rooms, confirmed: str) -> None:
    ticket_id = opened(rooms)
    walk(rooms, ticket_id, *_TO_REPAIRED[:3])
    ticket = rooms.tickets.change_state(ticket_id, T.REPAIRED, LI, "done", confirmed=[confirmed])
    assert ticket.confirmed_fault == confirmed
    ticket = rooms.tickets.change_state(ticket_id, T.CONFIRMED, LI, "ok", confirmed=["brush_jam"])
    assert ticket.confirmed_fault == "brush_jam", "confirming may correct it"


def test_a_refused_change_says_what_is_allowed_and_leaves_no_trace(rooms: Rooms) -> None:
    ticket_id = opened(rooms)
    change = rooms.tickets.change_state
    with pytest.raises(NotFound, match="there is no ticket 99"):
        change(99, T.ACCEPTED, LI, "why not")
    with pytest.raises(NotFound):
        change(10**30, T.ACCEPTED, LI, "why not")
    with pytest.raises(InvalidInput, match="a reason is required"):
        change(ticket_id, T.CANCELLED, LI, " \n")
    with pytest.raises(IllegalTransition, match="opened cannot become repaired; allowed: acc"):
        change(ticket_id, T.REPAIRED, LI, "done", confirmed=["brush_jam"])
    with pytest.raises(Conflict, match="at version 1, not 7"):
        change(ticket_id, T.ACCEPTED, LI, "mine", version=7)
    with pytest.raises(InvalidInput, match="confirmed_fault: allowed with repaired and confirmed"):
        change(ticket_id, T.ACCEPTED, LI, "mine", confirmed=["brush_jam"])
    walk(rooms, ticket_id, *_TO_REPAIRED[:3])
    with pytest.raises(InvalidInput, match="confirmed_fault: a repaired ticket says what was wrong"):
        change(ticket_id, T.REPAIRED, LI, "done")
    with pytest.raises(InvalidInput, match="'worker_sos' is no fault of a robot; allowed: battery_wear"):
        change(ticket_id, T.REPAIRED, LI, "done", confirmed=["worker_sos"])
    with pytest.raises(InvalidInput, match="'none' stands alone"):
        change(ticket_id, T.REPAIRED, LI, "done", confirmed=["brush_jam", "none"])
    (ticket,) = tickets(rooms)
    assert (ticket.state, ticket.version, len(events(rooms))) == ("repairing", 4, 4)


def test_of_several_who_accept_at_once_one_wins_and_the_others_are_told(rooms: Rooms) -> None:
    """Each has a desk of its own, as in processes of their own: the version in the database decides."""
    ticket_id = opened(rooms)
    desks = [
        TicketDesk(rooms.desk, CaseWriter(rooms.desk, TicketClocks(Clocks(load_policy())), rooms.clock))
        for _ in range(6)
    ]
    barrier = threading.Barrier(len(desks))
    outcomes: list[str] = []

    def accept(desk: TicketDesk, who: Principal) -> None:
        barrier.wait()
        try:
            desk.change_state(ticket_id, T.ACCEPTED, who, "mine", version=1)
            outcomes.append("won")
        except Conflict:
            outcomes.append("Conflict")

    threads = [threading.Thread(target=accept, args=(desk, person(f"E{n}"))) for n, desk in enumerate(desks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Conflict"] * 5 + ["won"]
    assert len(events(rooms)) == 2


def test_several_desks_open_one_ticket_for_one_alert(rooms: Rooms) -> None:
    desks = [
        TicketDesk(rooms.desk, CaseWriter(rooms.desk, TicketClocks(Clocks(load_policy())), rooms.clock))
        for _ in range(6)
    ]
    barrier = threading.Barrier(len(desks))
    outcomes: list[int | None] = []

    def open_ticket(desk: TicketDesk) -> None:
        barrier.wait()
        outcomes.append(desk.open_for(rooms.fired[0]))

    threads = [threading.Thread(target=open_ticket, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tickets(rooms)) == 1
    assert outcomes == [1] * len(desks)


def test_a_report_opens_a_ticket_of_its_own_origin_and_a_second_one_joins_it(rooms: Rooms) -> None:
    first = rooms.tickets.report("R2", "water_leak", WANG, "puddle in the lobby")
    second = rooms.tickets.report("R2", "water_leak", ZHAO, "still leaking")
    assert first == second
    (ticket,) = tickets(rooms)
    assert (ticket.origin, ticket.alerts, ticket.level, ticket.version) == ("reported", (), "L2", 2)
    assert ticket.evidence["why"] == "puddle in the lobby"
    assert events(rooms) == [
        ("Wang", "opened", None, "opened", "puddle in the lobby"),
        ("Zhao", "note", None, None, "still leaking"),
    ]


def test_a_report_names_a_device_and_a_fault_that_exist(rooms: Rooms) -> None:
    with pytest.raises(NotFound, match="there is no device 'R9'"):
        rooms.tickets.report("R9", "water_leak", WANG, "puddle")
    with pytest.raises(InvalidInput, match="'water_leak' is no fault of a tool; allowed: tool_"):
        rooms.tickets.report("T1", "water_leak", WANG, "puddle")
    with pytest.raises(InvalidInput, match="a reason is required"):
        rooms.tickets.report("R2", "water_leak", WANG, "")
    assert tickets(rooms) == []


def test_a_person_who_is_called_as_a_rule_is_still_a_person(rooms: Rooms) -> None:
    rooms.tickets.report("R2", "water_leak", person("risk"), "puddle")
    assert told(rooms)[-1].principal.kind is PrincipalKind.PERSON


_ALLOWED = {
    "opened": "accepted cancelled",
    "accepted": "en_route waiting_part waiting_customer cancelled",
    "en_route": "repairing accepted waiting_customer cancelled",
    "repairing": "repaired waiting_part waiting_customer",
    "waiting_part": "en_route repairing waiting_customer cancelled",
    "waiting_customer": "accepted en_route repairing waiting_part cancelled",
    "repaired": "confirmed reopened",
    "confirmed": "reopened",
    "reopened": "accepted cancelled",
    "cancelled": "",
}
"""What a ticket may become, written down once more by hand: the code's own table is what is tested."""


@settings(max_examples=25, deadline=None)
@given(path=st.lists(st.sampled_from(list(TicketState)), max_size=12))
def test_however_it_is_pushed_a_ticket_only_takes_legal_steps(
    tmp_path_factory: pytest.TempPathFactory, path: list[TicketState]
) -> None:
    rooms = open_rooms(tmp_path_factory.mktemp("desk"))
    ticket_id = rooms.tickets.report("R1", "brush_jam", WANG, "noise")
    expected = ["opened"]
    for after in path:
        confirmed = ["none"] if after is T.REPAIRED else None
        if after in _ALLOWED[expected[-1]].split():
            rooms.tickets.change_state(ticket_id, after, LI, "next", confirmed=confirmed)
            expected.append(str(after))
        else:
            with pytest.raises(IllegalTransition):
                rooms.tickets.change_state(ticket_id, after, LI, "next", confirmed=confirmed)
    assert [after for _, _, _, after, _ in events(rooms)] == expected
    rooms.desk.close()


@pytest.mark.parametrize("before", list(REPAIR.ways))
def test_each_step_is_allowed_or_refused_as_the_desk_works(before: TicketState) -> None:
    legal = set(_ALLOWED[before].split())
    for after in TicketState:
        if after in legal:
            REPAIR.check(before, after)
        else:
            with pytest.raises(IllegalTransition, match=f"{before} cannot become {after}"):
                REPAIR.check(before, after)
