"""What training cannot do it says, and the last good model goes on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers.fresh_desk import fresh_desk
from helpers.models import END, examples

from fleet.clock import DAY_MS, ManualClock
from fleet.errors import WorkersUnavailable
from models.features.definitions import features_of
from models.learning.pipeline import Fit, fit_fault, register
from models.learning.settings import TrainingSettings
from models.registry.registry import ModelRegistry
from storage.records.database import DeskDatabase
from storage.records.model_cards import cards

FAULT = "brush_jam"
SETTINGS = TrainingSettings(trees=8)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskDatabase]:
    database = fresh_desk(tmp_path / "desk.sqlite")
    yield database
    database.close()


def fit(devices: int = 40, days: int = 60, silent: int = 0) -> Fit:
    rows = examples(FAULT, devices, days)
    rows.features[:, 1 : 1 + silent] = np.nan
    return fit_fault(FAULT, rows, pl.Series(["CR-200"] * len(rows.until)), SETTINGS, 3)


@pytest.mark.parametrize(
    ("small", "says"),
    [
        (fit(devices=4), "20 are needed|3 are needed"),
        (fit(days=4), "history is shorter than twice its horizon of 2 days"),
    ],
)
def test_too_little_to_learn_from_leaves_the_champion_and_says_why(
    desk: DeskDatabase, tmp_path: Path, small: Fit, says: str
) -> None:
    registry = ModelRegistry(desk, tmp_path / "models")
    good = register(fit(), registry, ManualClock(END))
    again = register(small, registry, ManualClock(END + DAY_MS))
    assert (good.state, again.state, again.model) == ("champion", None, None)
    assert again.message.startswith(f"{FAULT}: ")
    assert any(text in again.message for text in says.split("|"))
    assert [card.id for card in cards(desk)] == [good.model]
    assert registry.load()[FAULT].card.id == good.model


def test_a_second_training_is_a_challenger(desk: DeskDatabase, tmp_path: Path) -> None:
    registry = ModelRegistry(desk, tmp_path / "models")
    first = register(fit(), registry, ManualClock(END))
    second = register(fit(), registry, ManualClock(END + DAY_MS))
    assert (first.state, second.state) == ("champion", "challenger")
    assert registry.load()[FAULT].card.id == first.model


def test_a_signal_that_never_arrives_is_named_and_the_model_does_without(
    desk: DeskDatabase, tmp_path: Path
) -> None:
    made = fit(silent=3)
    silent = [feature.name for feature in features_of(FAULT)[1:4]]
    assert made.details["silent"] == silent
    assert "3 features were never known" in made.message
    registry = ModelRegistry(desk, tmp_path / "models")
    register(made, registry, ManualClock(END))
    matrix = np.random.default_rng(0).normal(size=(20, len(features_of(FAULT))))
    without = matrix.copy()
    without[:, 1:4] = np.nan
    np.testing.assert_array_equal(registry.load()[FAULT].risk(matrix), registry.load()[FAULT].risk(without))


def test_a_worker_of_another_version_registers_nothing(desk: DeskDatabase, tmp_path: Path) -> None:
    made = fit()
    other = replace(made, details=made.details | {"versions": made.details["versions"] | {"numpy": "1.0"}})
    with pytest.raises(WorkersUnavailable, match=r"other versions than this process: numpy 1\.0 \(here"):
        register(other, ModelRegistry(desk, tmp_path / "models"), ManualClock(END))
    assert cards(desk) == []
