"""Stories of care: what is told of alerts, when, and when not; on a clock that is moved by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, add_devices

from alerts.care.care import CARE, Care
from alerts.judging.rules import load_rules
from fleet.clock import HOUR_MS, MINUTE_MS, ManualClock
from fleet.duty import Chain, Reached, Step, Target, TargetKind
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.principals import person, schedule
from fleet.signals import Kind
from fleet.tellings import TELL, UNREACHED, Telling
from storage.records.database import open_desk
from storage.records.events import events_after, tell

NIGHT, BOSS, ADMIN = (Target(TargetKind.ROLE, name) for name in ("engineer", "manager", "admin"))
ADA = person("Ada")


class Chains:
    """A chain of three steps for what is L1; for the rest one step, and a reminder a day."""

    def chain(self, level: Level, site: str | None, *, personal: bool = False) -> Chain:
        if level is not Level.L1:
            return Chain("quiet", (Step(0, (BOSS,)),), 24 * HOUR_MS, 8 * HOUR_MS, loud=False)
        steps = (Step(0, (NIGHT,)), Step(15 * MINUTE_MS, (BOSS,)), Step(30 * MINUTE_MS, (ADMIN,)))
        return Chain("urgent", steps, HOUR_MS, 2 * HOUR_MS, loud=True)

    def reach(self, target: Target, site: str | None, at: int) -> Reached:
        return Reached()


class Story:
    """Rooms with care, which hears of each event when it is told."""

    def __init__(self, folder: Path) -> None:
        self.desk = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")
        add_devices(self.desk, {"R1": Kind.ROBOT})
        self.rooms = Rooms(self.desk, ManualClock(NOON), load_rules())
        self.care = self.another()
        self._cursor = 0
        self._told = 0

    def another(self) -> Care:
        """Return care as another process has it."""
        return Care(
            self.desk,
            Chains(),
            self.rooms.clock,
            lambda alert: self.rooms.engine.end_acknowledgement(alert, CARE),
        )

    def hot(self, after_min: float, device: str = "R1", until_min: float | None = None) -> None:
        """Let a battery be hot: an L1 alert that fires after 30 s; and cool down at `until_min`."""
        self.at(after_min)
        self.rooms.robot(device, after_min * 60, battery_temp_c=70.0)
        self.at(after_min + 0.5)
        self.rooms.robot(device, after_min * 60 + 30, battery_temp_c=70.0)
        self.hear()

    def cool(self, after_min: float, device: str = "R1") -> None:
        self.at(after_min)
        self.rooms.robot(device, after_min * 60, battery_temp_c=30.0)
        self.hear()

    def at(self, minutes: float) -> None:
        """Let time pass up to so many minutes after noon, half a minute at a time."""
        until = NOON + round(minutes * MINUTE_MS)
        while self.rooms.clock.ms < until:
            self.rooms.clock.ms = min(until, self.rooms.clock.ms + MINUTE_MS // 2)
            self.care.tick(self.rooms.clock.ms)
            self.hear()

    def hear(self, care: Care | None = None) -> None:
        with self.desk.transaction() as session:
            events = events_after(session, self._cursor, 1000)
        for event in events:
            (care or self.care).handle(event)
            self._cursor = event.id

    def told(self) -> list[str]:
        """Return what was told since this was last asked: minutes, occasion, whom, how."""
        with self.desk.transaction() as session:
            events = [each for each in events_after(session, self._told, 10_000) if each.what == TELL]
        self._told = max([self._told, *(each.id for each in events)])
        return [self._line(each) for each in events]

    def _line(self, event: Event) -> str:
        telling = Telling.from_data(event.data)
        to = " ".join(target.name for target in telling.to)
        minutes = (event.at - NOON) / MINUTE_MS
        loud = " loud" if telling.loud else ""
        return (
            f"{minutes:g} min: {telling.occasion} {telling.device_id} {telling.reason} -> {to}{loud}".strip()
        )

    def unreached(self, step: int) -> None:
        data = {"subject": "alert", "subject_id": "1", "step": step, "why": "nobody_on_call"}
        now, by = self.rooms.clock.ms, schedule("notify")
        with self.desk.transaction() as session:
            tell(session, Event(now, Subject.NOTICE, "1", UNREACHED, by, "nobody_on_call", data=data))
        self.hear()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path)
    yield made
    made.desk.close()


def test_nobody_takes_care_so_it_goes_up_the_chain_and_is_repeated_until_it_is_over(story: Story) -> None:
    story.hot(0)
    story.at(200)
    story.cool(201)
    assert story.told() == [
        "0.5 min: firing R1 first -> engineer loud",
        "15.5 min: escalated R1 escalated:1 -> manager loud",
        "30.5 min: escalated R1 escalated:2 -> admin loud",
        "90.5 min: reminder R1 repeat_elapsed -> admin loud",
        "150.5 min: reminder R1 repeat_elapsed -> admin loud",
        "201 min: resolved R1 over ->",
    ]


def test_acknowledged_before_step_two_the_chain_stops(story: Story) -> None:
    story.hot(0)
    story.at(10)
    story.rooms.engine.acknowledge("1", ADA, "on my way")
    story.hear()
    story.at(100)
    story.cool(101)
    assert story.told() == ["0.5 min: firing R1 first -> engineer loud", "101 min: resolved R1 over ->"]


def test_an_acknowledgement_ends_and_it_is_told_anew_from_where_the_chain_was(story: Story) -> None:
    story.hot(0)
    story.at(20)
    story.told()
    story.rooms.engine.acknowledge("1", ADA, "on my way")
    story.hear()
    story.at(20 + 125)
    assert story.told() == ["140 min: ack_expired R1 ack_expired -> manager loud"]
    assert [(fault, state) for fault, state, _ in story.rooms.history()] == [("battery_overheat", "firing")]
    story.at(20 + 185)
    assert story.told() == ["200 min: escalated R1 escalated:2 -> admin loud"]


def test_what_fires_anew_although_somebody_saw_to_it_is_told_again(story: Story) -> None:
    story.hot(0)
    story.rooms.engine.acknowledge("1", ADA, "on my way")
    story.hear()
    story.told()
    story.rooms.engine.end_acknowledgement("1", schedule("other"))
    story.hear()
    assert story.told() == ["0.5 min: ack_expired R1 ack_expired -> engineer loud"]
    story.at(140)
    assert "escalated R1 escalated:1 -> manager loud" in story.told()[0]


def test_nobody_is_paged_for_something_older_than_a_day(story: Story) -> None:
    story.hot(0)
    story.rooms.engine.acknowledge("1", ADA, "waiting for the part")
    story.hear()
    story.told()
    for hours in range(2, 25, 2):
        story.at(hours * 60 + 1)
        if hours < 24:
            story.rooms.engine.acknowledge("1", ADA, "still waiting")
            story.hear()
    said = story.told()
    assert said[-1].startswith("144") and not said[-1].endswith("loud"), said[-1]
    assert said[0].endswith("loud")


def test_what_ended_before_it_fired_is_told_to_nobody(story: Story) -> None:
    story.rooms.robot("R1", 0, battery_temp_c=70.0)
    story.hear()
    story.cool(0.2)
    assert story.told() == []


def test_a_step_that_reached_nobody_is_followed_by_the_next_at_once(story: Story) -> None:
    story.hot(0)
    story.at(1)
    story.unreached(0)
    story.at(2)
    story.unreached(0)
    story.at(3)
    assert story.told() == [
        "0.5 min: firing R1 first -> engineer loud",
        "1.5 min: escalated R1 escalated:1 -> manager loud",
    ]


def test_absence_hides_the_other_alerts_of_a_device_until_it_is_heard(story: Story) -> None:
    story.rooms.heard("R1", 0)
    story.rooms.tick(3600)
    story.hear()
    (offline,) = story.told()
    assert "firing R1 first" in offline
    story.rooms.robot("R1", 3590, battery_temp_c=70.0)
    story.rooms.robot("R1", 3625, battery_temp_c=70.0)
    story.hear()
    assert story.told() == []
    story.rooms.heard("R1", 3700)
    story.rooms.tick(3700)
    story.hear()
    story.at(64)
    assert [line.partition(" min: ")[2] for line in story.told()] == [
        "resolved R1 over ->",
        "firing R1 first -> engineer loud",
    ]


def test_an_event_that_comes_twice_and_two_processes_tell_once(story: Story) -> None:
    other = story.another()
    story.hot(0)
    story._cursor = 0
    story.hear(other)
    story.rooms.clock.ms = NOON + 16 * MINUTE_MS
    assert (story.care.tick(story.rooms.clock.ms), other.tick(story.rooms.clock.ms)) == (1, 0)
    assert len(story.told()) == 2
