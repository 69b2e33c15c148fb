"""Looks at the models in use: are inputs and risks what they were, is a challenger cheaper."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet.clock import DAY_MS
from fleet.faults import FAULTS, Fault
from fleet.findings import CALIBRATION, DRIFT, ModelFinding
from fleet.text import Text
from models.features.definitions import columns_by_name
from models.features.windows import Floats, Ints
from models.learning.labels import POSITIVE, UNKNOWN, label
from models.learning.settings import Costs
from models.registry.drift import FeatureDrift, comparable, drift_of, drifted_share
from models.registry.registry import LoadedModel
from models.registry.trial import Contender, Verdict, judge, scored_rows, side_by_side
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.repairs import confirmed_repairs, open_tickets

log = logging.getLogger(__name__)

DRIFTED_SHARE = 0.25
"""A model has drifted when features that carry so much of its decisions have."""
OFF = 1.5
"""Risks are off when the fault comes so many times more, or fewer, often than they say."""
_LEAST_FAILURES = 5
_LOOK_BACK_MS = 60 * DAY_MS
_ROUNDS = 1_000


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What tickets say: confirmed repairs, and tickets of which nobody knows yet (models.labels)."""

    repairs: pl.DataFrame
    doubtful: pl.DataFrame

    def of(self, fault: Fault) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return those of one fault."""
        own = pl.col("fault") == fault.code
        return self.repairs.filter(own), self.doubtful.filter(own)


def outcomes(desk: DeskDatabase) -> Outcomes:
    """Read what tickets say."""
    return Outcomes(confirmed_repairs(desk), open_tickets(desk))


def contender(model: LoadedModel) -> Contender:
    """Return a model as trials and looks at its risks take it."""
    return Contender(model.card.id, int(model.card.details.get("end", 2**62)), model.card.threshold)


def try_challenger(
    store: TelemetryStore,
    told: Outcomes,
    champion: LoadedModel,
    challenger: LoadedModel,
    costs: Costs,
    end: int,
    margin: float,
) -> Verdict:
    """Judge a challenger by what both scored since both had learned, until `end` (epoch ms)."""
    fault = FAULTS[champion.card.fault]
    rows = side_by_side(store, fault, contender(champion), contender(challenger), end)
    thresholds = champion.card.threshold, challenger.card.threshold
    return judge(rows, *told.of(fault), fault, thresholds, costs, end, margin)


def look_at_inputs(
    model: LoadedModel, matrix: Floats, devices: Ints, times: Ints, at: int
) -> ModelFinding | None:
    """Compare recent rows of all features with what a model learned from; None where that cannot be said.

    `times` (epoch ms) says when each row was made: not before there is enough since the model's history.
    """
    later = comparable(model.card.details, times)
    if not later.any():
        return None
    matrix, devices = matrix[later], devices[later]
    columns = columns_by_name()
    own = matrix[:, [columns[feature.name] for feature in model.features]]
    found = drift_of(model.card.details, model.features, own, devices)
    if not found:
        return None
    share = drifted_share(found)
    drifted = [each for each in found if each.drifted]
    evidence = {
        "limit": DRIFTED_SHARE,
        "devices": len(np.unique(devices)),
        "features": [_shown(each) for each in (drifted or found)[:8]],
    }
    fault, text = FAULTS[model.card.fault], _drift_text(FAULTS[model.card.fault], share, drifted)
    return ModelFinding(fault.code, model.card.id, DRIFT, share, share >= DRIFTED_SHARE, at, text, evidence)


def _shown(each: FeatureDrift) -> dict[str, float | str]:
    return {
        "feature": each.feature,
        "psi": round(each.psi, 3),
        "limit": round(each.limit, 3),
        "importance": each.importance,
    }


def _drift_text(fault: Fault, share: float, drifted: Sequence[FeatureDrift]) -> Text:
    names = ", ".join(each.feature for each in drifted[:3]) or "-"
    part = f"{100 * share:.0f} %"
    return Text(
        f"The inputs of the model for “{fault.name.en}” no longer look like what it learned from: "
        f"{len(drifted)} features that carry {part} of its decisions have drifted ({names})",
        f"“{fault.name.zh}”模型的输入已偏离训练数据："
        f"{len(drifted)} 个特征发生漂移，占其决策权重的 {part}（{names}）",
    )


def look_at_risks(store: TelemetryStore, told: Outcomes, model: LoadedModel, end: int) -> ModelFinding | None:
    """Compare the risks that a model gave with what tickets then confirmed; None where too little is known.

    The figure is how many times as often the fault came as the risks had said, over rows of the last 60 days
    whose horizon is over; its bounds come from a bootstrap over devices.
    """
    fault, own = FAULTS[model.card.fault], contender(model)
    assert fault.horizon_days is not None
    start = max(own.learned_until, end - _LOOK_BACK_MS)
    if start >= end:
        return None
    rows = scored_rows(store, fault, own, start, end, shadow=False).sort("device_id", "until")
    labels = label(rows, *told.of(fault), fault.horizon_days * DAY_MS, end)
    known = labels.value != UNKNOWN
    truth, risk = labels.value[known] == POSITIVE, rows["risk"].to_numpy()[known]
    devices = rows["device_id"].rank("dense").to_numpy().astype(np.int64)[known]
    seen = len(np.unique(np.stack([devices[truth], labels.noticed[known][truth]]), axis=1).T)
    rows_a_failure = truth.sum() / seen if seen else 2 * fault.horizon_days
    expected = float(risk.sum()) / rows_a_failure
    if max(seen, expected) < _LEAST_FAILURES:
        return None
    ratio, low, high = _came_to_said(truth.astype(np.float64), risk, devices)
    evidence = {
        "limit": OFF,
        "low": low,
        "high": high,
        "failures": seen,
        "expected": round(expected, 1),
        "rows": len(risk),
    }
    beyond = low > OFF or high < 1 / OFF
    text = _calibration_text(fault, ratio, low, high)
    return ModelFinding(fault.code, model.card.id, CALIBRATION, ratio, beyond, end, text, evidence)


def _came_to_said(truth: Floats, risk: Floats, devices: Ints) -> tuple[float, float, float]:
    """Return sum of truth / sum of risk, with the bounds of 95 % of a bootstrap over devices."""
    _, place = np.unique(devices, return_inverse=True)
    count = int(place.max()) + 1
    came, said = (np.bincount(place, weights=each, minlength=count) for each in (truth, risk))
    drawn = np.random.default_rng(0).integers(0, count, size=(_ROUNDS, count))
    ratios = came[drawn].sum(axis=1) / np.maximum(said[drawn].sum(axis=1), 1e-9)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(came.sum() / max(said.sum(), 1e-9)), float(low), float(high)


def _calibration_text(fault: Fault, ratio: float, low: float, high: float) -> Text:
    bounds = f"{low:.2f}–{high:.2f}"
    return Text(
        f"“{fault.name.en}” comes {ratio:.2f} times as often as its risks say (95 %: {bounds})",
        f"“{fault.name.zh}”的实际发生率是预测风险的 {ratio:.2f} 倍（95 % 区间：{bounds}）",
    )
