"""The benchmark of stock through deaths, in short: assignment and reservation are both there, or neither."""

from helpers.postgres import postgres, ready_url

from benchmarks.stock_crash import measure

__all__ = ["postgres", "ready_url"]


def test_a_kill_leaves_assignment_and_reservation_or_neither(ready_url: str) -> None:
    found = measure(kills=4, seed=1, url=ready_url)
    assert all(found["ended"].values()), "between the two, after both, and at some moment"
    assert found["assigned"]
    assert found["movements"]
    assert found["wrong"] == {}
