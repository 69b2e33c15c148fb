"""The simulated yardstick: models trained in world A, judged in B and C, where they were never before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import DAY_MS, HOUR_MS
from fleet.faults import Fault, predicted_faults
from fleet.signals import Kind
from models.evaluation import calibration_error
from models.features import FEATURES, features_of
from models.history import LEAST_HOURS, Rows, assembled, forget_season, rows_of
from models.pipeline import examples_of
from models.settings import TrainingSettings
from models.training import Trained, risk_of, train_fault
from models.windows import FleetFacts
from models.yardsticks.report import Report, over_seeds
from simulators.lived import LivedFleet, live
from sweepwatch.simulated_alerts import Series, Ticket, Truths, broken, caught, tickets_of, warnable

Floats = NDArray[np.float64]

END = 1_795_190_400_000
"""A whole hour, so that the same seeds live through the same season."""
TRAINED_IN, JUDGED_IN = "a", ("b", "c")
JUDGED_EVERY_H = 3
"""Tiles are hourly; the product scores every minute, and sees an alert the sooner."""
_COLUMN = {feature.name: index for index, feature in enumerate(FEATURES)}


@dataclass(frozen=True, slots=True)
class Size:
    """How large the fleets are, and for how many days they live."""

    train_robots: int = 120
    train_days: int = 120
    judge_robots: int = 80
    judge_days: int = 60


def learn(fleet: LivedFleet, settings: TrainingSettings, seed: int) -> dict[str, Trained]:
    """Train every fault's model as the product does, from a fleet's tiles and closed tickets."""
    rows = look(fleet, settings.row_every_hours)
    history = assembled(rows, facts_of(fleet), fleet.confirmed(), fleet.waiting, fleet.end)
    results = {
        fault.code: train_fault(fault, examples_of(fault, history), settings, seed)
        for fault in predicted_faults(Kind.ROBOT)
    }
    return {code: result for code, result in results.items() if isinstance(result, Trained)}


def look(fleet: LivedFleet, every: int) -> Rows:
    """Return the features of every robot, every so many hours."""
    first, end = fleet.start // HOUR_MS, fleet.end // HOUR_MS
    hour = pl.col("hour")

    def read(start: int, until: int) -> pl.DataFrame:
        return fleet.tiles.filter((hour >= start * HOUR_MS) & (hour < until * HOUR_MS))

    return rows_of(read, first, end, len(fleet.models), facts_of(fleet), every)


def facts_of(fleet: LivedFleet) -> FleetFacts:
    """Return what the desk would know of the fleet's devices."""
    return FleetFacts(fleet.models, fleet.renewals, fleet.sites)
