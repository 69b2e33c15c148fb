"""How tickets of a foreign fleet are held against its fate, and that habits change no fleet without them."""

import numpy as np

from benchmarks.harness.foreign_fleet import Make, foreign_fleet
from benchmarks.harness.foreign_habits import habits_of
from benchmarks.harness.foreign_tickets import Opened, Verdict, judge
from benchmarks.harness.foreign_wear import SUDDEN, Worn

WORN = (
    Worn("a", "brush", 20, 30, "line"),
    Worn("b", "fan", 40, 41, "line"),
    Worn("c", "radio", 20, 30, SUDDEN),
)


def test_a_ticket_within_the_time_of_wear_is_right_and_foresees() -> None:
    assert judge([Opened("a", 25, "brush")], WORN, 75) == Verdict(1, 1, 1, 1, 1)
    assert judge([Opened("a", 29.5, "drive")], WORN, 75) == Verdict(1, 1, 0, 1, 0), "no day ahead"
    assert judge([Opened("a", 18, "brush")], WORN, 75) == Verdict(1, 1, 1, 1, 0), "before it began"


def test_what_fails_later_or_not_at_all_makes_a_ticket_wrong() -> None:
    wrong = [Opened("a", 10, "brush"), Opened("a", 31, "brush"), Opened("d", 25, "brush")]
    assert judge(wrong, WORN, 75) == Verdict(3, 0, 0, 1, 0)


def test_sudden_and_short_failures_cannot_be_warned_of_yet_make_a_ticket_right() -> None:
    assert judge([Opened("c", 25, "radio")], WORN, 75) == Verdict(1, 1, 1, 1, 0)


def test_habits_lend_sway_and_thin_out_as_their_seed_says() -> None:
    days = np.arange(0, 30, 1 / 24)
    one, same = habits_of(5, days, 40), habits_of(5, days, 40)
    assert (one.load == same.load).all()
    assert 1.0 < one.load.mean() < 1.3
    assert 0.85 < one.heard.mean() < 1.0
    assert abs(one.sway.mean()) < 0.2
    assert 0.6 < one.sway.std() < 1.2


def test_a_fleet_with_habits_fails_as_the_one_without() -> None:
    plain = foreign_fleet(3, Make(devices=20, days=20, failures=0.2))
    hard = foreign_fleet(3, Make(devices=20, days=20, failures=0.2, habits=True))
    assert [(each.device, each.part, each.fails) for each in plain.worn] == [
        (each.device, each.part, each.fails) for each in hard.worn
    ]
    assert len(hard.batch) < len(plain.batch)
