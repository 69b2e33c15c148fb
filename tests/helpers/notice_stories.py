"""Stories of notices on a clock moved by hand: given, when, then, as files of tests/golden/notices hold them.

All of it goes the production way: an alert, care, duty, the notifier, the outbox, the sender, the channels,
and receivers on this machine that really answer.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from fastapi.testclient import TestClient
from helpers.care_stories import ANNA, Story, add_fleet, after_ms
from helpers.desk_rooms import batch_of
from helpers.fresh_desk import fresh_file
from helpers.providers import Providers, Watched
from sqlalchemy import func, select

from access.people import People
from access.tokens import Asked
from fleet.clock import MINUTE_MS, ManualClock, to_rfc3339
from fleet.config import duration_ms
from fleet.errors import StoreUnavailable
from fleet.events import Event
from fleet.grants import Permission, Role
from fleet.notices import ChannelKind, Proof
from fleet.outbox import Destination, Notice, NoticeState, Wishes
from fleet.people import RoleAt, Scope
from fleet.principals import schedule
from fleet.signals import Kind
from fleet.tellings import TELL, UNREACHED, Telling
from notify.channels.pace import Pace
from notify.duty.planning import Hours
from notify.links import NoticeLinks
from notify.sender import Sender
from storage.records.destinations import keep_wishes, named
from storage.records.events import events_after
from storage.records.notices import NoticeRow, to_notice
from storage.records.people import add_person, people, person_by_email
from sweepwatch.data_folder import open_data_folder
from sweepwatch.run.notices import NoticeJobs
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import Services, build, build_duty
from sweepwatch.wiring_api import build_api
from sweepwatch.wiring_words import said_of

_PROOF_MS = (2 * MINUTE_MS, 15 * MINUTE_MS)
_NOTES = 10_000
_MOST_ROUNDS = 5
_RULES = """\
rules:
  - name: battery_hot
    kind: robot
    fault: battery_overheat
    level: L1
    when: battery_temp_c >= 60
    clear: battery_temp_c < 52
    for: 30s
    opens_ticket: false
    text: {en: The battery is dangerously hot., zh: 电池温度过高，存在危险。}
  - name: robot_offline
    kind: robot
    fault: comms_loss
    level: L2
    when: offline
    absent: 30m
    for: 2m
    opens_ticket: false
    text: {en: Nothing is heard from the robot., zh: 机器人失去联系。}
"""
"""The shipped ones of these names: reading all of them takes most of a story's time."""


@dataclass
class Process:
    """One process of an installation: its services, its channels, how far its followers are."""

    name: str
    services: Services
    channels: Mapping[ChannelKind, Watched]
    seen: int = 0

    def __post_init__(self) -> None:
        services = self.services
        self.jobs = NoticeJobs(services)
        self.sender = Sender(services.desk, self.channels, said_of(services), services.clock, self.name)

    def follow(self) -> None:
        """Handle what was told, each event twice: that is once."""
        while events := self._next():
            for event in events:
                for follower in self.services.followers:
                    follower.handle(event)
                    follower.handle(event)
                self.seen = event.id

    def _next(self) -> list[Event]:
        with self.services.desk.transaction() as session:
            return events_after(session, self.seen, 1000)

    def work(self) -> None:
        """Do what is due, as the threads of a process do between them."""
        self.follow()
        self.services.sweep.tick(self.services.clock.now_ms())
        self.jobs.follow_up()
        self.follow()
        for _ in range(_MOST_ROUNDS):
            if not self.send():
                return
            self.jobs.follow_up()
            self.follow()

    def send(self) -> bool:
        due = self.sender.due()
        for destination, _ in due:
            self.sender.send_to(destination)
        return bool(due)


def _surely(step: Any) -> None:
    """Do a step; on SQLite one process may find the other writing, and comes again."""
    for _ in range(10):
        try:
            step()
        except StoreUnavailable:
            continue
        return
    raise AssertionError("the database was never free")


