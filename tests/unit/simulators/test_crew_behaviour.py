"""People and roads of the crew: what is usual, what goes wrong, and that the same seed says the same."""

from math import inf, isinf
from statistics import mean, median

import numpy as np
import pytest

from fleet.faults import FAULTS
from simulators.crew import hands, households, roads
from simulators.crew.hands import Diagnosis, Hand, Seen, diagnose
from simulators.crew.households import Answer, Household

MANY = 4_000
ABLE = Hand(frozenset({"mechanical"}))
FAILED = Seen("drive_motor_wear", 1.0, failed=True)
SHANGHAI, SUBURB = (31.2304, 121.4737), (31.30, 121.55)


def looks(hand: Hand, told: tuple[str, ...], *there: Seen) -> list[Diagnosis]:
    generator = np.random.default_rng(1)
    return [diagnose(hand, there, told, generator) for _ in range(MANY)]


def share(found: list[Diagnosis]) -> float:
    return mean(FAILED.fault in each.found for each in found)


def test_skill_and_a_word_beforehand_make_the_right_diagnosis_likelier() -> None:
    stranger, able, told = (
        looks(Hand(), (), FAILED),
        looks(ABLE, (), FAILED),
        looks(ABLE, ("drive_motor_wear",), FAILED),
    )
    assert share(stranger) == pytest.approx(hands.RIGHT_WITHOUT_SKILL, abs=0.03)
    assert share(able) == pytest.approx(hands.RIGHT_WITH_SKILL, abs=0.015)
    assert share(told) > share(able)


def test_an_error_ends_with_nothing_found_or_with_what_shows_the_same_signs() -> None:
    wrong = [each for each in looks(Hand(), (), FAILED) if FAILED.fault not in each.found]
    assert {each.found for each in wrong} == {(), ("wheel_slip",)}
    assert all(each.missed == (FAILED.fault,) and not any(each.right) for each in wrong)


def test_what_hardly_shows_is_found_by_who_was_told_to_look_for_it_alone() -> None:
    slight = Seen("drive_motor_wear", 0.1, failed=False)
    assert not any(each.found for each in looks(ABLE, (), slight))
    assert share(looks(ABLE, ("drive_motor_wear",), slight)) > 0.9


def test_a_false_suspicion_is_mostly_left_alone() -> None:
    believed = looks(ABLE, ("drive_motor_wear",))
    assert 0 < share(believed) == pytest.approx(hands.BELIEVES, abs=0.015)
    assert not any(any(each.right) for each in believed)


def test_repairs_take_the_minutes_of_the_catalogue_and_longer_without_the_skill() -> None:
    generator = np.random.default_rng(2)
    usual = median(hands.repair_minutes(ABLE, "drive_motor_wear", generator) for _ in range(MANY))
    slow = median(hands.repair_minutes(Hand(), "drive_motor_wear", generator) for _ in range(MANY))
    assert usual == pytest.approx(FAULTS["drive_motor_wear"].repair_minutes, rel=0.05)
    assert slow == pytest.approx(usual * hands.UNSKILLED_PACE, rel=0.07)
    assert mean(hands.lasts(ABLE, generator) for _ in range(MANY)) == pytest.approx(hands.LASTS, abs=0.01)
    assert mean(hands.part_is_there(generator) for _ in range(MANY)) > 0.96


def test_an_appointment_that_was_confirmed_finds_somebody_and_an_odd_hour_does_not() -> None:
    def there(weekday: int, hour: float, *, told: bool, confirmed: bool) -> float:
        generator = np.random.default_rng(3)
        come = (
            households.is_there(weekday, hour, generator, told=told, confirmed=confirmed) for _ in range(MANY)
        )
        return mean(come)

    by_day = there(1, 10, told=False, confirmed=False)
    assert there(1, 10, told=True, confirmed=True) > there(1, 10, told=True, confirmed=False) > by_day
    assert there(1, 22, told=True, confirmed=False) < 0.6 > there(6, 12, told=True, confirmed=False)


def test_links_are_answered_yes_no_late_and_never() -> None:
    generator = np.random.default_rng(4)
    replies = [households.answer_appointment(Household(), 2, 9, generator) for _ in range(MANY)]
    answers = [each.answer for each in replies]
    assert 0.2 < answers.count(Answer.NEVER) / MANY < 0.3
    assert answers.count(Answer.YES) > 4 * answers.count(Answer.NO) > 0
    assert any(each.late for each in replies)
    assert all(isinf(each.after_h) == (each.answer is Answer.NEVER) for each in replies)
    odd = [households.answer_appointment(Household(), 6, 21, generator).answer for _ in range(MANY)]
    assert odd.count(Answer.NO) > odd.count(Answer.YES)


