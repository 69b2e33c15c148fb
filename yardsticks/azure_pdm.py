"""The azure-pdm yardstick: which component fails, 24 h and 24 to 72 h ahead, on machines never seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import InvalidInput
from models.learning.evaluation import calibration_error
from models.learning.labels import POSITIVE, UNKNOWN, label
from models.learning.settings import TrainingSettings
from models.learning.training import calibrate, fit_trees, risk_of
from yardsticks.azure_features import PlantTable, Table, look_at
from yardsticks.azure_own import Own, all_columns, flat, learn_own, telemetry_columns
from yardsticks.azure_plant import Plant, onset_period, read_plant, visit_period
from yardsticks.azure_scores import (
    Judged,
    baselines,
    expected_f1_threshold,
    macro_f1,
    macro_precision,
    spread_over_machines,
)
from yardsticks.report import Report, over_seeds

Bools = NDArray[np.bool_]

SPLIT = (datetime(2015, 8, 31, 1, tzinfo=UTC), datetime(2015, 9, 1, 1, tzinfo=UTC))
"""Training ends with the first, the test begins with the second."""
TRAINING_SHARE = 5 / 7
"""The first machines by number train, the others test: 50 and 20 of 70."""
THRESHOLD_DAYS = 45
PROTOCOL = (
    "Trained on the first 5/7 of the machines (1-50 of 70) before 2015-08-31 01:00, tested on the others "
    "from 2015-09-01 01:00, a prediction every 3 h for each component. Positive: a failure of it in "
    "(t, t+24h], or in (t+24h, t+72h]. Metrics are means over the components. Calibration and thresholds "
    "come from the last 45 training days, which the trees did not see, with an embargo of the horizon; "
    "average precision needs neither, and its trees see those days too. Settings were chosen on the "
    "training machines before the split. Seeds are those of the trees."
)
_SETTINGS = TrainingSettings(trees=200, learning_rate=0.03, leaves=8, least_leaf_rows=60, bins=255)
_KEEP_ONE_IN = 3
"""Of the rows without any failure ahead the trees see so many: most say the same as their neighbours."""


@dataclass(frozen=True)
class Split:
    """Which machines and moments train and test. Shapes: (machines,); times are epoch ms."""

    train: Bools
    test: Bools
    train_until: int
    test_from: int

    def training(self, until: NDArray[np.int64], horizon: int) -> Bools:
        """Return rows whose horizon is over before the test begins. Shape: (machines, moments)."""
        return self.train[:, None] & ((until <= self.train_until) & (until + horizon <= self.test_from))

    def threshold_from(self) -> int:
        """Return when the days begin that choose the threshold."""
        return self.train_until - THRESHOLD_DAYS * DAY_MS


@dataclass(frozen=True)
class Case:
    """A plant looked at once, ready to be learned from.

    `soon` and `later` are labels of the two horizons, shape (components, machines, moments); `with_log` and
    `with_telemetry` the columns that each component's rows have.
    """

    plant: Plant
    table: PlantTable
    split: Split
    soon: NDArray[np.int8]
    later: NDArray[np.int8]
    own: list[Own]
    with_log: list[list[Table]]
    with_telemetry: list[list[Table]]


def evaluate(folder: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Score the yardstick in a folder, as `yardsticks.report.Report.as_json` says.

    Raises InvalidInput when a file is missing or wrong, or holds too few failures.
    """
    case = prepared(folder)
    plant, table = case.plant, case.table
    answers: dict[int, dict[str, Judged]] = {}

    def run(seed: int) -> dict[str, float]:
        answers[seed] = judge(case, seed)
        return _metrics(answers[seed])

    metrics, _ = over_seeds(seeds, run)
    first = answers[seeds[0]]
    whole = _metrics(judge(_case(plant, table, _split(table, whole_fleet=True)), seeds[0]))
    details = {
        "all_machines_train_and_test_first_seed": whole,
        "sd_over_test_machines_first_seed": spread_over_machines(first, seeds[0]),
        "ece_24h_first_seed": _ece(first["soon"]),
        "by_component_first_seed": {name: judged.by_component() for name, judged in first.items()},
    }
    return Report("azure-pdm", seeds, metrics, baselines(first, case.own, table), PROTOCOL, details).as_json()


def prepared(folder: Path) -> Case:
    """Read a folder and look at it once, parted as the protocol says. Raises InvalidInput."""
    plant = read_plant(folder)
    table = look_at(plant)
    return _case(plant, table, _split(table, whole_fleet=False))


def judge(case: Case, seed: int) -> dict[str, Judged]:
    """Train and test the three questions once: `soon`, `telemetry` (within 24 h) and `later` (24 to 72 h)."""
    return {
        "soon": _soon(case, case.with_log, seed),
        "telemetry": _soon(case, case.with_telemetry, seed),
        "later": _later(case, seed),
    }


def _metrics(answers: dict[str, Judged]) -> dict[str, float]:
    return {
        "f1_macro_24h": macro_f1(answers["soon"]),
        "ap_24_72h": macro_precision(answers["later"]),
        "f1_macro_24h_telemetry_only": macro_f1(answers["telemetry"]),
    }


