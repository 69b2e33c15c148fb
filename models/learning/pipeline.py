"""Training from end to end: tiles and repairs in, registered models and a report out."""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, Clock
from fleet.errors import WorkersUnavailable
from fleet.faults import FAULTS, Fault, predicted_faults
from fleet.signals import Kind
from models.features.definitions import columns_by_name, features_of
from models.features.history import Cancelled, History, HistoryCancelled, Progress, gather
from models.learning.labels import POSITIVE, UNKNOWN, label
from models.learning.life import LifeModel, fit_life
from models.learning.lives import Lives, lives_of
from models.learning.settings import TrainingSettings
from models.learning.training import Examples, failures, single_threaded, train_fault
from models.registry.cards import card_details, versions
from models.registry.registry import ModelRegistry
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.model_cards import UNPROVEN

log = logging.getLogger(__name__)
_NAMED = 8
"""So many measures are named in a line of the log."""


@dataclass(frozen=True, slots=True)
class FaultReport:
    """What became of one fault: the id and the state of its new model, or the reason why there is none."""

    fault: str
    model: str | None
    state: str | None
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
        """How many faults have a new model that scores, as champion or as challenger."""
        return sum(each.model is not None and each.state != UNPROVEN for each in self.faults)

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

    Where a fault has a champion, the new model is its challenger. Who works does not change what comes out.

    `progress(fraction, text)` is called between steps, `cancelled()` is asked there: models trained before it
    said yes stay, and the report says so. Raises NotEnoughHistory when there is nothing to learn from.
    """
    settings = settings or TrainingSettings()
    begun = perf_counter()
    try:
        history = gather(store, desk, settings, progress, cancelled)
    except HistoryCancelled:
        return TrainingReport((), 0, 0, 0, seed, perf_counter() - begun, cancelled=True)
    reports: list[FaultReport] = []
    faults = predicted_faults(Kind.ROBOT)
    for fit in settings.workers.run(fit_fault, _tasks(faults, history, settings, seed, cancelled)):
        reports.append(register(fit, registry, clock))
        progress(0.4 + 0.6 * len(reports) / len(faults), f"trained {fit.fault}")
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
    columns = columns_by_name()
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


def _tasks(
    faults: tuple[Fault, ...],
    history: History,
    settings: TrainingSettings,
    seed: int,
    cancelled: Cancelled,
) -> Iterator[tuple[str, Examples, pl.Series, TrainingSettings, int, Lives | None]]:
    """Yield what `fit_fault` takes for each fault, until told to stop."""
    for fault in faults:
        if cancelled():
            return
        lives = lives_of(fault, history)
        yield fault.code, examples_of(fault, history), history.device_models, settings, seed, lives


@dataclass(frozen=True, slots=True)
class Fit:
    """What came out of one fault's examples: a classifier with its card's details, or why there is none."""

    fault: str
    classifier: Any | None
    threshold: float | None
    message: str
    details: dict[str, Any]
    rows: int
    positives: int
    failures: int
    seconds: float
    life: LifeModel | None = None


def fit_fault(
    code: str,
    examples: Examples,
    device_models: pl.Series,
    settings: TrainingSettings,
    seed: int,
    lives: Lives | None = None,
) -> Fit:
    """Train one fault's model and judge it; the work of one worker, which touches no store.

    With `lives` it learns the remaining life too, where they are enough.
    """
    begun = perf_counter()
    fault = FAULTS[code]
    known = examples.labels.value != UNKNOWN
    rows, positives = int(known.sum()), int((examples.labels.value == POSITIVE).sum())
    seen = failures(examples, known)
    with single_threaded():
        result = train_fault(fault, examples, settings, seed)
        if isinstance(result, str):
            return Fit(code, None, None, result, {}, rows, positives, seen, perf_counter() - begun)
        details = card_details(fault, examples, result, device_models, settings, seed)
        learned = fit_life(examples.features, lives, seed) if lives else None
    message = f"{code}: learned from {positives} positive rows of {seen} failures"
    life = learned if isinstance(learned, LifeModel) else None
    if isinstance(learned, str):
        message += f"; no remaining life: {learned}"
    if details["silent"]:
        message += f"; {len(details['silent'])} features were never known"
        log.warning("%s: never known in history: %s", code, _measures_of(details["silent"]))
    seconds = perf_counter() - begun
    return Fit(
        code, result.classifier, result.threshold, message, details, rows, positives, seen, seconds, life
    )


def _measures_of(features: list[str]) -> str:
    """Return what features look at, each once; their views are on the model's card."""
    names = list(dict.fromkeys(name.partition(":")[0] for name in features))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def register(fit: Fit, registry: ModelRegistry, clock: Clock) -> FaultReport:
    """Register what a worker made, and return what became of it; without a model, what is in use stays.

    Raises WorkersUnavailable when the worker had other versions than this process.
    """
    state = model = None
    metrics: dict[str, float] = {}
    message = fit.message
    if fit.classifier is None or fit.threshold is None:
        log.info("no model: %s", fit.message)
    else:
        _refuse_other_versions(fit)
        card = registry.save(
            fit.fault, fit.classifier, fit.threshold, clock.now_ms(), fit.details, life=fit.life
        )
        model, state, metrics = card.id, card.state, fit.details["metrics"]
        if state == UNPROVEN:
            message += f"; not in use: {fit.details['proof']['text']['en']}"
            log.info("no model: %s", message)
    return FaultReport(
        fit.fault,
        model,
        state,
        message,
        fit.rows,
        fit.positives,
        fit.failures,
        fit.threshold,
        metrics,
        fit.seconds,
    )


def _refuse_other_versions(fit: Fit) -> None:
    here, there = versions(), fit.details["versions"]
    other = [
        f"{name} {there.get(name)} (here {here[name]})" for name in here if there.get(name) != here[name]
    ]
    if other:
        raise WorkersUnavailable(f"a worker has other versions than this process: {', '.join(other)}")
