"""Training from end to end: tiles and repairs in, registered models and a report out."""

import logging
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, Clock
from fleet.faults import Fault, predicted_faults
from fleet.signals import Kind
from models.features import FEATURES, features_of
from models.history import Cancelled, History, HistoryCancelled, Progress, gather
from models.labels import POSITIVE, UNKNOWN, label
from models.registry import ModelRegistry
from models.settings import TrainingSettings
from models.training import Examples, Trained, failures, train_fault
from storage.desk.database import DeskDatabase
from storage.ports import TelemetryStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FaultReport:
    """What became of one fault: the id of its new model, or the reason why there is none."""

    fault: str
    model: str | None
    message: str
    rows: int
    positives: int
    failures: int
    threshold: float | None
    metrics: dict[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What became of a training run; `start` and `end` (epoch ms) bound its tiles."""

    faults: tuple[FaultReport, ...]
    start: int
    end: int
    devices: int
    seed: int
    seconds: float
    cancelled: bool

    @property
    def trained(self) -> int:
        """How many faults have a new model."""
        return sum(each.model is not None for each in self.faults)

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return asdict(self)


def train_models(
    store: TelemetryStore,
    desk: DeskDatabase,
    registry: ModelRegistry,
    seed: int,
    clock: Clock,
    settings: TrainingSettings | None = None,
    progress: Progress = lambda fraction, text: None,
    cancelled: Cancelled = lambda: False,
) -> TrainingReport:
    """Train and register a model for each predicted robot fault; the same data and seed give the same scores.

    `progress(fraction, text)` is called between steps, `cancelled()` is asked there: models trained before it
    said yes stay, and the report says so. Raises NotEnoughHistory when there is nothing to learn from.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # ships no types

    settings = settings or TrainingSettings()
    begun = perf_counter()
    try:
        history = gather(store, desk, settings, progress, cancelled)
    except HistoryCancelled:
        return TrainingReport((), 0, 0, 0, seed, perf_counter() - begun, cancelled=True)
    reports: list[FaultReport] = []
    faults = predicted_faults(Kind.ROBOT)
    # A few thousand rows fit as fast on one core as on two, and the other one stays free for ingest.
    with threadpool_limits(1):
        for number, fault in enumerate(faults):
            if cancelled():
                break
            progress(0.4 + 0.6 * number / len(faults), f"training {fault.code}")
            reports.append(_train_one(fault, history, registry, seed, clock, settings))
    progress(1.0, "training done")
    return TrainingReport(
        tuple(reports),
        history.start,
        history.end,
        len(np.unique(history.devices)),
        seed,
        perf_counter() - begun,
        len(reports) < len(faults),
    )


def examples_of(fault: Fault, history: History) -> Examples:
    """Return the rows of one fault with its own features and labels."""
    assert fault.horizon_days is not None
    columns = {feature.name: index for index, feature in enumerate(FEATURES)}
    chosen = [columns[feature.name] for feature in features_of(fault.code)]
    labels = label(
        history.rows,
        history.repairs.filter(pl.col("fault") == fault.code),
        history.doubtful.filter(pl.col("fault") == fault.code),
        fault.horizon_days * DAY_MS,
        history.end,
    )
    until = history.rows["until"].to_numpy()
    return Examples(history.features[:, chosen], labels, until, history.devices, history.end)


def _train_one(
    fault: Fault,
    history: History,
    registry: ModelRegistry,
    seed: int,
    clock: Clock,
    settings: TrainingSettings,
) -> FaultReport:
    begun = perf_counter()
    examples = examples_of(fault, history)
    known = examples.labels.value != UNKNOWN
    rows, positives = int(known.sum()), int((examples.labels.value == POSITIVE).sum())
    seen = failures(examples, known)
    result = train_fault(fault, examples, settings, seed)
    if not isinstance(result, Trained):
        log.warning("no model: %s", result)
        return FaultReport(fault.code, None, result, rows, positives, seen, None, {}, perf_counter() - begun)
    details = {
        "start": history.start,
        "end": history.end,
        "cut": result.split.cut,
        "seed": seed,
        "rows": rows,
        "positives": positives,
        "failures": seen,
        "rows_fit": int(result.split.fit.sum()),
        "rows_held_out": int(result.split.later.sum()),
        "metrics": result.metrics,
    }
    card = registry.save(fault.code, result.classifier, result.threshold, clock.now_ms(), details)
    message = f"{fault.code}: learned from {positives} positive rows of {seen} failures"
    return FaultReport(
        fault.code,
        card.id,
        message,
        rows,
        positives,
        seen,
        result.threshold,
        result.metrics,
        perf_counter() - begun,
    )
