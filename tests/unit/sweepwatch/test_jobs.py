"""The schedule of a process says in few words that it cannot keep up."""

import logging
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from fleet.clock import SystemClock
from sweepwatch.data_folder import open_data_folder
from sweepwatch.run.jobs import Jobs
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import build


def test_a_job_that_takes_long_is_told_once_however_often_it_is_due_meanwhile(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begun, go_on = Event(), Event()

    def slow() -> None:
        begun.set()
        go_on.wait(20)

    settings = Settings(data=tmp_path)
    with (
        closing(open_data_folder(tmp_path)) as data,
        closing(build(settings, data, SystemClock())) as services,
        caplog.at_level(logging.WARNING, "sweepwatch"),
        Jobs(services) as jobs,
    ):
        jobs.every(1, "slow", slow)
        assert begun.wait(10)
        Event().wait(3.5)
        go_on.set()
    own = [record.getMessage() for record in caplog.records if record.name.startswith("sweepwatch.")]
    told = [each for each in own if each.startswith("slow")]
    assert told == ["slow takes longer than the time until it is due again"]
