"""Jobs of several processes that share a desk: one does each, and the next takes over."""

from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk

from fleet.clock import ManualClock
from sweepwatch.run.command_sender import Turn
from sweepwatch.run.sharing import Leases, alone

NOW = 1_795_200_000_000
EVERY_S = 300


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def test_one_process_has_a_job_for_one_and_a_half_times_its_pace_and_a_minute(
    tmp_path: Path, clock: ManualClock
) -> None:
    desk = fresh_desk(tmp_path / "desk.sqlite")
    first, second = (Leases(desk, clock, name) for name in ("first", "second"))
    assert first.claim("score", EVERY_S)
    assert first.claim("score", EVERY_S), "who has it renews it"
    assert not second.claim("score", EVERY_S)
    assert second.claim("expire", EVERY_S), "another job is free"
    clock.ms = NOW + (EVERY_S * 3 // 2 + 60) * 1000 - 1
    assert not second.claim("score", EVERY_S)
    clock.ms = NOW + (EVERY_S * 3 // 2 + 60) * 1000
    assert second.claim("score", EVERY_S), "the first did not come back"
    assert not first.claim("score", EVERY_S)
    desk.close()


def test_a_process_that_ends_leaves_its_jobs_at_once(tmp_path: Path, clock: ManualClock) -> None:
    desk = fresh_desk(tmp_path / "desk.sqlite")
    first, second = (Leases(desk, clock, name) for name in ("first", "second"))
    assert first.claim("score", EVERY_S)
    assert second.claim("train", EVERY_S)
    first.give_back()
    assert second.claim("score", EVERY_S)
    assert not first.claim("train", EVERY_S), "what another holds is not given back"
    desk.close()


def test_one_process_at_a_time_sends_commands(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = fresh_desk(tmp_path / "desk.sqlite")
    seconds = [0.0]
    monkeypatch.setattr("sweepwatch.run.command_sender.monotonic", lambda: seconds[0])
    holders = [Leases(desk, clock, name, part="commands") for name in ("first", "second")]
    first, second = (Turn(each) for each in holders)
    assert (first(), second()) == (True, False)
    seconds[0] += 5
    assert (first(), second()) == (True, False), "who sends goes on"
    holders[0].leave()
    seconds[0] += 5
    assert (second(), first()) == (True, False), "the next takes over at once"
    assert Turn(None)(), "who is alone with its desk always sends"
    desk.close()


def test_a_process_alone_does_every_job() -> None:
    assert alone("score", EVERY_S)
