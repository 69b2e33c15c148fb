"""Who could go to a case and why; the plan of a day: proposed, applied, left alone where it has to be."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON
from helpers.fresh_desk import fresh_desk
from helpers.town import CENTRE, LI, NINE, SITES, Town

from desk.dispatch.assigning import Sent
from desk.dispatch.board import CHANGED
from desk.dispatch.jobs import WAYS_OUT, Unplanned
from desk.dispatch.proposing import in_force, problem_of
from desk.dispatch.travel.circle import Circle
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.dayplan import Remedy, Undone
from fleet.engineers import Certificate, Engineer, Stars
from fleet.errors import Conflict, InvalidInput
from fleet.localtime import day_of
from fleet.proposals import Left
from fleet.suggestions import Against, Candidate, For
from fleet.tickets import TicketState as T
from storage.records.appointments import appointment_of
from storage.records.assignments import assignments_of, open_assignments
from storage.records.engineers import keep_engineer, keep_stars


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    desk = fresh_desk(tmp_path / "desk.db")
    yield Town(desk)
    desk.close()


def points(candidate: Candidate) -> set[str]:
    return {str(each.what) for each in candidate.points}


def test_the_nearest_able_engineer_who_comes_in_time_is_first(town: Town) -> None:
    found = town.board.suggest(town.case(1))
    assert [each.engineer for each in found.candidates] == ["chen", "mia", "bo"]
    first, _, last = found.candidates
    assert points(first) == {For.IN_TIME, For.NEAREST, For.FREE_DAY}
    assert Against.FAR in points(last) and last.metres > 30_000
    assert first.begins is not None and first.arrives is not None
    assert first.arrives - first.begins == first.travel_ms
    assert first.begins >= NINE


def test_who_is_near_and_may_not_comes_behind_who_is_far_and_may(town: Town) -> None:
    with town.desk.transaction() as session:
        paper = Certificate("low voltage", "electrical", expires=date(2027, 1, 20))
        skilled = Engineer(
            "bo", "Bo", skills=frozenset({"electrical"}), certificates=(paper,), home=SITES["far"]
        )
        keep_engineer(session, skilled)
    found = town.board.suggest(town.case(1, fault="battery_wear")).candidates
    assert [(each.engineer, each.able) for each in found] == [("bo", True), ("chen", False), ("mia", False)]
    assert {Against.EXPIRES_SOON, Against.FAR} <= points(found[0])
    assert Against.LACKS_SKILL in points(found[1])


def test_time_between_two_visits_is_used_and_too_little_is_not(town: Town) -> None:
    one, two = town.case(1), town.case(2)
    town.board.assigning.assign(one, Sent("chen", NINE + 3 * HOUR_MS, 10 * MINUTE_MS), LI)
    early = town.candidates(two)["chen"]
    assert early.ends is not None and early.ends < NINE + 3 * HOUR_MS
    town.board.assigning.assign(one, Sent("chen", NINE + 30 * MINUTE_MS, 10 * MINUTE_MS), LI)
    later = town.candidates(two)["chen"]
    assert later.arrives is not None and later.arrives == NINE + 55 * MINUTE_MS


def test_whoever_was_there_before_and_is_well_judged_is_said_so(town: Town) -> None:
    number = town.case(1)
    town.board.assigning.assign(number, Sent("mia", NINE + HOUR_MS, 0), LI)
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        town.tickets.change_state(number, state, LI, "")
    town.clock.ms += HOUR_MS
    town.tickets.change_state(number, T.REPAIRED, LI, "", confirmed=("brush_jam",))
    town.tickets.change_state(number, T.CONFIRMED, LI, "")
    with town.desk.transaction() as session:
        keep_stars(session, "chen", Stars(4.8, NINE))
    found = town.candidates(town.case(1))
    assert For.KNOWS_DEVICE in points(found["mia"])
    assert For.WELL_RATED in points(found["chen"])


def test_nobody_works_on_a_day_off_and_the_next_day_is_looked_at(town: Town) -> None:
    with town.desk.transaction() as session:
        keep_engineer(
            session,
            Engineer(
                "chen",
                "Chen",
                skills=frozenset({"mechanical"}),
                home=CENTRE,
                shifts={"mon": ("08:00-12:00", "13:00-17:00")},
            ),
        )
        keep_engineer(session, Engineer("bo", "Bo", active=False))
    found = town.candidates(town.case(1))
    assert set(found) == {"chen", "mia"}
    chen = found["chen"]
    assert chen.arrives is not None
    assert chen.arrives - NINE > 2 * 24 * HOUR_MS, "on Monday"


def test_where_nobody_knows_the_place_it_says_so(town: Town) -> None:
    number = town.case(1, "lost")
    found = town.board.suggest(number)
    assert (found.candidates, found.unplanned) == ((), Unplanned.NO_POSITION)
    assert town.board.propose(LI).left == (Left(number, Unplanned.NO_POSITION, Remedy.PLACE_SITE),)


def test_each_case_that_cannot_be_planned_has_a_way_out() -> None:
    assert set(WAYS_OUT) == set(Unplanned)


def test_to_send_somebody_who_is_away_takes_a_reason(town: Town) -> None:
    number = town.case(1)
    town.absences.away("chen", NINE, NINE + 9 * HOUR_MS, LI)
    with pytest.raises(InvalidInput, match="say why all the same: chen is away then"):
        town.board.assigning.assign(number, Sent("chen", NINE + HOUR_MS), LI)
    with pytest.raises(InvalidInput, match="chen is away then"):
        town.board.assigning.assign(number, Sent("mia", NINE + HOUR_MS, helpers=("chen",)), LI)
    town.board.assigning.assign(number, Sent("chen", NINE + HOUR_MS, reason="chen offered"), LI)


def test_a_case_that_is_over_has_no_candidates(town: Town) -> None:
    number = town.case(1)
    town.tickets.change_state(number, T.CANCELLED, LI, "a mistake")
    with pytest.raises(Conflict, match="nobody is sent there any more"):
        town.board.suggest(number)


def test_a_plan_is_proposed_applied_and_then_changes_nothing(town: Town) -> None:
    numbers = [town.case(1), town.case(2, "north"), town.case(3, "far")]
    proposed = town.board.propose(LI)
    assert town.who() == {}, "a proposal changes nothing"
    assert {each.ticket_id: each.engineer for each in proposed.changes} == dict(
        zip(numbers, ("chen", "mia", "bo"), strict=True)
    )
    applied = town.board.apply(proposed.id, LI, tell=True)
    assert (applied.applied_by, applied.refused) == ("Li", {})
    with pytest.raises(Conflict, match="applied already"):
        town.board.apply(proposed.id, LI)
    assert town.who() == dict(zip(numbers, ("chen", "mia", "bo"), strict=True))
    with town.desk.transaction() as session:
        (kept,) = assignments_of(session, numbers[0])
        told = appointment_of(session, numbers[0])
    assert kept.why["chosen"] == "least_travel" and kept.why["able"] == 3
    assert told is not None and told.begins <= kept.arrives <= told.ends
    assert town.board.propose(LI).changes == ()


def test_a_plan_begins_from_the_one_in_force(town: Town) -> None:
    """Who is to go where in which order: what a planner starts from, as far as the problem knows it."""
    one, two, other = (town.case(each) for each in (1, 2, 3))
    town.board.assigning.assign(two, Sent("chen", NINE + HOUR_MS, 10 * MINUTE_MS), LI)
    town.board.assigning.assign(one, Sent("chen", NINE + 3 * HOUR_MS, 10 * MINUTE_MS), LI)
    with town.desk.transaction() as session:
        scene = town.reader.read(session, town.clock.now_ms())
    day = day_of(NINE, scene.zones[""])
    problem = problem_of(scene, day, scene.experience.of(Circle()), town.board.settings)
    assert problem is not None
    standing = in_force(scene, problem)
    assert standing is not None
    assert [(each.engineer, [stop.job for stop in each.stops]) for each in standing.routes] == [
        ("chen", [str(two), str(one)])
    ]
    others = replace(problem, jobs=tuple(job for job in problem.jobs if job.id == str(other)))
    assert in_force(scene, others) is None


def test_what_somebody_changed_since_the_proposal_stays_theirs(town: Town) -> None:
    one, two = town.case(1), town.case(2, "north")
    proposed = town.board.propose(LI)
    town.board.assigning.assign(one, Sent("bo", NINE + 4 * HOUR_MS, 30 * MINUTE_MS), LI)
    applied = town.board.apply(proposed.id, LI)
    assert applied.refused == {one: CHANGED}
    assert town.who() == {one: "bo", two: "mia"}


def test_what_a_manager_holds_is_under_way_or_next_is_never_moved(town: Town) -> None:
    held, going, following = town.case(1), town.case(2), town.case(3)
    assign = town.board.assigning.assign
    assign(held, Sent("bo", NINE + 5 * HOUR_MS, 40 * MINUTE_MS, held=True), LI)
    assign(going, Sent("bo", NINE + 1 * HOUR_MS, 40 * MINUTE_MS), LI)
    assign(following, Sent("bo", NINE + 3 * HOUR_MS, 10 * MINUTE_MS), LI)
    for state in (T.ACCEPTED, T.EN_ROUTE):
        town.tickets.change_state(going, state, LI, "")
    more = town.case(4)
    changes = {each.ticket_id for each in town.board.propose(LI).changes}
    assert changes == {more}, "although others are nearer to all of them"
    town.board.assigning.hold(held, False, LI, "nobody insists any more")
    assert held in {each.ticket_id for each in town.board.propose(LI).changes}


def test_two_may_take_each_others_place(town: Town) -> None:
    one, two = town.case(1, "north"), town.case(2, "near")
    assign = town.board.assigning.assign
    first, second = NINE + 100 * MINUTE_MS, NINE + 160 * MINUTE_MS
    for number, engineer in ((one, "chen"), (two, "mia")):
        assign(number, Sent(engineer, second, 20 * MINUTE_MS), LI)
    for number, engineer in ((town.case(3), "chen"), (town.case(4, "north"), "mia")):
        assign(number, Sent(engineer, first, 20 * MINUTE_MS), LI)  # the next of each
    applied = town.board.apply(town.board.propose(LI).id, LI)
    assert applied.refused == {}
    assert (town.who()[one], town.who()[two]) == ("mia", "chen")


def test_what_nobody_can_do_is_named_with_what_would_make_it_possible(town: Town) -> None:
    number = town.case(1, fault="battery_wear")
    (left,) = town.board.propose(LI).left
    assert (left.ticket_id, left.why, left.about) == (number, Undone.NO_SKILL, ("electrical",))


def test_a_night_shift_and_a_lunch_are_kept(town: Town) -> None:
    with town.desk.transaction() as session:
        for name in ("mia", "bo"):
            keep_engineer(session, replace(Engineer(name, name), active=False))
        night = Engineer(
            "chen", "Chen", skills=frozenset({"mechanical"}), home=CENTRE, shifts={"fri": ("22:00-06:00",)}
        )
        keep_engineer(session, night)
    chen = town.candidates(town.case(1))["chen"]
    assert chen.arrives is not None and chen.arrives >= NINE + 13 * HOUR_MS
    assert NOON < NINE


def test_a_plan_is_of_repairs_that_are_to_come_and_of_what_else_somebody_is_sent_to(town: Town) -> None:
    repaired, complaint = town.case(1), town.complain(2)
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.REPAIRED):
        confirmed = ("brush_jam",) if state is T.REPAIRED else None
        town.tickets.change_state(repaired, state, LI, "", confirmed=confirmed)
    proposed = town.board.propose(LI)
    assert (proposed.changes, proposed.left) == ((), ()), "whether a complaint needs a visit a person decides"
    arrives = NINE + HOUR_MS
    town.board.assigning.assign(complaint, Sent("chen", arrives, 10 * MINUTE_MS, held=True), LI)
    with town.desk.transaction() as session:
        (sent,) = open_assignments(session)
    number = town.case(3)
    (change,) = town.board.propose(LI).changes
    assert change.ticket_id == number
    assert change.engineer != "chen" or not sent.begins < change.arrives < sent.ends
    assert town.board.suggest(complaint).candidates, "somebody else may be sent"
