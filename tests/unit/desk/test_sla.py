"""The SLA as data: deadlines by level, and where a clock stands, as pure functions of time."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.clocks.standing import ClockStatus, clock_status, ticket_clocks
from fleet.clock import HOUR_MS
from fleet.errors import ConfigError
from fleet.faults import Level
from fleet.sla import deadlines, load_policy
from fleet.tickets import Ticket, TicketOrigin, TicketState

OPENED = 1_800_000_000_000


@pytest.mark.parametrize(
    ("level", "respond", "on_site", "solve"),
    [(Level.L1, 2, 4, None), (Level.L2, 4, 24, None), (Level.L3, 24, None, 72)],
)
def test_the_shipped_policy_promises_what_the_design_says(
    level: Level, respond: int, on_site: int | None, solve: int | None
) -> None:
    due = deadlines(load_policy(), level, OPENED)
    assert due.respond == OPENED + respond * HOUR_MS
    assert due.on_site == (on_site and OPENED + on_site * HOUR_MS)
    assert due.solve == (solve and OPENED + solve * HOUR_MS)


@pytest.mark.parametrize(
    ("now", "done_at", "status"),
    [
        (0, None, ClockStatus.ON_TIME),
        (74, None, ClockStatus.ON_TIME),
        (75, None, ClockStatus.WARNING),
        (100, None, ClockStatus.WARNING),
        (101, None, ClockStatus.BREACHED),
        (500, 100, ClockStatus.MET),
        (500, 101, ClockStatus.BREACHED),
    ],
)
def test_a_clock_warns_at_three_quarters_and_stays_breached_when_done_too_late(
    now: int, done_at: int | None, status: ClockStatus
) -> None:
    assert clock_status(0, 100, done_at, now, 0.75) is status


@given(
    length=st.integers(1, 10**10),
    times=st.lists(st.integers(0, 2 * 10**10), min_size=2),
    warn_at=st.floats(0.01, 0.99),
)
def test_a_running_clock_only_ever_gets_worse(length: int, times: list[int], warn_at: float) -> None:
    order = [ClockStatus.ON_TIME, ClockStatus.WARNING, ClockStatus.BREACHED]
    seen = [
        order.index(clock_status(OPENED, OPENED + length, None, OPENED + now, warn_at))
        for now in sorted(times)
    ]
    assert seen == sorted(seen)


def a_ticket() -> Ticket:
    return Ticket(
        device_id="R1",
        site="hall",
        fault="filter_clog",
        level=Level.L3,
        origin=TicketOrigin.REPORTED,
        state=TicketState.OPENED,
        opened_at=OPENED,
        respond_due=OPENED + 100,
        on_site_due=None,
        solve_due=OPENED + 400,
        suspicions=(),
    )


def test_a_ticket_has_a_clock_for_each_milestone_promised() -> None:
    clocks = ticket_clocks(a_ticket(), load_policy(), OPENED + 80)
    assert [(clock.milestone, clock.status) for clock in clocks] == [
        ("respond", ClockStatus.WARNING),
        ("solve", ClockStatus.ON_TIME),
    ]


def test_a_cancelled_tickets_clocks_have_stopped() -> None:
    ticket = replace(a_ticket(), state=TicketState.CANCELLED, responded_at=OPENED + 50)
    clocks = ticket_clocks(ticket, load_policy(), OPENED + 10**9)
    assert [(clock.milestone, clock.status) for clock in clocks] == [("respond", ClockStatus.MET)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nwarn_at: 2\nlevels: {}", "warn_at: .*less than 1"),
        ("name: a\nwarn_at: 0.5\nlevels: {L1: {respond: 2h}}", "L2, L3 missing"),
        ("name: a\nwarn_at: 0.5\nlevels: {L4: {respond: 2h}}", "levels.L4.*'L1', 'L2' or 'L3'"),
        ("name: a\nwarn_at: 0.5\nlevels: {L1: {respond: 0h}}", "levels.L1.respond: .*greater than 0"),
        (
            "name: a\nwarn_at: 0.5\nlevels: {L1: {answer: 1h}}",
            'levels.L1: unknown key "answer"; allowed: r',
        ),
        ("name: a\nwarn_at: 0.5\nlevels: {L1: {respond: soon}}", 'levels.L1.respond: "soon" is no duration'),
    ],
)
def test_a_mistake_in_a_policy_is_named_with_what_is_allowed(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_policy(path)
