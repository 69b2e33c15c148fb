"""One case per robot: suspicions join and leave it, it clears itself, and a repair judges each of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, open_rooms
from sqlalchemy import update

from fleet.alerts import Alert, said_by_device
from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import Conflict, InvalidInput
from fleet.events import Event, Subject
from fleet.principals import PrincipalKind, person
from fleet.tickets import SuspicionState, Ticket, TicketState
from storage.records.devices import Device
from storage.records.events import events_after
from storage.records.repairs import confirmed_repairs, open_tickets
from storage.records.tickets import ticket

S, T = SuspicionState, TicketState
LI = person("Li")
_TO_REPAIRING = (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = open_rooms(tmp_path)
    yield rooms
    rooms.desk.close()


def raised(rooms: Rooms, fault: str, risk: float = 0.8) -> Alert:
    """Let a risk raise an alert and the desk take it."""
    alert = rooms.foreseen(fault, risk)
    rooms.tickets.open_for(alert)
    return alert


def over(rooms: Rooms, alert: Alert) -> None:
    """Let a risk fall until its alert clears, and tell the desk."""
    for _ in range(3):
        rooms.clock.advance(1000)
        rooms.engine.observe_risks([a_risk("R1", rooms.clock.ms, 0.0, alert.fault)])
    rooms.tickets.alert_ended(rooms.changed[-1])


def case(rooms: Rooms) -> Ticket:
    with rooms.desk.transaction() as session:
        return ticket(session, 1)


def states(rooms: Rooms) -> dict[str, str]:
    return {each.fault: str(each.state) for each in case(rooms).suspicions}


def told(rooms: Rooms) -> list[Event]:
    with rooms.desk.transaction() as session:
        return [event for event in events_after(session, 0, 100) if event.subject is Subject.TICKET]


def walk(rooms: Rooms, *states: TicketState, confirmed: list[str] | None = None) -> Ticket:
    for state in states:
        said = confirmed if state is T.REPAIRED else None
        moved = rooms.tickets.change_state(1, state, LI, "as planned", confirmed=said)
    return moved


def test_a_second_suspicion_joins_the_open_case(rooms: Rooms) -> None:
    first = raised(rooms, "brush_jam", 0.6)
    second = raised(rooms, "fan_motor_wear", 0.9)
    assert [rooms.tickets.open_for(alert) for alert in (second, first, second)] == [1, 1, 1]
    found = case(rooms)
    assert [(each.fault, each.part, each.alerts) for each in found.suspicions] == [
        ("brush_jam", "brush-bearing", (1,)),
        ("fan_motor_wear", "fan-motor", (2,)),
    ]
    assert found.fault == "fan_motor_wear", "of one level, the stronger evidence names the case"
    assert found.evidence["risk"] == 0.9
    assert [(event.what, event.data["alerts"]) for event in told(rooms)] == [
        ("opened", ["1"]),
        ("joined", ["1", "2"]),
    ]


def test_a_worse_level_raises_the_case_and_its_clocks_run_from_then(rooms: Rooms) -> None:
    raised(rooms, "filter_clog")
    before = case(rooms)
    rooms.clock.advance(20 * HOUR_MS)
    raised(rooms, "drive_motor_wear", 0.55)
    after = case(rooms)
    assert (before.level, after.level, after.fault) == ("L3", "L2", "drive_motor_wear"), (
        "a fault that is foreseen is a level milder than one that is there"
    )
    joined = NOON + 20 * HOUR_MS
    assert after.respond_due == joined + 4 * HOUR_MS, "stricter than the 24 h of before, and still to come"
    assert after.on_site_due == joined + 24 * HOUR_MS
    assert after.solve_due == before.solve_due == NOON + 72 * HOUR_MS
    assert [event.what for event in told(rooms)] == ["opened", "joined", "level"]
    assert (told(rooms)[-1].before, told(rooms)[-1].after) == ("L3", "L2")


def test_what_was_foreseen_has_its_level_once_a_rule_sees_it(rooms: Rooms) -> None:
    raised(rooms, "battery_overheat", 0.7)
    assert case(rooms).level == "L2", "a risk is no breakdown"
    rooms.clock.advance(HOUR_MS)
    for after in (3600, 3640):
        rooms.robot("R1", after, battery_temp_c=62.0)
    assert [rooms.tickets.open_for(rooms.fired[-1]) for _ in range(2)] == [1, 1]
    found = case(rooms)
    assert (found.level, found.respond_due) == ("L1", NOON + 3 * HOUR_MS), "2 h from what is seen"
    assert (found.evidence["risk"], found.evidence["also"]["rule"]) == (0.7, "battery_hot")
    assert [event.what for event in told(rooms)].count("level") == 1


def test_a_robot_that_says_itself_that_it_stands_raises_its_case_once(rooms: Rooms) -> None:
    """A mild suspicion of a model, then the robot's own code of the same fault while it stands still."""
    with rooms.desk.transaction() as session:
        session.execute(update(Device).where(Device.id == "R1").values(model="CR-200"))
    raised(rooms, "filter_clog")
    rooms.clock.advance(HOUR_MS)
    for after in (3600, 3610, 3620, 3630):
        rooms.robot("R1", after, state="error", error_code="F01")
    alert = rooms.fired[-1]
    assert [rooms.tickets.open_for(alert) for _ in range(3)] == [1, 1, 1]
    found = case(rooms)
    assert (found.level, [each.fault for each in found.suspicions]) == ("L1", ["filter_clog"])
    assert found.respond_due == NOON + 3 * HOUR_MS, "answered within 2 h of what it says, not 24 h of before"
    assert (said_by_device(found.evidence) or {})["code"] == "F01"
    assert found.evidence["risk"] == 0.8, "what the model saw stands beside it"
    assert [event.what for event in told(rooms)].count("level") == 1


