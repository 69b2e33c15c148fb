"""Champion and challenger on trial: what each would have cost on rows that neither learned from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.faults import Fault
from fleet.text import Text
from models.features.windows import Ints
from models.learning.costs import Comparison, compare, decision_costs
from models.learning.labels import POSITIVE, label
from models.learning.settings import Costs
from storage.ports import TelemetryStore

ROW_MS = 12 * HOUR_MS
"""A row of a trial is the last score of a device in so long: what it cost to decide by it."""
LEAST_FAILURES = 5
LEAST_DEVICES = 10
CHEAPER, TOO_EARLY, NOT_PROVED = "cheaper", "too_early", "not_proved"


@dataclass(frozen=True, slots=True)
class Contender:
    """A model on trial: id, when (epoch ms) the history that it learned from ended, and its threshold."""

    model: str
    learned_until: int
    threshold: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a trial has come to: CHEAPER, TOO_EARLY or NOT_PROVED, with the figures and the reason."""

    verdict: str
    text: Text
    comparison: Comparison | None

    def to_dict(self, champion: str, at: int) -> dict[str, Any]:
        """Return it JSON-ready, as a challenger's card keeps it."""
        figures = self.comparison.to_dict() if self.comparison else None
        said = {"en": self.text.en, "zh": self.text.zh}
        return {
            "champion": champion,
            "at": at,
            "verdict": self.verdict,
            "text": said,
            "comparison": figures,
        }


def scored_rows(
    store: TelemetryStore, fault: Fault, contender: Contender, start: int, end: int, *, shadow: bool
) -> pl.DataFrame:
    """Return the rows that one model scored: device_id, until (epoch ms), risk."""
    first = -(-start // ROW_MS) * ROW_MS
    found = store.fleet_risks(first, end, ROW_MS, fault.code, shadow=shadow)
    own = found.filter(pl.col("model") == contender.model)
    # The last score of an interval may be as late as its end: what is known there is not news to it.
    return own.select("device_id", until=pl.col("ts") + ROW_MS, risk="risk")


def side_by_side(
    store: TelemetryStore, fault: Fault, champion: Contender, challenger: Contender, end: int
) -> pl.DataFrame:
    """Return the rows that both scored after both had learned: device_id, until, champion, challenger."""
    start = max(champion.learned_until, challenger.learned_until)
    ours = scored_rows(store, fault, champion, start, end, shadow=False)
    theirs = scored_rows(store, fault, challenger, start, end, shadow=True)
    both = ours.join(theirs, on=["device_id", "until"], suffix="_challenger")
    return both.rename({"risk": "champion", "risk_challenger": "challenger"}).sort("device_id", "until")


def judge(
    rows: pl.DataFrame,
    repairs: pl.DataFrame,
    doubtful: pl.DataFrame,
    fault: Fault,
    thresholds: tuple[float, float],
    costs: Costs,
    end: int,
    margin: float,
) -> Verdict:
    """Judge a challenger by rows of `side_by_side` and what became of them until `end` (epoch ms).

    `repairs` and `doubtful` are those of the fault (models.labels), `thresholds` those of champion and
    challenger. CHEAPER: with 97.5 % of the bootstrap it saves more than `margin` of the champion's cost.
    """
    assert fault.horizon_days is not None
    labels = label(rows, repairs, doubtful, fault.horizon_days * DAY_MS, end)
    known = labels.decides(rows["until"].to_numpy(), fault.horizon_days * DAY_MS)
    truth = labels.value[known] == POSITIVE
    devices = rows["device_id"].rank("dense").to_numpy().astype(np.int64)[known]
    seen = _failures(devices[truth], labels.noticed[known][truth])
    count = len(np.unique(devices))
    if seen < LEAST_FAILURES or count < LEAST_DEVICES:
        return Verdict(TOO_EARLY, _too_early(seen, count), None)
    act, wait = costs.act(fault), costs.wait(fault)
    each = [
        decision_costs(truth, rows[name].to_numpy()[known], threshold, act, wait, costs.unfounded)
        for name, threshold in zip(("champion", "challenger"), thresholds, strict=True)
    ]
    found = compare(each[0], each[1], devices, seen)
    proved = found.low > margin
    return Verdict(CHEAPER if proved else NOT_PROVED, _compared(found, margin, proved), found)


def _failures(devices: Ints, noticed: Ints) -> int:
    return len(np.unique(np.stack([devices, noticed]), axis=1).T)


def _too_early(failures: int, devices: int) -> Text:
    return Text(
        f"too early: {failures} failures on {devices} devices seen by both so far; "
        f"{LEAST_FAILURES} on {LEAST_DEVICES} are needed",
        f"为时尚早：双方共同经历 {devices} 台设备上的 {failures} 次故障；"
        f"至少需要 {LEAST_DEVICES} 台设备上的 {LEAST_FAILURES} 次",
    )


def _compared(found: Comparison, margin: float, proved: bool) -> Text:
    share, low, high = (f"{100 * value:.1f} %" for value in (found.saving, found.low, found.high))
    stands = f"{found.failures} failures on {found.devices} devices"
    if proved:
        return Text(
            f"saves {share} of the champion's cost (95 % of the bootstrap: {low} to {high}; {stands})",
            f"比当前模型节省 {share} 的成本（自助法 95 % 区间：{low} 至 {high}；"
            f"{found.devices} 台设备，{found.failures} 次故障）",
        )
    least = f"{100 * margin:.1f} %"
    return Text(
        f"not proved: saves {share} (95 % of the bootstrap: {low} to {high}; {stands}), "
        f"and the lower end must be above {least}",
        f"尚未证实：节省 {share}（自助法 95 % 区间：{low} 至 {high}；"
        f"{found.devices} 台设备，{found.failures} 次故障），下限须高于 {least}",
    )
