"""Tickets: opened once for each alert, moved on legally and with a reason, every change kept."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, open_rooms
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from desk.tickets.desk import TicketDesk
from fleet.clock import HOUR_MS
from fleet.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from fleet.sla import load_policy
from fleet.tickets import TRANSITIONS, TicketState
from storage.records.alerts import AlertRow
from storage.records.tickets import TicketEvent, TicketRow

T = TicketState
_TO_REPAIRED = (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.REPAIRED)


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = open_rooms(tmp_path)
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.8)])
    yield rooms
    rooms.desk.close()


def opened(rooms: Rooms) -> int:
    ticket_id = rooms.tickets.open_for(rooms.fired[0])
    assert ticket_id is not None
    return ticket_id


def tickets(rooms: Rooms) -> list[TicketRow]:
    with rooms.desk.transaction() as session:
        return list(session.scalars(select(TicketRow).order_by(TicketRow.id)))


def events(rooms: Rooms) -> list[tuple[str, str | None, str, str]]:
    with rooms.desk.transaction() as session:
        rows = session.scalars(select(TicketEvent).order_by(TicketEvent.id))
        return [(row.who, row.before, row.after, row.why) for row in rows]


def walk(rooms: Rooms, ticket_id: int, *states: TicketState) -> TicketRow:
    for state in states:
        confirmed = "brush_jam" if state is T.REPAIRED else None
        ticket = rooms.tickets.change_state(ticket_id, state, "Li", "as planned", confirmed_fault=confirmed)
    return ticket


def test_an_alert_opens_a_proactive_ticket_with_what_the_engineer_needs(rooms: Rooms) -> None:
    opened(rooms)
    (ticket,) = tickets(rooms)
    assert (ticket.device_id, ticket.site, ticket.fault, ticket.level) == ("R1", "hall", "brush_jam", "L2")
    assert (ticket.origin, ticket.state) == ("proactive", "opened")
    assert (ticket.part, ticket.skill) == ("brush-bearing", "mechanical")
    assert ticket.respond_due == NOON + 4 * HOUR_MS
    assert ticket.on_site_due == NOON + 24 * HOUR_MS
    assert ticket.solve_due is None
    assert ticket.evidence["risk"] == 0.8
    assert ticket.evidence["drivers"][0]["signal"] == "brush_current_a"
    assert events(rooms) == [("risk", None, "opened", "alert 1: first")]
    assert [changed.id for changed in rooms.tickets_changed] == [ticket.id]


def test_the_same_alert_twice_is_one_ticket(rooms: Rooms) -> None:
    assert opened(rooms) == opened(rooms)
    assert len(tickets(rooms)) == 1
    assert len(events(rooms)) == 1


def test_an_alert_that_wants_no_ticket_gets_none(rooms: Rooms) -> None:
    rooms.robot("R1", 0, dustbin_pct=99.0)
    rooms.robot("R1", 300, dustbin_pct=99.0)
    assert rooms.tickets.open_for(rooms.fired[-1]) is None
    assert tickets(rooms) == []


def test_a_recurrence_is_attached_to_the_ticket_that_is_still_open(rooms: Rooms) -> None:
    ticket_id = opened(rooms)
    for step, risk in ((1, 0.0), (2, 0.0), (3, 0.9)):
        rooms.engine.observe_risks([a_risk("R1", NOON + step, risk)])
    again = rooms.fired[-1]
    assert again.id != rooms.fired[0].id
    assert [rooms.tickets.open_for(again), rooms.tickets.open_for(again)] == [ticket_id, ticket_id]
    (ticket,) = tickets(rooms)
    assert ticket.alert_id == int(again.id)
    assert ticket.evidence["risk"] == 0.8
    assert ticket.evidence["attached"]["risk"] == 0.9
    assert events(rooms)[1:] == [("risk", "opened", "opened", "attached alert 2: recurrence_of:1")]
    walk(rooms, ticket_id, *_TO_REPAIRED, T.CONFIRMED)
    assert rooms.history()[-1] == ("brush_jam", "resolved", "ticket_confirmed")


def test_a_crash_between_alert_and_ticket_is_mended_once(rooms: Rooms) -> None:
    rooms.robot("R2", 0, dustbin_pct=99.0)
    rooms.robot("R2", 300, dustbin_pct=99.0)
    assert rooms.tickets.open_missing() == 1
    assert [ticket.device_id for ticket in tickets(rooms)] == ["R1"]
    assert rooms.tickets.open_missing() == 0


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
    afters = [after for _, _, after, _ in events(rooms)]
    assert afters == [
        "opened",
        *["accepted", "waiting_part", "en_route", "accepted", "en_route", "repairing", "repaired"],
    ]
    assert [changed.version for changed in rooms.tickets_changed][-1] == 8


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
    rooms.tickets.report("R1", "brush_jam", "Wang", "it squeaks again")
    with pytest.raises(Conflict, match="another open ticket"):
        walk(rooms, first, T.REOPENED)
    assert [ticket.state for ticket in tickets(rooms)] == ["confirmed", "opened"]


@pytest.mark.parametrize("confirmed", ["none", "brush_wear"])
def test_a_repair_says_what_was_wrong_or_that_nothing_was(rooms: Rooms, confirmed: str) -> None:
    ticket_id = opened(rooms)
    walk(rooms, ticket_id, *_TO_REPAIRED[:3])
    ticket = rooms.tickets.change_state(ticket_id, T.REPAIRED, "Li", "done", confirmed_fault=confirmed)
    assert ticket.confirmed_fault == confirmed
    ticket = rooms.tickets.change_state(ticket_id, T.CONFIRMED, "Li", "ok", confirmed_fault="brush_jam")
    assert ticket.confirmed_fault == "brush_jam", "confirming may correct it"


def test_a_refused_change_says_what_is_allowed_and_leaves_no_trace(rooms: Rooms) -> None:
    ticket_id = opened(rooms)
    change = rooms.tickets.change_state
    with pytest.raises(NotFound, match="there is no ticket 99"):
        change(99, T.ACCEPTED, "Li", "why not")
    with pytest.raises(NotFound):
        change(10**30, T.ACCEPTED, "Li", "why not")
    with pytest.raises(InvalidInput, match="why: a reason is required"):
        change(ticket_id, T.ACCEPTED, "Li", " \n")
    with pytest.raises(InvalidInput, match="who"):
        change(ticket_id, T.ACCEPTED, "", "why not")
    with pytest.raises(IllegalTransition, match="opened cannot become repaired; allowed: acc"):
        change(ticket_id, T.REPAIRED, "Li", "done", confirmed_fault="brush_jam")
    with pytest.raises(Conflict, match="at version 1, not 7"):
        change(ticket_id, T.ACCEPTED, "Li", "mine", version=7)
    with pytest.raises(InvalidInput, match="confirmed_fault: allowed with repaired and confirmed"):
        change(ticket_id, T.ACCEPTED, "Li", "mine", confirmed_fault="brush_jam")
    walk(rooms, ticket_id, *_TO_REPAIRED[:3])
    told = len(rooms.tickets_changed)
    with pytest.raises(InvalidInput, match="confirmed_fault: a repaired ticket says what was wrong"):
        change(ticket_id, T.REPAIRED, "Li", "done")
    with pytest.raises(InvalidInput, match="'worker_sos' is no fault of a robot; allowed: battery_wear"):
        change(ticket_id, T.REPAIRED, "Li", "done", confirmed_fault="worker_sos")
    (ticket,) = tickets(rooms)
    assert (ticket.state, ticket.version, len(events(rooms))) == ("repairing", 4, 4)
    assert len(rooms.tickets_changed) == told


def test_of_several_who_accept_at_once_one_wins_and_the_others_are_told(rooms: Rooms) -> None:
    """Each has a desk of its own, as in processes of their own: the version in the database decides."""
    ticket_id = opened(rooms)
    desks = [TicketDesk(rooms.desk, load_policy(), rooms.clock) for _ in range(6)]
    barrier = threading.Barrier(len(desks))
    outcomes: list[str] = []

    def accept(desk: TicketDesk, who: str) -> None:
        barrier.wait()
        try:
            desk.change_state(ticket_id, T.ACCEPTED, who, "mine", version=1)
            outcomes.append("won")
        except (Conflict, IllegalTransition) as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=accept, args=(desk, f"E{n}")) for n, desk in enumerate(desks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Conflict"] * 5 + ["won"]
    assert len(events(rooms)) == 2


def test_several_desks_open_one_ticket_for_one_alert(rooms: Rooms) -> None:
    desks = [TicketDesk(rooms.desk, load_policy(), rooms.clock) for _ in range(6)]
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
    first = rooms.tickets.report("R2", "water_leak", "Wang", "puddle in the lobby")
    second = rooms.tickets.report("R2", "water_leak", "Zhao", "still leaking")
    assert first == second
    (ticket,) = tickets(rooms)
    assert (ticket.origin, ticket.alert_id, ticket.level, ticket.version) == ("reported", None, "L2", 2)
    assert events(rooms) == [
        ("Wang", None, "opened", "puddle in the lobby"),
        ("Zhao", "opened", "opened", "reported_again: still leaking"),
    ]


def test_a_report_names_a_device_and_a_fault_that_exist(rooms: Rooms) -> None:
    with pytest.raises(NotFound, match="there is no device 'R9'"):
        rooms.tickets.report("R9", "water_leak", "Wang", "puddle")
    with pytest.raises(InvalidInput, match="'water_leak' is no fault of a tool; allowed: tool_"):
        rooms.tickets.report("T1", "water_leak", "Wang", "puddle")
    with pytest.raises(InvalidInput, match="why"):
        rooms.tickets.report("R2", "water_leak", "Wang", "")
    assert tickets(rooms) == []


@settings(max_examples=25, deadline=None)
@given(path=st.lists(st.sampled_from(list(TicketState)), max_size=12))
def test_however_it_is_pushed_a_ticket_only_takes_legal_steps(
    tmp_path_factory: pytest.TempPathFactory, path: list[TicketState]
) -> None:
    rooms = open_rooms(tmp_path_factory.mktemp("desk"))
    ticket_id = rooms.tickets.report("R1", "brush_jam", "Wang", "noise")
    expected = [T.OPENED]
    for after in path:
        confirmed = "none" if after is T.REPAIRED else None
        if after in TRANSITIONS[expected[-1]]:
            rooms.tickets.change_state(ticket_id, after, "Li", "next", confirmed_fault=confirmed)
            expected.append(after)
        else:
            with pytest.raises(IllegalTransition):
                rooms.tickets.change_state(ticket_id, after, "Li", "next", confirmed_fault=confirmed)
    assert [after for _, _, after, _ in events(rooms)] == [str(state) for state in expected]
    with rooms.desk.transaction() as session:
        assert session.scalars(select(AlertRow)).all() == []
    rooms.desk.close()