def test_what_was_promised_before_is_never_put_off(rooms: Rooms) -> None:
    raised(rooms, "fan_motor_wear")
    rooms.clock.advance(3 * HOUR_MS)
    rooms.tickets.report("R1", "charging_failure", LI, "it does not charge")
    assert case(rooms).respond_due == NOON + 4 * HOUR_MS, "the 4 h of L2 end before 2 h from now"


def test_a_milder_suspicion_changes_no_clock(rooms: Rooms) -> None:
    raised(rooms, "drive_motor_wear")
    before = case(rooms)
    raised(rooms, "filter_clog", 0.99)
    after = case(rooms)
    assert (after.level, after.fault, after.due) == (before.level, before.fault, before.due)


def test_a_suspicion_that_cleared_leaves_and_stays_to_be_seen(rooms: Rooms) -> None:
    first = raised(rooms, "brush_jam", 0.9)
    raised(rooms, "fan_motor_wear", 0.6)
    over(rooms, first)
    rooms.tickets.alert_ended(first)
    assert states(rooms) == {"brush_jam": "cleared", "fan_motor_wear": "suspected"}
    assert case(rooms).fault == "fan_motor_wear"
    assert case(rooms).parts == ["fan-motor"]
    assert [event.what for event in told(rooms)] == ["opened", "joined", "left"]
    assert case(rooms).close_asked_at is None


def test_an_alert_that_a_person_ends_leaves_its_case_too(rooms: Rooms) -> None:
    alert = raised(rooms, "brush_jam")
    rooms.engine.resolve(alert.id, person("Li"), "I looked at it")
    rooms.tickets.alert_ended(rooms.changed[-1])
    assert states(rooms) == {"brush_jam": "cleared"}


