"""An engineer of the crew who lacks a part: what had failed is waited for, what has only begun is put off."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pytest

from simulators.crew.client import Signed
from simulators.crew.engineer import AtWork, EngineerAtWork
from simulators.crew.hands import Hand, Seen, can_wait, diagnose
from simulators.crew.people import CrewPlan, CustomerOf, EngineerOf, SiteOf
from simulators.crew.ports import Robots

HALL = SiteOf("hall", "mall", (31.23, 121.47), ("robot-1",))
PLAN = CrewPlan(
    (), (CustomerOf("mall", "Mall", "商场", "Lin", "zh", pays=False, sites=(HALL,)),), (31.2, 121.4)
)
LI = EngineerOf("li", "Li", ("mechanical",), (31.2, 121.5), "van-li", {})


class House:
    """A house in whose van there are some parts; keeps what it was told."""

    def __init__(self, *van: str) -> None:
        self.van, self.told = van, []  # type: ignore[var-annotated]
        self.state = "repairing"

    def get(self, _path: str, **_asked: Any) -> Any:
        return {"id": 1, "state": self.state}

    def items(self, path: str, **_asked: Any) -> list[dict[str, Any]]:
        return [{"part": part, "free": 1} for part in self.van] if path == "/stock" else []

    def put(self, path: str, said: Mapping[str, Any]) -> None:
        self.told.append((path, dict(said)))

    def patch(self, path: str, said: Mapping[str, Any]) -> None:
        self.told.append((path, dict(said)))


class Bench:
    """Robots on which each repair is noted."""

    def __init__(self) -> None:
        self.mended: list[str] = []

    def look_at(self, _device: str) -> list[Seen]:
        return []

    def replace(self, _device: str, fault: str, _name: str, *, lasts: bool = True) -> bool:
        self.mended.append(fault)
        return lasts


def at_the_robot(house: House, robots: Bench, found: list[str], failed: list[str]) -> AtWork:
    """Let an engineer who has looked at a robot go on for a while; return what they have in mind."""
    memory = AtWork("look", 0, 1, "robot-1", "hall", "repair", found, failed=failed)
    signed = cast(Signed, house)
    who = EngineerAtWork(
        LI, Hand(frozenset(LI.skills)), signed, cast(Robots, robots), PLAN, memory, lambda *_seen: None
    )
    draw = np.random.default_rng(3)  # in which no part is lost
    now = 1_800_000_000_000
    for _ in range(2):
        now = max(now, who.act(now, draw, 1.0))
    return memory


def test_what_has_only_begun_is_put_off_where_its_part_is_missing() -> None:
    house, robots = House("drive-motor"), Bench()
    memory = at_the_robot(house, robots, ["drive_motor_wear", "brush_wear"], ["drive_motor_wear"])
    (visit_at, visit), (case_at, said) = house.told
    assert (visit_at, case_at) == ("/tickets/1/visit", "/tickets/1")
    assert [each["code"] for each in visit["parts"]] == ["drive-motor"]
    assert "follow-up visit" in visit["remark"] and "后续上门" in visit["remark"]
    assert said == {
        "state": "repaired",
        "confirmed_faults": ["drive_motor_wear"],
        "deferred_faults": ["brush_wear"],
    }
    assert robots.mended == ["drive_motor_wear"]
    assert (memory.found, memory.failed, memory.deferred) == ([], [], []), "nothing of it is left in mind"


@pytest.mark.parametrize(
    ("van", "found", "failed"),
    [
        ("main-brush", ["drive_motor_wear", "brush_wear"], ["drive_motor_wear"]),
        ("drive-motor", ["drive_motor_wear", "brush_wear"], ["drive_motor_wear", "brush_wear"]),
        ("drive-motor", ["brush_wear"], []),  # nobody named anything
    ],
)
def test_what_has_failed_waits_for_its_part_and_so_does_who_can_mend_nothing(
    van: str, found: list[str], failed: list[str]
) -> None:
    house, robots = House(van), Bench()
    at_the_robot(house, robots, found, failed)
    ((_, said),) = house.told
    assert (said["state"], robots.mended) == ("waiting_part", [])


def test_whoever_looks_sees_what_has_failed_also_where_they_take_it_for_something_else() -> None:
    there = [Seen("drive_motor_wear", 1.0, failed=True), Seen("brush_wear", 0.6, failed=False)]
    generator = np.random.default_rng(1)
    looks = [diagnose(Hand(), there, (), generator) for _ in range(500)]
    right = [each for each in looks if "drive_motor_wear" in each.found]
    mistaken = [each for each in looks if "wheel_slip" in each.found]
    assert right and all(each.failed == {"drive_motor_wear"} for each in right)
    assert mistaken and all("wheel_slip" in each.failed for each in mistaken)


def test_a_follow_up_leaves_no_case_without_its_answer() -> None:
    worn, motor = ["brush_wear"], ["drive_motor_wear"]
    assert can_wait(worn, motor, motor, motor)
    assert can_wait(worn, [], [], motor), "what they came for is not there"
    assert not can_wait(worn, [], [], worn), "what they came for lacks its part"
    assert not can_wait(worn, [], [], []), "nobody knows what the customer called for"
    assert can_wait(worn, motor, motor, worn), "what had failed is mended"
    assert not can_wait(worn, motor, worn, []), "it does not work"
    assert not can_wait([], motor, [], motor)