def _ece(judged: Judged) -> float:
    return calibration_error(np.concatenate(judged.truth), np.concatenate(judged.risk))


def _split(table: PlantTable, *, whole_fleet: bool) -> Split:
    order = np.argsort(np.array([int(device) for device in table.devices]))
    train = np.ones(len(order), dtype=bool)
    if not whole_fleet:
        train[order[round(TRAINING_SHARE * len(order)) :]] = False
    until, test_from = (round(moment.timestamp() * 1000) for moment in SPLIT)
    if not table.until[0] < until - THRESHOLD_DAYS * DAY_MS < test_from < table.until[-1]:
        raise InvalidInput(
            f"azure-pdm is parted at {SPLIT[0]:%Y-%m-%d %H:%M}: telemetry must reach from more than "
            f"{THRESHOLD_DAYS} days before that to days after it"
        )
    return Split(train, train if whole_fleet else ~train, until, test_from)


def _case(plant: Plant, table: PlantTable, split: Split) -> Case:
    soon, later = labels(plant, table, 0, 24), labels(plant, table, 24, 72)
    rows = split.training(table.until, DAY_MS) & (table.until + DAY_MS <= split.threshold_from())
    for name, value in zip(plant.components, soon, strict=True):
        if not ((value == POSITIVE) & rows).any():
            raise InvalidInput(f"azure-pdm: no failure of {name} among the training machines to learn from")
    own = [
        learn_own(table, name, number, soon[number] == POSITIVE, rows)
        for number, name in enumerate(plant.components)
    ]
    devices = [device for device, trains in zip(table.devices, split.train, strict=True) if trains]
    visits, onsets = (period(plant, devices, split.train_until) for period in (visit_period, onset_period))
    return Case(
        plant,
        table,
        split,
        soon,
        later,
        own,
        [all_columns(table, each, visits) for each in own],
        [telemetry_columns(table, each, onsets) for each in own],
    )


def labels(plant: Plant, table: PlantTable, after_h: int, until_h: int) -> NDArray[np.int8]:
    """Return whether each component fails in (t + after_h, t + until_h].

    Shape: (components, machines, moments); values are those of models.labels.
    """
    shape = (len(table.devices), len(table.until))
    rows = pl.DataFrame(
        {
            "device_id": np.repeat(table.devices, shape[1]),
            "until": np.tile(table.until + after_h * HOUR_MS, shape[0]),
        }
    )
    nothing = plant.failures.clear().select("device_id", "ts")
    found = []
    for component in plant.components:
        own = plant.failures.filter(pl.col("fault") == component)
        repairs = own.select("device_id", opened="ts", ended="ts")
        told = label(rows, repairs, nothing, (until_h - after_h) * HOUR_MS, plant.end)
        found.append(told.value.reshape(shape))
    return np.stack(found)


def _soon(case: Case, columns: list[list[Table]], seed: int) -> Judged:
    """Fit, calibrate and choose thresholds on later days, then test; one model for all components."""
    until, split = case.table.until, case.split
    training = split.training(until, DAY_MS)
    fit = training & (until + DAY_MS <= split.threshold_from())
    choose = training & (until > split.threshold_from())
    trees = fit_trees(*_examples(columns, case.soon, _thinned(fit, case.soon)), _SETTINGS, seed)
    model = calibrate(trees, *_examples(columns, case.soon, choose))
    thresholds = [expected_f1_threshold(risk_of(model, flat(each, choose))) for each in columns]
    return _tested(case, columns, case.soon, model, thresholds)


def _later(case: Case, seed: int) -> Judged:
    rows = case.split.training(case.table.until, 3 * DAY_MS)
    model = fit_trees(*_examples(case.with_log, case.later, _thinned(rows, case.later)), _SETTINGS, seed)
    return _tested(case, case.with_log, case.later, model, None)


def _tested(
    case: Case,
    columns: list[list[Table]],
    value: NDArray[np.int8],
    model: Any,
    thresholds: list[float] | None,
) -> Judged:
    rows = case.split.test[:, None] & (case.table.until >= case.split.test_from) & (value[0] != UNKNOWN)
    truth = [one[rows] == POSITIVE for one in value]
    risk = [risk_of(model, flat(each, rows)) for each in columns]
    machine = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)[rows]
    return Judged(list(case.plant.components), truth, risk, thresholds, machine, rows)


def _thinned(rows: Bools, value: NDArray[np.int8]) -> Bools:
    """Return rows with a failure ahead of any component, and one in a few of the others, staggered."""
    staggered = np.add.outer(np.arange(rows.shape[0]), np.arange(rows.shape[1])) % _KEEP_ONE_IN == 0
    kept: Bools = rows & (staggered | (value == POSITIVE).any(axis=0))
    return kept


def _examples(
    columns: list[list[Table]], value: NDArray[np.int8], rows: Bools
) -> tuple[NDArray[np.float32], Bools]:
    """Return the rows of all components, one under the other, and whether each is positive."""
    features = np.concatenate([flat(each, rows) for each in columns])
    return features, np.concatenate([one[rows] == POSITIVE for one in value])
