"""The dispatcher of the crew: sends engineers, asks and calls customers, orders parts, closes what is done.

A manager by role, who knows nothing but what the API shows. Cases of devices that are not of the simulated
fleet are left to whoever they are of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.faults import FAULTS
from simulators.crew import hours
from simulators.crew.client import Refused, Signed
from simulators.crew.people import CrewPlan

LOOK_EVERY_MS = 10 * MINUTE_MS
_FROM, _TO = 6, 22
_CALLS_BACK_H = 2.0
_CONFIRMS_H = 5.0
_ORDERS_AT = 9
_OPEN = ("opened", "accepted", "reopened", "waiting_part", "waiting_customer")
_COMPLAINT_STEPS = {
    "opened": ("contacted", 0.4, "Called, and listened. 已致电了解情况。"),
    "reopened": ("contacted", 0.4, "Called again. 再次致电。"),
    "contacted": ("rectifying", 3.0, "An engineer sees to it. 已安排工程师处理。"),
    "rectifying": ("verifying", 6.0, "Mended; the customer tries it. 已修复，请客户验证。"),
    "verifying": ("closed", 4.0, "The customer is content. 客户认可。"),
}
"""From a state to the next, after so many hours on average, with what is said."""
_LOOKS_AGAIN_MS, _WAITS_MS = HOUR_MS, 3 * HOUR_MS
"""So long a case is left alone about which there is nothing to do now, or that waits for a visit or for the
customer, unless its state changes."""
_REFUSED_MS = 30 * MINUTE_MS
"""So long a case is left alone about which the house said no."""
_REACHED = "Called: they said when it suits 已电话约定时间"
_REASON = "The best of those who could go 现有人员中最合适"
_SEEN = "Seen, and being seen to 已知悉，处理中"
_NO_ANSWER_MS = 2 * DAY_MS


@dataclass(slots=True)
class Desk:
    """What a dispatcher keeps in mind: what rests until when, and when parts were ordered (epoch ms)."""

    rests: dict[str, int] = field(default_factory=dict)
    ordered: int = 0
    hourly: int = 0


class DispatcherAtWork:
    """Lets the dispatcher do what is next; times are epoch ms. `calls` yields what customers say by phone."""

    def __init__(
        self, house: Signed, plan: CrewPlan, memory: Desk, calls: Callable[[], list[Mapping[str, str]]]
    ) -> None:
        self.memory = memory
        self._house, self._plan, self._calls = house, plan, calls
        self._sites = plan.sites

    def act(self, now: int, draw: np.random.Generator) -> int:
        """Do what is due; return when to look again. Raises Away."""
        self.memory.rests = {name: at for name, at in self.memory.rests.items() if at > now - DAY_MS}
        if not _FROM <= hours.hour(now) < _TO:
            return now + LOOK_EVERY_MS
        for call in self._calls():
            self._take_call(call)
        cases = self._cases()
        self._send_engineers(cases, now, draw)
        self._end_repairs(cases, now, draw)
        self._see_to_complaints(cases, now, draw)
        if self.memory.hourly <= now:
            self.memory.hourly = now + HOUR_MS
            self._acknowledge_alerts()
            self._follow_up(now, draw)
            self._take_deliveries(now)
        if hours.hour(now) >= _ORDERS_AT and self.memory.ordered != hours.day_number(now):
            self.memory.ordered = hours.day_number(now)
            self._order()
        return now + LOOK_EVERY_MS

    def _is_ours(self, case: Mapping[str, Any]) -> bool:
        site = self._sites.get(case["site"])
        return site is not None and case["device_id"] in site.devices

    def _cases(self) -> list[dict[str, Any]]:
        """Return all that is not over yet."""
        states = sorted({*_OPEN, "repaired", *_COMPLAINT_STEPS})
        found = self._house.items("/tickets", state=states, limit=200, sort="opened_at")
        return [each for each in found if self._is_ours(each)]

    def _rested(self, what: str, now: int, draw: np.random.Generator, hours_on_average: float) -> bool:
        """Tell whether something has waited as long as it was to, from when it was first seen on."""
        if what not in self.memory.rests:
            self.memory.rests[what] = now + round(draw.exponential(hours_on_average) * HOUR_MS)
        return now >= self.memory.rests[what]

    # --- visits

    def _send_engineers(self, cases: list[dict[str, Any]], now: int, draw: np.random.Generator) -> None:
        waits = [
            each for each in cases if each["kind"] in ("repair", "maintenance") and each["state"] in _OPEN
        ]
        for case in sorted(waits, key=lambda each: (each["level"], each["due"] or "9", each["id"])):
            name = f"looked {case['id']} {case['state']}"
            if self.memory.rests.get(name, 0) > now:
                continue
            try:
                again = self._send(case, now, draw)
            except Refused:
                # Somebody else was first, or it cannot be: a later look shows how it stands.
                again = _REFUSED_MS
            self.memory.rests[name] = now + again

    def _send(self, case: Mapping[str, Any], now: int, draw: np.random.Generator) -> int:
        """Send somebody; return for how long (ms) there is nothing to do about it."""
        path = f"/tickets/{case['id']}"
        visit = self._house.get(f"{path}/assignments")
        coming = [each for each in visit["assignments"] if each["state"] in ("planned", "under_way")]
        if coming:
            self._move(case, visit, coming[0])
            return _WAITS_MS
        if case["state"] == "waiting_customer":
            call = f"call {case['id']} {len(visit['assignments'])}"
            if not self._rested(call, now, draw, _CALLS_BACK_H):
                return self.memory.rests[call] - now
            self._try(case, "accepted", _REACHED)
        elif not self._agreed(case, now):
            return _WAITS_MS
        if case["state"] == "waiting_part" and not self._parts_are_there(case["id"]):
            return _LOOKS_AGAIN_MS
        self._assign(case["id"])
        return _LOOKS_AGAIN_MS

    def _assign(self, ticket_id: int) -> None:
        found = self._house.get(f"/tickets/{ticket_id}/suggestions")["candidates"]
        best = next((each for each in found if each["arrives"] is not None), None)
        if best is None:
            return
        said = {
            "engineer": best["engineer"],
            "arrives": best["arrives"],
            "travel_min": -(-best["travel_ms"] // MINUTE_MS),
            "tell": True,
            "reason": _REASON,
        }
        self._house.put(f"/tickets/{ticket_id}/assignment", said)

    def _move(self, case: Mapping[str, Any], visit: Mapping[str, Any], coming: Mapping[str, Any]) -> None:
        """Look for another time where the customer asked for one, once for each answer."""
        told = visit["appointment"]
        if told is None or told["state"] != "move" or coming["state"] != "planned":
            return
        name = f"moved {case['id']} {told['answered_at']}"
        if name not in self.memory.rests:
            self.memory.rests[name] = (hours.ms_of(told["answered_at"]) or 0) + 7 * DAY_MS
            self._assign(case["id"])

    def _agreed(self, case: Mapping[str, Any], now: int) -> bool:
        """Tell whether somebody may come: who pays for what they did not ask for is asked first."""
        if case["kind"] != "repair" or case["origin"] != "proactive":
            return True
        path = f"/tickets/{case['id']}/consent"
        consent = self._house.get(path)
        if not consent["proposed"] or consent["pays"] != "customer" or consent["answer"] == "yes":
            return True
        if consent["answer"] == "no":
            said = {"state": "cancelled", "reason": "The customer does not want a visit 客户暂不需要上门"}
            if case["state"] in ("opened", "accepted", "reopened"):
                self._house.patch(f"/tickets/{case['id']}", said)
        elif consent["asked_at"] is None:
            self._house.post(f"{path}-link", {"offer": self._offer(case), "by_letter": True})
        elif now - (hours.ms_of(consent["asked_at"]) or now) > _NO_ANSWER_MS:
            self._house.post(path, {"answer": "yes", "remark": "Said so by phone 电话中同意"})
        return False

    @staticmethod
    def _offer(case: Mapping[str, Any]) -> str:
        parts = [FAULTS[fault].part or "" for fault in case["faults"] if fault in FAULTS]
        needed = ", ".join(filter(None, parts)) or "none foreseen"
        return f"Labour 180 CNY; parts ({needed}) at list price. 人工 180 元，配件按价目表。"

    def _parts_are_there(self, ticket_id: int) -> bool:
        """Tell whether what a case waits for is held for it, or free at some place."""
        held = {each["part"] for each in self._house.items("/reservations", ticket=ticket_id, state="held")}
        needed = [part for part in self._house.get(f"/tickets/{ticket_id}")["parts"] if part not in held]
        return all(
            any(each["free"] > 0 for each in self._house.items("/stock", part=part)) for part in needed
        )

    # --- what follows

    def _acknowledge_alerts(self) -> None:
        """Say of what fires that somebody has seen it: whoever is on duty would be reminded for ever else."""
        ours = {device for site in self._sites.values() for device in site.devices}
        for alert in self._house.items("/alerts", state="firing", limit=200):
            if alert["device_id"] not in ours:
                continue
            try:
                self._house.post(f"/alerts/{alert['id']}/acknowledge", {"reason": _SEEN, "for": "24h"})
            except Refused:
                continue  # it is over meanwhile

    def _end_repairs(self, cases: list[dict[str, Any]], now: int, draw: np.random.Generator) -> None:
        for case in cases:
            if case["state"] == "repaired" and self._rested(f"confirm {case['id']}", now, draw, _CONFIRMS_H):
                self._try(case, "confirmed", "It runs as it should 运行正常")

    def _take_call(self, call: Mapping[str, str]) -> None:
        customer = next((each for each in self._plan.customers if each.id == call.get("customer")), None)
        said = {
            "words": call["words"],
            "class": "experience",
            "device_id": call["device"],
            "customer": customer.id if customer else "",
            "contact": customer.email if customer else "",
        }
        try:
            self._house.post("/complaints", said)
        except Refused:
            return

    def _see_to_complaints(self, cases: list[dict[str, Any]], now: int, draw: np.random.Generator) -> None:
        for case in cases:
            if case["kind"] != "complaint" or case["state"] not in _COMPLAINT_STEPS:
                continue
            state, on_average, words = _COMPLAINT_STEPS[case["state"]]
            if not self._rested(f"{state} {case['id']}", now, draw, on_average):
                continue
            if state == "rectifying":
                self._plan_in_writing(case)
            self._try(case, state, words)

    def _plan_in_writing(self, case: Mapping[str, Any]) -> None:
        plan = "Mend the robot first, then check its twins at the site. 先修复，再排查同站点同型号机器人。"
        try:
            self._house.put(f"/complaints/{case['id']}/plan", {"plan": plan})
        except Refused:
            return

    def _follow_up(self, now: int, draw: np.random.Generator) -> None:
        for each in self._house.items("/follow-ups"):
            if each["done_at"] is not None or not self._is_ours(each):
                continue
            if self._rested(f"follow-up {each['id']}", now, draw, _CALLS_BACK_H):
                said = {"said": "Called and apologised; they try it once more. 已致电致歉，客户继续观察。"}
                try:
                    self._house.post(f"/follow-ups/{each['id']}/done", said)
                except Refused:
                    continue

    def _try(self, case: Mapping[str, Any], state: str, why: str) -> None:
        try:
            self._house.patch(f"/tickets/{case['id']}", {"state": state, "reason": why})
        except Refused:
            return

    # --- parts

    def _order(self) -> None:
        """Order what the house proposes."""
        for each in self._house.items("/orders/proposals"):
            if each["obstacle"] or each["quantity"] < 1:
                continue
            said = {"part": each["part"], "place": each["place"], "quantity": each["quantity"]}
            try:
                made = self._house.post("/orders", said)
                self._house.post(f"/orders/{made['id']}/order")
            except Refused:
                continue

    def _take_deliveries(self, now: int) -> None:
        for each in self._house.items("/orders", state="ordered"):
            expected = hours.ms_of(each["expected_at"])
            if expected is not None and expected <= now and each["to_come"] > 0:
                try:
                    self._house.post(f"/orders/{each['id']}/arrive", {"quantity": each["to_come"]})
                except Refused:
                    continue
