"""What is held is what a slow reading of the past says, however readings are cut into batches."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.judging.windows.held import Coded, Held
from alerts.judging.windows.stretch import in_order

AGE, GAP = 50, 30
Reading = tuple[int, int, float]
"""Row of the device, time, value (NaN: it does not say it)."""


def held_of(batches: list[list[Reading]]) -> list[float]:
    held, found = Held({"state": AGE}, GAP), []
    for batch in batches:
        row, at, value = (np.array(each) for each in zip(*batch, strict=True))
        filled = held.fill({"state": value.astype(float)}, in_order(row, at, 8))
        found += filled["state"].tolist()
    return found


def slowly(batches: list[list[Reading]]) -> list[float]:
    """Return the same, reading by reading in the order in which they count."""
    heard: dict[int, int] = {}
    said: dict[int, tuple[int, float]] = {}
    found = []
    for batch in batches:
        filled: dict[int, float] = {}
        for place in sorted(range(len(batch)), key=lambda place: batch[place][:2]):
            row, at, value = batch[place]
            filled[place] = value
            if at < heard.get(row, 0):
                continue
            if at - heard.get(row, at) > GAP:
                said.pop(row, None)
            heard[row] = at
            if not np.isnan(value):
                said[row] = at, value
            elif row in said and at - said[row][0] <= AGE:
                filled[place] = said[row][1]
        found += [filled[place] for place in range(len(batch))]
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(0, 12), st.sampled_from([np.nan, np.nan, 1.0, 2.0])),
            min_size=1,
            max_size=12,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_it_is_what_was_said_last(steps: list[list[tuple[int, int, float]]]) -> None:
    clock = dict.fromkeys(range(3), 1_000)
    batches = []
    for step in steps:
        batch = []
        for row, gap, value in step:
            clock[row] += gap * 4
            batch.append((row, clock[row], value))
        batches.append(batch)
    assert held_of(batches) == pytest.approx(slowly(batches), nan_ok=True)


def test_what_comes_late_is_filled_with_nothing_and_fills_nothing() -> None:
    found = held_of([[(0, 100, 1.0)], [(0, 90, 2.0), (0, 95, np.nan), (0, 101, np.nan)], [(0, 102, np.nan)]])
    assert found == pytest.approx([1.0, 2.0, np.nan, 1.0, 1.0], nan_ok=True)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["a", None, "b", "a"]),
        pl.Series(["off", None, "idle", "off"], dtype=pl.Enum(["off", "idle"])),
        pl.Series([True, None, False, True]),
    ],
)
def test_words_come_back_as_they_were(column: pl.Series) -> None:
    coded = Coded()
    assert coded.words(coded.numbers(column), column.dtype).to_list() == column.to_list()
