"""From risks to warnings, by the alert engine's own decisions, in a past in which nobody acts on them.

An alert opens a ticket and somebody is there a day later; at what, the past does not say. So the ticket ends
there, and the fault is quiet for its horizon, as production has it after a visit that found nothing
(alerts.judging.decisions.SETTLE_MS): had it been mended, nothing would have come either. A case that the past
has at the device ends all that came before it. While one is open a risk joins it, as in production: somebody
is on the way. No outcome that is still to come is asked for.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from alerts.judging.by_risk import alert_of
from alerts.judging.decisions import REFUTED, Previous, Track, judge_risk, judge_settling
from fleet.alerts import AlertState
from fleet.clock import DAY_MS
from fleet.faults import FAULTS
from fleet.risks import Driver, Risk
from models.learning.settings import Costs
from models.scoring.decision import plan_visits
from yardsticks.proof.past import CasesOfDevices, repaired_at

VISIT_MS = DAY_MS
"""So long after an alert somebody is at the device."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A proactive ticket for one fault of a device, opened at `at` (epoch ms) and visited VISIT_MS later.

    Warnings of a device and a night are one visit.
    """

    device_id: str
    fault: str
    at: int
    risk: float
    threshold: float
    model: str
    drivers: tuple[Driver, ...]

    @property
    def is_call(self) -> bool:
        """Whether the customer is asked, who can mend it alone."""
        return FAULTS[self.fault].customer_can_mend


class Watch:
    """Follows risks night by night; `visits_a_day` of 0 is no budget: every alert is followed."""

    def __init__(self, cases: CasesOfDevices, costs: Costs, visits_a_day: int = 0) -> None:
        self._cases, self._costs, self._budget = cases, costs, visits_a_day
        self._last: dict[tuple[str, str], Warned] = {}
        self._times: Counter[tuple[str, str]] = Counter()
        self._pending: dict[tuple[str, str], Track] = {}
        self.warnings: list[Warned] = []

    def look(self, risks: Sequence[Risk], at: int) -> list[Warned]:
        """Take the risks of a night that matter to alerts, and return what is warned of at `at`."""
        news = [risk for risk in risks if self._fires(risk, at)]
        found = [
            Warned(each.device_id, each.fault, at, each.risk, each.threshold, each.model, tuple(each.drivers))
            for each in self._afforded(news)
        ]
        for each in found:
            self._last[each.device_id, each.fault] = each
            self._times[each.device_id, each.fault] += 1
            self._pending.pop((each.device_id, each.fault), None)
        self.warnings += found
        return found

    @property
    def followed(self) -> frozenset[tuple[str, str]]:
        """The devices and faults of which low risks matter too: what is pending ends by them."""
        return frozenset(self._pending)

    def _fires(self, risk: Risk, at: int) -> bool:
        """Judge one risk; tell whether it is worth a ticket. What must last first is pending until it has."""
        key = risk.device_id, risk.fault
        if self._cases.is_open(risk.device_id, at):
            self._pending.pop(key, None)
            return False
        track = self._pending.get(key)
        state = judge_risk(track, risk).state
        if track is not None:
            if state is AlertState.RESOLVED:
                del self._pending[key]
            return state is AlertState.FIRING
        if state is None or any(judge_settling(each, risk).state is None for each in self._ended(risk, at)):
            return False
        if state is AlertState.PENDING:
            self._pending[key] = Track(alert_of(risk, state, "first", {}), at, risk.ts)
        return state is AlertState.FIRING

    def _ended(self, risk: Risk, at: int) -> list[Previous]:
        """Return how what was before ended: our last ticket for the fault, the last case of the device."""
        own, case = self._last.get((risk.device_id, risk.fault)), self._cases.last_mended(risk.device_id, at)
        found = []
        if case is not None:
            found.append(Previous("case", case.opened, repaired_at(case), "ticket_confirmed"))
        if own is not None and (case is None or repaired_at(case) < own.at):
            times = self._times[risk.device_id, risk.fault]
            found.append(Previous("own", own.at, own.at + VISIT_MS, REFUTED, refuted=times))
        return found

    def _afforded(self, news: Sequence[Risk]) -> list[Risk]:
        """Return the risks that a budget of visits allows: what avoids most cost by production's plan."""
        if not self._budget or not news:
            return list(news)
        rows = [(each.device_id, each.fault, each.risk) for each in news]
        schema = {"device_id": pl.String, "fault": pl.String, "risk": pl.Float64}
        plan = plan_visits(pl.DataFrame(rows, schema=schema, orient="row"), self._costs, self._budget)
        visited, called = set(plan.visits["device_id"]), set(plan.calls["device_id"])
        return [
            each
            for each in news
            if each.device_id in visited
            or (each.device_id in called and FAULTS[each.fault].customer_can_mend)
        ]
