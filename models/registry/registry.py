"""The registry: trained models as skops files with their cards, checked before they are believed."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fleet.errors import ModelRejected
from fleet.faults import FAULTS
from fleet.principals import schedule
from models.features.definitions import Feature, digest, features_of
from models.features.windows import Floats
from models.learning.costs import CostCurve
from models.learning.life import TRUSTED_TYPES as LIFE_TYPES
from models.learning.life import LifeModel
from models.learning.settings import Costs
from models.learning.training import risk_of
from models.registry.files import FolderFiles, ModelFiles
from storage.records.database import DeskDatabase
from storage.records.model_cards import (
    CHALLENGER,
    CHAMPION,
    UNPROVEN,
    Deed,
    ModelCard,
    cards,
    enter,
    in_use,
    promote,
    retire,
    roll_back,
)

log = logging.getLogger(__name__)

RISK, LIFE = "risk", "life"
TRUSTED_TYPES = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    *LIFE_TYPES,
)
"""What a model file may hold beyond what skops itself trusts."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that passed every check. `features` are its columns, in order."""

    card: ModelCard
    features: tuple[Feature, ...]
    classifier: Any
    life: LifeModel | None = None
    """The remaining life, where the fault is a wear and enough lives were known."""

    @property
    def booster(self) -> Any:
        """The trees under the calibration."""
        return self.classifier.calibrated_classifiers_[0].estimator.estimator

    def risk(self, matrix: Floats) -> Floats:
        """Return the calibrated risk of each row. Shape: (rows,)."""
        return risk_of(self.classifier, matrix) if len(matrix) else np.empty(0)


class ModelRegistry:
    """Model files, in a folder or wherever `files` puts them, and their cards in the desk database.

    Keeps the newest `keep` of each fault and those in use.

    `problems` says, one sentence each, which models in use the last `load` refused. Where `costs` are others
    than a model was trained with, its threshold is chosen anew on the cost curve of its card.
    """

    def __init__(
        self, desk: DeskDatabase, files: ModelFiles | Path, keep: int = 4, costs: Costs | None = None
    ) -> None:
        self._desk = desk
        self._files: ModelFiles = FolderFiles(files) if isinstance(files, Path) else files
        self._keep = keep
        self._costs = costs
        self.problems: tuple[str, ...] = ()

    def save(
        self,
        fault: str,
        classifier: Any,
        threshold: float,
        created: int,
        details: dict[str, Any],
        life: LifeModel | None = None,
    ) -> ModelCard:
        """Write and register a model: as challenger where the fault has a sound champion, else as champion.

        Without a champion a model whose `details` hold a proof (models.learning.proof) that fails is
        UNPROVEN: it is kept and scores nothing, and a champion that cannot be used retires.

        One file holds the classifier and, where there is one, the remaining `life` beside it.

        A newer challenger displaces the one before. A crash leaves what was there, or the new one.
        """
        from sklearn import __version__
        from skops import io

        body = io.dumps(classifier if life is None else {RISK: classifier, LIFE: dict(life.parts)})
        sha256 = hashlib.sha256(body).hexdigest()
        name = f"{fault}-{created}-{sha256[:8]}"
        path = f"{fault}/{name}.skops"
        self._files.write(path, body)
        unsound = self._why_no_champion(fault)
        state, why = _place(unsound, details.get("proof"))
        card = ModelCard(
            name,
            fault,
            created,
            state,
            path,
            sha256,
            digest(features_of(fault)),
            threshold,
            details | {"scikit_learn": __version__},
        )
        if state == UNPROVEN:
            self._retire_unusable(fault, created, unsound)
        for dropped in enter(self._desk, card, Deed(schedule("training"), created, why), self._keep):
            self._files.drop(dropped.path)
        return card

    def _retire_unusable(self, fault: str, at: int, why: str | None) -> None:
        """Let a champion rest that cannot be used, so that nobody waits for what it says."""
        for card in cards(self._desk, fault):
            if card.state == CHAMPION:
                retire(
                    self._desk, card.id, Deed(schedule("training"), at, f"{why}; its successor is not proved")
                )

    def _why_no_champion(self, fault: str) -> str | None:
        """Return why a fault has no champion that can be used; None when it has one."""
        held = [card for card in cards(self._desk, fault) if card.state == CHAMPION]
        if not held:
            return "the first model of its fault"
        try:
            self.open(held[0])
        except ModelRejected as error:
            return f"the champion cannot be used: {error}"
        return None

    def promote(self, model: str, deed: Deed) -> ModelCard:
        """Make a stored model the champion. Raises ModelRejected when it is not sound, NotFound, Conflict."""
        for card in cards(self._desk):
            if card.id == model:
                self.open(card)
        return promote(self._desk, model, deed)

    def roll_back(self, fault: str, deed: Deed) -> tuple[ModelCard, ModelCard]:
        """Make the champion before this one the champion again; return (it, the one withdrawn).

        Raises NotFound or Conflict when there is none to go back to.
        """
        return roll_back(self._desk, fault, deed)

    def in_use(self) -> frozenset[tuple[str, str]]:
        """Return (id, state) of the models that should be in use: champions and challengers."""
        return in_use(self._desk)

    def champions(self) -> frozenset[str]:
        """Return the ids of the models whose risks count."""
        return frozenset(model for model, state in self.in_use() if state == CHAMPION)

    def trouble(self, card: ModelCard) -> str | None:
        """Return what is wrong with a model, None when it can be used."""
        try:
            self.open(card)
        except ModelRejected as error:
            return str(error)
        return None

    def mismatch(self, card: ModelCard) -> str | None:
        """Return why a model's file is not what was registered, without decoding it; None when it is."""
        try:
            self._verified(card)
        except ModelRejected as error:
            return str(error)
        return None

    def load(self) -> dict[str, LoadedModel]:
        """Return the model to use for each fault: its champion, or the last before it that is sound.

        A refused champion is logged and listed in `problems`. A fault without a champion is not predicted:
        its challenger has yet to prove itself.
        """
        by_fault: dict[str, list[ModelCard]] = {}
        for card in cards(self._desk):
            by_fault.setdefault(card.fault, []).append(card)
        by_fault = {fault: each for fault, each in by_fault.items() if each[0].state == CHAMPION}
        problems: list[str] = []
        found = {fault: self._first_sound(fault, each, problems) for fault, each in by_fault.items()}
        self.problems = tuple(problems)
        return {fault: model for fault, model in found.items() if model is not None}

    def load_challengers(self) -> dict[str, LoadedModel]:
        """Return the challenger of each fault that has one; one that is not sound is logged and left out."""
        found, refused = {}, []
        for card in cards(self._desk):
            if card.state != CHALLENGER:
                continue
            try:
                found[card.fault] = self.open(card)
            except ModelRejected as error:
                refused.append(f"{error}; it does not score beside the champion")
        for problem in refused:
            log.error(problem)
        self.problems += tuple(refused)
        return found

    def _first_sound(
        self, fault: str, candidates: Sequence[ModelCard], problems: list[str]
    ) -> LoadedModel | None:
        refused = []
        for card in candidates:
            try:
                model = self.open(card)
            except ModelRejected as error:
                refused.append(str(error))
                continue
            break
        else:
            model = None
        if refused:
            instead = f"{model.card.id} is used instead" if model else f"{fault} is not predicted"
            problems.append(f"{'; '.join(refused)}; {instead}")
            log.error(problems[-1])
        return model

    def open(self, card: ModelCard) -> LoadedModel:
        """Load one model. Raises ModelRejected when anything about its file is not as its card says."""
        features = features_of(card.fault)
        classifier, life = _decode(card, self._verified(card))
        if getattr(classifier, "n_features_in_", None) != len(features):
            raise ModelRejected(f"model file {card.path} takes another number of features")
        if life is not None and life.features != {len(features)}:
            raise ModelRejected(f"model file {card.path} takes another number of features for remaining life")
        return LoadedModel(self._priced(card), features, classifier, life)

    def _verified(self, card: ModelCard) -> bytes:
        """Return a model's file. Raises ModelRejected when it is not what the card says."""
        if card.fault not in FAULTS:
            raise ModelRejected(f"model {card.id} is of {card.fault}, which the catalogue no longer has")
        if digest(features_of(card.fault)) != card.features_sha256:
            raise ModelRejected(f"model {card.id} was trained on other features than this version computes")
        body = self._files.read(card.path)
        if hashlib.sha256(body).hexdigest() != card.sha256:
            raise ModelRejected(
                f"model file {card.path} is not the one that was registered (SHA-256 differs)"
            )
        return body

    def _priced(self, card: ModelCard) -> ModelCard:
        """Return the card with the threshold that present costs want."""
        trained, curve, fault = card.details.get("costs"), card.details.get("curve"), FAULTS.get(card.fault)
        if self._costs is None or not trained or not curve or fault is None:
            return card
        act, wait = self._costs.act(fault), self._costs.wait(fault)
        if act * trained["wait"] == wait * trained["act"]:  # only ratios matter
            return card
        return replace(card, threshold=CostCurve.from_dict(curve).best(act, wait))