def test_a_case_that_cleared_itself_is_closed_after_a_day_and_is_no_label(rooms: Rooms) -> None:
    over(rooms, raised(rooms, "brush_jam"))
    asked = case(rooms).close_asked_at
    assert asked == rooms.clock.ms
    assert rooms.tickets.close_cleared(asked + DAY_MS - 1) == 0
    rooms.clock.ms = asked + DAY_MS
    assert rooms.tickets.close_cleared(rooms.clock.ms) == 1
    assert rooms.tickets.close_cleared(rooms.clock.ms) == 0
    assert (case(rooms).state, states(rooms)) == (T.CANCELLED, {"brush_jam": "cleared"})
    last = told(rooms)[-1]
    assert (last.principal.kind, last.reason) == (PrincipalKind.SCHEDULE, "cleared itself")
    assert (last.before, last.after, last.data["alerts"]) == ("opened", "cancelled", ["1"])
    assert confirmed_repairs(rooms.desk).is_empty()
    assert open_tickets(rooms.desk).rows() == [("R1", "brush_jam", NOON)], "nobody looked: neither"


def test_a_recurrence_takes_the_ask_back(rooms: Rooms) -> None:
    over(rooms, raised(rooms, "brush_jam"))
    again = raised(rooms, "brush_jam", 0.9)
    found = case(rooms)
    assert (found.close_asked_at, found.alerts) == (None, (1, int(again.id)))
    assert (states(rooms), found.evidence["risk"]) == ({"brush_jam": "suspected"}, 0.9)
    rooms.tickets.alert_ended(rooms.fired[0])
    assert states(rooms) == {"brush_jam": "suspected"}, "the first one's end is old news"
    assert rooms.tickets.open_for(rooms.fired[0]) == 1
    assert case(rooms).version == found.version


def test_a_person_can_object_to_the_end(rooms: Rooms) -> None:
    raised(rooms, "brush_jam")
    with pytest.raises(Conflict, match="does not ask to be closed"):
        rooms.tickets.keep_open(1, LI, "wait")
    over(rooms, rooms.fired[0])
    with pytest.raises(InvalidInput, match="a reason is required"):
        rooms.tickets.keep_open(1, LI, " ")
    assert rooms.tickets.keep_open(1, LI, "it squeaks").close_asked_at is None
    assert rooms.tickets.close_cleared(NOON + 10 * DAY_MS) == 0
    assert (told(rooms)[-1].what, told(rooms)[-1].reason) == ("kept_open", "it squeaks")


def test_who_sets_out_takes_the_ask_back_and_nobody_is_called_off_on_the_way(rooms: Rooms) -> None:
    over(rooms, raised(rooms, "brush_jam"))
    assert walk(rooms, T.ACCEPTED).close_asked_at is not None
    assert walk(rooms, T.EN_ROUTE).close_asked_at is None
    over(rooms, raised(rooms, "fan_motor_wear"))
    assert case(rooms).close_asked_at is None
    assert rooms.tickets.close_cleared(NOON + 10 * DAY_MS) == 0


def test_what_a_customer_saw_does_not_clear_by_itself(rooms: Rooms) -> None:
    alert = raised(rooms, "brush_jam")
    rooms.tickets.report("R1", "brush_jam", LI, "it squeals")
    over(rooms, alert)
    assert (states(rooms), case(rooms).close_asked_at) == ({"brush_jam": "suspected"}, None)
    assert case(rooms).evidence["report"]["why"] == "it squeals"


def test_a_repair_judges_each_suspicion_and_names_what_nobody_suspected(rooms: Rooms) -> None:
    raised(rooms, "brush_jam", 0.9)
    raised(rooms, "fan_motor_wear", 0.7)
    raised(rooms, "filter_clog", 0.6)
    walk(rooms, *_TO_REPAIRING)
    done = walk(rooms, T.REPAIRED, confirmed=["brush_jam", "filter_clog", "water_leak"])
    assert states(rooms) == {
        "brush_jam": "confirmed",
        "fan_motor_wear": "refuted",
        "filter_clog": "confirmed",
        "water_leak": "confirmed",
    }
    assert (done.fault, done.confirmed_fault) == ("brush_jam", "brush_jam")
    assert told(rooms)[-1].data["confirmed"] == ["brush_jam", "filter_clog", "water_leak"]
    assert set(open_tickets(rooms.desk)["fault"]) == set(states(rooms)), "until confirmed, nobody knows"
    walk(rooms, T.CONFIRMED)
    assert sorted(confirmed_repairs(rooms.desk)["fault"]) == ["brush_jam", "filter_clog", "water_leak"]
    assert open_tickets(rooms.desk).is_empty(), "what was refuted is false, not doubtful"
    assert [state for _, state, _ in rooms.history()] == ["resolved"] * 3


