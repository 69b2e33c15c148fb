"""The plan in force later in the day: what is done, held and open, and what a new plan changed."""

from helpers.visiting import LUNCH, a_day, a_job, a_problem, at

from desk.dispatch.planning.planners import planner
from desk.dispatch.planning.port import Problem
from desk.dispatch.planning.rolling import churn, rolled, telling
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.dayplan import DayPlan
from fleet.visiting import Held, Hold, Window


def a_day_under_way() -> tuple[Problem, DayPlan]:
    """Four jobs of an hour at one place, 10 minutes from home: 8:10, 9:10, 10:10 and 11:10 (before lunch)."""
    jobs = [a_job(f"J{number}", minutes=60, parts={"belt": 1}) for number in range(4)]
    problem = a_problem(jobs, [a_day("ann", rests=(LUNCH,), stock={"belt": 9}, longest_ms=9 * HOUR_MS)])
    return problem, planner("insertion").plan(problem, 1.0)


def order(plan: DayPlan) -> list[str]:
    return [stop.job for _, stop in plan.stops()]


def test_what_is_done_is_gone_and_what_is_under_way_and_next_is_held() -> None:
    problem, plan = a_day_under_way()
    names = order(plan)
    later = rolled(problem, plan, at(9.5))
    assert [stop.job for _, stop in later.behind] == names[:1]
    holds = {job.id: job.hold for job in later.problem.jobs}
    begins = {stop.job: stop.begin for _, stop in plan.stops()}
    assert holds == {
        names[1]: Hold(Held.UNDER_WAY, ("ann",), begins[names[1]]),
        names[2]: Hold(Held.NEXT, ("ann",), begins[names[2]]),
        names[3]: None,
    }
    (day,) = later.problem.workdays
    assert (day.start, day.free_at, day.stock) == ((10.0, 0.0), begins[names[1]], {"belt": 8})
    assert day.rests == (LUNCH,)
    assert day.longest_ms == 9 * HOUR_MS - (begins[names[1]] - plan.routes[0].depart)


def test_before_anybody_sets_out_the_first_is_next() -> None:
    problem, plan = a_day_under_way()
    later = rolled(problem, plan, at(7.5))
    assert [job.id for job in later.problem.jobs if job.hold] == order(plan)[:1]
    assert later.problem.workdays == problem.workdays


def test_on_the_road_the_engineer_comes_from_where_they_set_out() -> None:
    problem, plan = a_day_under_way()
    later = rolled(problem, plan, at(8) + 5 * MINUTE_MS)
    (day,) = later.problem.workdays
    assert (day.start, day.free_at) == ((0.0, 0.0), plan.routes[0].depart)
    again = planner("insertion").plan(later.problem, 1.0)
    assert next(again.stops())[1].begin == next(plan.stops())[1].begin


def test_lunch_that_was_taken_is_not_taken_twice() -> None:
    problem, plan = a_day_under_way()
    last = plan.routes[0].stops[-1]
    later = rolled(problem, plan, last.begin)
    taken = [rest for stop in plan.routes[0].stops for rest in stop.rests]
    assert later.problem.workdays[0].rests == (() if taken else (LUNCH,))
    again = planner("insertion").plan(later.problem, 1.0)
    assert again.routes[0].home_at == plan.routes[0].home_at


def test_who_is_away_leaves_open_what_was_not_begun() -> None:
    problem, plan = a_day_under_way()
    later = rolled(problem, plan, at(9.5), away={"ann"})
    assert later.problem.workdays == ()
    assert [job.id for job in later.problem.jobs] == sorted(order(plan)[2:])
    assert all(job.hold is None for job in later.problem.jobs)


def test_a_managers_hold_outlasts_the_hour() -> None:
    hold = Hold(Held.OVERRIDE, ("ann",), at(15))
    problem = a_problem([a_job("J", hold=hold), a_job("K")], [a_day("ann")])
    plan = planner("insertion").plan(problem, 1.0)
    later = rolled(problem, plan, at(7.5))
    assert next(job.hold for job in later.problem.jobs if job.id == "J") == hold


def test_two_people_lose_their_hold_where_one_is_away_before_they_begin() -> None:
    days = [a_day("ann", skills=frozenset(["brush"])), a_day("bo"), a_day("cy")]
    problem = a_problem([a_job("J", people=2, skills=frozenset(["brush"]))], days)
    plan = planner("insertion").plan(problem, 1.0)
    helper = next(who for who, stop in plan.stops() if not stop.lead)
    later = rolled(problem, plan, at(7.9), away={helper})
    (job,) = later.problem.jobs
    assert (job.hold, job.people) == (None, 2)
    begun = rolled(problem, plan, at(8.4), away={helper}).problem.jobs
    assert [(each.people, each.hold and each.hold.engineers) for each in begun] in ([(1, ("ann",))], [])


def test_a_window_that_was_told_is_told_anew_only_where_it_is_left() -> None:
    problem, plan = a_day_under_way()
    told = telling(problem, plan, 30 * MINUTE_MS, 30 * MINUTE_MS)
    begin = {stop.job: stop.begin for _, stop in plan.stops()}
    assert all(
        job.told == Window(begin[job.id] - 30 * MINUTE_MS, begin[job.id] + 30 * MINUTE_MS)
        for job in told.jobs
    )
    assert telling(told, plan, 1, 1) == told


def test_churn_counts_who_moved_and_which_arrivals_are_told_anew() -> None:
    days = [a_day("ann"), a_day("bo", (200.0, 0.0))]
    jobs = [a_job("J"), a_job("K", (190.0, 0.0))]
    problem = a_problem(jobs, days)
    before = planner("insertion").plan(problem, 1.0)
    told = telling(problem, before, 15 * MINUTE_MS, 15 * MINUTE_MS)
    later = rolled(told, before, at(7.5), away={"ann"})
    after = planner("insertion").plan(later.problem, 1.0, before=before)
    changed = churn(later.problem, before, after)
    assert (changed.told, changed.told_anew, changed.moved) == (2, ("J",), ("J",))
    assert changed.told_anew_share == 0.5
    assert changed.more_travel_s == after.travel_s - before.travel_s
    assert churn(problem, before, before).told_anew_share == 0.0