def _place(no_champion: str | None, proof: dict[str, Any] | None) -> tuple[str, str]:
    """Return the state of a new model and why; `no_champion` says why its fault has none that can be used."""
    if no_champion is None:
        return CHALLENGER, "registered; to prove itself beside the champion"
    if proof is not None and not proof["proved"]:
        return UNPROVEN, str(proof["text"]["en"])
    return CHAMPION, no_champion


def _decode(card: ModelCard, body: bytes) -> tuple[Any, LifeModel | None]:
    from sklearn import __version__
    from sklearn.calibration import CalibratedClassifierCV
    from skops import io

    written = str(card.details.get("scikit_learn"))
    if written != __version__:
        raise ModelRejected(f"model {card.id} was written by scikit-learn {written}, this is {__version__}")
    try:
        foreign = sorted(set(io.get_untrusted_types(data=body)) - set(TRUSTED_TYPES))
        held = None if foreign else io.loads(body, trusted=list(TRUSTED_TYPES))
    except Exception as error:  # a damaged archive fails in many ways, all of which mean the same
        raise ModelRejected(f"model file {card.path} cannot be decoded: {error}") from error
    if foreign:
        raise ModelRejected(f"model file {card.path} holds types that are not trusted: {', '.join(foreign)}")
    classifier, life = (held.get(RISK), held.get(LIFE)) if isinstance(held, dict) else (held, None)
    if not isinstance(classifier, CalibratedClassifierCV):
        raise ModelRejected(f"model file {card.path} holds a {type(classifier).__name__}, not a classifier")
    return classifier, _life_of(card, life)


def _life_of(card: ModelCard, parts: Any) -> LifeModel | None:
    """Return the remaining life beside a risk; none where an older version wrote it."""
    if parts is None or set(parts) >= LifeModel.PARTS:
        return None if parts is None else LifeModel(parts)
    log.warning("model %s tells no remaining life until trained anew: an older version wrote it", card.id)
    return None