@dataclass
class NoticeStory(Story):
    """One story under way; its `lines` are what was told, tried and not reached, in order."""

    providers: Providers = field(kw_only=True)
    processes: list[Process] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    client: TestClient | None = None

    def __post_init__(self) -> None:
        """Leave the processes to `opened`."""

    def began(self) -> None:
        """Take over what the first process is made of."""
        self.people = self.processes[0].services.care
        self.engine = self.processes[0].services.alerts
        self.book = self.processes[0].services.notices

    def note(self, line: str) -> None:
        self.lines.append(f"{self.shown(self.clock.ms)} {line}")

    def shown(self, ms: int, *, day: bool = False) -> str:
        moment = datetime.fromtimestamp(ms / 1000, self.zone)
        return f"{moment:%a %d %b %H:%M:%S}" if day else f"{moment:%a %H:%M:%S}"

    def tick(self, processes: int = 0) -> None:
        """Let all processes do what is due, at the same moment."""
        if len(self.processes) == 1:
            self.processes[0].work()
        else:
            with ThreadPoolExecutor(len(self.processes)) as pool:
                list(pool.map(lambda each: _surely(each.work), self.processes))

    def until(self, end: int) -> None:
        """Let time pass, from one thing that is due to the next."""
        while self.clock.ms < end:
            self.clock.ms = min(end, *self._dues(self.clock.ms), end)
            self.tick()

    def _dues(self, now: int) -> list[int]:
        with self.desk.transaction() as session:
            unproven = select(NoticeRow).where(
                NoticeRow.followed_up.is_(False), NoticeRow.proof.in_((Proof.WRITTEN, Proof.HANDED_OVER))
            )
            rows = [to_notice(row) for row in session.scalars(unproven)]
            waits = NoticeRow.state.in_((NoticeState.WAITING, NoticeState.HELD, NoticeState.NOBODY))
            due = session.scalar(select(func.min(NoticeRow.due_at)).where(waits, NoticeRow.due_at > now))
            lease = session.scalar(select(func.min(NoticeRow.lease_until)).where(NoticeRow.lease_until > now))
        proofs = [(each.handed_at or each.written_at) + ms for each in rows for ms in _PROOF_MS]
        return [
            each for each in (due, lease, *proofs, *super()._dues(now)) if each is not None and each > now
        ]

    # What a story may do, beside what care's may.

    def do(self, what: str, value: Any) -> None:
        if what in (*self.providers.http, "mail"):
            self.providers.answers(what, value)
        else:
            getattr(self, f"do_{what.replace(' ', '_')}")(value)

    def do_fires(self, value: str | list[str]) -> None:
        for each in [value] if isinstance(value, str) else value:
            super().do_fires(each)

    def do_posts(self, value: Mapping[str, Any]) -> None:
        """Let an Alertmanager post one alert: `status`, `fingerprint`, `began` so long ago, `labels`."""
        began = to_rfc3339(self.clock.ms - after_ms(value.get("began", "0m")))
        alert = {
            "status": value.get("status", "firing"),
            "labels": value.get("labels", {}),
            "startsAt": began,
            "fingerprint": value["fingerprint"],
        }
        answer = self.api().post("/api/v1/hooks/alertmanager", json={"version": "4", "alerts": [alert]})
        assert answer.status_code == 200, answer.text

    def api(self) -> TestClient:
        """Return a client of the API with a token that may report alerts."""
        if self.client is None:
            app = build_api(self.processes[0].services, None, dict)
            tokens = app.state.services.doors.tokens
            _, secret = tokens.make(Asked("tests", (Permission.ALERTS_REPORT,), None), schedule("tests"))
            headers = {"Authorization": f"Bearer {secret}"}
            self.client = TestClient(app, base_url="http://127.0.0.1:8000", headers=headers)
        return self.client

    def do_stopped(self, long: str) -> None:
        """Let nothing of Sweepwatch run for so long."""
        self.clock.ms += after_ms(long)

    def do_trickle(self, value: Mapping[str, Any]) -> None:
        """Let one alert after another fire: each of `faults` on each of `devices`, `every` so often."""
        for fault in value["faults"]:
            for device in value["devices"]:
                self.do_fires(f"{device} {fault} L2")
                self.tick()
                self.until(self.clock.ms + after_ms(value["every"]))

    def do_fires_in_passing(self, value: str) -> None:
        """Let an alert fire and be over before anybody came to it."""
        self.do_fires(value)
        self.do_over(" ".join(value.split()[:2]))

    def do_reads(self, value: str) -> None:
        """Let readings of a robot come: `R1 battery_temp_c 61`."""
        device, signal, number = value.split()
        batch = batch_of(Kind.ROBOT, [device], [self.clock.ms], **{signal: [float(number)]})
        self.engine.observe(batch)

    def do_acknowledge_and_follow(self, value: str) -> None:
        """Let somebody take care, and the followers hear of it at once."""
        self.do_acknowledge(value)
        self.processes[0].follow()

    def do_over_and_follow(self, value: str) -> None:
        """Let it be over, and the followers hear of it at once."""
        self.do_over(value)
        self.processes[0].follow()

    def do_becomes(self, value: Mapping[str, str]) -> None:
        people = People(self.desk, self.clock)
        for who, role in value.items():
            people.give_roles(self.person(who), [_role(role)], ANNA)

    def do_leaves(self, who: str) -> None:
        People(self.desk, self.clock).disable(self.person(who), ANNA)

    def do_wishes(self, value: Mapping[str, Any]) -> None:
        for who, wish in value.items():
            self.book.wish(self.person(who), wishes_of(wish))

    def do_adds(self, value: Mapping[str, str]) -> None:
        for who, way in value.items():
            self.add_way(self.person(who), who, way)

    def do_removes(self, value: Mapping[str, str]) -> None:
        for who, way in value.items():
            (one,) = [each for each in self.book.of(self._owner(who)) if each.channel == way]
            self.book.remove(one.id, ANNA)

    def do_takes_over(self, value: str) -> None:
        """Let somebody take hours of a schedule: `bo night 6h`."""
        who, schedule, long = value.split()
        now = self.clock.ms
        hours = Hours(schedule, f"{who}@x.example", now, now + duration_ms(long))
        services = self.processes[0].services
        build_duty(services.desk, services.clock)[1].override(hours, ANNA, "swapped", None)

    def do_plan(self, text: str) -> None:
        services = self.processes[0].services
        planning = build_duty(services.desk, services.clock)[1]
        newest = planning.newest()
        planning.apply(text, newest.number if newest else 0, ANNA, "as agreed")

    def do_again(self, number: int) -> None:
        self.book.again(number, ANNA)

    def do_tests_all(self, _value: object) -> None:
        for each in self.processes:
            each.jobs.test_all()

    def do_meanwhile(self, value: Mapping[str, Any]) -> None:
        """Let something happen while the next message by a channel is under way."""
        for channel, what in value.items():
            ((do, arguments),) = what.items()
            action = partial(getattr(self, f"do_{do}"), arguments)
            for process in self.processes:
                process.channels[ChannelKind(channel)].during.append(action)

    def do_opens(self, who: str) -> None:
        """Let somebody's browser show the page of the last notice that came to them by mail."""
        NoticeLinks(self.desk, self.clock).seen(self.link(who))

    # Who is who.

    def link(self, who: str) -> str:
        """Return the secret in the last mail to somebody."""
        taken = [m for each in self.processes for m in each.channels[ChannelKind.MAIL].taken]
        links = [
            m.link for m in taken if m.link and "/n/" in m.link and f"person:{self.person(who)}:" in m.key
        ]
        return str(links[-1]).rpartition("/")[2]

    def person(self, who: str) -> int:
        with self.desk.transaction() as session:
            found = person_by_email(session, f"{who}@x.example")
        assert found is not None, who
        return found.id

    def _owner(self, who: str) -> int | None:
        with self.desk.transaction() as session:
            found = person_by_email(session, f"{who}@x.example")
            return found.id if found else None

    def add_people(self, people: Mapping[str, Mapping[str, Any]], groups: Mapping[str, str]) -> None:
        for who, what in people.items():
            roles = [_role(each) for each in what.get("roles", ())]
            domain = "sweepwatch.invalid" if what.get("no_mail") else "x.example"
            with self.desk.transaction() as session:
                number = add_person(session, f"{who}@{domain}", who, self.clock.ms, roles).id
                if wish := {key: what[key] for key in what if key in _WISHES}:
                    keep_wishes(session, number, wishes_of(wish))
            for way in what.get("ways", ()):
                self.add_way(number, who, way)
        for name, way in groups.items():
            self.add_way(None, name, way)

    def add_way(self, person: int | None, who: str, way: str) -> None:
        name = who if person is None else way
        self.book.add(person, name, ChannelKind(way), self.providers.address(way, who), ANNA)

    # What came of it.

    def hear(self) -> None:
        """Keep what the log says was told or reached nobody, as soon as it is there."""

        def heard() -> None:
            with self.desk.transaction() as session:
                events = events_after(session, self.seen, _NOTES)
            for event in events:
                self.seen = event.id
                if event.what == TELL:
                    self.lines.append(f"{self.shown(event.at)} told: {self._told(event)}")
                elif event.what == UNREACHED:
                    self.lines.append(
                        f"{self.shown(event.at)} step {event.data['step']} reached nobody: {event.reason}"
                    )

        heard()
        self.desk.when_told(heard)

    def _told(self, event: Event) -> str:
        telling = Telling.from_data(event.data)
        what = telling.device_id or f"incident {event.subject_id}"
        of = f" and {telling.count - 1} more" if telling.count > 1 else ""
        to = ", ".join(str(each) for each in telling.to)
        line = f"{telling.occasion} {telling.level} {telling.fault} {what}{of} ({telling.reason})"
        return line + (f" -> {to}" if to else "") + (", loud" if telling.loud else "")

    def told(self) -> list[str]:
        """Return what was told, tried and not reached; of two processes nobody knows which wrote first."""
        return self.lines if len(self.processes) == 1 else sorted(self.lines)

    def keys_taken(self) -> list[str]:
        """Return the key of each message that a receiver took."""
        channels = (channel for each in self.processes for channel in each.channels.values())
        return [message.key for channel in channels for message in channel.taken]

    def outbox(self) -> list[str]:
        """Return each notice as it stands at the end."""
        with self.desk.transaction() as session:
            rows = [to_notice(row) for row in session.scalars(select(NoticeRow).order_by(NoticeRow.id))]
            ways = named(session, [each.destination_id or 0 for each in rows])
            names = {f"person:{each}": who for who, each in self._numbers(session).items()}
        # On PostgreSQL what was there already takes a number, too: they are counted as they stand.
        numbers = {each.id: n for n, each in enumerate(rows, 1)}
        return [self._stands(_numbered(each, numbers), ways, names) for each in rows]

    def _numbers(self, session: Any) -> dict[str, int]:
        return {each.name: each.id for each in people(session)}

    def _stands(self, notice: Notice, ways: Mapping[int, Destination], names: Mapping[str, str]) -> str:
        way = ways.get(notice.destination_id or 0)
        who = names.get(notice.recipient, notice.recipient)
        if notice.recipient.startswith("destination:") and way is not None:
            who = way.name
        telling = notice.telling
        about = telling.device_id or f"incident {notice.subject_id}" if telling else ""
        what = f"{telling.occasion} {about}" if telling else "test"
        how = f" by {way.channel}" if way else ""
        stands = f"{notice.state}"
        if notice.state is NoticeState.SENT or notice.proof is not Proof.WRITTEN:
            stands += f", {notice.proof}"
        due = f" until {self.shown(notice.due_at, day=True)}" if notice.state in _WAITING else ""
        tries = f", failed {notice.tries}x" if notice.tries else ""
        wrong = f": {notice.trouble}" if notice.trouble else ""
        return f"{notice.id} {what} to {who}{how}: {stands}{due} ({notice.reason}){tries}{wrong}"


