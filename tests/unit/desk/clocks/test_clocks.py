"""Clocks: working time by the wall's clock, waits, rises, and what a policy promises to whom."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from benchmarks.clocks import Comparison
from benchmarks.harness.clock_cases import generate
from desk.clocks.calendar import OPEN, ServiceCalendar
from desk.clocks.clocks import CaseTimes, Clocks, ClockStatus, MilestoneClock, Rise, Wait
from desk.clocks.timetable import Timetable
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.faults import Level
from fleet.localtime import moment_of, shown
from fleet.sla import Facts, Milestone, SlaPolicy, load_policy

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def calendar(**given: object) -> ServiceCalendar:
    """Return a calendar of office hours, or of others."""
    return ServiceCalendar.model_validate({"name": "office", "hours": ["08:00-18:00"]} | given)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    """Return the epoch ms of a time by the zone's clock."""
    return moment_of(text, zone)


def clock(milestone: Milestone, case: CaseTimes, now: str, counted_by: ServiceCalendar) -> MilestoneClock:
    """Return one clock of a case under the promises that ship, by some calendar."""
    policy = load_policy().model_copy(update={"calendar": counted_by.name})
    found = Clocks(policy, {counted_by.name: counted_by}).of(case, at(now, case.zone))
    return next(each for each in found if each.milestone is milestone)


def case(opened: str, level: Level = Level.L2, **more: object) -> CaseTimes:
    """Return a repair in Shanghai."""
    return CaseTimes("repair", (Rise(at(opened), level),), SHANGHAI, **more)  # type: ignore[arg-type]


def test_clocks_are_those_of_counting_minute_by_minute() -> None:
    comparison = Comparison()
    for each in generate(7, 1_500, ("Europe/Berlin", "Australia/Lord_Howe")):
        comparison.look(each)
    assert comparison.wrong == {}
    assert comparison.clocks > 3_000
    assert {ClockStatus.PAUSED, ClockStatus.ENDED, ClockStatus.WARNING} <= set(comparison.statuses)


def test_an_evening_and_a_weekend_do_not_count() -> None:
    found = clock(Milestone.RESPOND, case("2026-05-22T16:00"), "2026-05-23T10:00", calendar())  # a Friday
    assert found.due == at("2026-05-25T10:00")
    assert found.counted_ms == 2 * HOUR_MS


def test_a_holiday_of_china_is_free_and_its_made_up_saturday_counts() -> None:
    chinese = calendar(holidays={"country": "CN"})
    opened = case("2026-09-30T17:00")
    found = clock(Milestone.ON_SITE, opened, "2026-09-30T18:00", chinese)
    assert found.due == at("2026-10-10T11:00")  # the 1st to the 7th are free, Saturday the 10th is worked
    assert [day for day in range(8, 13) if chinese.pieces(date(2026, 10, day))[0].reason == "weekend"] == [11]


def test_summer_time_takes_an_hour_and_gives_it_back() -> None:
    night = Timetable(calendar(hours=["00:00-06:00"], days={"sun": ["00:00-06:00"]}), BERLIN)
    spring, autumn, usual = (
        night.worked(at(f"{day}T06:00", BERLIN)) - night.worked(at(f"{day}T00:00", BERLIN))
        for day in ("2026-03-29", "2026-10-25", "2026-10-26")
    )
    assert (spring, autumn, usual) == (5 * HOUR_MS, 7 * HOUR_MS, 6 * HOUR_MS)


def test_waiting_for_the_customer_stops_the_way_there_but_never_the_answer() -> None:
    waiting = case("2026-05-20T09:00", waits=(Wait(at("2026-05-20T10:00"), None, "waiting_customer"),))
    on_site = clock(Milestone.ON_SITE, waiting, "2026-05-21T12:00", calendar())
    assert (on_site.status, on_site.due, on_site.counted_ms) == (ClockStatus.PAUSED, None, HOUR_MS)
    assert clock(Milestone.RESPOND, waiting, "2026-05-21T12:00", calendar()).status is ClockStatus.BREACHED


def test_waiting_for_a_part_is_ours() -> None:
    waiting = case("2026-05-20T09:00", waits=(Wait(at("2026-05-20T10:00"), None, "waiting_part"),))
    assert clock(Milestone.ON_SITE, waiting, "2026-05-20T12:00", calendar()).due == at("2026-05-22T13:00")


def test_a_breach_before_a_wait_stays_one() -> None:
    waits = (Wait(at("2026-05-30T10:00"), None, "waiting_customer"),)
    found = clock(Milestone.ON_SITE, case("2026-05-20T09:00", waits=waits), "2026-06-01T12:00", calendar())
    assert found.status is ClockStatus.BREACHED
    assert found.due == at("2026-05-22T13:00")


def test_the_stricter_of_two_levels_promises_holds_and_none_is_broken_at_its_birth() -> None:
    always = ServiceCalendar(name="all", always=True)
    late = CaseTimes(
        "repair",
        (Rise(at("2026-05-20T09:00"), Level.L2), Rise(at("2026-05-20T12:30"), Level.L1)),
        SHANGHAI,
    )
    assert clock(Milestone.RESPOND, late, "2026-05-20T12:31", always).due == at("2026-05-20T13:00")
    assert clock(Milestone.ON_SITE, late, "2026-05-20T12:31", always).due == at("2026-05-20T16:30")


