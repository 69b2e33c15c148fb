"""Why something was missed, and which models fail early: no more is said than the cases bear."""

import pytest

from desk.indicators.causes import ranked
from desk.indicators.early import early_failures
from fleet.clock import DAY_MS


def test_the_group_with_the_most_misses_beyond_its_share_comes_first() -> None:
    groups = {
        "site": {"a": (50, 15), "b": (50, 5)},
        "hour": {"3": (4, 4), "9": (96, 16)},
        "level": {"L1": (100, 20)},
        "engineer": {"": (10, 10)},
    }
    found = ranked(groups, 100, 20)
    assert [(each.dimension, each.value, each.excess) for each in found] == [
        ("site", "a", 5.0),
        ("hour", "3", pytest.approx(3.2)),
    ], "all cases explain nothing, and what nobody knows is no cause"
    assert all(each.likely for each in found if each.value == "3")


def test_a_few_misses_may_be_chance_and_are_said_to_be() -> None:
    (found,) = ranked({"site": {"a": (10, 4), "b": (20, 4)}}, 30, 8)
    assert found.excess == pytest.approx(4 - 10 * 8 / 30)
    assert not found.likely
    assert ranked({"site": {"a": (1, 1)}}, 0, 0) == []


def test_a_model_fails_early_only_where_that_is_certain() -> None:
    year = 365 * DAY_MS
    usual = {"robot": (100, 400 * year)}
    few = ("robot", "CR-1", "1.0", 1, 90 * DAY_MS)
    many = ("robot", "CR-2", "1.0", 20, 10 * 90 * DAY_MS)
    none = ("robot", "CR-3", "1.0", 0, 90 * DAY_MS)
    found = {each.model: each for each in early_failures([few, many, none], usual)}
    assert list(found) == ["CR-2", "CR-1", "CR-3"]
    assert found["CR-2"].early and found["CR-2"].rate == pytest.approx(2.0)
    assert found["CR-2"].at_least == pytest.approx(1.325, abs=0.01)
    assert found["CR-1"].at_least == pytest.approx(0.0513, abs=0.001)
    assert found["CR-1"].usual == pytest.approx(0.0616, abs=0.001)
    assert not found["CR-1"].early, "one failure may be chance"
    assert not found["CR-3"].early