def _numbered(notice: Notice, numbers: Mapping[int, int]) -> Notice:
    why, _, other = notice.reason.partition(":")
    reason = f"{why}:{numbers[int(other)]}" if other.isdecimal() else notice.reason
    return replace(notice, id=numbers[notice.id], reason=reason)


_WAITING = (NoticeState.WAITING, NoticeState.HELD, NoticeState.NOBODY)
_WISHES = ("language", "zone", "quiet", "digest")


def wishes_of(given: Mapping[str, Any]) -> Wishes:
    """Return wishes from `{quiet: 22:00-07:00, digest: "09:00", zone: Europe/Berlin, language: zh}`."""
    begin, _, end = str(given.get("quiet", "00:00-00:00")).partition("-")
    digest = given.get("digest")
    return Wishes(
        given.get("language", "en"),
        given.get("zone", "UTC"),
        _minute(begin),
        _minute(end),
        None if digest is None else _minute(digest),
    )


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _role(text: str) -> RoleAt:
    """Return a role from `manager`, or `manager at hall`."""
    role, _, site = text.partition(" at ")
    return RoleAt(Role(role), Scope.SITE, site) if site else RoleAt(Role(role))


@contextmanager
def opened(path: Path, folder: Path, url: str | None = None) -> Iterator[tuple[NoticeStory, dict[str, Any]]]:
    """Yield what a file gives, with the clock at its beginning, and the file."""
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    given = text["given"]
    zone = ZoneInfo(given.get("zone", "Europe/Berlin"))
    begun = datetime.fromisoformat(given["start"]).replace(tzinfo=zone)
    clock = ManualClock(round(begun.timestamp() * 1000))
    with ExitStack() as stack:
        providers = stack.enter_context(closing(Providers()))
        url = url or _fresh_desk(folder)
        made = [
            _process(stack, folder / f"{n}", url, clock, providers) for n in range(given.get("processes", 1))
        ]
        story = NoticeStory(made[0].services.desk, clock, zone, providers=providers, processes=made)
        for process in made:
            for channel in process.channels.values():
                channel.note = story.note
        story.began()
        add_fleet(story.desk, given.get("devices", {"R1": {}}), given.get("sites", {}))
        story.add_people(given["people"], given.get("groups", {}))
        if "plan" in given:
            story.do_plan(given["plan"])
        story.tick()
        story.hear()
        yield story, text


