"""What every planner does, whatever solver is behind it; each plan is looked at by the checker."""

from dataclasses import replace

import pytest
from helpers.visiting import ISLAND, LUNCH, a_day, a_job, a_problem, at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.dispatch.planning.checking import wrong_with
from desk.dispatch.planning.planners import NAMES, planner
from desk.dispatch.planning.port import Planner, Problem
from desk.dispatch.planning.rolling import rolled, telling
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.dayplan import Chosen, DayPlan, Remedy, Route, Stop, Unassigned, Undone
from fleet.faults import Level
from fleet.visiting import Held, Hold, Job, Position, Rest, Window, Workday

CPU_S = 0.3


@pytest.fixture(params=NAMES)
def chosen(request: pytest.FixtureRequest) -> Planner:
    return planner(request.param)


def planned(chosen: Planner, problem: Problem, before: DayPlan | None = None) -> DayPlan:
    plan = chosen.plan(problem, CPU_S, before=before)
    assert wrong_with(problem, plan) == []
    assert plan.planner == chosen.name
    return plan


def stop_of(plan: DayPlan, job: str) -> tuple[str, Stop]:
    return next(each for each in plan.stops() if each[1].job == job)


def undone(plan: DayPlan, job: str) -> Unassigned:
    return next(each for each in plan.unassigned if each.job == job)


def a_small_day() -> Problem:
    jobs = [
        a_job(f"J{number}", (float(7 * number % 30), float(11 * number % 30)), skills=frozenset([skill]))
        for number, skill in enumerate(["brush", "battery", "brush", "battery", "brush", "brush"])
    ]
    days = [
        a_day("ann", skills=frozenset(["brush"]), rests=(LUNCH,)),
        a_day("bo", (20.0, 20.0), skills=frozenset(["brush", "battery"]), rests=(LUNCH,)),
    ]
    return a_problem(jobs, days)


def test_all_that_is_possible_is_planned_by_who_is_able(chosen: Planner) -> None:
    plan = planned(chosen, a_small_day())
    assert plan.unassigned == ()
    assert {who for who, stop in plan.stops() if stop.job in ("J1", "J3")} == {"bo"}
    assert all(stop.why is not None and stop.why.able >= 1 for _, stop in plan.stops())
    assert plan.cpu_s >= plan.solver_cpu_s > 0


def test_the_same_seed_gives_the_same_insertion_plan_again() -> None:
    one, two = (planner("insertion").plan(a_small_day(), CPU_S, seed=3) for _ in range(2))
    assert (one.routes, one.unassigned) == (two.routes, two.unassigned)


def test_nothing_to_do_and_nobody_to_do_it(chosen: Planner) -> None:
    assert planned(chosen, a_problem([], [a_day("ann")])).routes == ()
    plan = planned(chosen, a_problem([a_job("J", skills=frozenset(["x"]))], []))
    assert undone(plan, "J").why is Undone.NO_SKILL