def test_patience_ends_with_the_hours_and_sooner_after_each_visit_in_vain() -> None:
    chances = [households.complaint_chance(Household(), hours) for hours in (0, 4, 24, 48, 72, 500)]
    assert chances == sorted(chances)
    assert chances[0] == 0 and chances[1] < 0.01 and chances[-1] <= households.COMPLAINERS
    assert chances[3] == pytest.approx(households.COMPLAINERS / 2)
    assert households.complaint_chance(Household(), 24, 1) > 2 * chances[2]


@pytest.mark.parametrize("visits", [0, 1, 3])
def test_when_somebody_complains_is_the_inverse_of_how_likely_they_have(visits: int) -> None:
    for uniform in (0.01, 0.1, 0.3):
        after = households.complains_after_h(Household(), uniform, visits)
        assert households.complaint_chance(Household(), after, visits) == pytest.approx(uniform)
    assert households.complains_after_h(Household(), 0.999) == inf
    assert households.complains_after_h(Household(), 0.0) == 0


def test_stars_fall_with_waiting_with_visits_in_vain_with_lateness_and_when_it_is_not_mended() -> None:
    def stars(**case: float) -> float:
        generator = np.random.default_rng(5)
        usual = {"waited_h": 1.0} | case
        return mean(households.rating(Household(), generator, **usual) for _ in range(MANY))  # type: ignore[arg-type]

    assert 4.4 < stars() < 5
    assert stars() > stars(waited_h=24) > stars(waited_h=96)
    assert stars() > stars(visits_in_vain=1) > stars(visits_in_vain=2)
    assert stars() > stars(late_h=1)
    assert 2 < stars(solved=False) < 3
    assert stars(waited_h=500, visits_in_vain=5, solved=False) == 1


def test_customers_differ_and_are_drawn_alike_for_a_seed() -> None:
    one, again = (households.draw_household(np.random.default_rng(6)) for _ in range(2))
    assert one == again
    generator = np.random.default_rng(7)
    drawn = [households.draw_household(generator) for _ in range(MANY)]
    assert median(each.patience_h for each in drawn) == pytest.approx(households.PATIENCE_H, rel=0.05)
    assert median(each.use for each in drawn) == pytest.approx(1, rel=0.05)
    assert hands.draw_hand({"electrical"}, np.random.default_rng(8)).skills == {"electrical"}


def test_feedback_is_given_by_some_and_reports_come_within_hours() -> None:
    generator = np.random.default_rng(9)
    after = [households.rates_after_h(generator) for _ in range(MANY)]
    assert mean(each < inf for each in after) == pytest.approx(households.RATES, abs=0.03)
    reports = [households.reports_after_h(generator) for _ in range(MANY)]
    assert median(reports) == pytest.approx(households.REPORT_H, rel=0.1)


def test_a_rush_hour_makes_a_way_longer_and_whoever_sets_out_before_it_comes_into_it() -> None:
    km = roads.road_km(SHANGHAI, SUBURB)
    assert km == pytest.approx(13.9, abs=0.7)
    assert roads.usual_minutes(km, 1, 18) > 1.7 * roads.usual_minutes(km, 1, 2)
    assert roads.usual_minutes(km, 6, 8) < roads.usual_minutes(km, 1, 8)
    before = roads.usual_minutes(40, 1, 6.5)
    assert 40 / roads.WORKDAY_KMH[6] * 60 < before < 40 / roads.WORKDAY_KMH[8] * 60
    assert roads.usual_minutes(km, 6, 23.99) > 0


def test_the_true_way_scatters_around_the_usual_one_and_a_slow_day_slows_all() -> None:
    generator = np.random.default_rng(10)
    usual = roads.usual_minutes(roads.road_km(SHANGHAI, SUBURB), 1, 10)
    taken = [roads.true_minutes(SHANGHAI, SUBURB, 1, 10, generator) for _ in range(MANY)]
    assert median(taken) == pytest.approx(usual + roads.PARK_MIN, rel=0.05)
    assert max(taken) > 1.5 * usual
    slow = [roads.true_minutes(SHANGHAI, SUBURB, 1, 10, generator, mood=1.3) for _ in range(MANY)]
    assert median(slow) > 1.2 * median(taken)
    assert roads.true_minutes(SHANGHAI, SHANGHAI, 1, 10, generator) == 0
    moods = [roads.mood_of_day(generator) for _ in range(MANY)]
    assert median(moods) == pytest.approx(1, abs=0.02)


def test_the_same_seed_says_the_same() -> None:
    def once() -> tuple[object, ...]:
        generator = np.random.default_rng(11)
        return (
            diagnose(ABLE, [FAILED], (), generator),
            hands.repair_minutes(ABLE, "brush_jam", generator),
            roads.true_minutes(SHANGHAI, SUBURB, 4, 17, generator),
            households.answer_consent(Household(), generator),
        )

    assert once() == once()
