"""The followers' benchmark in short: kills at random moments, and a follower that sleeps."""

import json
from pathlib import Path

from benchmarks import followers


def test_no_event_is_lost_and_none_has_two_effects_whenever_it_is_killed(tmp_path: Path) -> None:
    """Eight kills; each alert that fired has one ticket, each that ended left it once."""
    found = followers.measure_kills(8, tmp_path, seed=3)
    assert found["kills"] == 8
    assert found["alerts"] == found["tickets"] > 0
    assert (found["lost"], found["handled_twice"]) == (0, 0)


def test_a_follower_that_sleeps_keeps_no_alert_from_its_ticket(tmp_path: Path) -> None:
    """How long things take is for the benchmark on a machine of its own; here they have to happen."""
    found = followers.in_one_process(tmp_path, seconds=2.0, sleep_s=8.0)
    assert found["alerts"] > 0
    assert found["without_ticket"] == 0
    assert json.dumps(found["commit_ms"])
