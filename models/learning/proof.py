"""Proof: whether a model knows more than how often its fault comes, by a bound that a bootstrap supports.

A model that ranks no better than chance, or at the top of whose list the fault comes no more often than
elsewhere, is worse than none: it tops lists with devices that are in order. So a first model does not go
live before it is better on held-out rows, with 95 % of a bootstrap that draws whole devices: rows of one
device resemble each other.
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
CHANCE = 0.5
TOP = 0.1
"""What stands at the top of a list: this share of the rows."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How far a model is better than chance: `auc` and `lift`, each with its lower bound.

    `auc` is the area under the ROC curve, .5 for chance; `lift` how many times as often as in all rows the
    fault comes in the riskiest TOP of them, 1 for the base rate.
    """

    auc: float
    auc_low: float
    lift: float
    lift_low: float

    @property
    def proved(self) -> bool:
        """Whether both lower bounds are better than chance."""
        return self.auc_low > CHANCE and self.lift_low > 1

    @property
    def text(self) -> Text:
        """Return the finding in words."""
        auc = f"ROC-AUC {self.auc:.2f} (≥ {self.auc_low:.2f})"
        lift = f"{self.lift:.1f} (≥ {self.lift_low:.1f})"
        en = (
            f"{auc}, and in the riskiest tenth the fault comes {lift} times as often as in all rows "
            "(in brackets what 95 % of the bootstrap reach)"
        )
        zh = f"{auc}，风险最高的十分之一中故障发生率为总体的 {lift} 倍（括号内为自助法 95 % 下限）"
        if self.proved:
            return Text(f"better than chance on held-out rows: {en}", f"在留出数据上优于随机：{zh}")
        return Text(
            f"not proved to be better than chance on held-out rows: {en}; "
            "the anomaly score speaks for this fault",
            f"尚未证实在留出数据上优于随机：{zh}；该故障由异常评分代为预警",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready, as a model's card keeps it."""
        figures = {name: round(getattr(self, name), 4) for name in self.__slots__}
        return figures | {"proved": self.proved, "text": {"en": self.text.en, "zh": self.text.zh}}


def prove(truth: Bools, risk: Floats, devices: Ints, seed: int = 0) -> Proof:
    """Judge risks of held-out rows; both classes must be among the rows. Shapes: (rows,).

    Drawn fleets in which no row has the fault, or every one has, say nothing and are left out.
    """
    _, place = np.unique(devices, return_inverse=True)
    count = int(place.max()) + 1
    drawn = np.random.default_rng(seed).integers(0, count, size=(_ROUNDS, count))
    times = np.stack([np.ones(count), *(np.bincount(each, minlength=count) for each in drawn)])
    level = _levels(risk)
    positive, negative = (times @ _by_level(place[of], level[of], count) for of in (truth, ~truth))
    areas, lifts = _areas(positive, negative), _lifts(positive, negative)
    known = np.isfinite(areas[1:])
    lows = [float(np.quantile(each[1:][known], _DOUBT)) if known.any() else 0.0 for each in (areas, lifts)]
    return Proof(float(areas[0]), lows[0], float(lifts[0]), lows[1])


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


def _lifts(positive: Floats, negative: Floats) -> Floats:
    """Return how many times the base rate the highest TOP of rows have; a level may be parted."""
    found = np.full(len(positive), np.nan)
    for row, (true, false) in enumerate(zip(positive[:, ::-1], negative[:, ::-1], strict=True)):
        rows = np.cumsum(true + false)
        if true.sum():
            within = np.interp(TOP * rows[-1], [0.0, *rows], [0.0, *np.cumsum(true)])
            found[row] = within / true.sum() / TOP
    return found
