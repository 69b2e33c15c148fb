"""Small trained models with whole cards, for tests of what uses them."""

from functools import cache
from typing import Any

import numpy as np
import polars as pl
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator

from fleet.clock import DAY_MS
from fleet.faults import FAULTS
from models.features.definitions import features_of
from models.learning.labels import Labels
from models.learning.settings import TrainingSettings
from models.learning.training import Examples, Trained, train_fault
from models.registry.cards import card_details

END = 1_795_334_400_000


def classifier(fault: str, seed: int) -> CalibratedClassifierCV:
    """Return a calibrated classifier that fits a fault's features and was soon trained."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(300, len(features_of(fault))))
    truth = matrix[:, 0] + rng.normal(size=300) > 1
    trees = HistGradientBoostingClassifier(max_iter=4, random_state=seed).fit(matrix, truth)
    return CalibratedClassifierCV(FrozenEstimator(trees), method="sigmoid").fit(matrix, truth)


def examples(fault: str, devices: int = 40, days: int = 60, seed: int = 0, end: int = END) -> Examples:
    """Return rows of devices of which every second fails once; the first feature rises before it does."""
    rng = np.random.default_rng(seed)
    horizon = (FAULTS[fault].horizon_days or 0) * DAY_MS
    until = np.tile(np.arange(end - days * DAY_MS, end, DAY_MS // 2), devices).astype(np.int64)
    owner = np.repeat(np.arange(devices), days * 2)
    failing = end - (days - 5 - (days - 8) * rng.random(devices)) * DAY_MS
    noticed = np.where(owner % 2 == 0, failing.astype(np.int64)[owner], 2**62)
    positive = (noticed > until) & (noticed <= until + horizon)
    value = np.where(positive, 1, np.where(until + horizon > end, -1, 0)).astype(np.int8)
    matrix = rng.normal(size=(len(until), len(features_of(fault))))
    matrix[:, 0] += 2.5 * positive
    return Examples(matrix, Labels(value, noticed), until, owner, end)


@cache
def trained(fault: str, seed: int = 0) -> tuple[Trained, dict[str, Any]]:
    """Return a trained model of a fault with the details of its card."""
    rows, settings = examples(fault, seed=seed), TrainingSettings(trees=12)
    result = train_fault(FAULTS[fault], rows, settings, seed)
    assert isinstance(result, Trained), result
    kinds = pl.Series([f"CR-{200 + 150 * (number % 2)}" for number in rows.devices])
    return result, card_details(FAULTS[fault], rows, result, kinds, settings, seed)
