"""What a model's card says about it: data, figures, curves, costs, versions. All of it JSON-ready."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.faults import Fault
from models.features.definitions import YEAR_VIEWS, Feature, features_of
from models.features.windows import Floats
from models.learning.costs import cost_curve
from models.learning.evaluation import metrics
from models.learning.labels import POSITIVE, UNKNOWN
from models.learning.proof import prove
from models.learning.settings import TrainingSettings
from models.learning.training import Examples, Trained, deciding, failures
from models.registry.drift import reference

Bools = NDArray[np.bool_]
_LEAST_OF_A_KIND = 2
"""Figures of a device model need so many positive and negative rows."""


def card_details(
    fault: Fault,
    examples: Examples,
    trained: Trained,
    device_models: pl.Series,
    settings: TrainingSettings,
    seed: int,
) -> dict[str, Any]:
    """Return the details of a model's card; `device_models` names the model of each row's device.

    Figures and curves are those of held-out rows: later than what the trees saw, calibrated by other devices.
    """
    split, known = trained.split, examples.labels.value != UNKNOWN
    truth = examples.labels.value[split.later] == POSITIVE
    learned = split.fit | split.later
    act, wait = settings.costs.act(fault), settings.costs.wait(fault)
    decides = deciding(examples, fault)[split.later]
    return {
        "start": int(examples.until[known].min()),
        "end": examples.end,
        "cut": split.cut,
        "horizon_hours": (fault.horizon_days or 0) * 24,
        "seed": seed,
        "devices": len(np.unique(examples.devices)),
        "rows": int(known.sum()),
        "positives": int((examples.labels.value == POSITIVE).sum()),
        "failures": failures(examples, known),
        "failures_held_out": failures(examples, split.later),
        "rows_fit": int(split.fit.sum()),
        "rows_held_out": int(split.later.sum()),
        "metrics": trained.metrics,
        "proof": prove(truth, trained.held_out, examples.devices[split.later]).to_dict(),
        "metrics_by_device_model": _by_device_model(truth, trained.held_out, device_models, split.later),
        "calibration": calibration_points(truth, trained.held_out),
        "costs": {
            "act": act,
            "wait": wait,
            "trip": settings.costs.trip(fault),
            "failure": settings.costs.failure(fault),
            "unfounded": settings.costs.unfounded,
        },
        "curve": cost_curve(truth[decides], trained.held_out[decides], trained.threshold).to_dict(),
        "reference": reference(examples.features[learned], features_of(fault.code)),
        "importance": importance(trained.classifier, features_of(fault.code)),
        "silent": silent(examples.features[learned], features_of(fault.code)),
        "row_every_hours": settings.row_every_hours,
        "versions": versions(),
    }


def _by_device_model(
    truth: Bools, risk: Floats, device_models: pl.Series, later: Bools
) -> dict[str, dict[str, float]]:
    names = device_models.to_numpy()[later]
    found: dict[str, dict[str, float]] = {}
    for name in sorted(set(names)):
        own = names == name
        rows, positives = int(own.sum()), int(truth[own].sum())
        found[str(name)] = {"rows": rows, "positives": positives}
        if min(positives, rows - positives) >= _LEAST_OF_A_KIND:
            found[str(name)] |= metrics(truth[own], risk[own])
    return found


def calibration_points(truth: Bools, risk: Floats, bins: int = 10) -> list[dict[str, float]]:
    """Return for bins of equal size the mean risk, how often the fault came, and the number of rows."""
    order = np.argsort(risk, kind="stable")
    return [
        {
            "risk": round(float(risk[part].mean()), 6),
            "frequency": round(float(truth[part].mean()), 6),
            "rows": len(part),
        }
        for part in np.array_split(order, bins)
        if len(part)
    ]


def importance(classifier: Any, features: Sequence[Feature]) -> dict[str, float]:
    """Return each feature's share of what the splits of the trees gain; those never split on are left out."""
    trees = classifier.calibrated_classifiers_[0].estimator.estimator
    gain = np.zeros(len(features))
    for stage in trees._predictors:
        for tree in stage:
            inner = tree.nodes[tree.nodes["is_leaf"] == 0]
            np.add.at(gain, inner["feature_idx"], np.maximum(inner["gain"], 0.0))
    total = gain.sum()
    return {
        feature.name: round(float(each / total), 5)
        for feature, each in zip(features, gain, strict=True)
        if each > 0
    }


def silent(matrix: Floats, features: Sequence[Feature]) -> list[str]:
    """Return the features that no row (rows, features) knows; not the season, which young histories drop."""
    never = np.isnan(matrix).all(axis=0)
    return [
        feature.name
        for feature, each in zip(features, np.atleast_1d(never), strict=True)
        if each and feature.view not in YEAR_VIEWS
    ]


def versions() -> dict[str, str]:
    """Return the versions of what the scores depend on."""
    names = ("sweepwatch", "scikit-learn", "numpy", "skops")
    return {"python": platform.python_version()} | {name: version(name) for name in names}
