"""Proof: whether a model knows more than how often its fault comes, by a bound that a bootstrap supports.

A model that ranks no better than chance, or whose risks tell less than the base rate does, is worse than
none: it tops lists with devices that are in order. So a first model does not go live before it is better on
held-out rows, with 95 % of a bootstrap that draws whole devices (rows of one device resemble each other).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.text import Text
from models.features.windows import Floats, Ints

Bools = NDArray[np.bool_]

_ROUNDS = 1_000
_DOUBT = 0.05
"""Of the drawn fleets so many may be worse than the bound."""
_LEVELS = 200
_FLOOR = 1e-6
CHANCE = 0.5


@dataclass(frozen=True, slots=True)
class Proof:
    """How far a model is better than chance: `auc` with its lower bound, and its `skill` with its own.

    `auc` is the area under the ROC curve, .5 for chance; `skill` the share of the log loss of the base rate
    that the model saves, 0 for none.
    """

    auc: float
    auc_low: float
    skill: float
    skill_low: float

    @property
    def proved(self) -> bool:
        """Whether both lower bounds are better than chance."""
        return self.auc_low > CHANCE and self.skill_low > 0

    @property
    def text(self) -> Text:
        """Return the finding in words."""
        auc = f"{self.auc:.2f} (≥ {self.auc_low:.2f})"
        skill = f"{100 * self.skill:.0f} % (≥ {100 * self.skill_low:.0f} %)"
        if self.proved:
            return Text(
                f"better than chance on held-out rows: ROC-AUC {auc}, {skill} of the base rate's loss saved",
                f"在留出数据上优于随机：ROC-AUC {auc}，比基准发生率节省 {skill} 的损失",
            )
        return Text(
            f"not proved to be better than chance on held-out rows: ROC-AUC {auc}, {skill} of the base "
            "rate's loss saved (in brackets what 95 % of the bootstrap reach); "
            "the anomaly score speaks for this fault",
            f"尚未证实优于随机：留出数据 ROC-AUC {auc}，比基准发生率节省 {skill} 的损失"
            "（括号内为自助法 95 % 下限）；该故障由异常评分代为预警",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready, as a model's card keeps it."""
        figures = {name: round(getattr(self, name), 4) for name in self.__slots__}
        return figures | {"proved": self.proved, "text": {"en": self.text.en, "zh": self.text.zh}}


def prove(truth: Bools, risk: Floats, devices: Ints, seed: int = 0) -> Proof:
    """Judge risks of held-out rows; both classes must be among the rows. Shapes: (rows,).

    Fleets in which no row has the fault, or every one has, cannot be drawn upon and are left out.
    """
    _, place = np.unique(devices, return_inverse=True)
    count = int(place.max()) + 1
    drawn = np.random.default_rng(seed).integers(0, count, size=(_ROUNDS, count))
    times = np.stack([np.bincount(each, minlength=count) for each in drawn]).astype(np.float64)
    everyone = np.ones((1, count))
    level = _levels(risk)
    positive, negative = (_by_level(place[of], level[of], count) for of in (truth, ~truth))
    base = float(truth.mean())
    losses = _log_loss(truth, risk), _log_loss(truth, np.full(len(risk), base))
    own, usual = (np.bincount(place, weights=each, minlength=count) for each in losses)
    areas = _areas(times @ positive, times @ negative)
    skills = 1 - (times @ own) / np.maximum(times @ usual, _FLOOR)
    known = np.isfinite(areas)
    return Proof(
        float(_areas(everyone @ positive, everyone @ negative)[0]),
        float(np.quantile(areas[known], _DOUBT)) if known.any() else 0.0,
        float(1 - own.sum() / max(float(usual.sum()), _FLOOR)),
        float(np.quantile(skills[known], _DOUBT)) if known.any() else -1.0,
    )


def _levels(risk: Floats) -> Ints:
    """Return for each risk the number of its level: equal risks share one, and there are some hundreds."""
    edges = np.unique(np.quantile(risk, np.linspace(0.0, 1.0, _LEVELS + 1)))
    return np.searchsorted(edges, risk, side="right").astype(np.int64)


def _by_level(place: Ints, level: Ints, devices: int) -> Floats:
    width = _LEVELS + 2
    return np.bincount(place * width + level, minlength=devices * width).reshape(devices, width).astype(float)


def _areas(positive: Floats, negative: Floats) -> Floats:
    """Return the area under each ROC curve; ties count half. Shapes: (curves, levels) to (curves,)."""
    below = np.cumsum(negative, axis=1) - negative
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    right = (positive * (below + 0.5 * negative)).sum(axis=1)
    return np.asarray(np.divide(right, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))


def _log_loss(truth: Bools, risk: Floats) -> Floats:
    sure = np.clip(risk, _FLOOR, 1 - _FLOOR)
    return np.asarray(-np.where(truth, np.log(sure), np.log1p(-sure)))
