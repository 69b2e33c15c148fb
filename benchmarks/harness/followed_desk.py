"""A house whose alerts become tickets, in processes that are killed, and what must be left of it."""

import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from fleet.clock import SystemClock
from fleet.events import Event, Subject
from fleet.principals import person
from fleet.risks import Risk
from fleet.tickets import TicketState
from storage.records.database import DeskDatabase
from storage.records.events import events_after
from storage.records.followers import begin_following, newest_event
from sweepwatch.data_folder import open_data_folder
from sweepwatch.run.followers import follow, following
from sweepwatch.settings.desk import DeskSettings
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import Services, build

FAULT = "brush_jam"
_LOW, _HIGH, _THRESHOLD = 0.0, 0.9, 0.5
_PAUSE_S = 0.005


@contextmanager
def house(folder: Path, desk_url: str | None = None) -> Iterator[Services]:
    """Open an installation as every process does, and close it."""
    data = open_data_folder(folder)
    try:
        settings = Settings(data=folder, desk=DeskSettings(url=desk_url))
        services = build(settings, data, SystemClock())
        try:
            yield services
        finally:
            services.close()
    finally:
        data.close()


def risk(device: str, ts: int, high: bool = True) -> Risk:
    """Return a risk that raises an alert, or one that clears it when there are two of them."""
    return Risk(device, FAULT, ts, _HIGH if high else _LOW, _THRESHOLD, "brush_jam-1", ())


def live(folder: Path, started: Connection) -> None:
    """Raise alerts and end them in all ways until killed: cleared by readings, closed with their ticket."""
    with house(folder) as services, following(services):
        close = _Closing(services)
        started.send_bytes(b"ready")
        for number in itertools.count():
            device = f"K{os.getpid()}-{time.monotonic_ns()}"
            now = services.clock.now_ms()
            services.alerts.observe_risks([risk(device, now)])
            if number % 3 == 1:
                services.alerts.observe_risks([risk(device, now + 1, high=False)])
                services.alerts.observe_risks([risk(device, now + 2, high=False)])
            if number % 10 == 9:
                close()
            time.sleep(_PAUSE_S)


def follow_only(folder: Path, desk_url: str, started: Connection) -> None:
    """Run the followers of a house until killed; others raise the alerts."""
    with house(folder, desk_url) as services, following(services):
        started.send_bytes(b"ready")
        while True:
            time.sleep(1)


class _Closing:
    """Closes the tickets that were opened since it was last asked, as far as the log tells by then."""

    def __init__(self, services: Services) -> None:
        self._services = services
        with services.desk.transaction() as session:
            self._cursor = newest_event(session)

    def __call__(self) -> None:
        with self._services.desk.transaction() as session:
            events = events_after(session, self._cursor, 1_000)
        for event in events:
            self._cursor = event.id
            if event.subject is Subject.TICKET and event.what == "opened":
                self._services.tickets.change_state(
                    int(event.subject_id), TicketState.CANCELLED, person("benchmark"), "enough"
                )


def settle(services: Services) -> None:
    """Let the followers handle all that is there, in this thread."""
    for follower in services.followers:
        begin_following(services.desk, follower.name)
    while sum([follow(services.desk, each, services.clock)[0] for each in services.followers]):
        pass


@dataclass(frozen=True, slots=True)
class Account:
    """What the log says at the end: its events, and what has no effect or more than one."""

    events: int
    alerts: int
    tickets: int
    lost: int
    handled_twice: int


def account(desk: DeskDatabase) -> Account:
    """Add up, over the whole log, what followed from each event that something must follow from."""
    log = read_all(desk)
    fired = {each.subject_id for each in log if each.subject is Subject.ALERT and each.before is None}
    over = [each.subject_id for each in log if each.subject is Subject.ALERT and each.after == "resolved"]
    cleared = {each.subject_id for each in log if _is_alert_end(each) and each.reason == "cleared"}
    opened = Counter(alert for each in log if each.what == "opened" for alert in each.data["alerts"])
    left = Counter(alert for each in log if each.what == "left" for alert in each.data["alerts"])
    closed = {alert for each in log if each.after == TicketState.CANCELLED for alert in each.data["alerts"]}
    lost = len(fired - opened.keys()) + len(closed - set(over)) + len(cleared - left.keys() - closed)
    twice = sum(count - 1 for counts in (opened, left, Counter(over)) for count in counts.values())
    twice += len(opened.keys() - fired)
    return Account(len(log), len(fired), sum(opened.values()), lost, twice)


def _is_alert_end(event: Event) -> bool:
    return event.subject is Subject.ALERT and event.after == "resolved"


def read_all(desk: DeskDatabase) -> list[Event]:
    """Return the whole log."""
    found: list[Event] = []
    while True:
        with desk.transaction() as session:
            some = events_after(session, found[-1].id if found else 0, 5_000)
        if not some:
            return found
        found += some
