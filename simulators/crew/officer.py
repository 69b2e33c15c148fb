"""The officer for safety of the crew: calls workers who ask for help, and writes down what came of it."""

import numpy as np

from fleet.clock import HOUR_MS, MINUTE_MS
from simulators.crew.client import Refused, Signed
from simulators.crew.people import CrewPlan

LOOK_EVERY_MS = 3 * MINUTE_MS
_CLOSES_H = 0.5
_PROTOCOL = (
    "The worker answered and is well; a colleague went there. 工人已应答，状况良好，同事已到场。",
    "Pressed by mistake; shown how it works once more. 误触，已重新讲解使用方法。",
    "Rested and measured again: within bounds. 休息后复测，数值正常。",
)


class OfficerAtWork:
    """Lets the officer do the next thing; times are epoch ms. `rests` are cases that end at a time."""

    def __init__(self, house: Signed, plan: CrewPlan, rests: dict[str, int]) -> None:
        self._house, self._sites, self.rests = house, plan.sites, rests

    def act(self, now: int, draw: np.random.Generator) -> int:
        """Do what is due; return when to look again. Raises Away."""
        open_ones = self._house.items("/tickets", kind="safety", state=["opened", "accepted", "reopened"])
        known = {str(each["id"]) for each in open_ones}
        self.rests = {case: at for case, at in self.rests.items() if case in known}
        for case in open_ones:
            site = self._sites.get(case["site"])
            if site is None or case["device_id"] not in site.devices:
                continue
            if case["state"] != "accepted":
                self._move(case["id"], "accepted", "Called the worker 已致电工人")
            elif str(case["id"]) not in self.rests:
                self.rests[str(case["id"])] = now + round(draw.exponential(_CLOSES_H) * HOUR_MS)
            elif self.rests[str(case["id"])] <= now:
                self._move(case["id"], "closed", _PROTOCOL[int(draw.integers(len(_PROTOCOL)))])
        return now + LOOK_EVERY_MS

    def _move(self, ticket_id: int, state: str, why: str) -> None:
        try:
            self._house.patch(f"/tickets/{ticket_id}", {"state": state, "reason": why})
        except Refused:
            return