def test_a_clock_warns_at_three_quarters_of_working_time() -> None:
    opened = case("2026-05-20T16:00")
    assert clock(Milestone.RESPOND, opened, "2026-05-21T08:59", calendar()).status is ClockStatus.ON_TIME
    assert clock(Milestone.RESPOND, opened, "2026-05-21T09:00", calendar()).status is ClockStatus.WARNING


@pytest.mark.parametrize(
    ("ended", "status"), [("2026-05-20T10:00", ClockStatus.ENDED), ("2026-05-25T10:00", ClockStatus.BREACHED)]
)
def test_what_was_cancelled_in_time_is_owed_no_more(ended: str, status: ClockStatus) -> None:
    found = clock(
        Milestone.ON_SITE, case("2026-05-20T09:00", ended_at=at(ended)), "2026-06-01T10:00", calendar()
    )
    assert found.status is status


def test_the_explanation_names_what_did_not_count_and_adds_up() -> None:
    policy = load_policy().model_copy(update={"calendar": "office"})
    waits = (Wait(at("2026-05-21T13:30"), at("2026-05-22T09:00"), "waiting_customer"),)
    office = calendar(lunch="12:00-13:00")
    explained = Clocks(policy, {"office": office}).explain(
        case("2026-05-20T16:00", waits=waits), at("2026-05-25T09:00")
    )
    on_site = next(each for each in explained if each.clock.milestone is Milestone.ON_SITE)
    reasons = [each.reason for each in on_site.stretches]
    assert {"open", "lunch", "outside_hours", "weekend", "waiting_customer"} == set(reasons)
    counted = sum(each.end - each.begin for each in on_site.stretches if each.reason == OPEN)
    assert counted == on_site.clock.counted_ms
    assert on_site.stretches[0].begin == at("2026-05-20T16:00")
    assert on_site.stretches[-1].end == at("2026-05-25T09:00")


def test_a_calendar_that_hardly_opens_is_due_late_and_one_that_never_does_again_never() -> None:
    leap = calendar(hours=["08:00-08:01"], days={day: [] for day in ("mon", "tue", "wed", "thu")})
    found = clock(Milestone.RESPOND, case("2026-05-20T16:00"), "2026-05-21T08:59", leap)
    assert found.due is not None
    assert shown(found.due, SHANGHAI).startswith("2030-12-")


def test_provisional_is_what_is_due_after_the_confirmed_holidays() -> None:
    known = calendar(confirmed_until="2026-05-21")
    assert not clock(Milestone.RESPOND, case("2026-05-21T08:00"), "2026-05-21T08:59", known).provisional
    assert clock(Milestone.ON_SITE, case("2026-05-21T08:00"), "2026-05-21T08:59", known).provisional


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"hours": []}, "hours: no minute would ever count"),
        ({"always": True}, "always: every minute counts"),
        ({"lunch": "07:00-19:00"}, "hours: no minute would ever count"),
        ({"days": {"saturday": []}}, "days: saturday is no day of the week"),
    ],
)
def test_a_calendar_that_cannot_be_used_says_why(given: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        calendar(**given)


def test_of_special_promises_the_one_that_asks_for_more_goes_before() -> None:
    shipped = load_policy().model_dump(by_alias=True)
    levels = {
        "L1": {"respond": "2h", "on_site": "4h"},
        "L2": {"respond": "4h", "on_site": "24h"},
        "L3": {"respond": "24h", "solve": "72h"},
    }
    special = [
        {"for": {"plan": "gold"}, "respond": "1h"},
        {"for": {"plan": "gold", "tier": "A"}, "respond": "30m"},
        {"for": {"level": "L1"}, "on_site": "3h"},
    ]
    policy = SlaPolicy.model_validate(
        {"name": shipped["name"], "warn_at": 0.75, "levels": levels, "special": special}
    )

    def allowed(**facts: str) -> dict[str, int]:
        promised = policy.allowed(Facts("repair", Level.L1, **facts))
        return {milestone: each.ms // MINUTE_MS for milestone, each in promised.items()}

    assert allowed() == {"respond": 120, "on_site": 180}
    assert allowed(plan="gold") == {"respond": 60, "on_site": 180}
    assert allowed(plan="gold", tier="A") == {"respond": 30, "on_site": 180}


@pytest.mark.parametrize(
    ("name", "promised"),
    [
        ("urgent", {"contact": 60, "close": 24 * 60}),
        ("experience", {"contact": 240, "close": 48 * 60}),
        ("suggestion", {"contact": 24 * 60}),
        ("major", {"contact": 30, "on_site": 120, "plan": 48 * 60, "close": 72 * 60}),
    ],
)
def test_complaints_have_the_milestones_of_their_class(name: str, promised: dict[str, int]) -> None:
    found = load_policy().allowed(Facts("complaint", Level.L3, of_class=name))
    assert {milestone: each.ms // MINUTE_MS for milestone, each in found.items()} == promised


def test_a_policy_that_names_a_calendar_that_is_not_there_says_which_are() -> None:
    policy = load_policy().model_copy(update={"calendar": "ofice"})
    with pytest.raises(ValueError, match="there is no .*ofice.*; allowed: always, office"):
        Clocks(policy, {"office": calendar()})
