"""Whom an alert is told: chains by level and site, and whom their targets mean, on SQLite and PostgreSQL."""

import pytest
from helpers.duty import LI, OPS, PLAN, DutyRoom, berlin
from helpers.postgres import desk, postgres, url

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.duty import Reached, Step, Target, TargetKind
from fleet.faults import Level
from fleet.grants import Role
from notify.duty.planning import Hours
from storage.records.database import DeskDatabase

__all__ = ["desk", "postgres", "url"]
NIGHT = Target(TargetKind.SCHEDULE, "night")


def role(name: Role) -> Target:
    return Target(TargetKind.ROLE, name)


@pytest.fixture
def room(desk: DeskDatabase) -> DutyRoom:
    return DutyRoom(desk)


def test_without_a_plan_the_level_decides(room: DutyRoom) -> None:
    worst, part, minor = (room.duty.chain(level, "hall") for level in Level)
    assert worst.steps == (
        Step(0, (role(Role.MANAGER),)),
        Step(15 * MINUTE_MS, (role(Role.MANAGER), role(Role.ADMIN))),
    )
    assert (worst.remind_ms, worst.ack_ms, worst.loud) == (HOUR_MS, 2 * HOUR_MS, True)
    assert [step.after_ms for step in part.steps] == [0, 2 * HOUR_MS]
    assert (part.remind_ms, part.ack_ms, part.loud) == (8 * HOUR_MS, 8 * HOUR_MS, False)
    assert len(minor.steps) == 1
    assert (minor.remind_ms, minor.ack_ms, minor.loud) == (24 * HOUR_MS, 72 * HOUR_MS, False)


def test_a_workers_alert_is_safetys_first_whatever_its_level(room: DutyRoom) -> None:
    for level in Level:
        chain = room.duty.chain(level, "hall", personal=True)
        assert chain.steps[0] == Step(0, (role(Role.SAFETY),))
        assert chain.loud


def test_the_first_chain_that_fits_counts_and_its_names_are_ids(room: DutyRoom) -> None:
    staff = room.staff()
    room.planning.apply(PLAN, 0, LI, "first plan")
    chain = room.duty.chain(Level.L1, "hall")
    assert (chain.name, chain.remind_ms) == ("halls", 30 * MINUTE_MS)
    assert chain.steps[1].to == (
        Target(TargetKind.PERSON, str(staff["cy"])),
        Target(TargetKind.DESTINATION, str(OPS)),
    )
    assert room.duty.reach(chain.steps[1].to[1], "hall", room.clock.ms) == Reached(destinations=(OPS,))
    for level, site in ((Level.L2, "hall"), (Level.L1, "mall"), (Level.L1, None)):
        assert room.duty.chain(level, site).name == f"default_{level.lower()}"
    assert room.duty.chain(Level.L1, "hall", personal=True).name == "default_personal"


def test_a_region_counts_for_its_sites(room: DutyRoom) -> None:
    room.staff()
    room.planning.apply(
        PLAN.replace("    sites: [hall]\n    steps", "    regions: [north]\n    steps"), 0, LI, "y"
    )
    assert room.duty.chain(Level.L1, "hall").name == "halls"
    assert room.duty.chain(Level.L1, "mall").name == "default_l1"


def test_a_role_means_those_who_have_it_at_the_site(room: DutyRoom) -> None:
    staff = room.staff()
    assert room.duty.reach(role(Role.ENGINEER), "hall", 0).people == (staff["ada"], staff["bo"])
    assert room.duty.reach(role(Role.MANAGER), "mall", 0).people == (staff["cy"],)
    room.leave(staff["ada"])
    assert room.duty.reach(role(Role.ENGINEER), "hall", 0).people == (staff["bo"],)


