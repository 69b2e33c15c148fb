"""What a visit finds and leaves for another one: how the case says it, and the case that comes of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from helpers.desk_rooms import Rooms, open_rooms

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import Conflict, IllegalTransition, InvalidInput
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.principals import person
from fleet.signals import Kind
from fleet.tickets import Ticket, TicketLink, TicketOrigin, TicketState
from storage.records.events import events_after
from storage.records.fault_records import fault_records
from storage.records.part_findings import Finding, findings
from storage.records.repairs import confirmed_repairs, open_tickets, renewals
from storage.records.ticket_links import links_of
from storage.records.tickets import open_case_of

T = TicketState
LI = person("Li")
TO_REPAIRING = (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = open_rooms(tmp_path)
    yield rooms
    rooms.desk.close()


def raised(rooms: Rooms, fault: str, risk: float = 0.8) -> int:
    """Let a risk raise an alert and the desk take it; return its case."""
    case = rooms.tickets.open_for(rooms.foreseen(fault, risk))
    assert case is not None
    return case


def visit(
    rooms: Rooms, number: int, confirmed: Sequence[str], deferred: Sequence[str] | None = None
) -> Ticket:
    """Let somebody come to a case and mend what is confirmed; return it."""
    for state in TO_REPAIRING:
        rooms.clock.advance(HOUR_MS)
        rooms.tickets.change_state(number, state, LI, "")
    rooms.clock.advance(HOUR_MS)
    return rooms.tickets.change_state(number, T.REPAIRED, LI, "", confirmed=confirmed, deferred=deferred)


def close(rooms: Rooms, number: int) -> Ticket:
    rooms.clock.advance(HOUR_MS)
    return rooms.tickets.change_state(number, T.CONFIRMED, LI, "")


def states(case: Ticket) -> dict[str, str]:
    return {each.fault: str(each.state) for each in case.suspicions}


def told(rooms: Rooms, number: int) -> list[Event]:
    with rooms.desk.transaction() as session:
        events = events_after(session, 0, 1000)
    return [each for each in events if (each.subject, each.subject_id) == (Subject.TICKET, str(number))]


def open_case(rooms: Rooms) -> Ticket | None:
    with rooms.desk.transaction() as session:
        return open_case_of(session, "R1")


def test_what_was_deferred_becomes_a_case_of_its_own_when_the_first_is_closed(rooms: Rooms) -> None:
    first = rooms.tickets.report("R1", "battery_wear", LI, "it stops early")
    done = visit(rooms, first, ["battery_wear"], ["brush_wear"])
    assert states(done) == {"battery_wear": "confirmed", "brush_wear": "deferred"}
    assert (done.confirmed_faults, done.deferred_faults) == (("battery_wear",), ("brush_wear",))
    assert (done.fault, done.parts) == ("battery_wear", ["battery-pack"]), "what is left, another case needs"
    assert open_case(rooms) == done, "not before it is confirmed"
    closed = close(rooms, first)
    follow_up = open_case(rooms)
    assert follow_up is not None
    assert (follow_up.fault, follow_up.device_id, follow_up.site) == ("brush_wear", "R1", "hall")
    assert (follow_up.state, follow_up.origin) == (T.OPENED, TicketOrigin.PROACTIVE)
    (suspicion,) = follow_up.suspicions
    assert suspicion.evidence == {"source": "found", "ticket": first}
    assert (suspicion.follows, suspicion.found, suspicion.since) == (first, False, rooms.clock.ms)
    assert [(each.fault, each.follow_up) for each in closed.suspicions] == [
        ("battery_wear", None),
        ("brush_wear", follow_up.id),
    ]
    with rooms.desk.transaction() as session:
        assert [(each.id, each.kind) for each in links_of(session, first)] == [
            (follow_up.id, TicketLink.FOLLOWS)
        ]
    last = told(rooms, first)[-1]
    assert (last.what, last.data["deferred"], last.data["other"]) == (
        "follow_up",
        ["brush_wear"],
        follow_up.id,
    )
    (opened,) = told(rooms, follow_up.id)
    assert (opened.what, opened.principal, opened.data["other"]) == ("opened", LI, first)


def test_the_device_works_so_that_even_the_worst_fault_has_the_clocks_of_l2(rooms: Rooms) -> None:
    first = rooms.tickets.report("R1", "brush_jam", LI, "it squeals")
    visit(rooms, first, ["brush_jam"], ["battery_overheat", "filter_clog"])
    close(rooms, first)
    follow_up = open_case(rooms)
    assert follow_up is not None
    assert {each.fault: each.level for each in follow_up.suspicions} == {
        "battery_overheat": Level.L2,
        "filter_clog": Level.L3,
    }
    assert (follow_up.fault, follow_up.level) == ("battery_overheat", Level.L2)
    rooms.tickets.report("R1", "battery_overheat", LI, "it is hot and stands still")
    failed = rooms.tickets.read(follow_up.id)
    assert failed.level is Level.L1, "what L1 promises is promised once somebody says that it failed"
    assert failed.suspicions[0].follows == first


@pytest.mark.parametrize(
    ("after", "confirmed", "deferred", "why"),
    [
        (T.REPAIRED, ["brush_jam"], ["brush_jam"], "brush_jam was mended as well"),
        (T.REPAIRED, ["brush_jam"], ["worker_fall"], "'worker_fall' is no fault of a robot that can wait"),
        (T.REPAIRED, ["brush_jam"], ["none"], "'none' is no fault of a robot that can wait"),
        (T.REPAIRED, None, ["brush_wear"], "a repaired ticket says what was wrong"),
        (T.WAITING_PART, None, ["brush_wear"], "with repaired and confirmed"),
        (T.WAITING_PART, [], ["brush_wear"], "allowed with repaired and confirmed"),
    ],
)
def test_what_cannot_be_deferred_is_refused(
    rooms: Rooms, after: T, confirmed: list[str] | None, deferred: list[str], why: str
) -> None:
    first = raised(rooms, "brush_jam")
    for state in TO_REPAIRING:
        rooms.tickets.change_state(first, state, LI, "")
    with pytest.raises(InvalidInput, match=why):
        rooms.tickets.change_state(first, after, LI, "", confirmed=confirmed, deferred=deferred)


def test_a_person_in_danger_is_not_put_off(rooms: Rooms) -> None:
    first = rooms.tickets.report("W1", "wristband_battery", LI, "empty at noon")
    for state in TO_REPAIRING:
        rooms.tickets.change_state(first, state, LI, "")
    said = {"confirmed": ["wristband_battery"], "deferred": ["worker_heart_rate"]}
    with pytest.raises(InvalidInput, match="no fault of a wristband that can wait"):
        rooms.tickets.change_state(first, T.REPAIRED, LI, "", **said)  # type: ignore[arg-type]


def test_whoever_confirms_may_correct_what_was_deferred(rooms: Rooms) -> None:
    first = raised(rooms, "brush_jam")
    visit(rooms, first, ["brush_jam"], ["brush_wear", "filter_clog"])
    done = rooms.tickets.change_state(
        first, T.CONFIRMED, LI, "", confirmed=["brush_jam", "filter_clog"], deferred=["water_leak"]
    )
    assert states(done) == {"brush_jam": "confirmed", "filter_clog": "confirmed", "water_leak": "deferred"}
    follow_up = open_case(rooms)
    assert follow_up is not None and follow_up.faults == ["water_leak"]


def test_a_correction_of_what_was_mended_leaves_what_was_deferred(rooms: Rooms) -> None:
    first = raised(rooms, "brush_jam")
    visit(rooms, first, ["brush_jam"], ["brush_wear", "filter_clog"])
    done = rooms.tickets.change_state(first, T.CONFIRMED, LI, "", confirmed=["filter_clog"])
    assert states(done) == {"brush_jam": "refuted", "brush_wear": "deferred", "filter_clog": "confirmed"}
    follow_up = open_case(rooms)
    assert follow_up is not None and follow_up.faults == ["brush_wear"]


def test_a_case_that_is_opened_again_before_it_was_confirmed_suspects_what_was_deferred(rooms: Rooms) -> None:
    first = raised(rooms, "brush_jam")
    visit(rooms, first, ["brush_jam"], ["brush_wear"])
    again = rooms.tickets.change_state(first, T.REOPENED, LI, "it squeals still")
    assert states(again) == {"brush_jam": "suspected", "brush_wear": "suspected"}
    assert set(again.parts) == {"brush-bearing", "main-brush"}
    visit(rooms, first, ["brush_jam", "brush_wear"])
    close(rooms, first)
    assert open_case(rooms) is None


def test_nothing_doubles_a_follow_up_case(rooms: Rooms) -> None:
    first = raised(rooms, "brush_jam")
    visit(rooms, first, ["brush_jam"], ["brush_wear"])
    close(rooms, first)
    follow_up = open_case(rooms)
    assert follow_up is not None
    with pytest.raises(IllegalTransition):
        close(rooms, first)
    with pytest.raises(Conflict, match="another open ticket"):
        rooms.tickets.change_state(first, T.REOPENED, LI, "it squeals")
    visit(rooms, follow_up.id, ["brush_wear"])
    close(rooms, follow_up.id)
    again = rooms.tickets.change_state(first, T.REOPENED, LI, "it squeals")
    assert states(again) == {"brush_jam": "suspected", "brush_wear": "deferred"}, "that one is mended"
    visit(rooms, first, ["brush_jam"], [])
    done = close(rooms, first)
    assert (states(done)["brush_wear"], open_case(rooms)) == ("deferred", None)


def test_a_later_visit_that_finds_the_same_once_more_opens_another_one(rooms: Rooms) -> None:
    first = raised(rooms, "brush_jam")
    visit(rooms, first, ["brush_jam"], ["brush_wear"])
    close(rooms, first)
    second = open_case(rooms)
    assert second is not None
    visit(rooms, second.id, ["brush_wear"])
    close(rooms, second.id)
    rooms.tickets.change_state(first, T.REOPENED, LI, "it squeals")
    visit(rooms, first, ["brush_jam"], ["brush_wear"])
    close(rooms, first)
    third = open_case(rooms)
    assert third is not None and third.id not in (first, second.id)


def test_a_deferred_fault_was_rightly_warned_of_and_is_not_mended(rooms: Rooms) -> None:
    first = raised(rooms, "fan_motor_wear")
    raised(rooms, "brush_jam")
    visit(rooms, first, ["brush_jam"], ["fan_motor_wear"])
    close(rooms, first)
    follow_up = open_case(rooms)
    assert follow_up is not None
    with rooms.desk.transaction() as session:
        record = fault_records(session, ["fan_motor_wear"])["fan_motor_wear"]
    assert (record.all.right, record.all.judged) == (1, 1)
    assert confirmed_repairs(rooms.desk)["fault"].to_list() == ["brush_jam"]
    assert renewals(rooms.desk)["fault"].to_list() == ["brush_jam"], "its part goes on to age"
    doubtful = open_tickets(rooms.desk).filter(fault="fan_motor_wear")
    assert len(doubtful) == 2, "no label of its absence: neither the first case nor the open one"
    assert ("fan_motor_wear", "resolved", "ticket_confirmed") in rooms.history(), "nobody refuted it"
    rooms.clock.advance(2 * DAY_MS)
    rooms.restart()
    assert raised(rooms, "fan_motor_wear") == follow_up.id, "what goes on is foreseen again, and joins"
    joined = rooms.tickets.read(follow_up.id)
    assert (joined.suspicions[0].follows, joined.level) == (first, Level.L2)
    rooms.engine.resolve(rooms.fired[-1].id, LI, "known")
    rooms.tickets.alert_ended(rooms.changed[-1])
    seen = rooms.tickets.read(follow_up.id)
    assert (states(seen), seen.close_asked_at) == ({"fan_motor_wear": "suspected"}, None), "somebody saw it"
    visit(rooms, follow_up.id, ["fan_motor_wear"])
    close(rooms, follow_up.id)
    with rooms.desk.transaction() as session:
        record = fault_records(session, ["fan_motor_wear"])["fan_motor_wear"]
    assert (record.all.right, record.all.judged) == (1, 1), "one fault, warned of once"
    assert "fan_motor_wear" in renewals(rooms.desk)["fault"].to_list()


def test_a_follow_up_that_finds_nothing_refutes_what_was_seen(rooms: Rooms) -> None:
    first = raised(rooms, "brush_jam")
    visit(rooms, first, ["brush_jam"], ["brush_wear"])
    close(rooms, first)
    follow_up = open_case(rooms)
    assert follow_up is not None
    assert states(visit(rooms, follow_up.id, [])) == {"brush_wear": "refuted"}


def test_vans_learn_of_what_a_visit_could_have_mended(rooms: Rooms) -> None:
    first = rooms.tickets.report("R1", "brush_jam", LI, "it squeals")
    visit(rooms, first, ["brush_jam"], ["brush_wear"])
    with rooms.desk.transaction() as session:
        found = {each.part: each for each in findings(session, Kind.ROBOT, 0)}
    assert found["main-brush"] == Finding("main-brush", found["main-brush"].model, "brush_jam", 1)
