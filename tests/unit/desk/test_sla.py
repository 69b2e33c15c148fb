"""The SLA as data: deadlines by level, and where a clock stands, as pure functions of time."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.clocks.clocks import Clocks, ClockStatus
from desk.clocks.standing import TicketClocks
from fleet.clock import HOUR_MS
from fleet.errors import ConfigError
from fleet.faults import Level
from fleet.sla import deadlines, load_policy
from fleet.tickets import Span, Ticket, TicketOrigin, TicketState

OPENED = 1_800_000_000_000
CLOCKS = TicketClocks(Clocks(load_policy()))


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


@given(now=st.lists(st.integers(0, 200 * HOUR_MS), min_size=2), level=st.sampled_from(list(Level)))
def test_a_running_clock_only_ever_gets_worse(now: list[int], level: Level) -> None:
    order = [ClockStatus.ON_TIME, ClockStatus.WARNING, ClockStatus.BREACHED]
    ticket = replace(a_ticket(), spans=(Span(OPENED, TicketState.OPENED, level),))
    for milestone in range(2):
        seen = [order.index(CLOCKS.of(ticket, OPENED + at)[milestone].status) for at in sorted(now)]
        assert seen == sorted(seen)


def a_ticket(*spans: Span) -> Ticket:
    return Ticket(
        device_id="R1",
        site="hall",
        fault="filter_clog",
        level=Level.L3,
        origin=TicketOrigin.REPORTED,
        state=spans[-1].state if spans else TicketState.OPENED,
        opened_at=OPENED,
        suspicions=(),
        spans=spans,
    )


def test_a_ticket_has_a_clock_for_each_milestone_promised() -> None:
    clocks = CLOCKS.of(a_ticket(), OPENED + 19 * HOUR_MS)
    assert [(clock.milestone, clock.status) for clock in clocks] == [
        ("respond", ClockStatus.WARNING),
        ("solve", ClockStatus.ON_TIME),
    ]


def test_a_cancelled_tickets_clocks_have_stopped() -> None:
    spans = [Span(OPENED, TicketState.OPENED, Level.L3), Span(OPENED + 60, TicketState.CANCELLED, Level.L3)]
    ticket = replace(a_ticket(*spans), responded_at=OPENED + 50)
    clocks = CLOCKS.of(ticket, OPENED + 10**9)
    assert [(clock.milestone, clock.status) for clock in clocks] == [("respond", ClockStatus.MET)]


def test_a_repaired_ticket_shows_when_it_was_due_and_the_time_until_it_is_reopened_does_not_count() -> None:
    states = (TicketState.OPENED, TicketState.ACCEPTED, TicketState.REPAIRING, TicketState.REPAIRED)
    spans = [Span(OPENED + number * HOUR_MS, state, Level.L3) for number, state in enumerate(states)]
    repaired = replace(a_ticket(*spans), responded_at=OPENED + HOUR_MS, solved_at=OPENED + 3 * HOUR_MS)
    solve = CLOCKS.of(repaired, OPENED + 500 * HOUR_MS)[1]
    assert (solve.status, solve.due) == (ClockStatus.MET, OPENED + 72 * HOUR_MS)
    again = Span(OPENED + 100 * HOUR_MS, TicketState.REOPENED, Level.L3)
    reopened = replace(a_ticket(*spans, again), responded_at=OPENED + HOUR_MS)
    solve = CLOCKS.of(reopened, OPENED + 101 * HOUR_MS)[1]
    assert (solve.counted_ms, solve.due) == (4 * HOUR_MS, OPENED + (72 + 97) * HOUR_MS)


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
