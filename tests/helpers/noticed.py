"""People, destinations and the outbox of notices on a clock moved by hand, with channels that keep."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from fleet.care import Case, Place
from fleet.clock import DAY_MS, MINUTE_MS, ManualClock
from fleet.duty import Chain, Reached, Step, Target, TargetKind
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.grants import Role
from fleet.mutes import Mute, matcher_of
from fleet.notices import ChannelKind, Message, Proof, Receipt
from fleet.outbox import Destination, Notice, Wishes
from fleet.people import RoleAt
from fleet.principals import schedule
from fleet.tellings import TELL, UNREACHED, Occasion, Telling
from notify.notifier import Notifier
from notify.ports import Said
from notify.proving import Proving
from notify.sender import Sender
from storage.records.care import add_case
from storage.records.database import DeskDatabase
from storage.records.destinations import add_destination, keep_wishes
from storage.records.events import events_after, tell
from storage.records.followers import newest_event
from storage.records.mutes import insert_mute
from storage.records.notices import notices_about
from storage.records.people import add_person

EIGHT = 1_781_683_200_000
"""2026-06-17 08:00 UTC, a Wednesday: 10:00 in Berlin."""
NIGHT = Target(TargetKind.SCHEDULE, "night")
MANAGERS = Target(TargetKind.ROLE, "manager")


@dataclass
class PlainDuty:
    """Whoever is listed under a target; a schedule with nobody has a gap until `gap_until`."""

    on: dict[Target, tuple[int, ...]] = field(default_factory=dict)
    gap_until: int | None = None

    def chain(self, level: Level, site: str | None, *, personal: bool = False) -> Chain:
        return Chain("plain", (Step(0, (MANAGERS,)),), None, DAY_MS, loud=level is Level.L1)

    def reach(self, target: Target, site: str | None, at: int) -> Reached:
        if target.kind is TargetKind.DESTINATION:
            return Reached(destinations=(int(target.name),))
        found = self.on.get(target, ())
        gap = target.kind is TargetKind.SCHEDULE and not found
        return Reached(people=found, gap=gap, gap_until=self.gap_until if gap else None)


@dataclass
class Post:
    """A channel that keeps what it was given, or raises what `answer` raises."""

    kind: ChannelKind
    clock: ManualClock
    answer: Callable[[Message], Receipt] | None = None
    taken: list[tuple[int, str, Message]] = field(default_factory=list)

    def check(self, address: Mapping[str, str]) -> None:
        assert address.get("email", address.get("token", ""))

    def shown(self, address: Mapping[str, str]) -> str:
        return address.get("email", address.get("token", ""))

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        receipt = Receipt(Proof.ACCEPTED, "250") if self.answer is None else self.answer(message)
        self.taken.append((self.clock.ms, address.get("email", address.get("token", "")), message))
        return receipt


class Noticed:
    """The room of notices over one desk. Alerts are numbers here: what tells of them is told by hand."""

    def __init__(self, desk: DeskDatabase, at: int = EIGHT) -> None:
        self.desk = desk
        self.clock = ManualClock(at)
        self.duty = PlainDuty()
        self.mail = Post(ChannelKind.MAIL, self.clock)
        self.robot = Post(ChannelKind.DINGTALK, self.clock)
        self.channels = {ChannelKind.MAIL: self.mail, ChannelKind.DINGTALK: self.robot}
        self.said = Said("https://console.example/")
        self.notifier = Notifier(desk, self.duty, self.clock, mail=lambda: True)
        self.proving = Proving(desk, self.clock)
        self._names = count(1)
        self._asleep = False
        with desk.transaction() as session:
            self._cursor = newest_event(session)

    def sender(self, holder: str = "one") -> Sender:
        return Sender(self.desk, self.channels, self.said, self.clock, holder)

    def person(self, *ways: str, wishes: Wishes | None = None, email: str | None = None) -> int:
        """Add somebody with destinations such as `mail:ada@x.example`; return their id."""
        email = email or f"person{next(self._names)}@x.example"
        with self.desk.transaction() as session:
            roles = [RoleAt(Role.MANAGER)]
            person = add_person(session, email, email.split("@")[0], self.clock.ms, roles).id
            for way in ways:
                channel, _, to = way.partition(":")
                new = Destination(0, person, way, ChannelKind(channel), to, made_at=self.clock.ms)
                add_destination(session, new, {"email" if channel == "mail" else "token": to})
            if wishes is not None:
                keep_wishes(session, person, wishes)
        return person

    def group(self, way: str) -> int:
        channel, _, to = way.partition(":")
        with self.desk.transaction() as session:
            new = Destination(0, None, way, ChannelKind(channel), to, made_at=self.clock.ms)
            return add_destination(session, new, {"email" if channel == "mail" else "token": to}).id

    def tell(
        self,
        occasion: Occasion,
        *to: Target,
        alert: str = "7",
        level: Level = Level.L1,
        step: int = 0,
        loud: bool | None = None,
        lists: tuple[str, ...] = (),
    ) -> None:
        """Let care tell something of an alert, and the room follow."""
        loud = level is Level.L1 if loud is None else loud
        telling = Telling(
            occasion,
            "first",
            level,
            "brush_jam",
            self.clock.ms,
            "R1",
            "brush",
            lists or (alert,),
            max(1, len(lists)),
            "plain",
            step,
            to,
            loud,
        )
        self._told(
            Event(
                self.clock.ms,
                Subject.ALERT,
                alert,
                TELL,
                schedule("care"),
                "first",
                "hall",
                data=telling.as_data(),
            )
        )

    def in_care(self, alert: str, device_id: str) -> None:
        """Let care for an alert begin."""
        now = self.clock.ms
        case = Case(
            Subject.ALERT,
            alert,
            device_id,
            "brush_jam",
            "brush",
            Level.L3,
            Place("hall"),
            now,
            now,
            told_at=now,
        )
        with self.desk.transaction() as session:
            assert add_case(session, case)

    def mute(self, after_ms: int, until_ms: int, **matcher: str) -> None:
        """Mute what fits from a time until another, from now on."""
        now = self.clock.ms
        begins, ends = now + after_ms, now + until_ms
        with self.desk.transaction() as session:
            insert_mute(
                session, Mute(0, matcher_of(matcher), begins, ends, "test", "ada", now), schedule("test")
            )

    def became(self, state: str, alert: str = "7") -> None:
        """Let an alert change its state."""
        self._told(
            Event(
                self.clock.ms,
                Subject.ALERT,
                alert,
                "state",
                schedule("test"),
                "test",
                "hall",
                "firing",
                state,
            )
        )

    def _told(self, event: Event) -> None:
        with self.desk.transaction() as session:
            tell(session, event)
        self.follow()

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Let the room follow nothing for a while; then all of it at once."""
        self._asleep = True
        yield
        self._asleep = False
        self.follow()

    def follow(self) -> None:
        """Let the room handle what was told since."""
        if self._asleep:
            return
        with self.desk.transaction() as session:
            events = events_after(session, self._cursor, 1000)
        self.notifier.handle_all(events)
        self._cursor = max([self._cursor, *(event.id for event in events)])

    def send(self) -> int:
        sender = self.sender()
        return sum(sender.send_to(destination) for destination, _ in sender.due())

    def pass_time(self, ms: int, step: int = MINUTE_MS // 2) -> None:
        """Let time pass, with all that the schedule does."""
        until = self.clock.ms + ms
        while self.clock.ms < until:
            self.clock.ms = min(until, self.clock.ms + step)
            self.notifier.shift_begins(self.clock.ms)
            self.send()
            self.proving.follow_up()
            self.follow()
            self.send()

    def notices(self, alert: str = "7") -> list[Notice]:
        with self.desk.transaction() as session:
            return notices_about(session, Subject.ALERT, alert)

    def unreached(self) -> list[tuple[str, object]]:
        """Return why steps reached nobody, and which."""
        with self.desk.transaction() as session:
            events = events_after(session, 0, 10_000)
        return [(each.reason, each.data["step"]) for each in events if each.what == UNREACHED]

    def titles(self, post: Post | None = None) -> list[str]:
        return [message.title for _, _, message in (post or self.mail).taken]
