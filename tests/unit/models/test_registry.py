"""The registry believes no file that is not exactly what was registered, and falls back to the one before."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.fresh_desk import fresh_desk
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from skops import io

from fleet.errors import Conflict, ModelRejected, NotFound
from fleet.principals import person
from models.features.definitions import features_of
from models.registry.registry import ModelRegistry
from storage.records.database import DeskDatabase
from storage.records.model_cards import Deed, cards, model_events

FAULT = "brush_jam"


def classifier(seed: int) -> CalibratedClassifierCV:
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(300, len(features_of(FAULT))))
    truth = matrix[:, 0] + rng.normal(size=300) > 1
    trees = HistGradientBoostingClassifier(max_iter=4, random_state=seed).fit(matrix, truth)
    return CalibratedClassifierCV(FrozenEstimator(trees), method="sigmoid").fit(matrix, truth)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskDatabase]:
    database = fresh_desk(tmp_path / "desk.sqlite")
    yield database
    database.close()


@pytest.fixture
def registry(desk: DeskDatabase, tmp_path: Path) -> ModelRegistry:
    made = ModelRegistry(desk, tmp_path / "models")
    made.save(FAULT, classifier(1), 0.3, 1, {})
    made.promote(made.save(FAULT, classifier(2), 0.3, 2, {}).id, Deed(person("li.wei"), 2, "better"))
    return made


def states(desk: DeskDatabase) -> dict[int, str]:
    return {card.created: card.state for card in cards(desk, FAULT)}


def newest(tmp_path: Path) -> Path:
    return max((tmp_path / "models" / FAULT).glob("*.skops"))


def test_a_model_comes_back_with_the_same_risks(
    registry: ModelRegistry, desk: DeskDatabase, tmp_path: Path
) -> None:
    matrix = np.random.default_rng(3).normal(size=(50, len(features_of(FAULT))))
    loaded = ModelRegistry(desk, tmp_path / "models").load()[FAULT]
    np.testing.assert_array_equal(loaded.risk(matrix), classifier(2).predict_proba(matrix)[:, 1])
    assert loaded.card.created == 2
    assert registry.champions() == {loaded.card.id}


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "one bit": lambda body: body[:500] + bytes([body[500] ^ 1]) + body[501:],
    "truncated": lambda body: body[: len(body) // 2],
    "empty": lambda body: b"",
    "foreign": lambda body: b"not a model",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_and_the_one_before_is_used(
    registry: ModelRegistry, tmp_path: Path, damage: str
) -> None:
    path = newest(tmp_path)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert registry.load()[FAULT].card.created == 1
    (problem,) = registry.problems
    assert "SHA-256" in problem
    assert "is used instead" in problem


def test_a_missing_file_and_no_other_leaves_the_fault_unpredicted(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    for path in (tmp_path / "models" / FAULT).glob("*.skops"):
        path.unlink()
    assert registry.load() == {}
    assert "is not predicted" in registry.problems[0]


def test_a_sound_file_of_another_type_is_refused(
    registry: ModelRegistry, desk: DeskDatabase, tmp_path: Path
) -> None:
    """Checksum and all: whoever can write both file and card still gets no type of their own loaded."""
    body = io.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    newest(tmp_path).write_bytes(body)
    card = replace(cards(desk, FAULT)[0], sha256=hashlib.sha256(body).hexdigest())
    with pytest.raises(ModelRejected, match="holds a LogisticRegression"):
        registry.open(card)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features_sha256": "0"}, "other features"),
        ({"path": "../desk.sqlite"}, "outside"),
        ({"details": {"scikit_learn": "0.1"}}, "scikit-learn 0.1"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    registry: ModelRegistry, desk: DeskDatabase, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ModelRejected, match=message):
        registry.open(replace(cards(desk, FAULT)[0], **change))  # type: ignore[arg-type]


def test_the_first_model_is_champion_and_later_ones_must_prove_themselves(
    registry: ModelRegistry, desk: DeskDatabase
) -> None:
    assert registry.save(FAULT, classifier(3), 0.3, 3, {}).state == "challenger"
    assert registry.load()[FAULT].card.created == 2
    assert registry.load_challengers()[FAULT].card.created == 3
    registry.save(FAULT, classifier(4), 0.3, 4, {})
    assert states(desk) == {2: "champion", 1: "retired", 4: "challenger", 3: "withdrawn"}


def test_a_model_takes_over_at_once_from_a_champion_that_cannot_be_used(
    registry: ModelRegistry, desk: DeskDatabase, tmp_path: Path
) -> None:
    newest(tmp_path).write_bytes(b"")
    assert registry.save(FAULT, classifier(3), 0.3, 3, {}).state == "champion"
    assert "SHA-256" in model_events(desk, registry.load()[FAULT].card.id)[0].reason
    assert registry.load()[FAULT].card.created == 3


def test_rolling_back_goes_to_the_champion_before_and_again_to_the_one_before_that(
    registry: ModelRegistry, desk: DeskDatabase
) -> None:
    registry.promote(registry.save(FAULT, classifier(3), 0.3, 3, {}).id, Deed(person("a"), 3, "b"))
    back, withdrawn = registry.roll_back(FAULT, Deed(person("li.wei"), 4, "too many visits for nothing"))
    assert (back.created, withdrawn.created) == (2, 3)
    assert registry.load()[FAULT].card.created == 2
    assert registry.roll_back(FAULT, Deed(person("li.wei"), 5, "worse still"))[0].created == 1
    with pytest.raises(Conflict, match="nothing to go back to"):
        registry.roll_back(FAULT, Deed(person("li.wei"), 6, "again"))
    with pytest.raises(NotFound, match="no champion"):
        registry.roll_back("water_leak", Deed(person("li.wei"), 6, "again"))
    last = model_events(desk, registry.load()[FAULT].card.id)[0]
    assert (last.principal.name, last.before, last.after, last.reason) == (
        "li.wei",
        "retired",
        "champion",
        "worse still",
    )


def test_a_damaged_model_is_not_promoted(registry: ModelRegistry, desk: DeskDatabase, tmp_path: Path) -> None:
    card = registry.save(FAULT, classifier(3), 0.3, 3, {})
    (tmp_path / "models" / card.path).write_bytes(b"other")
    with pytest.raises(ModelRejected, match="SHA-256"):
        registry.promote(card.id, Deed(person("a"), 3, "b"))
    assert states(desk)[3] == "challenger"
    assert registry.load_challengers() == {}
    assert "does not score beside" in registry.problems[0]


def test_the_newest_models_of_a_fault_are_kept_and_those_in_use_always(
    registry: ModelRegistry, desk: DeskDatabase, tmp_path: Path
) -> None:
    for created in (3, 4, 5, 6):
        registry.save(FAULT, classifier(created), 0.3, created, {})
    assert states(desk) == {2: "champion", 1: "retired", 6: "challenger", 5: "withdrawn"}
    assert len(list((tmp_path / "models" / FAULT).iterdir())) == 4
