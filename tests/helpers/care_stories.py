"""Stories of care on a clock moved by hand: given, when, then, as files of tests/golden/care hold them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from helpers.fresh_desk import fresh_desk
from sqlalchemy import func, select

from alerts.care.by_people import CareByPeople
from alerts.engine import AlertEngine
from alerts.judging.rule_file import load_rules
from fleet import principals
from fleet.alerts import INSTALLATION, Alert, AlertState
from fleet.clock import MINUTE_MS, SECOND_MS, ManualClock
from fleet.config import duration_ms
from fleet.duty import Chain, Reached, Step, Target, TargetKind
from fleet.events import Event, Subject
from fleet.external import Report
from fleet.faults import FAULTS, Level
from fleet.mutes import Mute, Weekly, matcher_of, next_change
from fleet.sites import Site
from fleet.sla import load_policy
from fleet.tellings import TELL, UNREACHED, Occasion, Telling
from fleet.text import Text
from fleet.zones import Zones
from storage.records.alerts import change_alert, insert_alert, open_alert
from storage.records.care import CareRow
from storage.records.database import DeskDatabase
from storage.records.devices import Device
from storage.records.events import events_after, tell
from storage.records.mutes import standing_mutes
from storage.records.sites import describe_site
from sweepwatch.wiring import wire_desk

ANNA = principals.person("anna")
ABSENT = "comms_loss"
_TICK_MS = 10 * SECOND_MS
_BUSY_MS = 4 * MINUTE_MS
_IDLE_MS = 10 * MINUTE_MS
_ON_CALL = Target(TargetKind.SCHEDULE, "on-call")
_LEAD, _SAFETY = Target(TargetKind.ROLE, "manager"), Target(TargetKind.ROLE, "safety")


class StoryDuty:
    """Chains that the stories tell by: L1 loud, two steps; L2 quiet, reminded of every 4 h; L3 told once."""

    def chain(self, level: Level, site: str | None, *, personal: bool = False) -> Chain:
        if personal:
            return Chain("safety", (Step(0, (_SAFETY,)), Step(120_000, (_LEAD,))), 300_000, 3_600_000, True)
        steps = (Step(0, (_ON_CALL,)), Step(15 * MINUTE_MS, (_LEAD,)))
        if level is Level.L1:
            return Chain("urgent", steps, 60 * MINUTE_MS, 240 * MINUTE_MS, loud=True)
        if level is Level.L2:
            return Chain("usual", steps[:1], 240 * MINUTE_MS, 1440 * MINUTE_MS, loud=False)
        return Chain("quiet", steps[:1], None, 4320 * MINUTE_MS, loud=False)

    def reach(self, target: Target, site: str | None, at: int) -> Reached:
        return Reached(people=(1,))


def after_ms(text: str) -> int:
    """Return the milliseconds of `1h30m`."""
    return sum(duration_ms(part) for part in re.findall(r"\d+[smhd]", text))


def add_fleet(desk: DeskDatabase, devices: Mapping[str, Mapping[str, Any]], sites: Mapping[str, Any]) -> None:
    """Add devices by id, or by `PREFIX*COUNT`; sites with their customer and region."""
    with desk.transaction() as session:
        for site, what in sites.items():
            describe_site(session, Site(site, Text("", ""), what.get("region", ""), what.get("customer", "")))
        for name, what in devices.items():
            prefix, _, count = name.partition("*")
            for number in range(1, int(count) + 1) if count else (None,):
                place = {"site": "hall", "model": "CR-200", "firmware": "7.1", "kind": "robot"} | dict(what)
                device_id = prefix if number is None else f"{prefix}{number}"
                session.add(Device(id=device_id, registered_at=0, status="online", **place))


def raise_on(
    desk: DeskDatabase, device_id: str, fault: str, at: int, level: str = "", rule: str = ""
) -> str | None:
    """Let an alert fire, as the engine would."""
    rule = rule or ("robot_offline" if fault == ABSENT else f"rule_{fault}")
    lvl = Level(level) if level else FAULTS[fault].level
    alert = Alert("", device_id, fault, rule, lvl, AlertState.FIRING, at, "first", False, {})
    with desk.transaction() as session:
        number = insert_alert(session, alert, principals.rule(rule), at)
    return None if number is None else str(number)


def resolve_on(desk: DeskDatabase, device_id: str, fault: str, at: int) -> None:
    """Let an open alert be over, as the engine would."""
    with desk.transaction() as session:
        alert = open_alert(session, device_id, fault)
        assert alert is not None, (device_id, fault)
        reason = "heard_again" if fault == ABSENT else "cleared"
        by = principals.rule(alert.rule)
        columns = {"resolved_at": at}
        assert change_alert(
            session, alert, AlertState.RESOLVED, principal=by, at=at, reason=reason, columns=columns
        )


@dataclass
class Story:
    """One story under way."""

    desk: DeskDatabase
    clock: ManualClock
    zone: ZoneInfo
    people: CareByPeople = field(init=False)
    engine: AlertEngine = field(init=False)
    sweeps: list[Any] = field(init=False)
    seen: int = 0

    def __post_init__(self) -> None:
        zones = Zones(self.zone)
        made = [
            wire_desk(self.desk, load_rules(), load_policy(), self.clock, duty=StoryDuty(), zones=zones)
            for _ in range(2)
        ]
        self.people, self.engine = made[0].care, made[0].alerts
        self.sweeps = [each.sweep for each in made]
        self.care = next(each for each in made[0].followers if each.name == "care for alerts")

    def follow(self) -> None:
        """Let care handle what was told since, each event twice: that is once."""
        while True:
            with self.desk.transaction() as session:
                events = events_after(session, self.seen, 100_000)
            if not events:
                return
            for event in events:
                self.care.handle(event)
                self.care.handle(event)
                self.seen = event.id

    def tick(self, processes: int = 1) -> None:
        self.follow()
        for sweep in self.sweeps[:processes]:
            sweep.tick(self.clock.ms)
        self.follow()

    def until(self, end: int) -> None:
        """Let time pass; where nothing is due for long, in larger steps."""
        begun = self.clock.ms
        while self.clock.ms < end:
            busy = self.clock.ms < begun + _BUSY_MS
            step = self.clock.ms + (_TICK_MS if busy else _IDLE_MS)
            self.clock.ms = min(step, end, *self._dues(self.clock.ms))
            self.tick()

    def _dues(self, now: int) -> list[int]:
        with self.desk.transaction() as session:
            due = session.scalar(select(func.min(CareRow.next_at)).where(CareRow.next_at > now))
            changes = [next_change(mute, now) for mute in standing_mutes(session)]
        return [each for each in (due, *changes) if each is not None and each > now]

    def do(self, what: str, value: Any) -> None:
        """Do one thing of a story."""
        getattr(self, f"do_{what.replace(' ', '_')}")(value)
        self.tick()

    def do_fires(self, value: str) -> None:
        for device_id, fault, level in self._each(value):
            raise_on(self.desk, device_id, fault, self.clock.ms, level)

    def do_another_system_reports(self, value: str) -> None:
        report = Report(value, self.clock.ms, False, Level.L2, INSTALLATION, value, {})
        self.engine.observe_external([report])

    def do_over(self, value: str) -> None:
        for device_id, fault, _ in self._each(value):
            resolve_on(self.desk, device_id, fault, self.clock.ms)

    def do_worse(self, value: str) -> None:
        """Let the level of an open alert rise, as the engine would: `R1 water_leak L1`."""
        device_id, fault, level = value.split()
        with self.desk.transaction() as session:
            alert = open_alert(session, device_id, fault)
            assert alert is not None
            columns = {"level": Level(level)}
            by, now = principals.rule(alert.rule), self.clock.ms
            assert change_alert(
                session, alert, alert.state, principal=by, at=now, reason="worse", columns=columns
            )

    def do_worse_and_acknowledged(self, value: str) -> None:
        """Let it get worse and somebody take care before anybody followed."""
        device_id, fault, level, long = value.split()
        self.do_worse(f"{device_id} {fault} {level}")
        self.do_acknowledge(f"{device_id} {fault} {long}")

    def _each(self, value: str) -> list[tuple[str, str, str]]:
        """Return device, fault and level of `R1 brush_jam L2`, or of `A1..A20 comms_loss`."""
        devices, fault, *level = value.split()
        span = re.fullmatch(r"(\D+)(\d+)\.\.\D+(\d+)", devices)
        names = [devices]
        if span is not None:
            names = [f"{span[1]}{n}" for n in range(int(span[2]), int(span[3]) + 1)]
        return [(name, fault, level[0] if level else "") for name in names]

    def do_acknowledge(self, value: str) -> None:
        device_id, fault, *long = value.split()
        with self.desk.transaction() as session:
            alert = open_alert(session, device_id, fault)
        assert alert is not None
        self.people.acknowledge(alert.id, ANNA, "on my way", duration_ms(long[0]) if long else None)

    def do_acknowledge_incident(self, value: int) -> None:
        self.people.acknowledge_incident(value, ANNA, "calling them")

    def do_note(self, value: str) -> None:
        device_id, fault, text = value.split(maxsplit=2)
        with self.desk.transaction() as session:
            alert = open_alert(session, device_id, fault)
        assert alert is not None
        self.people.note(alert.id, ANNA, text)

    def do_mute(self, value: dict[str, Any]) -> None:
        now = self.clock.ms
        weekly = value.get("weekly")
        mute = Mute(
            id=0,
            matcher=matcher_of(value["matcher"]),
            start=now,
            end=now + duration_ms(value["for"]) if "for" in value else None,
            reason="work on site",
            who="",
            created_at=0,
            weekly=None if weekly is None else Weekly(**weekly | {"days": tuple(weekly["days"])}),
            until_resolved=value.get("until_resolved", False),
        )
        self.people.mute(mute, ANNA)

    def do_unmute(self, value: int) -> None:
        self.people.unmute(value, ANNA, "done")

    def do_unreached(self, value: str) -> None:
        device_id, fault, step, why = value.split()
        with self.desk.transaction() as session:
            alert = open_alert(session, device_id, fault)
            assert alert is not None
            data = {"subject": "alert", "subject_id": alert.id, "step": int(step), "why": why}
            tell(session, Event(self.clock.ms, Subject.NOTICE, "1", UNREACHED, ANNA, why, data=data))

    def do_two_processes_tick(self, _value: object) -> None:
        self.tick(2)

    def told(self) -> list[str]:
        """Return what was told, one line each."""
        with self.desk.transaction() as session:
            events = [each for each in events_after(session, 0, 100_000) if each.what == TELL]
        return [self._line(each, Telling.from_data(each.data)) for each in events]

    def _line(self, event: Event, telling: Telling) -> str:
        moment = datetime.fromtimestamp(event.at / 1000, self.zone)
        what = telling.device_id or f"incident {event.subject_id}"
        of = f" of {telling.count}" if telling.count > 1 else ""
        line = f"{moment:%a %H:%M:%S} {telling.occasion} {telling.level} {telling.fault} {what}{of}: "
        line += telling.reason
        if telling.occasion is Occasion.RESOLVED:
            return line
        to = ", ".join(str(each) for each in telling.to)
        return f"{line} -> {to}{', loud' if telling.loud else ''}"


def play(path: Path, folder: Path) -> tuple[list[str], list[str], Story]:
    """Play a story; return what was told, what was expected, and the story."""
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    given = told["given"]
    zone = ZoneInfo(given.get("zone", "Asia/Shanghai"))
    start = datetime.fromisoformat(given["start"]).replace(tzinfo=zone)
    database = folder / "desk.db"
    desk = fresh_desk(database)
    add_fleet(desk, given["devices"], given.get("sites", {}))
    begun = round(start.timestamp() * 1000)
    story = Story(desk, ManualClock(begun), zone)
    story.tick()
    for step in told["when"]:
        story.until(begun + after_ms(step["at"]))
        for what, value in step.items():
            if what != "at":
                story.do(what, value)
    return story.told(), told["then"] or [], story