IMPOSSIBLE = {
    "nobody has the skill": (
        a_job("J", skills=frozenset(["laser"])),
        Unassigned("J", Undone.NO_SKILL, Remedy.CERTIFY, ("laser",), "bo"),
    ),
    "no van has the part": (
        a_job("J", parts={"pump": 2}),
        Unassigned("J", Undone.NO_PART, Remedy.RESTOCK, ("pump",), "bo"),
    ),
    "the part comes no more": (
        a_job("J", parts={"old": 1}),
        Unassigned("J", Undone.PART_DISCONTINUED, Remedy.REPLACE_PART, ("old",)),
    ),
    "who has the skill has no part": (
        a_job("J", skills=frozenset(["brush"]), parts={"belt": 1}),
        Unassigned("J", Undone.NOBODY_HAS_BOTH, Remedy.RESTOCK, ("belt",), "ann"),
    ),
    "the window is past": (
        a_job("J", latest=at(6), due=at(6)),
        Unassigned("J", Undone.WINDOW_PAST, Remedy.NEW_WINDOW, at=at(7)),
    ),
    "an island": (a_job("J", ISLAND), Unassigned("J", Undone.UNREACHABLE, Remedy.ANOTHER_WAY)),
    "nobody works then": (
        a_job("J", latest=at(7.5)),
        Unassigned("J", Undone.NOBODY_WORKS_THEN, Remedy.NEW_WINDOW, (), "bo", 30 * MINUTE_MS, at(8)),
    ),
    "only in the evening": (
        a_job("J", earliest=at(19), due=at(20)),
        Unassigned("J", Undone.NOBODY_WORKS_THEN, Remedy.LATER_END, (), "bo", 90 * MINUTE_MS, at(19)),
    ),
    "too far for its window": (
        a_job("J", (60.0, 0.0), latest=at(8.25)),
        Unassigned(
            "J", Undone.TOO_FAR, Remedy.START_NEARER, (), "bo", 35 * MINUTE_MS, at(8) + 50 * MINUTE_MS
        ),
    ),
    "longer than a day": (
        a_job("J", minutes=11 * 60),
        Unassigned("J", Undone.TOO_LONG, Remedy.SPLIT_WORK, missing_ms=HOUR_MS),
    ),
    "held for somebody who is not there": (
        a_job("J", hold=Hold(Held.OVERRIDE, ("zoe",))),
        Unassigned("J", Undone.HOLD_IMPOSSIBLE, Remedy.LIFT_HOLD, ("zoe",)),
    ),
    "held for somebody who is not able": (
        a_job("J", skills=frozenset(["brush"]), hold=Hold(Held.OVERRIDE, ("bo",))),
        Unassigned("J", Undone.HOLD_IMPOSSIBLE, Remedy.LIFT_HOLD, ("bo",)),
    ),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_what_is_impossible_says_why_and_what_would_make_it_possible(chosen: Planner, what: str) -> None:
    job, expected = IMPOSSIBLE[what]
    days = [a_day("ann", skills=frozenset(["brush"])), a_day("bo", (10.0, 0.0), stock={"belt": 1})]
    problem = a_problem([job, a_job("easy")], days, discontinued=frozenset(["old"]))
    plan = planned(chosen, problem)
    assert plan.unassigned == (expected,)
    assert [stop.job for _, stop in plan.stops()] == ["easy"]


def test_two_people_need_a_second_one(chosen: Planner) -> None:
    plan = planned(chosen, a_problem([a_job("J", people=2)], [a_day("ann")]))
    assert (undone(plan, "J").why, undone(plan, "J").remedy) == (
        Undone.NO_SECOND_PERSON,
        Remedy.SECOND_PERSON,
    )


def test_two_people_begin_together_and_one_has_the_skill(chosen: Planner) -> None:
    days = [a_day("ann", skills=frozenset(["brush"])), a_day("bo", (25.0, 0.0)), a_day("cy", (500.0, 0.0))]
    job = a_job("J", people=2, skills=frozenset(["brush"]))
    plan = planned(chosen, a_problem([job, a_job("K", (1.0, 0.0))], days))
    there = {who: stop for who, stop in plan.stops() if stop.job == "J"}
    assert set(there) == {"ann", "bo"}
    assert there["ann"].lead
    assert there["ann"].begin == there["bo"].begin
    assert there["ann"].beside == ("bo",)


def test_a_day_without_room_says_who_would_have_to_stay_how_long(chosen: Planner) -> None:
    jobs = [a_job(f"J{number}", minutes=180) for number in range(4)]
    plan = planned(chosen, a_problem(jobs, [a_day("ann")]))
    (left,) = plan.unassigned
    # 10 minutes there, 3 x 3 h are done; a fourth ends 2 h 20 minutes after hours, the way back included.
    assert (left.why, left.remedy, left.engineer) == (Undone.NO_ROOM, Remedy.LATER_END, "ann")
    assert left.missing_ms == 140 * MINUTE_MS


def test_parts_that_others_take_are_missing(chosen: Planner) -> None:
    jobs = [a_job("J", parts={"belt": 1}), a_job("K", parts={"belt": 1})]
    plan = planned(chosen, a_problem(jobs, [a_day("ann", stock={"belt": 1})]))
    (left,) = plan.unassigned
    assert (left.why, left.remedy, left.about) == (Undone.NO_PART, Remedy.RESTOCK, ("belt",))


def test_the_graver_case_comes_first_where_there_is_room_for_one(chosen: Planner) -> None:
    jobs = [a_job("minor", minutes=400), a_job("grave", minutes=400, level=Level.L1)]
    plan = planned(chosen, a_problem(jobs, [a_day("ann")]))
    assert [stop.job for _, stop in plan.stops()] == ["grave"]


def test_what_cannot_be_in_time_is_late_by_as_little_as_can_be(chosen: Planner) -> None:
    jobs = [a_job("J", minutes=60, due=at(8.5)), a_job("K", minutes=60, due=at(8.5))]
    plan = planned(chosen, a_problem(jobs, [a_day("ann")]))
    late = sorted(stop.late_ms for _, stop in plan.stops())
    assert late == [0, 40 * MINUTE_MS]


def test_lunch_is_taken_in_its_window_and_no_work_is_in_it(chosen: Planner) -> None:
    jobs = [a_job(f"J{number}", minutes=80) for number in range(5)]
    plan = planned(chosen, a_problem(jobs, [a_day("ann", rests=(LUNCH,))]))
    rests = [rest for _, stop in plan.stops() for rest in stop.rests]
    assert [rest.end - rest.start for rest in rests] == [45 * MINUTE_MS]


def test_hours_in_two_parts_are_kept_apart(chosen: Planner) -> None:
    hours = (Window(at(8), at(12)), Window(at(14), at(18)))
    jobs = [a_job(f"J{number}", minutes=100) for number in range(4)]
    plan = planned(chosen, a_problem(jobs, [a_day("ann", hours=hours)]))
    assert not [stop for _, stop in plan.stops() if stop.begin < at(14) and stop.end > at(12)]
    assert len(list(plan.stops())) == 4


def test_a_longest_day_is_kept_and_waiting_counts(chosen: Planner) -> None:
    jobs = [a_job("J", latest=at(9)), a_job("K", earliest=at(16))]
    plan = planned(chosen, a_problem(jobs, [a_day("ann", longest_ms=3 * HOUR_MS)]))
    assert len(list(plan.stops())) == 1
    assert plan.routes[0].home_at - plan.routes[0].depart <= 3 * HOUR_MS


def test_what_is_under_way_and_next_stays_even_where_others_are_nearer(chosen: Planner) -> None:
    under_way = a_job("now", (30.0, 0.0), hold=Hold(Held.UNDER_WAY, ("ann",), at(9.5)))
    following = a_job("next", (0.0, 30.0), hold=Hold(Held.NEXT, ("ann",), at(11)))
    days = [a_day("ann", (30.0, 0.0), free_at=at(9.5)), a_day("bo", (0.0, 30.0))]
    plan = planned(chosen, a_problem([following, a_job("K", (0.0, 29.0)), under_way], days, now=9.75))
    ann = next(route for route in plan.routes if route.engineer == "ann")
    assert [(stop.job, stop.begin) for stop in ann.stops[:2]] == [("now", at(9.5)), ("next", at(11))]
    assert [stop.why.chosen for stop in ann.stops[:2] if stop.why] == [Chosen.UNDER_WAY, Chosen.NEXT]


def test_a_break_comes_behind_the_next_visit_where_it_would_keep_it_waiting(chosen: Planner) -> None:
    """The day would end sooner with the break before it: its customer was told one o'clock."""
    rest = Rest(45 * MINUTE_MS, at(11.5), at(14.25))
    job = a_job("next", (0.0, 0.0), minutes=0, hold=Hold(Held.NEXT, ("ann",), at(13)))
    plan = planned(chosen, a_problem([job], [a_day("ann", rests=(rest,), free_at=at(12.5))], now=12.5))
    assert stop_of(plan, "next")[1].begin == at(13)


def test_what_was_begun_is_finished_after_hours(chosen: Planner) -> None:
    job = a_job("now", (0.0, 0.0), minutes=180, hold=Hold(Held.UNDER_WAY, ("ann",), at(17)))
    plan = planned(chosen, a_problem([job, a_job("K")], [a_day("ann", free_at=at(17))], now=17.5))
    assert [stop.job for _, stop in plan.stops()] == ["now"]
    assert undone(plan, "K").why in (Undone.NO_ROOM, Undone.TOO_FAR)


def test_an_override_holds_engineer_and_time(chosen: Planner) -> None:
    job = a_job("J", (10.0, 0.0), hold=Hold(Held.OVERRIDE, ("bo",), at(13)))
    plan = planned(
        chosen, a_problem([job, a_job("K")], [a_day("ann", (10.0, 0.0)), a_day("bo", (40.0, 0.0))])
    )
    who, stop = stop_of(plan, "J")
    assert (who, stop.begin, stop.why and stop.why.chosen) == ("bo", at(13), Chosen.OVERRIDE)


def test_told_arrivals_are_kept_when_more_comes_in(chosen: Planner) -> None:
    problem = a_small_day()
    told = telling(problem, planned(chosen, problem), 30 * MINUTE_MS, 30 * MINUTE_MS)
    before = planned(chosen, told)
    more = a_problem([*told.jobs, a_job("new", (3.0, 9.0), skills=frozenset(["brush"]))], told.workdays)
    plan = planned(chosen, more, before)
    assert plan.unassigned == ()
    assert {stop.job for _, stop in plan.stops() if stop.moved_ms} == set()


def test_a_told_arrival_that_cannot_be_kept_is_moved_and_told_so(chosen: Planner) -> None:
    jobs = [
        a_job("J", minutes=120, told=Window(at(9), at(9.5))),
        a_job("K", (10.0, 1.0), minutes=120, told=Window(at(9), at(9.5))),
    ]
    plan = planned(chosen, a_problem(jobs, [a_day("ann")]))
    assert sorted(stop.moved_ms > 0 for _, stop in plan.stops()) == [False, True]


def test_a_told_arrival_is_given_up_where_that_saves_much() -> None:
    """Told to be there at 9 and at 15 h: one trip to both is two hours of road shorter."""
    jobs = [
        *(a_job(f"J{n}", (60.0, float(n)), told=Window(at(9), at(10))) for n in range(9)),
        a_job("far", (60.0, 9.0), told=Window(at(16), at(16.5))),
    ]
    near = [
        a_job(f"K{n}", (0.0, 1.0 + n), earliest=at(14), latest=at(15.5), told=Window(at(14), at(15)))
        for n in range(4)
    ]
    days = [a_day(f"e{n}") for n in range(5)]
    kept = planned(planner("vroom"), a_problem([*jobs, *near], days, told_cost_s=100_000))
    given = planned(planner("vroom"), a_problem([*jobs, *near], days, told_cost_s=300))
    assert not any(stop.moved_ms for _, stop in kept.stops())
    assert given.travel_s <= kept.travel_s


def test_work_begins_a_margin_before_it_is_due_where_there_is_a_way(chosen: Planner) -> None:
    """Beyond near's hour lies tight, due at 9:25: after near it would begin at 9:20, in time but for luck."""
    jobs = [a_job("near", (10.0, 0.0), 60), a_job("tight", (20.0, 0.0), due=at(9 + 25 / 60))]
    hurried = a_job("hurried", (15.0, 0.0), due=at(8 + 20 / 60))
    plan = planned(chosen, a_problem(jobs, [a_day("ann")], margin_ms=20 * MINUTE_MS))
    assert stop_of(plan, "tight")[1].begin <= at(9 + 5 / 60)
    plan = planned(chosen, a_problem([hurried], [a_day("ann")], margin_ms=20 * MINUTE_MS))
    assert stop_of(plan, "hurried")[1].late_ms == 0, "too late for a margin is not too late"


def test_a_window_that_is_preferred_is_kept(chosen: Planner) -> None:
    job = a_job("J", preferred=(Window(at(9), at(10)), Window(at(15), at(16))))
    plan = planned(chosen, a_problem([job, *(a_job(f"K{n}", minutes=50) for n in range(4))], [a_day("ann")]))
    begin = stop_of(plan, "J")[1].begin
    assert at(9) <= begin <= at(10) or at(15) <= begin <= at(16)


def test_contractors_come_last(chosen: Planner) -> None:
    days = [a_day("contractor", (10.0, 0.0), dear_s=7200), a_day("ann")]
    plan = planned(chosen, a_problem([a_job("J"), a_job("K")], days))
    assert {who for who, _ in plan.stops()} == {"ann"}


def test_what_would_be_better_names_the_nearer_engineer_and_what_they_lack(chosen: Planner) -> None:
    days = [a_day("far", (40.0, 0.0), skills=frozenset(["brush"])), a_day("near", (10.0, 0.0))]
    _, stop = stop_of(planned(chosen, a_problem([a_job("J", skills=frozenset(["brush"]))], days)), "J")
    assert stop.why is not None
    assert (stop.why.chosen, stop.why.able, stop.why.extra_s) == (Chosen.ONLY_ONE, 1, 3600)
    assert stop.why.better is not None
    assert (stop.why.better.engineer, stop.why.better.about, stop.why.better.saves_s) == (
        "near",
        ("brush",),
        3600,
    )


def test_the_next_best_engineer_is_told_with_what_they_would_drive_more(chosen: Planner) -> None:
    days = [a_day("near", (10.0, 5.0)), a_day("far", (40.0, 0.0))]
    _, stop = stop_of(planned(chosen, a_problem([a_job("J")], days)), "J")
    assert stop.why is not None
    assert stop.why.next_best is not None
    assert (stop.why.next_best.engineer, stop.why.next_best.more_s) == ("far", 3000)


def test_a_plan_in_force_of_other_jobs_and_engineers_does_no_harm(chosen: Planner) -> None:
    stop = Stop("gone", 0.0, 0.0, (), at(9), at(9), at(10))
    before = DayPlan((Route("gone", at(8), (stop,), 0.0, 0.0, (), at(10)),), (), "elsewhere")
    assert planned(chosen, a_small_day(), before).unassigned == ()


places = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda pair: (float(pair[0]), float(pair[1])))
skills = st.frozensets(st.sampled_from(["brush", "battery", "laser"]), max_size=2)
parts = st.dictionaries(st.sampled_from(["belt", "pump"]), st.integers(1, 2), max_size=2)
hours = st.integers(7, 18).map(at)