def _fresh_desk(folder: Path) -> str:
    database = folder / "shared.sqlite"
    database.write_bytes(fresh_file())
    return f"sqlite:///{database}"


def _process(stack: ExitStack, folder: Path, url: str, clock: ManualClock, providers: Providers) -> Process:
    folder.mkdir()
    rules = folder / "rules.yaml"
    rules.write_text(_RULES, encoding="utf-8")
    data = stack.enter_context(closing(open_data_folder(folder)))
    given = {"alerts": {"rules": rules}, "notify": providers.settings(), "desk": {"url": url}}
    services = stack.enter_context(closing(build(Settings(data=folder, **given), data, clock)))
    for real in services.channels.values():
        if hasattr(real, "_pace"):  # which goes by the machine's clock, and is to go by the story's
            real._pace = Pace(20, now_s=lambda: clock.ms / 1000)
    channels = {kind: Watched(real, lambda _line: None) for kind, real in services.channels.items()}
    return Process(folder.name, services, channels)


def play(story: NoticeStory, text: Mapping[str, Any]) -> None:
    """Let happen what a file says."""
    begun = story.clock.ms
    for step in text["when"]:
        story.until(begun + after_ms(step["at"]))
        for what, value in step.items():
            if what != "at":
                story.do(what, value)
        if len(step) > 1:
            story.tick()
