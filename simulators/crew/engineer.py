"""One engineer of the crew: accepts, drives, looks, mends, writes down what was done, and closes.

What they know is what the API shows them and, beside a robot, what they see. What is theirs alone (where
they are, what they are at) is `AtWork`, kept over restarts; where the case stands is asked of the house each
time, and goes before it: so nothing is done twice.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.faults import FAULTS, is_unclear
from simulators.crew import hours
from simulators.crew.client import Refused, Signed
from simulators.crew.hands import Hand, can_wait, diagnose, lasts, part_is_there, repair_minutes
from simulators.crew.households import is_there
from simulators.crew.people import DEPOT, CrewPlan, EngineerOf
from simulators.crew.ports import OnTheSpot, Robots, Witness
from simulators.crew.remarks import visit_words
from simulators.crew.roads import Place, true_minutes

LOOK_EVERY_MS = 20 * MINUTE_MS
_EARLY_MS = 5 * MINUTE_MS
_WAITS_MS = 10 * MINUTE_MS
"""So long somebody waits at a closed door."""
_LOADS_MS = 10 * MINUTE_MS
_TOMORROW_EVERY_MS = HOUR_MS
_REMEMBERED = 200
_AWAKE = (7, 23)
"""Hours in which a case is accepted on the phone, in a shift or not."""
_MISSING = ": not in the van"
"""What an engineer writes who has to come again with a part, and whoever comes then reads."""
_UPKEEP_MIN = 45.0
_NOT_YET_MS = 2 * HOUR_MS
"""So long a case is left alone that the house does not let anybody set out to."""
_UNSEEN_MIN = 8.0
"""So long it takes to see to what is no fault of a robot that anybody mends."""


@dataclass(slots=True)
class AtWork:
    """What an engineer is at: a step until a time (epoch ms), and for which case of which device.

    `step` is "" for nothing, "load" at the depot, "drive", "look" and "mend" at the robot.
    """

    step: str = ""
    until: int = 0
    ticket: int = 0
    device: str = ""
    site: str = ""
    kind: str = ""
    found: list[str] = field(default_factory=list)
    begun: int = 0
    place: tuple[float, float] = (0.0, 0.0)
    loaded: int = 0
    """The day on which the van was loaded last."""
    later: dict[str, int] = field(default_factory=dict)
    """Cases that nobody may set out to before a time."""
    accepted: list[int] = field(default_factory=list)
    ahead: int = 0
    """When to look at tomorrow's visits again."""
    failed: list[str] = field(default_factory=list)
    """What was found and has failed; the rest has only begun."""
    told: list[str] = field(default_factory=list)
    """What the case named when they came."""
    deferred: list[str] = field(default_factory=list)
    """What was found as well and is left for a follow-up visit."""