@st.composite
def jobs_(draw: st.DrawFn, number: int) -> Job:
    earliest = draw(hours)
    told = draw(st.none() | hours)
    return Job(
        f"J{number}",
        draw(st.just(ISLAND) | places if draw(st.integers(0, 9)) == 0 else places),
        draw(st.integers(0, 150)) * MINUTE_MS + draw(st.integers(0, 999)),
        earliest,
        draw(hours),
        draw(st.none() | hours),
        draw(st.sampled_from(list(Level))),
        draw(skills) if draw(st.booleans()) else frozenset(),
        draw(parts) if draw(st.booleans()) else {},
        draw(st.sampled_from([1, 1, 1, 2])),
        None if told is None else Window(told, told + HOUR_MS),
        tuple(Window(each, each + HOUR_MS) for each in draw(st.lists(hours, max_size=2))),
    )


@st.composite
def days_(draw: st.DrawFn, number: int) -> Workday:
    home: Position = draw(places)
    whole = (Window(at(8), at(17)),)
    split = (Window(at(8), at(12)), Window(at(13), at(17)))
    rest = Rest(draw(st.sampled_from([20, 45])) * MINUTE_MS + 1, at(11.5), at(13.5))
    parted = draw(st.booleans())
    return Workday(
        f"E{number}",
        home,
        split if parted else whole,
        draw(st.none() | st.just(home)),
        draw(skills),
        draw(parts),
        () if parted or draw(st.booleans()) else (rest,),
        draw(st.none() | st.integers(8 * 60, 15 * 60).map(lambda minutes: at(minutes / 60))),
        draw(st.none() | st.integers(2, 8).map(lambda hours: hours * HOUR_MS)),
        draw(st.sampled_from([0, 0, 1800])),
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    jobs = [draw(jobs_(number)) for number in range(draw(st.integers(0, 9)))]
    days = [draw(days_(number)) for number in range(draw(st.integers(0, 3)))]
    held: list[Job] = []
    for job in jobs:
        who = draw(st.none() | st.sampled_from([day.engineer for day in days])) if days else None
        hold = (
            None
            if who is None or draw(st.integers(0, 3))
            else Hold(Held.OVERRIDE, (who,), draw(st.none() | hours))
        )
        held.append(replace(job, hold=hold))
    return a_problem(held, days, now=draw(st.integers(6, 14)))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(problem=problems())
@pytest.mark.parametrize("name", NAMES)
def test_every_plan_of_any_small_day_can_be_carried_out(name: str, problem: Problem) -> None:
    plan = planner(name).plan(problem, 0.1)
    assert wrong_with(problem, plan) == []


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    problem=problems(), hour=st.integers(8 * 60, 17 * 60), away=st.frozensets(st.sampled_from(["E0", "E1"]))
)
@pytest.mark.parametrize("name", ["vroom", "insertion"])
def test_every_plan_made_anew_during_the_day_can_be_carried_out(
    name: str, problem: Problem, hour: int, away: frozenset[str]
) -> None:
    """What is under way and next stays with its engineers, whoever is away."""
    before = planner(name).plan(problem, 0.1)
    later = rolled(telling(problem, before, HOUR_MS, HOUR_MS), before, max(problem.now, at(hour / 60)), away)
    plan = planner(name).plan(later.problem, 0.1, before=before)
    assert wrong_with(later.problem, plan) == []
    then = {(who, stop.job): stop.begin for who, stop in before.stops()}
    now = {(who, stop.job): stop.begin for who, stop in plan.stops()}
    held = [job for job in later.problem.jobs if job.hold is not None and job.hold.why is not Held.OVERRIDE]
    for job in held:
        assert job.hold is not None
        for who in job.hold.engineers:
            assert now[who, job.id] == then[who, job.id]
