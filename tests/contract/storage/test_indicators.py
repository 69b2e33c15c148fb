"""Indicators, on either kind of database, are what the log of events says by other means."""

from dataclasses import replace

from helpers.postgres import ready_desk, ready_url

from benchmarks.harness.case_lives import SITES, add_lives
from benchmarks.indicators import LAST, NOW, differences, follow_all, keeper_of
from fleet.case_facts import month_after
from fleet.clock import ManualClock
from fleet.tasks import Task
from fleet.text import Text
from storage.records.case_facts import versions_of
from storage.records.database import DeskDatabase
from storage.records.sites import describe_site
from storage.records.tasks import end_task, open_task, tasks_of

__all__ = ["ready_desk", "ready_url"]
MONTHS = [month_after(LAST, -back) for back in range(14)]


def test_every_figure_of_500_cases_is_what_the_log_says(ready_desk: DeskDatabase) -> None:
    add_lives(ready_desk, 500, NOW, seed=7)
    keeper = keeper_of(ready_desk)
    follow_all(ready_desk, keeper)
    compared, wrong = differences(ready_desk, MONTHS[:2], ("site",))
    assert wrong == []
    assert compared > 200
    assert keeper.recount() == 0, "the follower kept what a recount finds"
    with ready_desk.transaction() as session:
        describe_site(session, replace(SITES[0], region="elsewhere"))
        before = versions_of(session, MONTHS)
    assert keeper.recount() > 0, "what changes without an event of a case is caught"
    with ready_desk.transaction() as session:
        after = versions_of(session, MONTHS)
    assert any(after[month] > before[month] for month in MONTHS), "kept figures hold no more"
    assert keeper.recount() == 0
    assert keeper.fill() == 0


def test_a_task_is_opened_once_and_ended_once(ready_desk: DeskDatabase) -> None:
    clock = ManualClock(NOW)
    new = Task("indicator", "indicator:x:2026-10", Text("x", "甲"), "why", {"month": 202610}, clock.ms)
    with ready_desk.transaction() as session:
        assert open_task(session, new) is not None
        assert open_task(session, new) is None
        (task,) = tasks_of(session, "indicator")
        assert (task.title, task.data, task.done_at) == (new.title, new.data, None)
        assert end_task(session, task.id, "Li", clock.ms + 1).done_by == "Li"
        assert tasks_of(session, "indicator") == []
        assert len(tasks_of(session, "indicator", is_open=False)) == 1
