"""Contractors come last, long work takes days, two go where two are needed, certificates hold on the day."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk
from helpers.town import CENTRE, LI, NINE, SITES, Town

from desk.dispatch import needs
from desk.dispatch.assigning import Sent
from desk.dispatch.long_jobs import ends_of
from fleet.clock import DAY_MS, HOUR_MS
from fleet.dayplan import Chosen
from fleet.engineers import Certificate, Engineer
from fleet.errors import InvalidInput
from fleet.faults import FAULTS
from fleet.service import load_service
from fleet.suggestions import Against
from fleet.visiting import Rest, Window, Workday
from fleet.zones import Zones
from storage.records.assignments import assignments_of
from storage.records.engineers import keep_engineer

MECHANICAL = frozenset({"mechanical"})


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    desk = fresh_desk(tmp_path / "desk.db")
    yield Town(desk)
    desk.close()


def only(town: Town, *people: Engineer) -> None:
    with town.desk.transaction() as session:
        for name in ("chen", "mia", "bo"):
            keep_engineer(session, Engineer(name, name, active=False))
        for each in people:
            keep_engineer(session, each)


def test_a_contractor_gets_only_what_our_own_cannot_do_and_it_is_said(town: Town) -> None:
    own = Engineer("chen", "Chen", skills=MECHANICAL, home=SITES["far"])
    near = Engineer("zoe", "Zoe", skills=MECHANICAL | {"electrical"}, home=CENTRE, employer="Acme")
    only(town, own, near)
    easy = town.case(1)
    made = town.board.propose(LI)
    assert [each.engineer for each in made.changes] == ["chen"], "although zoe is much nearer"
    first, second = town.board.suggest(easy).candidates
    assert (first.engineer, second.engineer) == ("chen", "zoe")
    assert Against.CONTRACTOR in {each.what for each in second.points}
    with town.desk.transaction() as session:
        paper = Certificate("low voltage", "electrical")
        skills = MECHANICAL | {"electrical"}
        keep_engineer(
            session,
            Engineer("zoe", "Zoe", skills=skills, certificates=(paper,), home=CENTRE, employer="Acme"),
        )
    hard = town.case(2, fault="battery_wear")
    found = {each.ticket_id: each for each in town.board.propose(LI).changes}
    assert (found[easy].engineer, found[hard].engineer) == ("chen", "zoe")
    assert found[hard].why["chosen"] == Chosen.CONTRACTOR


def test_a_night_and_a_lunch_are_no_work() -> None:
    zone = Zones().of(None)

    def day(on: date) -> Workday | None:
        start = NINE + (on - date(2027, 1, 15)).days * DAY_MS
        if on.weekday() > 4:
            return None
        lunch = Rest(HOUR_MS, start + 3 * HOUR_MS, start + 5 * HOUR_MS)
        return Workday("chen", CENTRE, (Window(start, start + 8 * HOUR_MS),), rests=(lunch,))

    assert ends_of(day, NINE, 8 * HOUR_MS, zone) == NINE + 8 * HOUR_MS, "it fits: its break is planned apart"
    monday = NINE + 3 * DAY_MS
    assert ends_of(day, NINE, 10 * HOUR_MS, zone) == monday + 3 * HOUR_MS
    assert ends_of(day, NINE + 7 * HOUR_MS, 2 * HOUR_MS, zone) == monday + HOUR_MS
    assert ends_of(lambda _: None, NINE, 9 * HOUR_MS, zone) == NINE + 9 * HOUR_MS


def test_work_longer_than_a_shift_goes_on_the_next_days_by_the_same_engineer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(town, Engineer("chen", "Chen", skills=MECHANICAL, home=CENTRE))
    number, other = town.case(1), town.case(2, "north")
    long = replace(FAULTS["brush_jam"], repair_minutes=14 * 60)
    monkeypatch.setattr(needs, "FAULTS", {**FAULTS, "brush_jam": long})
    made = town.board.propose(LI, date(2027, 1, 18))
    (change,) = made.changes  # it fills the day
    assert change.why["chosen"] == Chosen.WHOLE_DAYS
    town.board.apply(made.id, LI)
    with town.desk.transaction() as session:
        (kept,) = assignments_of(session, change.ticket_id)
    monday = NINE + 3 * DAY_MS
    assert monday - HOUR_MS <= kept.arrives < monday
    assert DAY_MS < kept.ends - kept.arrives < 2 * DAY_MS, "it ends on Tuesday"
    left = other if change.ticket_id == number else number
    monkeypatch.setattr(needs, "FAULTS", FAULTS)
    (change,) = town.board.propose(LI, date(2027, 1, 19)).changes
    assert (change.ticket_id, change.arrives >= kept.ends) == (left, True)


def test_two_go_where_two_are_needed(tmp_path: Path) -> None:
    service = load_service().model_copy(update={"two_people": ("brush_jam",)})
    desk = fresh_desk(tmp_path / "desk.db")
    town = Town(desk, service=service)
    number = town.case(1)
    (change,) = town.board.propose(LI).changes
    assert change.engineer is not None and len(change.helpers) == 1
    with pytest.raises(InvalidInput, match="two people are needed"):
        town.board.assigning.assign(number, Sent("chen", NINE + HOUR_MS, 0), LI)
    town.board.assigning.assign(number, Sent("chen", NINE + HOUR_MS, 0, helpers=("mia",)), LI)
    desk.close()


def test_a_certificate_has_to_hold_on_the_day_of_the_visit(town: Town) -> None:
    paper = Certificate("low voltage", "electrical", expires=date(2027, 1, 15))
    skilled = Engineer("chen", "Chen", skills=frozenset({"electrical"}), certificates=(paper,), home=CENTRE)
    only(town, skilled)
    number = town.case(1, fault="battery_wear")
    assert [each.engineer for each in town.board.propose(LI).changes] == ["chen"]
    monday = date(2027, 1, 18)
    assert town.board.propose(LI, monday).changes == ()
    with pytest.raises(InvalidInput, match="may not do electrical on 2027-01-18"):
        town.board.assigning.assign(number, Sent("chen", NINE + 3 * DAY_MS, 0), LI)
