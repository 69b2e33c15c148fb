"""A day in which something changes is planned anew: why, what never moves, and what waits for a manager."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk
from helpers.town import CENTRE, LI, NINE, SITES, Town
from sqlalchemy.orm import Session

from desk.dispatch import replanning
from desk.dispatch.assigning import Sent
from desk.dispatch.replanning import BY, retold
from desk.dispatch.scene import Scene, SceneReader
from desk.dispatch.settings import Replan
from fleet.assignments import AppointmentState, Rather
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.engineers import Engineer
from fleet.errors import InvalidInput, NotFound
from fleet.events import Subject
from fleet.proposals import Cause, Change, Proposal, Trouble
from fleet.sites import Site
from fleet.tickets import TicketState as T
from storage.records.appointments import appointment_of
from storage.records.assignments import assignments_of, open_assignments_of
from storage.records.day_plans import keep_proposal
from storage.records.engineers import keep_engineer
from storage.records.events import events_of
from storage.records.sites import describe_site


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    desk = fresh_desk(tmp_path / "desk.db")
    yield Town(desk)
    desk.close()


@pytest.fixture
def by_itself(tmp_path: Path) -> Iterator[Town]:
    desk = fresh_desk(tmp_path / "desk.db")
    yield Town(desk, replan=Replan.APPLY)
    desk.close()


def causes(made: list[Proposal]) -> list[list[Cause]]:
    return [[each.cause for each in one.causes] for one in made]


def later(town: Town, minutes: int) -> None:
    town.clock.ms += minutes * MINUTE_MS


def test_a_new_case_is_proposed_once_and_changes_nothing_until_it_is_applied(town: Town) -> None:
    assert town.replanner.tick() == []
    number = town.case(1)
    (made,) = town.replanner.tick()
    assert causes([made]) == [[Cause.NEW_CASE]]
    assert (made.made_by, [each.ticket_id for each in made.changes]) == (BY.name, [number])
    assert town.who() == {}
    later(town, 10)
    assert town.replanner.tick() == [], "who does nothing about a proposal is not asked again"
    town.board.apply(made.id, LI)
    assert town.who() == {number: "chen"}
    with town.desk.transaction() as session:
        told = [each.reason for each in events_of(session, Subject.TICKET, str(number))]
        (kept,) = assignments_of(session, number)
    assert "replanned_new_case" in told and kept.reason == "replanned_new_case"


def test_by_itself_a_case_is_given_to_somebody_and_its_customer_is_told(by_itself: Town) -> None:
    town, number = by_itself, by_itself.case(1)
    (made,) = town.replanner.tick()
    assert made.applied_by == BY.name
    assert town.who() == {number: "chen"}
    with town.desk.transaction() as session:
        assert appointment_of(session, number) is not None


def test_where_nothing_happened_that_concerns_the_day_it_is_not_read(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, read = [0], SceneReader.read

    def counted(reader: SceneReader, session: Session, now: int) -> Scene:
        looks[0] += 1
        return read(reader, session, now)

    def looked() -> int:
        before = looks[0]
        later(town, 1)
        assert town.replanner.tick() == []
        return looks[0] - before

    one, two = town.case(1), town.case(2)
    town.board.assigning.assign(one, Sent("chen", NINE + 10 * MINUTE_MS, 10 * MINUTE_MS), LI)
    town.board.assigning.assign(two, Sent("chen", NINE + 90 * MINUTE_MS, 20 * MINUTE_MS), LI)
    monkeypatch.setattr(SceneReader, "read", counted)
    assert [looked(), looked()] == [1, 0]
    town.board.appointments.tell(one, LI)
    town.goes(one, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)
    assert looked() == 0, "all goes as planned"
    town.absences.away("bo", NINE, NINE + HOUR_MS, LI)
    assert [looked(), looked()] == [1, 0]
    later(town, 15)
    assert [looked(), looked()] == [1, 0], "now and then it looks all the same"
    later(town, 60)
    monkeypatch.setattr(SceneReader, "read", read)
    assert causes(town.replanner.tick()) == [[Cause.TOOK_LONGER]], "the log has nothing of that"


def test_cases_that_come_soon_after_each_other_make_one_plan(by_itself: Town) -> None:
    by_itself.case(1)
    by_itself.replanner.tick()
    second, third = by_itself.case(2), by_itself.case(3, "north")
    assert by_itself.replanner.tick() == [], "five minutes are not over"
    later(by_itself, 5)
    (made,) = by_itself.replanner.tick()
    assert {each.ticket_id for each in made.causes} == {second, third}


def test_what_an_engineer_who_is_away_was_to_do_is_given_to_others(by_itself: Town) -> None:
    town = by_itself
    one, two = town.case(1), town.case(2, "far")
    assign = town.board.assigning.assign
    assign(one, Sent("chen", NINE + 2 * HOUR_MS, 20 * MINUTE_MS), LI)
    assign(two, Sent("bo", NINE + 2 * HOUR_MS, 20 * MINUTE_MS), LI)
    town.absences.away("chen", NINE, NINE + 9 * HOUR_MS, LI)
    (made,) = town.replanner.tick()
    assert causes([made]) == [[Cause.ENGINEER_AWAY]]
    assert town.who()[one] in ("mia", "bo") and town.who()[two] == "bo"
    assert "chen" not in {
        each.engineer
        for each in town.board.suggest(town.case(3)).candidates
        if each.able and each.arrives and each.arrives < NINE + 9 * HOUR_MS
    }


def test_under_way_and_next_never_move(by_itself: Town) -> None:
    town = by_itself
    going, following, later_on = town.case(1), town.case(2, "north"), town.case(3)
    assign = town.board.assigning.assign
    assign(going, Sent("bo", NINE + 10 * MINUTE_MS, 10 * MINUTE_MS), LI)
    assign(following, Sent("bo", NINE + 2 * HOUR_MS, 40 * MINUTE_MS), LI)
    assign(later_on, Sent("bo", NINE + 5 * HOUR_MS, 40 * MINUTE_MS), LI)
    town.goes(going, T.ACCEPTED, T.EN_ROUTE)
    town.case(4, "near")
    made = town.replanner.tick()[0]
    assert not {going, following} & {each.ticket_id for each in made.changes}
    assert (town.who()[going], town.who()[following]) == ("bo", "bo")


def test_a_customer_who_is_not_there_leaves_a_gap_that_is_used(town: Town) -> None:
    one = town.case(1)
    town.board.assigning.assign(one, Sent("chen", NINE + HOUR_MS, 20 * MINUTE_MS), LI)
    town.goes(one, T.ACCEPTED, T.EN_ROUTE)
    town.goes(one, T.WAITING_CUSTOMER, why="nobody opens")
    (made,) = town.replanner.tick()
    assert causes([made]) == [[Cause.CUSTOMER_AWAY]]


def test_a_customer_who_would_rather_have_another_time_is_a_cause(town: Town) -> None:
    one = town.case(1)
    town.board.assigning.assign(one, Sent("chen", NINE + 5 * HOUR_MS, 20 * MINUTE_MS), LI)
    town.board.appointments.tell(one, LI)
    town.board.appointments.record(one, AppointmentState.MOVE, LI, [Rather.MORNINGS])
    (made,) = town.replanner.tick()
    assert causes([made]) == [[Cause.CUSTOMER_MOVES]]


def test_a_visit_that_takes_longer_makes_the_next_one_later_and_its_customer_is_told(by_itself: Town) -> None:
    town = by_itself
    going, following = town.case(1), town.case(2, "north")
    assign = town.board.assigning.assign
    assign(going, Sent("chen", NINE + 10 * MINUTE_MS, 10 * MINUTE_MS), LI)
    assign(following, Sent("chen", NINE + 70 * MINUTE_MS, 20 * MINUTE_MS), LI)
    town.board.appointments.tell(following, LI)
    with town.desk.transaction() as session:
        told = appointment_of(session, following)
    town.goes(going, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)
    later(town, 150)
    (made,) = town.replanner.tick()
    assert causes([made]) == [[Cause.TOOK_LONGER]]
    with town.desk.transaction() as session:
        ((lead,),) = open_assignments_of(session, [following]).values()
        (here,) = assignments_of(session, going)
        anew = appointment_of(session, following)
    assert lead.engineer == "chen" and lead.begins >= here.ends >= town.clock.ms
    assert told is not None and anew is not None and anew.begins > told.begins
    assert lead.reason == "replanned_took_longer"


def test_customers_who_are_told_another_time_by_choice_are_counted(town: Town) -> None:
    numbers = [town.case(number, "north") for number in (1, 2)]
    for hours, number in enumerate(numbers, start=1):
        town.board.assigning.assign(number, Sent("bo", NINE + 3 * hours * HOUR_MS, 50 * MINUTE_MS), LI)
        town.board.appointments.tell(number, LI)
    kept = Change(numbers[0], was="bo", engineer="mia", arrives=NINE + 3 * HOUR_MS)
    moved = Change(numbers[1], was="bo", engineer="bo", arrives=NINE + 9 * HOUR_MS)
    made = Proposal(date(2027, 1, 15), NINE, "dispatch", "insertion", (kept, moved), stops=2)
    away = Trouble(Cause.ENGINEER_AWAY, "away", numbers[0], "bo")
    with town.desk.transaction() as session:
        assert retold(session, made) == (2, 1)
        assert retold(session, replace(made, causes=(away,))) == (2, 0), "it cannot be kept"


def test_who_is_nearly_done_is_not_thought_to_take_longer(by_itself: Town) -> None:
    """Else in the last quarter of an hour of each visit the next one would be put off."""
    town = by_itself
    going, following = town.case(1), town.case(2)
    assign = town.board.assigning.assign
    lead = assign(going, Sent("chen", NINE + 10 * MINUTE_MS, 10 * MINUTE_MS), LI)
    after = assign(following, Sent("chen", lead.ends + 5 * MINUTE_MS, 5 * MINUTE_MS), LI)
    town.goes(going, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)
    town.clock.ms = lead.ends - 5 * MINUTE_MS
    town.case(3, "north")
    made = town.replanner.tick()[0]
    assert made.longer == ()
    with town.desk.transaction() as session:
        assert open_assignments_of(session, [following])[following] == [after]


def test_where_a_change_cannot_be_made_it_stays_as_it_was(town: Town) -> None:
    one, two, three = town.case(1), town.case(2), town.case(3)
    assign = town.board.assigning.assign
    before = {number: assign(number, Sent("chen", NINE + HOUR_MS * number), LI) for number in (one, two)}
    changes = tuple(
        Change(
            number,
            before=((each.id, str(each.state)),),
            was="chen",
            engineer="mia",
            arrives=NINE + 5 * HOUR_MS,
        )
        for number, each in before.items()
    )
    assign(three, Sent("mia", NINE + 5 * HOUR_MS), LI)
    with town.desk.transaction() as session:
        made = keep_proposal(
            session, Proposal(date(2027, 1, 15), NINE, "dispatch", "insertion", changes, stops=2)
        )
    done = town.board.apply(made.id, LI)
    assert set(done.refused) == {one, two} and "mia is at ticket" in done.refused[one]
    assert town.who() == {one: "chen", two: "chen", three: "mia"}
    with town.desk.transaction() as session:
        now_is = open_assignments_of(session, [one])[one][0]
    assert (now_is.begins, now_is.arrives) == (before[one].begins, before[one].arrives)


def test_a_plan_that_tells_too_many_otherwise_waits(by_itself: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "retold", lambda _session, _made: (10, 3))
    number = by_itself.case(1)
    (made,) = by_itself.replanner.tick()
    assert made.applied_at is None and by_itself.who() == {}
    monkeypatch.setattr(replanning, "retold", lambda _session, _made: (10, 2))
    by_itself.clock.ms += 5 * MINUTE_MS
    by_itself.case(2)
    by_itself.replanner.tick()
    assert number in by_itself.who()


def test_nothing_is_planned_anew_where_that_is_off(tmp_path: Path) -> None:
    desk = fresh_desk(tmp_path / "desk.db")
    town = Town(desk, replan=Replan.OFF)
    town.case(1)
    assert town.replanner.tick() == []
    desk.close()


def test_each_region_has_its_own_plan_and_a_leader_sees_theirs_alone(town: Town) -> None:
    with town.desk.transaction() as session:
        for name, region in (("near", "east"), ("far", "west")):
            lat, lon = SITES[name] or (0.0, 0.0)
            describe_site(session, Site(name, region=region, lat=lat, lon=lon))
        for name, region, home in (("chen", "east", CENTRE), ("bo", "west", SITES["far"])):
            keep_engineer(
                session, Engineer(name, name, region=region, skills=frozenset({"mechanical"}), home=home)
            )
        keep_engineer(session, Engineer("mia", "mia", active=False))
    one, two = town.case(1, "near"), town.case(2, "far")
    made = town.replanner.tick()
    assert [(each.region, [change.ticket_id for change in each.changes]) for each in made] == [
        ("east", [one]),
        ("west", [two]),
    ]
    east = frozenset({"near"})
    assert [each.id for each in town.board.proposals(made[0].day, east)] == [made[0].id]
    with pytest.raises(NotFound):
        town.board.proposal(made[1].id, east)
    with pytest.raises(NotFound):
        town.board.apply(made[1].id, LI, east)
    town.board.apply(made[0].id, LI, east)
    assert town.who() == {one: "chen"}
    with pytest.raises(InvalidInput, match="no site of yours"):
        town.board.propose(LI, sites=east, region="west")


def test_a_plan_of_a_region_keeps_the_time_that_others_take_of_its_engineers(town: Town) -> None:
    with town.desk.transaction() as session:
        for name, region in (("near", "east"), ("north", "west")):
            lat, lon = SITES[name] or (0.0, 0.0)
            describe_site(session, Site(name, region=region, lat=lat, lon=lon))
        for name in ("mia", "bo"):
            keep_engineer(session, replace(Engineer(name, name), active=False))
    elsewhere = town.case(1, "north")
    town.board.assigning.assign(elsewhere, Sent("chen", NINE + 3 * HOUR_MS, 30 * MINUTE_MS), LI)
    here = town.case(2, "near")
    made = town.board.propose(LI, sites=frozenset({"near"}))
    assert [each.ticket_id for each in made.changes] == [here]
    assert town.board.apply(made.id, LI, frozenset({"near"})).refused == {}


def test_somebody_nearer_who_is_free_is_proposed_with_the_reason(town: Town) -> None:
    number = town.case(1, "near")
    town.board.assigning.assign(number, Sent("bo", NINE + 5 * HOUR_MS, 50 * MINUTE_MS), LI)
    (made,) = town.replanner.tick()
    assert causes([made]) == [[Cause.NEARER_FREE]]
    (change,) = made.changes
    assert (change.was, change.engineer) == ("bo", "chen")
    assert change.why["was_metres"] > 10_000 > change.why["metres"]
    assert town.who() == {number: "bo"}
    assert town.board.apply(made.id, LI).refused == {}
    assert town.who() == {number: "chen"}
    later(town, 10)
    assert town.replanner.tick() == []


def test_what_a_manager_holds_is_not_looked_at_for_somebody_nearer(town: Town) -> None:
    number = town.case(1, "near")
    sent = Sent("bo", NINE + 5 * HOUR_MS, 50 * MINUTE_MS, held=True)
    town.board.assigning.assign(number, sent, LI)
    assert town.replanner.tick() == []


def test_who_is_back_is_sent_again_and_an_absence_has_to_be_one(town: Town) -> None:
    away = town.absences.away("chen", NINE, NINE + DAY_MS, LI)
    number = town.case(1)
    assert town.board.suggest(number).candidates[0].engineer != "chen"
    town.absences.back("chen", away.id, LI)
    assert town.board.suggest(number).candidates[0].engineer == "chen"
    with pytest.raises(InvalidInput, match="ends: allowed"):
        town.absences.away("chen", NINE, NINE, LI)
    with pytest.raises(NotFound):
        town.absences.away("nobody", NINE, NINE + DAY_MS, LI)
    with pytest.raises(NotFound):
        town.absences.back("mia", away.id, LI)
