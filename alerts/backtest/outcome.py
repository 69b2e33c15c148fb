"""What a replay comes to: how many alerts, how long, of which devices, and how many were right."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import polars as pl

from alerts.backtest.past import Raised
from alerts.judging.rules import Rule
from fleet.clock import DAY_MS
from fleet.faults import FAULTS

MOST_DEVICES = 20
_DEFAULT_HORIZON_DAYS = 7
"""How far a fault is looked for that no model predicts."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A fault that a repair confirmed: noticed, and mended (epoch ms)."""

    noticed: int
    mended: int


Repairs = Mapping[tuple[str, str], Sequence[Repaired]]
"""By device and fault, in order of noticing."""


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one rule would have raised within `days`.

    How long they lasted (`shortest_ms`, `median_ms`, `longest_ms`) is of those that `ended` alone.
    `followed` are the alerts whose fault a repair confirmed from their beginning to its horizon, `too_early`
    those of which the horizon is not over. `faults` are the confirmed faults of the time that are the rule's,
    `foreseen` those of them of which an alert had begun within the horizon before, or while they lasted.
    `devices` are how many alerts each device had, the most first.
    """

    rule: str
    alerts: int
    a_day: float
    still_open: int
    shortest_ms: int | None
    median_ms: int | None
    longest_ms: int | None
    devices: tuple[tuple[str, int], ...]
    followed: int
    too_early: int
    faults: int
    foreseen: int

    @property
    def ended(self) -> int:
        """Return how many of the alerts were over."""
        return self.alerts - self.still_open

    @property
    def precision(self) -> float | None:
        """Return the share of alerts that a confirmed fault followed; None where none can be told."""
        told = self.alerts - (self.too_early)
        return self.followed / told if told else None


def repairs_of(frame: pl.DataFrame) -> dict[tuple[str, str], list[Repaired]]:
    """Return confirmed repairs (storage.records.repairs) by device and fault."""
    found: dict[tuple[str, str], list[Repaired]] = {}
    for device, fault, opened, ended in frame.sort("opened").rows():
        found.setdefault((device, fault), []).append(Repaired(opened, ended))
    return found


def outcome_of(rule: Rule, raised: Sequence[Raised], repairs: Repairs, start: int, end: int) -> RuleOutcome:
    """Return what a rule comes to, of all that was raised from `start` to `end`."""
    mine = [each for each in raised if each.rule == rule.name]
    lengths = sorted(each.until - each.since for each in mine if each.until is not None)
    followed = [_is_followed(each, repairs) for each in mine]
    early = [each.since + horizon_ms(each.fault) > end for each in mine]
    due = _faults_of(rule, mine, repairs, start, end)
    return RuleOutcome(
        rule=rule.name,
        alerts=len(mine),
        a_day=len(mine) * DAY_MS / max(1, end - start),
        still_open=len(mine) - len(lengths),
        shortest_ms=lengths[0] if lengths else None,
        median_ms=round(median(lengths)) if lengths else None,
        longest_ms=lengths[-1] if lengths else None,
        devices=tuple(sorted(Counter(each.device_id for each in mine).items(), key=_most_first)),
        followed=sum(followed),
        too_early=sum(soon and not right for soon, right in zip(early, followed, strict=True)),
        faults=len(due),
        foreseen=sum(_is_foreseen(device, fault, one, mine) for device, fault, one in due),
    )


def horizon_ms(fault: str) -> int:
    """Return how long after an alert its fault counts as having followed."""
    return (FAULTS[fault].horizon_days or _DEFAULT_HORIZON_DAYS) * DAY_MS


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _is_followed(alert: Raised, repairs: Repairs) -> bool:
    """Tell whether the fault was confirmed: noticed up to the horizon, and not mended before the alert."""
    known = repairs.get((alert.device_id, alert.fault), ())
    until = bisect_right([one.noticed for one in known], alert.since + horizon_ms(alert.fault))
    return any(one.mended >= alert.since for one in known[:until])


def _faults_of(
    rule: Rule, raised: Sequence[Raised], repairs: Repairs, start: int, end: int
) -> list[tuple[str, str, Repaired]]:
    """Return the confirmed faults that are a rule's: of its own fault, or of those that codes named."""
    names = {rule.fault} if rule.fault in FAULTS else {each.fault for each in raised}
    return [
        (device, fault, one)
        for (device, fault), known in repairs.items()
        for one in known
        if fault in names and start <= one.noticed < end
    ]


def _is_foreseen(device: str, fault: str, one: Repaired, raised: Sequence[Raised]) -> bool:
    begins = one.noticed - horizon_ms(fault)
    return any(
        each.device_id == device and each.fault == fault and begins <= each.since <= one.mended
        for each in raised
    )
