"""Trains with an installation's settings: costs, seed, who works, and how far back."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

from fleet.errors import ConfigError
from models.features.history import Cancelled, Progress
from models.learning.pipeline import TrainingReport, train_models
from models.learning.settings import TrainingSettings
from models.learning.workers import Workers
from sweepwatch.settings.costs import costs_of
from sweepwatch.settings.settings import ModelsSettings
from sweepwatch.wiring import Services

log = logging.getLogger(__name__)

_MOST_DAYS = 3_650


def train(services: Services, since: str | None, progress: Progress, cancelled: Cancelled) -> TrainingReport:
    """Train and register a model for each fault; raises as `models.pipeline.train_models`."""
    log.info("training begins, seed %d", services.settings.models.seed)
    report = train_models(
        services.store,
        services.desk,
        services.models,
        services.settings.models.seed,
        services.clock,
        settings=training_settings(services.settings.models, since),
        progress=progress,
        cancelled=cancelled,
    )
    for each in report.faults:
        figure = each.metrics.get("roc_auc")
        reached = "" if figure is None else f", ROC-AUC {figure:.3f}"
        log.info("training %s: %s%s", each.fault, each.state or each.message, reached)
    log.info("training %s: %d models", "was cancelled" if report.cancelled else "ended", report.trained)
    return report


def training_settings(settings: ModelsSettings, since: str | None = None) -> TrainingSettings:
    """Return how models are trained; `since` is a date (UTC) or a number of days before the newest reading.

    Raises ConfigError for anything else.
    """
    workers = Workers(settings.jobs, settings.dask_scheduler)
    chosen = TrainingSettings(costs=costs_of(settings.costs), workers=workers)
    if since is None:
        return chosen
    if since.isdigit() and 1 <= int(since) <= _MOST_DAYS:
        return replace(chosen, history_days=int(since))
    try:
        day = datetime.strptime(since, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(
            f"--since {since!r:.40} is not usable: "
            f"allowed: a date such as 2026-05-01, or 1 to {_MOST_DAYS} days"
        ) from None
    return replace(chosen, since_ms=int(day.timestamp() * 1000))