def test_where_nobody_has_a_role_admins_are_told_and_it_says_so(room: DutyRoom) -> None:
    assert room.duty.reach(role(Role.SAFETY), "mall", 0) == Reached(reason="no_role_at_site")
    elsewhere = room.join("root@x.org", Role.ADMIN, site="hall").id
    assert room.duty.reach(role(Role.SAFETY), "mall", 0) == Reached((elsewhere,), reason="no_role_at_site")
    everywhere = room.join("all@x.org", Role.ADMIN).id
    assert room.duty.reach(role(Role.SAFETY), "mall", 0) == Reached((everywhere,), reason="no_role_at_site")


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("personal", [False, True])
def test_each_step_of_each_default_reaches_somebody_where_there_is_an_admin(
    room: DutyRoom, level: Level, personal: bool
) -> None:
    room.join("root@x.org", Role.ADMIN)
    for site in ("hall", "nowhere", None):
        for step in room.duty.chain(level, site, personal=personal).steps:
            assert all(room.duty.reach(target, site, 0).people for target in step.to)


def test_a_schedule_means_who_is_on_call_and_a_gap_says_until_when(room: DutyRoom) -> None:
    staff = room.staff()
    room.planning.apply(PLAN, 0, LI, "first plan")
    evening, noon = berlin("2026-03-03T20:00"), berlin("2026-03-04T12:00")
    assert room.duty.reach(NIGHT, "hall", evening) == Reached((staff["ada"],))
    until = berlin("2026-03-04T18:00")
    assert room.duty.reach(NIGHT, "hall", noon) == Reached(gap=True, gap_until=until, reason="no_layer")


def test_whoever_is_disabled_is_a_gap_until_somebody_takes_over(room: DutyRoom) -> None:
    staff = room.staff()
    room.planning.apply(PLAN, 0, LI, "first plan")
    room.leave(staff["ada"])
    evening = berlin("2026-03-03T20:00")
    next_turn = berlin("2026-03-09T18:00")
    assert room.duty.reach(NIGHT, "hall", evening) == Reached(
        gap=True, gap_until=next_turn, reason="person_disabled"
    )
    room.planning.override(Hours("night", "bo@x.org", evening, evening + DAY_MS), LI, "Ada left", None)
    assert room.duty.reach(NIGHT, "hall", evening) == Reached((staff["bo"],))


def test_a_schedule_of_which_nobody_is_left_reaches_admins(room: DutyRoom) -> None:
    staff = room.staff()
    root = room.join("root@x.org", Role.ADMIN).id
    room.planning.apply(PLAN, 0, LI, "first plan")
    for name in ("ada", "bo"):
        room.leave(staff[name])
    evening = berlin("2026-03-03T20:00")
    assert room.duty.reach(NIGHT, "hall", evening) == Reached((root,), gap=True, reason="never_on_call")


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (Target(TargetKind.SCHEDULE, "gone"), "no_schedule"),
        (Target(TargetKind.PERSON, "999"), "person_disabled"),
        (Target(TargetKind.PERSON, "ada@x.org"), "no_role_at_site"),
        (Target(TargetKind.DESTINATION, "999"), "no_destination"),
        (NIGHT, "no_role_at_site"),
    ],
)
def test_what_means_nobody_at_a_site_means_admins_and_says_why(
    room: DutyRoom, target: Target, why: str
) -> None:
    room.staff()
    root = room.join("root@x.org", Role.ADMIN).id
    room.planning.apply(PLAN, 0, LI, "first plan")
    assert room.duty.reach(target, "mall", berlin("2026-03-03T20:00")) == Reached((root,), reason=why)


def test_what_another_process_applied_counts_at_once(room: DutyRoom) -> None:
    room.staff()
    other = DutyRoom(room.desk, room.clock)
    room.planning.apply(PLAN, 0, LI, "first plan")
    assert other.duty.chain(Level.L1, "hall").name == "halls"
    room.planning.apply(PLAN.replace("name: halls", "name: great-halls"), 1, LI, "a better name")
    assert other.duty.chain(Level.L1, "hall").name == "great-halls"
