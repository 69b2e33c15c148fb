"""Past cases on both kinds of desk: many at once, each with its own number, and each once."""

from helpers.desk_rooms import NOON, add_devices

from desk.tickets.past import PastCases
from fleet.clock import DAY_MS, HOUR_MS, ManualClock
from fleet.past_cases import PastCase, PastVerdict
from fleet.principals import schedule
from fleet.signals import Kind
from fleet.sla import load_policy
from storage.records.database import DeskDatabase
from storage.records.repairs import confirmed_repairs
from storage.records.tickets import tickets_named
from sweepwatch.wiring import wire_desk


def test_many_at_once_each_has_its_own_and_comes_once(desk: DeskDatabase) -> None:
    add_devices(desk, {"R1": Kind.ROBOT, "R2": Kind.ROBOT})
    clock = ManualClock(NOON)
    past = PastCases(desk, wire_desk(desk, (), load_policy(), clock).clocks, clock)
    faults = (("brush_wear", "filter_clog"), ("fan_motor_wear",), ())
    cases = [
        PastCase(
            f"R{1 + n % 2}",
            NOON - (9 - n) * DAY_MS,
            faults[n % 3],
            repaired=NOON - (9 - n) * DAY_MS + HOUR_MS,
        )
        for n in range(9)
    ]
    first = past.take([*cases, cases[0]], schedule("tests"))
    assert [each.verdict for each in first] == [PastVerdict.NEW] * 9 + [PastVerdict.KNOWN]
    assert first[9].ticket_id == first[0].ticket_id
    with desk.transaction() as session:
        stored = tickets_named(session, [each.ticket_id for each in first])
    for case, outcome in zip(cases, first, strict=False):
        found = stored[outcome.ticket_id]
        assert (found.device_id, found.opened_at, found.confirmed_faults) == (
            case.device_id,
            case.opened,
            case.faults,
        )
        assert [span.begins for span in found.spans] == [case.opened, case.repaired, case.repaired]
    again = past.take(cases, schedule("tests"))
    assert [(each.verdict, each.ticket_id) for each in again] == [
        (PastVerdict.KNOWN, each.ticket_id) for each in first[:9]
    ]
    assert confirmed_repairs(desk).height == 9