@pytest.mark.parametrize(
    ("found", "state"), [(["none"], "refuted"), ([], "refuted"), (["brush_jam"], "confirmed")]
)
def test_one_real_fault_or_none_refutes_the_others(rooms: Rooms, found: list[str], state: str) -> None:
    raised(rooms, "brush_jam")
    raised(rooms, "fan_motor_wear")
    walk(rooms, *_TO_REPAIRING)
    walk(rooms, T.REPAIRED, confirmed=found)
    assert states(rooms) == {"brush_jam": state, "fan_motor_wear": "refuted"}


def test_what_cleared_before_the_visit_is_neither_and_what_cleared_after_it_was_judged(rooms: Rooms) -> None:
    first, second = raised(rooms, "brush_jam"), raised(rooms, "fan_motor_wear")
    raised(rooms, "filter_clog")
    over(rooms, first)
    rooms.clock.advance(1000)
    walk(rooms, *_TO_REPAIRING)
    over(rooms, second)
    walk(rooms, T.REPAIRED, confirmed=["filter_clog"])
    assert states(rooms) == {"brush_jam": "cleared", "fan_motor_wear": "refuted", "filter_clog": "confirmed"}
    walk(rooms, T.CONFIRMED)
    assert open_tickets(rooms.desk)["fault"].to_list() == ["brush_jam"]


def test_a_suspicion_after_the_repair_wants_a_word_before_the_case_is_closed(rooms: Rooms) -> None:
    raised(rooms, "brush_jam")
    walk(rooms, *_TO_REPAIRING)
    walk(rooms, T.REPAIRED, confirmed=["brush_jam"])
    raised(rooms, "fan_motor_wear")
    with pytest.raises(InvalidInput, match="fan_motor_wear was suspected after the repair"):
        walk(rooms, T.CONFIRMED)
    rooms.tickets.change_state(1, T.CONFIRMED, LI, "looked again", confirmed=["brush_jam"])
    assert states(rooms) == {"brush_jam": "confirmed", "fan_motor_wear": "refuted"}


def test_a_reopened_case_doubts_what_was_said(rooms: Rooms) -> None:
    raised(rooms, "brush_jam")
    walk(rooms, *_TO_REPAIRING)
    walk(rooms, T.REPAIRED, confirmed=["water_leak"])
    walk(rooms, T.REOPENED)
    assert states(rooms) == {"brush_jam": "suspected", "water_leak": "suspected"}
    assert case(rooms).confirmed_fault is None


def test_a_report_joins_the_case_that_an_alert_opened(rooms: Rooms) -> None:
    raised(rooms, "brush_jam")
    assert rooms.tickets.report("R1", "water_leak", LI, "puddle") == 1
    assert case(rooms).faults == ["water_leak", "brush_jam"], "what was seen is likelier than what is feared"


def test_whoever_stood_at_the_device_says_more_than_that_something_is_wrong(rooms: Rooms) -> None:
    number = rooms.tickets.report("R1", "unclear", LI, "it does not go")
    for state in _TO_REPAIRING:
        rooms.tickets.change_state(number, state, LI, "")
    with pytest.raises(InvalidInput, match=r"'unclear' is no fault of a robot; allowed: ") as refused:
        rooms.tickets.change_state(number, T.REPAIRED, LI, "", confirmed=["unclear"])
    assert "unclear" not in str(refused.value).partition("allowed")[2]
    done = rooms.tickets.change_state(number, T.REPAIRED, LI, "", confirmed=["brush_jam"])
    assert (done.fault, done.confirmed_faults) == ("brush_jam", ("brush_jam",))
