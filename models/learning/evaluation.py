"""How good a risk is, and from which risk on acting is cheaper than waiting."""

import numpy as np
from numpy.typing import NDArray

from models.features.windows import Floats

Bools = NDArray[np.bool_]


def metrics(truth: Bools, risk: Floats) -> dict[str, float]:
    """Return roc_auc, average_precision, brier, ece and the share of positives, all of held-out rows.

    Both classes must be among the rows.
    """
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    return {
        "roc_auc": float(roc_auc_score(truth, risk)),
        "average_precision": float(average_precision_score(truth, risk)),
        "brier": float(brier_score_loss(truth, risk)),
        "ece": calibration_error(truth, risk),
        "positive_share": float(truth.mean()),
    }


def calibration_error(truth: Bools, risk: Floats, bins: int = 10) -> float:
    """Return the expected calibration error: mean gap between risk and frequency over bins of equal size.

    Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015; bins of equal
    mass, because most risks are small.
    """
    order = np.argsort(risk, kind="stable")
    parts = np.array_split(order, bins)
    gaps = [abs(float(truth[p].mean() - risk[p].mean())) * len(p) for p in parts if len(p)]
    return sum(gaps) / len(risk)


def best_threshold(truth: Bools, risk: Floats, act: float, wait: float) -> float:
    """Return the threshold at or above which acting costs least on these rows.

    A row acted on costs `act`, a positive one not acted on `wait`. Few failures make the curve bumpy: of the
    thresholds within 2 % of the lowest cost the one nearest to act / wait is taken, which is what a perfectly
    calibrated risk would want (Elkan, "The foundations of cost-sensitive learning", IJCAI 2001).
    """
    order = np.argsort(-risk, kind="stable")
    ranked = risk[order]
    missed = truth.sum() - np.concatenate([[0], np.cumsum(truth[order])])
    cost = act * np.arange(len(risk) + 1) + wait * missed
    edges = np.concatenate([[1.0], ranked])
    # Rows of equal risk are acted on together: only the last of a run is a real choice.
    real = np.append(edges[1:] != edges[:-1], True)
    real[0] = ranked[0] < 1.0
    good = real & (cost <= cost[real].min() * 1.02)
    ideal = act / wait
    return float(edges[good][np.argmin(np.abs(edges[good] - ideal))])
