"""Changing duty: mistakes by their line, versions applied at once by two, overrides; each is told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from helpers.duty import LI, PLAN, DutyRoom, berlin
from helpers.fresh_desk import fresh_desk
from helpers.postgres import desk, postgres, url

import notify
from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import ConfigError, Conflict, InvalidInput, NotAllowed, NotFound
from notify.duty.on_call import Now, calendar_of, now_in
from notify.duty.plan import parse_plan
from notify.duty.planning import Hours, mistakes_of
from notify.duty.rotation import Why
from storage.records.database import DeskDatabase, open_desk

__all__ = ["desk", "postgres", "url"]
HALL, MALL = frozenset({"hall"}), frozenset({"mall"})


@pytest.fixture
def room(desk: DeskDatabase) -> DutyRoom:
    made = DutyRoom(desk)
    made.staff()
    return made


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[DutyRoom]:
    """Yield a room on SQLite alone, for what no database decides."""
    opened = fresh_desk(tmp_path / "desk.db")
    made = DutyRoom(opened)
    made.staff()
    yield made
    opened.close()


@pytest.mark.parametrize(
    ("part", "wrong", "says"),
    [
        (
            "schedule: night",
            "schedule: nihgt",
            'plan:21: no schedule "nihgt"; allowed: night, house; did',
        ),
        ("role: engineer", "role: engineers", "plan:21: chains.halls.steps.0.to.1: "),
        (
            "people: [ada@x.org, bo@x.org]",
            "people: [eve@x.org]",
            'plan:7: nobody with the address "eve@x',
        ),
        ("zone: Europe/Berlin", "zone: Europe/Berln", "plan:3: schedules.night.zone: "),
        ("sites: [hall]\n    layers", "sites: [hal]\n    layers", 'plan:4: no site "hal" is known; did you'),
        (
            "start: 2026-03-02\n",
            "start: 2026-03-03\n",
            "layers.main: start: 2026-03-03 is a tue",
        ),
        ("every: week", "every: fortnight", "plan:9: schedules.night.layers.main.every: "),
        (
            "mon 08:00",
            "mo 08:00",
            "allowed: mon, tue, wed, thu, fri, sat, sun; did you mean mon?",
        ),
        ("18:00-08:00", "18:00-25:00", "plan:11: schedules.night.layers.main.hours: "),
        ("after: 0,", "after: 1m,", "steps: the first is told at once"),
        ("after: 15m", "after: 0s", "steps: each comes later"),
        (
            "destination: ops",
            "destination: opps",
            'plan:22: no destination "opps"; allowed: ops; did',
        ),
        ("levels: [L1]", "levels: [L9]", "plan:18: chains.halls.levels.0: "),
        ("remind: 30m", "remind: 1s", "remind: allowed: 5m to 30d"),
        ("name: house", "name: night", 'the schedule "night" stands twice'),
        ("loud: true", "louder: true", 'unknown key "louder"; allowed: name, levels'),
    ],
)
def test_a_mistake_is_named_by_its_line_with_what_is_allowed(
    embedded: DutyRoom, part: str, wrong: str, says: str
) -> None:
    assert part in PLAN
    with pytest.raises(ConfigError) as caught:
        embedded.planning.apply(PLAN.replace(part, wrong, 1), 0, LI, "try")
    assert says in str(caught.value)
    assert embedded.planning.versions() == []
    assert list(embedded.told()) == []


def test_each_mistake_of_several_stands_by_itself(room: DutyRoom) -> None:
    text = PLAN.replace("every: week", "every: never").replace("levels: [L1]", "levels: [L7]")
    with pytest.raises(ConfigError) as caught:
        room.planning.check(text)
    assert [each.split(": ")[0] for each in mistakes_of(caught.value)] == ["plan:9", "plan:18"]


def test_a_plan_is_a_version_and_an_event(room: DutyRoom) -> None:
    room.planning.apply(PLAN, 0, LI, "first plan")
    room.planning.apply("{}", 1, LI, "back to the defaults")
    assert [(each.number, each.made_by, each.why) for each in room.planning.versions()] == [
        (2, "Li Wei", "back to the defaults"),
        (1, "Li Wei", "first plan"),
    ]
    assert room.planning.version(1).text == PLAN
    first, second = room.told()
    assert (first.what, first.before, first.after, first.reason) == ("applied", None, "1", "first plan")
    assert (second.before, second.after, second.principal.name) == ("1", "2", "Li Wei")
    assert first.data == {"schedules": ["night", "house"], "chains": ["halls"]}


def test_of_two_processes_that_apply_a_plan_at_once_one_is_refused(room: DutyRoom, url: str) -> None:
    other = open_desk(url)
    rooms, together = (room, DutyRoom(other, room.clock)), Barrier(2)

    def apply(number: int) -> str:
        together.wait()
        try:
            rooms[number].planning.apply(PLAN, 0, LI, f"plan {number}")
        except Conflict as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(apply, (0, 1)))
    other.close()
    assert found[0] == ""
    assert found[1].startswith("version 1 of the duty plan was applied meanwhile")
    assert len(room.planning.versions()) == 1
    assert len(list(room.told())) == 1, "what was refused told nothing"


def test_whoever_read_an_older_version_is_refused(room: DutyRoom) -> None:
    room.planning.apply(PLAN, 0, LI, "first plan")
    for stale in (0, 2):
        with pytest.raises(Conflict):
            room.planning.apply(PLAN, stale, LI, "stale")


def test_a_reason_is_required(room: DutyRoom) -> None:
    with pytest.raises(InvalidInput):
        room.planning.apply(PLAN, 0, LI, " ")


def now_at(room: DutyRoom, name: str, at: int) -> Now:
    roster = room.duty.roster(at)
    schedule = roster.plan.schedule(name)
    assert schedule is not None
    return now_in(roster, schedule, at)


def on_call_at(room: DutyRoom, at: int) -> tuple[str | None, str]:
    held = now_at(room, "night", at).held
    return held.person, held.why


def test_an_override_is_an_event_and_ends_when_somebody_ends_it(room: DutyRoom) -> None:
    room.planning.apply(PLAN, 0, LI, "first plan")
    now = room.clock.ms
    made = room.planning.override(Hours("night", "Bo@x.org ", now - HOUR_MS, now + DAY_MS), LI, "swap", HALL)
    assert made.begins == now, "what is past stays as it was"
    assert on_call_at(room, now) == ("bo@x.org", Why.OVERRIDE)
    room.clock.advance(HOUR_MS)
    room.planning.end(made.id, LI, "back early", HALL)
    assert on_call_at(room, room.clock.ms) == ("ada@x.org", Why.ROTATION)
    assert on_call_at(room, now) == ("bo@x.org", Why.OVERRIDE), "who had it is still known"
    with pytest.raises(Conflict):
        room.planning.end(made.id, LI, "again", HALL)
    begun, ended = list(room.told())[1:]
    assert (begun.what, begun.site, begun.reason) == ("overridden", "hall", "swap")
    assert (ended.what, ended.subject_id, ended.data["ends"]) == (
        "override_ended",
        f"override:{made.id}",
        room.clock.ms,
    )


def test_an_override_may_say_that_nobody_is_on_call(room: DutyRoom) -> None:
    room.planning.apply(PLAN, 0, LI, "first plan")
    now = room.clock.ms
    room.planning.override(Hours("night", None, now, now + HOUR_MS), LI, "site is closed", HALL)
    assert on_call_at(room, now) == (None, Why.FREED)
    roster = room.duty.roster(now)
    night = calendar_of(roster, roster.plan.schedules[0], now, now + 2 * HOUR_MS)
    assert [(each.begins, each.ends) for each in night.gaps()] == [(now, now + HOUR_MS)]


def test_whose_sites_a_schedule_is_of_may_override_it_and_nobody_else(room: DutyRoom) -> None:
    room.planning.apply(PLAN, 0, LI, "first plan")
    now = room.clock.ms
    with pytest.raises(NotFound):
        room.planning.override(Hours("night", None, now, now + HOUR_MS), LI, "x", MALL)
    with pytest.raises(NotAllowed):
        room.planning.override(Hours("house", None, now, now + HOUR_MS), LI, "x", HALL)
    made = room.planning.override(Hours("night", None, now, now + HOUR_MS), LI, "x", HALL | MALL)
    with pytest.raises(NotFound):
        room.planning.end(made.id, LI, "x", MALL)
    assert [each.name for each in room.duty.roster(now).seen(MALL)] == ["house"]


@pytest.mark.parametrize(
    ("person", "begins", "ends", "says"),
    [
        ("eve@x.org", 0, HOUR_MS, "person: nobody with the address"),
        (None, HOUR_MS, HOUR_MS, "ends: "),
        (None, -2 * HOUR_MS, -HOUR_MS, "ends: "),
        (None, 0, 500 * DAY_MS, "ends: "),
    ],
)
def test_what_cannot_be_taken_is_refused(
    embedded: DutyRoom, person: str | None, begins: int, ends: int, says: str
) -> None:
    embedded.planning.apply(PLAN, 0, LI, "first plan")
    now = embedded.clock.ms
    with pytest.raises(InvalidInput) as caught:
        embedded.planning.override(Hours("night", person, now + begins, now + ends), LI, "x", None)
    assert str(caught.value).startswith(says)


def test_now_says_when_it_changes_and_when_somebody_is_back(room: DutyRoom) -> None:
    room.planning.apply(PLAN, 0, LI, "first plan")
    noon, evening = berlin("2026-03-04T12:00"), berlin("2026-03-04T18:00")
    night, house = now_at(room, "night", noon), now_at(room, "house", noon)
    assert (night.held.person, night.until, night.back) == (None, evening, evening)
    assert (house.held.person, house.until, house.back) == ("cy@x.org", None, None)


def test_the_plan_of_the_documentation_can_be_used() -> None:
    text = (Path(notify.__file__).parents[1] / "docs" / "duty.md").read_text(encoding="utf-8")
    plan = parse_plan(text.split("```yaml\n")[1].split("```")[0])
    assert [each.name for each in plan.schedules] == ["night"]
    assert [each.name for each in plan.chains] == ["halls"]
