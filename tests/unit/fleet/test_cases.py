"""Cases as values: clocks only ever get stricter, are never broken at birth, and the likely fault leads."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from fleet.cases import CLOSE_AFTER_MS, cleared, closes_at, joined, moved, open_case, suspect
from fleet.clock import HOUR_MS
from fleet.faults import FAULTS
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import Suspicion, SuspicionState, Ticket, TicketOrigin, TicketState, likely

NOON = 1_800_000_000_000
ROBOT_FAULTS = sorted(code for code, fault in FAULTS.items() if fault.kind is Kind.ROBOT)
DUES = ("respond_due", "on_site_due", "solve_due")


def suspicion(fault: str, at: int = NOON, risk: float = 0.8, alert: int | None = None) -> Suspicion:
    return suspect(fault, at, {"source": "risk", "risk": risk}, alert_id=alert)


def a_case(fault: str = "brush_jam") -> Ticket:
    return open_case("R1", "hall", TicketOrigin.PROACTIVE, suspicion(fault), NOON)


@given(st.lists(st.tuples(st.sampled_from(ROBOT_FAULTS), st.integers(1, 100)), min_size=1, max_size=8))
def test_whatever_joins_no_promise_is_put_off_and_none_is_broken_at_its_birth(
    arrivals: list[tuple[str, int]],
) -> None:
    clocks = TicketClocks(Clocks(load_policy()))
    case, now = clocks.reckoned(a_case("filter_clog"), NOON)[0], NOON
    for fault, hours in arrivals:
        now += hours * HOUR_MS
        before, case = case, clocks.reckoned(joined(case, suspicion(fault, now), now), now)[0]
        assert case.level == min(before.level, FAULTS[fault].level)
        for name in DUES:
            old, new = getattr(before, name), getattr(case, name)
            assert old is None or (new is not None and new <= old)
            assert new == old or new > now, "a clock that changed has time left"


@given(st.permutations(["brush_jam", "fan_motor_wear", "drive_motor_wear"]))
def test_the_likely_fault_does_not_depend_on_the_order_of_arrival(order: list[str]) -> None:
    risks = {"brush_jam": 0.99, "fan_motor_wear": 0.8, "drive_motor_wear": 0.5}
    found = likely(suspicion(fault, NOON, risks[fault]) for fault in order)
    assert found is not None
    assert found.fault == "drive_motor_wear", "the worst level first"


def test_of_one_level_and_strength_the_newest_leads() -> None:
    found = likely([suspicion("brush_jam", NOON), suspicion("fan_motor_wear", NOON + 1)])
    assert found is not None
    assert found.fault == "fan_motor_wear"


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({}, True),
        ({"state": TicketState.ACCEPTED}, True),
        ({"state": TicketState.WAITING_CUSTOMER}, True),
        ({"state": TicketState.EN_ROUTE}, False),
        ({"state": TicketState.REOPENED}, False),
        ({"state": TicketState.WAITING_PART, "on_site_at": NOON}, False),
        ({"origin": TicketOrigin.REPORTED}, False),
    ],
)
def test_only_our_own_case_that_nobody_went_for_asks_to_be_closed(
    change: dict[str, object], asks: bool
) -> None:
    case = cleared(replace(a_case(), **change), "brush_jam", NOON + 5)  # type: ignore[arg-type]
    assert case.suspicions[0].state is SuspicionState.CLEARED
    assert closes_at(case) == (NOON + 5 + CLOSE_AFTER_MS if asks else None)


def test_clearing_twice_changes_nothing() -> None:
    once = cleared(a_case(), "brush_jam", NOON + 5)
    assert cleared(once, "brush_jam", NOON + 9) is once
    assert cleared(once, "water_leak", NOON + 9) is once


def test_what_an_engineer_took_back_was_never_suspected() -> None:
    case = a_case()
    for state in (TicketState.ACCEPTED, TicketState.EN_ROUTE, TicketState.REPAIRING):
        case = moved(case, state, NOON)
    case = moved(case, TicketState.REPAIRED, NOON, ["water_leak"])
    assert case.confirmed_faults == ("water_leak",)
    case = moved(case, TicketState.CONFIRMED, NOON, ["brush_jam"])
    assert [(each.fault, each.state) for each in case.suspicions] == [("brush_jam", SuspicionState.CONFIRMED)]
