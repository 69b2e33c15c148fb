"""Cycles of garbage are looked for seldom for a while, and as often as before afterwards."""

import gc
from collections.abc import Iterator

import pytest

from fleet.garbage import seldom_collected


@pytest.fixture(autouse=True)
def _kept() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_it_is_seldom_for_a_while_and_as_often_as_before_then() -> None:
    gc.set_threshold(700, 10, 10)
    with seldom_collected():
        assert gc.get_threshold()[0] >= 100_000
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("more_seldom", [(0, 10, 10), (1_000_000, 60, 2_000)])
def test_what_is_more_seldom_already_stays_so(more_seldom: tuple[int, int, int]) -> None:
    gc.set_threshold(*more_seldom)
    with seldom_collected():
        assert gc.get_threshold() == more_seldom
