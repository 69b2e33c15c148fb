"""A first model goes live only if it is better than chance by a bound; else the card says why."""

from pathlib import Path

import numpy as np
import pytest
from helpers.fresh_desk import fresh_desk
from helpers.models import trained

from fleet.principals import person
from models.learning.proof import prove
from models.registry.registry import ModelRegistry
from storage.records.model_cards import CHALLENGER, CHAMPION, RETIRED, UNPROVEN, Deed, cards

FAULT = "brush_jam"
NO_SKILL = {"proved": False, "text": {"en": "not proved to be better than chance", "zh": "尚未证实"}}


def rows(
    skill: float, devices: int = 60, each: int = 60, seed: int = 3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth, risk and devices: each third device fails; calibrated risks of so much skill."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(devices), each)
    truth = (owner % 3 == 0) & (np.tile(np.arange(each), devices) > each - 15)
    odds = skill * (truth + 0.5 * rng.normal(size=len(owner))) + np.repeat(rng.normal(0, 0.3, devices), each)
    odds += np.log(truth.mean() / (1 - truth.mean())) - skill * 0.1
    return truth, 1 / (1 + np.exp(-odds)), owner


def test_a_model_that_knows_something_is_proved() -> None:
    found = prove(*rows(3.0))
    assert found.proved
    assert 0.5 < found.auc_low < found.auc <= 1.0
    assert 1.0 < found.lift_low < found.lift <= 10.0
    assert found.text.en.startswith("better than chance")


@pytest.mark.parametrize("skill", [0.0, -1.0])
def test_a_model_that_is_no_better_than_chance_is_not(skill: float) -> None:
    found = prove(*rows(skill))
    assert not found.proved
    assert "anomaly score speaks" in found.text.en
    assert "异常评分" in found.text.zh


def test_the_area_is_that_of_sklearn() -> None:
    from sklearn.metrics import roc_auc_score

    truth, risk, owner = rows(2.0)
    assert prove(truth, risk, owner).auc == pytest.approx(roc_auc_score(truth, risk), abs=0.005)


def test_two_failing_devices_prove_nothing_however_well_they_are_ranked() -> None:
    truth, risk, owner = rows(0.4, devices=6, each=30)
    assert not prove(truth, risk, owner).proved


def test_a_model_of_known_skill_carries_its_proof_on_its_card() -> None:
    _, details = trained(FAULT)
    assert details["proof"]["proved"] is True
    assert details["proof"]["auc_low"] > 0.5


def test_a_first_model_without_proof_scores_nothing_and_a_proved_one_takes_the_place(tmp_path: Path) -> None:
    desk = fresh_desk(tmp_path / "desk.sqlite")
    registry = ModelRegistry(desk, tmp_path / "models")
    result, details = trained(FAULT)

    def save(at: int, proof: dict[str, object]) -> str:
        return registry.save(FAULT, result.classifier, 0.4, at, details | {"proof": proof}).state

    assert save(1, NO_SKILL) == UNPROVEN
    assert registry.load() == {}
    assert registry.load_challengers() == {}
    assert save(2, details["proof"]) == CHAMPION
    assert save(3, NO_SKILL) == CHALLENGER  # it has its trial to pass before it counts
    assert [card.state for card in cards(desk)] == [CHAMPION, CHALLENGER, UNPROVEN]
    desk.close()


def test_a_champion_that_this_version_cannot_use_retires_when_its_successor_is_not_proved(
    tmp_path: Path,
) -> None:
    desk = fresh_desk(tmp_path / "desk.sqlite")
    registry = ModelRegistry(desk, tmp_path / "models")
    result, details = trained(FAULT)
    old = registry.save(FAULT, result.classifier, 0.4, 1, details)
    (tmp_path / "models" / old.path).write_bytes(b"another")
    registry.save(FAULT, result.classifier, 0.4, 2, details | {"proof": NO_SKILL})
    assert {card.created: card.state for card in cards(desk)} == {1: RETIRED, 2: UNPROVEN}
    assert registry.load() == {}
    assert registry.problems == ()
    registry.promote(cards(desk)[-1].id, Deed(person("li.wei"), 3, "by hand"))  # a person may know better
    assert set(registry.load()) == {FAULT}
    desk.close()
