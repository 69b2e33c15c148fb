"""An installation as it is shipped, with managers who are told by mail, and what its desk says of a storm."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import select

from access.doors import Doors
from access.sessions import Browser
from benchmarks.harness.broker import free_port
from benchmarks.harness.ingester import PROGRAM
from fleet.clock import SystemClock
from fleet.events import Subject
from fleet.grants import Role
from fleet.notices import ChannelKind
from fleet.outbox import Destination, NoticeState
from fleet.people import RoleAt, Scope
from fleet.tellings import Occasion
from storage.records.database import DeskDatabase, open_desk
from storage.records.destinations import add_destination
from storage.records.events import events_after
from storage.records.followers import newest_event
from storage.records.notices import NoticeRow
from storage.records.people import add_person
from sweepwatch.data_folder import DESK

_START_S, _STOP_S = 120.0, 60.0
_LOOK_S, _PAGE_S = 0.02, 1.0
_MANY = 5_000
PAGES = ("/alerts", "/", "/notices", "/incidents", "/api/v1/alerts?limit=50", "/api/v1/incidents")
SETTINGS = '[notify.mail]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\nsender = "s@x.example"\n'


def desk_of(folder: Path) -> DeskDatabase:
    """Open the desk of an installation beside its process."""
    return open_desk(f"sqlite:///{folder / DESK}")


@contextmanager
def running(folder: Path, broker: str, mail_port: int) -> Iterator[tuple[int, int]]:
    """Run `sweepwatch run` on a data folder; yield its process id and its port."""
    config, port = folder.parent / "settings.toml", free_port()
    config.write_text(SETTINGS.format(port=mail_port), encoding="utf-8")
    command = [*PROGRAM, "run", "--no-simulator", "--no-browser", "--broker", broker, "--data", str(folder)]
    with (folder.parent / "run.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--config", str(config)], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait_ready(process, port)
        yield process.pid, port
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    ends = time.monotonic() + _START_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError("sweepwatch run did not become ready")


def invite(desk: DeskDatabase, regional: list[list[str]]) -> int:
    """Let there be an admin, two managers of everything and one for each list of sites; return how many."""
    roles = [[RoleAt(Role.ADMIN)], [RoleAt(Role.MANAGER)], [RoleAt(Role.MANAGER)]]
    roles += [[RoleAt(Role.MANAGER, Scope.SITE, site) for site in sites] for sites in regional]
    with desk.transaction() as session:
        for number, theirs in enumerate(roles):
            email = f"person{number}@x.example"
            person = add_person(session, email, f"Person {number}", SystemClock().now_ms(), theirs).id
            add_destination(session, Destination(0, person, email, ChannelKind.MAIL, email), {"email": email})
    return len(roles)


def session_of_admin(desk: DeskDatabase) -> str:
    """Return the secret of an admin's session in a browser."""
    doors = Doors(desk, SystemClock())
    admin = next(each for each in doors.people.everybody() if RoleAt(Role.ADMIN) in each.roles)
    return doors.sessions.begin(admin, Browser("storm", "127.0.0.1"))


@dataclass
class Watch:
    """Follows the log as another process would, and asks for pages: `first` has when each alert was seen.

    `first` is by (device, fault), epoch seconds; `pages` has milliseconds of each page asked for.
    """

    desk: DeskDatabase
    port: int
    session: str
    first: dict[tuple[str, str], float] = field(default_factory=dict)
    pages: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look as long as the context lasts."""
        ending = Event()
        threads = [Thread(target=self._follow, args=(ending,)), Thread(target=self._ask, args=(ending,))]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ending.set()
            for thread in threads:
                thread.join()

    def _follow(self, ending: Event) -> None:
        with self.desk.transaction() as session:
            cursor = newest_event(session)
        while not ending.wait(_LOOK_S):
            with self.desk.transaction() as session:
                found = events_after(session, cursor, _MANY)
            now = time.time()
            for event in found:
                cursor = event.id
                if event.subject is Subject.ALERT:
                    key = str(event.data.get("device_id")), str(event.data.get("fault"))
                    self.first.setdefault(key, now)

    def _ask(self, ending: Event) -> None:
        number = 0
        while not ending.wait(_PAGE_S / len(PAGES)):
            path, number = PAGES[number % len(PAGES)], number + 1
            cookie = f"sweepwatch_{self.port}={self.session}"
            asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Cookie": cookie})
            begun = time.monotonic()
            try:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    answer.read()
                    if answer.url != asked.full_url:
                        self.refused.append(f"{path}: sent to {answer.url}")
            except urllib.error.HTTPError as error:
                self.refused.append(f"{path}: {error.code}")
            except OSError as error:
                self.refused.append(f"{path}: {error}")
            self.pages.append((time.monotonic() - begun) * 1000)


@dataclass(frozen=True)
class Told:
    """What was told of a storm's incidents and of other alerts.

    `most` is the most notices that one person got of one incident saying that it is there (its end is one
    more). `faults` has when a person's channel had taken a notice of a device's fault, epoch ms.
    """

    incidents: int
    most: int
    most_with_end: int
    faults: dict[str, int]


def told_of(desk: DeskDatabase, devices: Mapping[str, str]) -> Told:
    """Read from the outbox what was sent; `devices` has the fault of each."""
    counts: dict[tuple[str, str], list[str]] = {}
    faults: dict[str, int] = {}
    with desk.transaction() as session:
        for row in session.scalars(select(NoticeRow).where(NoticeRow.state == NoticeState.SENT)):
            if row.subject == Subject.INCIDENT:
                counts.setdefault((row.subject_id, row.recipient), []).append(row.telling["occasion"])
            device = row.telling.get("device_id")
            if devices.get(device) == row.telling.get("fault", "") and row.accepted_at is not None:
                faults[device] = min(row.accepted_at, faults.get(device, row.accepted_at))
    beginnings = [sum(each != Occasion.RESOLVED for each in all_) for all_ in counts.values()]
    incidents = {subject for subject, _ in counts}
    most_all = max((len(all_) for all_ in counts.values()), default=0)
    return Told(len(incidents), max(beginnings, default=0), most_all, faults)
