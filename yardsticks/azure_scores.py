"""Scores of azure-pdm: means over components, and simple rules on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yardsticks.azure_features import PlantTable
from yardsticks.azure_own import Own

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]
_DRAWS = 50


@dataclass(frozen=True)
class Judged:
    """Test rows of each component: what came true and the risk, one array a component.

    `machine` numbers each row's machine; `rows`, shape (machines, moments), says where the rows stand;
    `thresholds`, one a component, is None where none was asked for.
    """

    components: list[str]
    truth: list[Bools]
    risk: list[Floats]
    thresholds: list[float] | None
    machine: NDArray[np.int64]
    rows: Bools

    def alarms(self) -> list[Bools]:
        """Return which rows reach their component's threshold. Raises ValueError where there is none."""
        if self.thresholds is None:
            raise ValueError("no threshold was chosen")
        return [risk >= least for risk, least in zip(self.risk, self.thresholds, strict=True)]

    def by_component(self) -> dict[str, dict[str, float]]:
        """Return each component's positive rows, average precision, and F1 with its threshold if any."""
        told = {
            name: {"positive_rows": int(truth.sum()), "average_precision": precision(truth, risk)}
            for name, truth, risk in zip(self.components, self.truth, self.risk, strict=True)
        }
        if self.thresholds is not None:
            for name, truth, alarm, least in zip(
                self.components, self.truth, self.alarms(), self.thresholds, strict=True
            ):
                told[name] |= {"f1": f1(truth, alarm), "threshold": least}
        return told


def f1(truth: Bools, alarm: Bools) -> float:
    """Return 2 TP / (2 TP + FP + FN); 0 where nothing was to be found and nothing was."""
    hits = int((truth & alarm).sum())
    return 2 * hits / max(int(truth.sum()) + int(alarm.sum()), 1)


def precision(truth: Bools, risk: Floats) -> float:
    """Return the average precision; NaN without a positive row."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, risk)) if truth.any() else float("nan")


def macro_f1(judged: Judged) -> float:
    """Return the mean F1 over the components that failed in the test."""
    return _mean_f1(judged.truth, judged.alarms())


def macro_precision(judged: Judged) -> float:
    """Return the mean average precision over the components that failed in the test."""
    return float(np.nanmean([precision(t, r) for t, r in zip(judged.truth, judged.risk, strict=True)]))


def _mean_f1(truth: Sequence[Bools], alarm: Sequence[Bools]) -> float:
    return float(np.mean([f1(t, a) for t, a in zip(truth, alarm, strict=True) if t.any()]))


def expected_f1_threshold(risk: Floats) -> float:
    """Return the threshold with the highest expected F1, taking calibrated risks at their word.

    With some dozens of failures the F1 that was observed is too bumpy to choose by; calibration has two
    parameters only. Lipton, Elkan and Naryanaswamy, "Optimal thresholding of classifiers to maximize F1
    measure", ECML 2014.
    """
    ranked = np.sort(risk)[::-1]
    alarms = np.arange(1, len(ranked) + 1)
    best = int(np.argmax(2 * np.cumsum(ranked) / (ranked.sum() + alarms)))
    below = ranked[min(best + 1, len(ranked) - 1)]
    return float((ranked[best] + below) / 2)


def spread_over_machines(answers: Mapping[str, Judged], seed: int) -> dict[str, float]:
    """Return the sd of each metric when the test machines are drawn anew, with replacement, 50 times."""
    rng = np.random.default_rng(seed)
    questions = {
        "f1_macro_24h": (answers["soon"], macro_f1),
        "ap_24_72h": (answers["later"], macro_precision),
        "f1_macro_24h_telemetry_only": (answers["telemetry"], macro_f1),
    }
    return {
        name: float(np.std([score(_drawn(judged, rng)) for _ in range(_DRAWS)], ddof=1))
        for name, (judged, score) in questions.items()
    }


def _drawn(judged: Judged, rng: np.random.Generator) -> Judged:
    kinds = np.unique(judged.machine)
    of = {kind: np.flatnonzero(judged.machine == kind) for kind in kinds}
    rows = np.concatenate([of[kind] for kind in rng.choice(kinds, len(kinds))])
    truth, risk = ([each[rows] for each in some] for some in (judged.truth, judged.risk))
    return Judged(judged.components, truth, risk, judged.thresholds, judged.machine[rows], judged.rows)


def baselines(answers: Mapping[str, Judged], own: Sequence[Own], table: PlantTable) -> dict[str, float]:
    """Return what simple rules reach on the test rows.

    Every row alarmed; a row alarmed for a day after the component's most telling error; average precision of
    the mere share of positives, and of days since the component's replacement.
    """
    soon, later = answers["soon"], answers["later"]
    everywhere = [np.ones_like(truth) for truth in soon.truth]
    error = [table.log[f"{next(iter(each.errors))}:day"][soon.rows] > 0 for each in own if each.errors]
    age = [np.nan_to_num(table.log[f"{each.component}:renewed"][later.rows]) for each in own]
    found = {
        "f1_macro_24h_always_alarm": _mean_f1(soon.truth, everywhere),
        "ap_24_72h_share_of_positives": float(np.mean([truth.mean() for truth in later.truth])),
        "ap_24_72h_days_since_replacement": float(
            np.nanmean([precision(t, a) for t, a in zip(later.truth, age, strict=True)])
        ),
    }
    return found | ({"f1_macro_24h_own_error": _mean_f1(soon.truth, error)} if error else {})
