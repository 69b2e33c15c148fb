"""Stars of engineers: 60 % customers, 30 % inspections, 10 % coming on time; few judgements count little."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.api import HTML, NOW, House, add_device, client_of, open_house

from desk.people.stars import StarsJudge
from fleet.clock import DAY_MS
from fleet.engineers import Engineer
from fleet.feedback import FeedbackSource, Said
from fleet.grants import Role
from fleet.people import RoleAt
from fleet.principals import Principal, PrincipalKind, schedule
from fleet.stars import LOOK_BACK_MS, Judged, as_share, as_stars, stars_of, usual_of
from fleet.tickets import TicketState as T
from storage.records.people import add_person

BY = schedule("tests")


@pytest.mark.parametrize(("score", "share"), [(1, 0.0), (3, 0.5), (5, 1.0)])
def test_scores_and_stars_are_shares(score: float, share: float) -> None:
    assert as_share(score) == share
    assert as_stars(share) == score


def test_nobody_judged_is_no_star_and_the_parts_weigh_as_is_said() -> None:
    assert stars_of({}, {}) is None
    many = {
        "customers": Judged(10_000, 1.0),
        "inspections": Judged(10_000, 0.5),
        "punctuality": Judged(10_000, 0.0),
    }
    assert stars_of(many, usual_of([many])) == pytest.approx(1 + 4 * (0.6 + 0.15), abs=0.05)
    alone = {"inspections": Judged(10_000, 0.5)}
    assert stars_of(alone, usual_of([many, alone])) == 3.0


def test_one_bad_day_makes_no_bad_engineer_and_many_do() -> None:
    usual = {"customers": 0.9}
    assert stars_of({"customers": Judged(1, 0.0)}, usual) == 4.0
    assert stars_of({"customers": Judged(50, 0.0)}, usual) == 1.3


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        yield made


def _repaired(house: House, device: str, by: Principal, score: int) -> None:
    add_device(house, device, site="pudong")
    number = house.tickets.report(device, "brush_jam", by, "it squeals")
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        house.tickets.change_state(number, state, by, "")
    house.tickets.change_state(number, T.REPAIRED, by, "", confirmed=["brush_jam"])
    feedback = house.app.state.services.closing.feedback
    feedback.record(number, Said(score, True), FeedbackSource.CALL, by)


def test_engineers_are_judged_by_their_cases_and_anew_only_when_it_changes(
    house: House,
) -> None:
    services, book = house.app.state.services, house.app.state.services.service
    with house.desk.transaction() as session:
        names, roles = ("Li", "Wang"), [RoleAt(Role.ENGINEER)]
        people = [add_person(session, f"{name}@x.example", name, NOW, roles) for name in names]
    accounts = {each.name: each.id for each in people}
    li, wang = (Principal(PrincipalKind.PERSON, str(number), name) for name, number in accounts.items())
    for name, number in accounts.items():
        book.engineer(Engineer(name.lower(), name, account=number, skills=frozenset({"brush"})), BY)
    judge = StarsJudge(house.desk, services.service, house.clock)
    assert judge.tick() == 0, "nobody has done anything yet"
    for n in range(4):
        _repaired(house, f"A{n}", li, 5)
        _repaired(house, f"B{n}", wang, 2)
    assert judge.tick() == 2
    assert judge.tick() == 0
    items = {each["id"]: each for each in client_of(house).get("/api/v1/engineers").json()["items"]}
    assert items["li"]["stars"]["stars"] > 4.2
    assert 2 < items["wang"]["stars"]["stars"] < 3.4
    page = client_of(house).get("/engineers/li", headers=HTML).text
    assert "customers: 5.0 of 5, 4 times (60 %)" in page
    assert "on site in time: 100 % of 4 (10 %)" in page
    house.clock.ms += LOOK_BACK_MS + DAY_MS
    assert judge.tick() == 2, "what is older than a year is known no more"
    assert [each["stars"] for each in client_of(house).get("/api/v1/engineers").json()["items"]] == [None] * 2
    assert judge.tick() == 0