class EngineerAtWork:
    """Lets one engineer do the next thing; times are epoch ms."""

    def __init__(
        self,
        who: EngineerOf,
        hand: Hand,
        house: Signed,
        robots: Robots,
        plan: CrewPlan,
        memory: AtWork,
        seen: Witness,
    ) -> None:
        self.who, self.memory = who, memory
        self._seen = seen
        self._hand, self._house, self._robots, self._plan = hand, house, robots, plan
        self._sites = plan.sites
        if memory.place == (0.0, 0.0):
            memory.place = who.home

    def act(self, now: int, draw: np.random.Generator, mood: float) -> int:
        """Do what is due; return when to look again. Raises Away."""
        at = self.memory
        if at.step and now < at.until:
            return at.until
        match at.step:
            case "load":
                self._load(now)
            case "drive":
                self._arrive(now, draw)
            case "look":
                self._looked(now, draw)
            case "mend":
                self._mended(now, draw)
            case _:
                at.step, at.until = "", 0
                self._next(now, draw, mood)
        return at.until if at.step or at.until > now else now + LOOK_EVERY_MS

    # --- between visits

    def _next(self, now: int, draw: np.random.Generator, mood: float) -> None:
        at = self.memory
        works = hours.in_shift(self.who.shifts, now)
        if not works and not _AWAKE[0] <= hours.hour(now) < _AWAKE[1] and not at.ticket:
            at.place = self.who.home
            return
        mine = self._mine(now)
        if self._goes_on(mine, now, draw, mood):
            return
        at.ticket = 0
        for each in mine:
            self._accept(each)
        if not works:
            at.place = self.who.home
            return
        if self._begins_day(now, draw, mood):
            return
        for each in mine:
            begins = hours.ms_of(each["begins"]) or now
            if begins > now + _EARLY_MS:
                at.until = min(begins - _EARLY_MS, now + LOOK_EVERY_MS)
                return
            if each["state"] != "planned":
                continue
            if at.later.get(str(each["ticket_id"]), 0) <= now and self._set_out(each, now, draw, mood):
                return

    def _begins_day(self, now: int, draw: np.random.Generator, mood: float) -> bool:
        """Set out to the depot once a day, where the van lacks something or has too much."""
        at, today = self.memory, hours.day_number(now)
        if at.loaded == today:
            return False
        at.loaded = today
        at.later = {ticket: until for ticket, until in at.later.items() if until > now}
        if not any(each["take"] or each["give_back"] for each in self._own_list(now)):
            return False
        self._drive(now, self._plan.depot, "load", draw, mood)
        return True

    def _goes_on(self, mine: list[dict[str, Any]], now: int, draw: np.random.Generator, mood: float) -> bool:
        """Take up what was under way when the memory of it was lost; False where nothing was."""
        for each in mine:
            if each["state"] != "under_way":
                continue
            case = self._house.get(f"/tickets/{each['ticket_id']}")
            if self._knows(case) and case["state"] in ("en_route", "repairing"):
                self._begin(case)
                self._drive(now, self._sites[case["site"]].place, "drive", draw, mood)
                return True
        return False

    def _mine(self, now: int) -> list[dict[str, Any]]:
        """Return where this engineer is to lead today, and now and then tomorrow, in order."""
        at, days = self.memory, [now]
        if at.ahead <= now:
            at.ahead = now + _TOMORROW_EVERY_MS
            days.append(now + DAY_MS)
        found = [each for day in days for each in self._house.items("/assignments", day=hours.iso_day(day))]
        mine = {each["id"]: each for each in found if each["engineer"] == self.who.id and not each["helps"]}
        still = [each for each in mine.values() if each["state"] in ("planned", "under_way")]
        return sorted(still, key=lambda each: str(each["begins"]))

    def _accept(self, visit: Mapping[str, Any]) -> None:
        at, number = self.memory, visit["ticket_id"]
        if number in at.accepted:
            return
        case = self._house.get(f"/tickets/{number}")
        if self._knows(case) and case["state"] in ("opened", "reopened"):
            self._move(case, "accepted")
        at.accepted = [*at.accepted, number][-_REMEMBERED:]

    def _knows(self, case: Mapping[str, Any]) -> bool:
        """Tell whether a case is about a robot of this fleet: others are somebody else's to see to."""
        site = self._sites.get(case["site"])
        return site is not None and case["device_id"] in site.devices

    # --- the van

    def _own_list(self, now: int) -> list[dict[str, Any]]:
        listed = self._house.items("/stock/van-lists", day=hours.iso_day(now))
        return [each for each in listed if each["van"] == self.who.van]

    def _load(self, now: int) -> None:
        for listed in self._own_list(now):
            for part in listed["take"]:
                if part["source"] == DEPOT:
                    self._carry(DEPOT, self.who.van, part["part"], part["quantity"], now)
            for part in listed["give_back"]:
                self._carry(self.who.van, DEPOT, part["part"], part["quantity"], now)
        self._rest(self._plan.depot)

    def _carry(self, source: str, target: str, part: str, quantity: int, now: int, more: str = "") -> None:
        said = {"kind": "moved", "place": source, "to": target, "part": part, "quantity": quantity}
        key = f"crew-{self.who.id}-{hours.iso_day(now)}-{source}-{part}{more}"
        try:
            self._house.post("/movements", said, key)
        except Refused:
            return  # fewer are free than the list said: somebody else took them

    # --- on the road

    def _set_out(self, visit: Mapping[str, Any], now: int, draw: np.random.Generator, mood: float) -> bool:
        at, number = self.memory, visit["ticket_id"]
        case = self._house.get(f"/tickets/{number}")
        if self._knows(case) and case["state"] in ("opened", "reopened"):
            self._move(case, "accepted")
        elif not self._knows(case) or "en_route" not in case["allowed"]:
            at.later[str(number)] = now + LOOK_EVERY_MS
            return False
        try:
            self._house.patch(f"/tickets/{number}", {"state": "en_route"})
        except Refused:  # the customer has not agreed, or somebody was first
            at.later[str(number)] = now + _NOT_YET_MS
            return False
        self._begin(case)
        target = self._sites[case["site"]].place
        if not self._fetches(case, now):
            self._drive(now, target, "drive", draw, mood)
            return True
        self._drive(now, self._plan.depot, "drive", draw, mood)
        begun = at.until + _LOADS_MS
        at.until = begun + self._way(self._plan.depot, target, begun, draw, mood)
        at.place = target
        return True

    def _fetches(self, case: Mapping[str, Any], now: int) -> bool:
        """Tell whether the way leads by the depot; what was missing the last time goes into the van."""
        held = self._house.items("/reservations", ticket=case["id"], state="held")
        at_depot = any(each["place"] == DEPOT for each in held)
        for part in _lacked(case):
            if not any(each["part"] == part for each in held) and not self._in_van(part):
                self._carry(DEPOT, self.who.van, part, 1, now, f"-{case['id']}")
                at_depot = True
        return at_depot

    def _in_van(self, part: str) -> bool:
        stock = self._house.items("/stock", place=self.who.van, part=part)
        return any(each["part"] == part and each["free"] > 0 for each in stock)

    def _begin(self, case: Mapping[str, Any]) -> None:
        at = self.memory
        at.ticket, at.device, at.site, at.kind = case["id"], case["device_id"], case["site"], case["kind"]
        at.found, at.failed, at.told, at.deferred = [], [], [], []

    def _drive(self, now: int, target: Place, step: str, draw: np.random.Generator, mood: float) -> None:
        at = self.memory
        at.step, at.until = step, now + self._way(at.place, target, now, draw, mood)
        at.place = target

    @staticmethod
    def _way(origin: Place, target: Place, now: int, draw: np.random.Generator, mood: float) -> int:
        minutes = true_minutes(origin, target, hours.weekday(now), hours.hour(now), draw, mood)
        return round(minutes * MINUTE_MS)

    def _arrive(self, now: int, draw: np.random.Generator) -> None:
        at, case = self.memory, self._house.get(f"/tickets/{self.memory.ticket}")
        if case["state"] == "en_route" and not self._is_let_in(now, draw):
            self._vain("waiting_customer", "Nobody is there to let me in", now + _WAITS_MS)
            return
        if case["state"] == "en_route":
            self._move(case, "repairing")
            self._seen(at.device, "came", now)
        elif case["state"] != "repairing":  # it was called off on the way
            self._rest(at.place)
            return
        at.begun = now
        if at.kind != "repair":
            at.step, at.until = "mend", now + round(_UPKEEP_MIN * self._hand.pace * MINUTE_MS)
            return
        told = [each["fault"] for each in case["suspicions"] if each["state"] == "suspected"]
        if not self._is_robot():  # a tool or a wristband shows what it has to whoever holds it
            at.found = at.failed = [fault for fault in told if fault in FAULTS]
            at.step, at.until = "look", now
            return
        seen = diagnose(self._hand, self._robots_here().look_at(at.device), told, draw)
        at.found, at.failed = list(seen.found), sorted(seen.failed)
        at.told = [fault for fault in told if not is_unclear(fault)]
        at.step, at.until = "look", now + round(seen.minutes * MINUTE_MS)

    def _is_let_in(self, now: int, draw: np.random.Generator) -> bool:
        known = self._house.get(f"/tickets/{self.memory.ticket}/assignments")["appointment"]
        state = "" if known is None else known["state"]
        weekday, hour = hours.weekday(now), hours.hour(now)
        return is_there(
            weekday, hour, draw, told=state in ("told", "confirmed"), confirmed=state == "confirmed"
        )

    # --- beside the robot

    def _is_robot(self) -> bool:
        return self.memory.device.startswith("robot")

    def _robots_here(self) -> OnTheSpot:
        return OnTheSpot(self._robots, self._sites[self.memory.site].devices)

    def _looked(self, now: int, draw: np.random.Generator) -> None:
        """Begin to mend what was found; leave where a part is missing that cannot wait for another visit."""
        at = self.memory
        parts = sorted({part for fault in at.found if (part := FAULTS[fault].part) is not None})
        missing = [part for part in parts if not (self._has(part) and part_is_there(draw))]
        if missing:
            lacking = [fault for fault in at.found if FAULTS[fault].part in missing]
            mended = [fault for fault in at.found if fault not in lacking]
            if not can_wait(lacking, mended, at.failed, at.told):
                self._vain("waiting_part", f"{', '.join(missing)}{_MISSING}", now)
                return
            at.found, at.deferred = mended, lacking
        minutes = sum(repair_minutes(self._hand, fault, draw) for fault in at.found) or _UNSEEN_MIN
        at.step, at.until = "mend", now + round(minutes * MINUTE_MS)

    def _has(self, part: str) -> bool:
        held = self._house.items("/reservations", ticket=self.memory.ticket, part=part, state="held")
        return bool(held) or self._in_van(part)

    def _mended(self, now: int, draw: np.random.Generator) -> None:
        at, case = self.memory, self._house.get(f"/tickets/{self.memory.ticket}")
        if case["state"] != "repairing":
            self._rest(at.place)
            return
        if at.kind != "repair":
            self._move(case, "closed", "Looked after as planned")
            self._rest(at.place)
            return
        if self._is_robot():
            spot = self._robots_here()
            for fault in at.found:
                spot.replace(
                    at.device, fault, f"{at.ticket}-{at.begun}-{fault}", lasts=lasts(self._hand, draw)
                )
            spot.leave()
        self._write_down(now)
        said = {"state": "repaired", "confirmed_faults": at.found, "deferred_faults": at.deferred}
        self._house.patch(f"/tickets/{at.ticket}", said)
        self._seen(at.device, "mended", now)
        self._rest(at.place)

    def _write_down(self, now: int) -> None:
        at = self.memory
        parts = [part for fault in at.found if (part := FAULTS[fault].part) is not None]
        said = {
            "minutes": max(1, min(24 * 60, round((now - at.begun) / MINUTE_MS))),
            "parts": [{"code": part, "quantity": parts.count(part)} for part in dict.fromkeys(parts)],
            "remark": visit_words(at.found, at.deferred),
        }
        try:
            self._house.put(f"/tickets/{at.ticket}/visit", said)
        except Refused:
            return

    def _vain(self, state: str, why: str, until: int) -> None:
        """Leave without having mended anything."""
        at = self.memory
        self._seen(at.device, "left", until)
        with suppress(Refused):
            self._house.patch(f"/tickets/{at.ticket}", {"state": state, "reason": why})
        self._rest(at.place)
        at.step, at.until = ("rest", until)

    def _rest(self, place: Place) -> None:
        at = self.memory
        at.step, at.until, at.ticket, at.device, at.place = "", 0, 0, "", place
        at.found, at.failed, at.told, at.deferred = [], [], [], []

    def _move(self, case: Mapping[str, Any], state: str, why: str = "") -> None:
        try:
            self._house.patch(f"/tickets/{case['id']}", {"state": state, "reason": why})
        except Refused:
            return


def _lacked(case: Mapping[str, Any]) -> list[str]:
    """Return the parts that were missing at the last visit, as its engineer wrote."""
    said = [each["why"] for each in case["events"] if each["after"] == "waiting_part"]
    if not said or not said[-1].endswith(_MISSING):
        return []
    return [part.strip() for part in said[-1].removesuffix(_MISSING).split(",")]
