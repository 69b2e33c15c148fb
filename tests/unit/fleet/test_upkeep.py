"""When maintenance is due: by calendar and by use, and how the first of a fleet is spread."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from fleet.clock import DAY_MS
from fleet.service import ServiceFile, load_service
from fleet.upkeep import Due, DueBy, Every, Run, Since, Used, months_later, next_due, spread

NOW = 1_800_000_000_000
AHEAD = 14 * DAY_MS


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("begin", "months", "end"),
    [
        ("2026-11-30T10:00", 3, "2027-02-28T10:00"),
        ("2027-11-30T10:00", 3, "2028-02-29T10:00"),
        ("2026-10-15T00:00", 6, "2027-04-15T00:00"),
        ("2028-02-29T23:59", 12, "2029-02-28T23:59"),
    ],
)
def test_months_are_those_of_the_calendar(begin: str, months: int, end: str) -> None:
    assert months_later(at(begin), months) == at(end)


def test_after_it_was_done_it_counts_from_then_whatever_the_share() -> None:
    for share in (0.0, 0.99):
        due = next_due(Every(months=3), Since(NOW), None, NOW, share, AHEAD)
        assert due == Due(months_later(NOW, 3), DueBy.CALENDAR)


def test_of_both_what_comes_first_holds_and_use_is_foreseen_from_what_was_run() -> None:
    every = Every(months=12, hours=100)
    run = Run(Used(1000, NOW - 10 * DAY_MS), Used(1040, NOW))
    assert next_due(every, Since(NOW - 10 * DAY_MS), run, NOW, 0, AHEAD) == Due(NOW + 15 * DAY_MS, DueBy.USE)
    idle = Run(Used(1000, NOW - 10 * DAY_MS), Used(1000.1, NOW))
    assert next_due(every, Since(NOW - 10 * DAY_MS), idle, NOW, 0, AHEAD).by is DueBy.CALENDAR
    spent = Run(Used(1000, NOW - 10 * DAY_MS), Used(1100, NOW))
    assert next_due(every, Since(NOW - 10 * DAY_MS), spent, NOW, 0, AHEAD) == Due(NOW, DueBy.USE)


def test_a_counter_that_fell_counts_from_zero() -> None:
    run = Run(Used(5000, NOW - 10 * DAY_MS), Used(40, NOW))
    due = next_due(Every(hours=100), Since(NOW - 10 * DAY_MS), run, NOW, 0, AHEAD)
    assert due.at == NOW + 15 * DAY_MS


def test_by_use_alone_nothing_is_due_before_hours_are_known() -> None:
    assert next_due(Every(hours=100), Since(NOW, first=True), None, NOW, 0.5, AHEAD) == Due(None, DueBy.USE)
    young = Run(Used(0, NOW - 600_000), Used(0.1, NOW))
    assert next_due(Every(hours=100), Since(NOW, first=True), young, NOW, 0.5, AHEAD).at is None


def test_a_fleet_of_three_years_imported_today_falls_due_little_by_little_and_nothing_at_once() -> None:
    dues = [
        next_due(Every(months=3), Since(NOW, first=True), None, NOW, spread(f"R{n}", "quarter"), AHEAD).at
        for n in range(2000)
    ]
    assert all(due is not None and NOW + AHEAD <= due <= months_later(NOW, 3) for due in dues)
    a_day = Counter((due - NOW) // DAY_MS for due in dues if due is not None)
    assert max(a_day.values()) < 3 * 2000 / 76
    used = Run(Used(9000, NOW), Used(9000, NOW))
    assert next_due(Every(hours=500), Since(NOW, first=True), used, NOW, 0, AHEAD).at is None


def test_the_file_that_ships_has_a_quarters_a_half_years_and_a_years_plan_for_robots() -> None:
    asked = load_service().maintenance
    assert [plan.every.months for plan in asked.plans] == [3, 6, 12]
    assert all(plan.devices.fits("robot", "CR-200") for plan in asked.plans)
    assert not any(plan.devices.fits(kind, "x") for plan in asked.plans for kind in ("tool", "wristband"))


CAUSES = [{"id": "other", "en": "x", "zh": "x"}]
PLAN = {"id": "a", "every": {"months": 3}, "minutes": 5, "checklist": "none", "en": "A", "zh": "A"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "names the checklist"),
        ({"every": {}}, "write months"),
        ({"every": {"months": 4}}, "3, 6 or 12"),
        ({"for": {"kind": "tool"}}, "robot"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_what_is_allowed(change: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ServiceFile.model_validate({"late_causes": CAUSES, "maintenance": {"plans": [PLAN | change]}})


def test_a_file_without_maintenance_and_inspections_plans_none() -> None:
    file = ServiceFile.model_validate({"late_causes": CAUSES})
    assert (file.maintenance.plans, file.inspections) == ((), {})
