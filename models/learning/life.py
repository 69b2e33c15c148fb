"""Remaining life: p10, p50 and p90 of how long a part or a whole unit still has, and the life to be expected.

One model for robots in days and run hours, for engines in cycles, for filters in seconds. First quantile
trees say of which rows an end is in sight at all; most parts of a fleet have none. Of the others a blend of
regressions says how long is left, weighted by how well each did on devices left out of fitting. The band
around it is conformalised quantile regression (Romano, Patterson, Candès, "Conformalized quantile
regression", NeurIPS 2019): quantile trees of how far devices left out were from what was expected, widened by
what others showed, in shares of their own width and by how long is left, so that it may be narrow near an
end. What was learned on folds is weights and widths; whoever asks gets members fitted to all devices, which
are hardly better than those of all but one of many folds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.features.windows import Floats, Ints
from models.learning.life_members import (
    HIGH,
    LOW,
    MIDDLE,
    LifeSettings,
    blend_weights,
    filled,
    fitted_band,
    fitted_gate,
    fitted_members,
    said_by,
    weighted_quantile,
)
from models.learning.lives import Lives

LEAST_LIVES = 6
"""Fewer ends of lives than this say too little about how lives differ."""
ENOUGH_LIVES = 50
"""Of fewer a forest alone is made: weights of a blend would be learned by heart. At 34 real filters the blend
missed by 10.0 s and the forest by 9.1 s (seed 0), for a quarter of the time."""
LEAST_JUDGED = 20
LEAST_ROWS = 500
"""So many rows are not thinned, however few lives they are of."""
_BEYOND = 2.0
"""A life that did not end within the cap stands so many times above it: of two models of which one sees an
end and the other none, the mean is then none, and not an end just below the cap."""
_ASKED = 1.5
"""Beyond so many times the cap no end is in sight, and nothing is asked but that."""
_OFTEN = 0.25
"""Where such a share of rows ends within the cap, an end is the usual case and everyone is asked."""
_BINS = 4
_LEAST_WIDTH = 0.2
"""A band counts as no narrower than this share of the usual one: of a width of nothing no share is enough."""
TRUSTED_TYPES = (
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn._loss._loss.CyPinballLoss",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss.loss.PinballLoss",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
"""What a file of such a model may hold beyond what skops itself trusts."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LifeEstimate:
    """Remaining life by unit of time, never negative.

    `bands` (rows, 3): p10 <= p50 <= p90; `expected` (rows,): the estimate of least squared error. `cap` is
    that of the first unit: a p50 there says no more than that the part lasts longer, and where no end is in
    sight at all everything else but the expected life, which then is the cap, is NaN.
    """

    bands: Mapping[str, Floats]
    expected: Mapping[str, Floats]
    cap: float

    @property
    def first(self) -> str:
        """The unit that decides whether an end is in sight."""
        return next(iter(self.bands))

    @property
    def told(self) -> Bools:
        """Of which rows an end is in sight: their p50 is below the cap. Shape: (rows,)."""
        return np.asarray(self.bands[self.first][:, 1] < self.cap)


@dataclass(frozen=True)
class LifeModel:
    """A model of lives. `parts` are plain containers, numbers and estimators, as its file holds them.

    `gate`: of either half of the devices the trees that see an end, none where all are asked; by unit in
    `units`: `members` and their `weights`, trees of the edges of the `band`, `shift` of the p50, and
    `stretch` of the band at `middles`.
    """

    PARTS: ClassVar[frozenset[str]] = frozenset(("cap", "gate", "units"))
    parts: Mapping[str, Any]

    @property
    def features(self) -> set[int]:
        """How many features its estimators take: one number, if the file is sound."""
        every = list(self.parts["gate"])
        for unit in self.parts["units"].values():
            every += unit["members"]
        return {int(each.n_features_in_) for each in every}

    def estimate(self, features: Floats) -> LifeEstimate:
        """Return the estimate for each row. Shape of `features`: (rows, features)."""
        cap, names = float(self.parts["cap"]), list(self.parts["units"])
        bands = {name: np.full((len(features), 3), np.nan) for name in names}
        expected = {name: np.full(len(features), np.nan) for name in names}
        bands[names[0]][:, 1] = expected[names[0]][:] = cap
        gate = self._gate(features)
        asked = np.flatnonzero(gate < _ASKED * cap)
        if len(asked):
            own = filled(features[asked])
            for name in names:
                told = _told(self.parts["units"][name], own, gate[asked])
                bands[name][asked], expected[name][asked] = told
            bands[names[0]][asked[gate[asked] >= cap], 1:] = cap
        return LifeEstimate(bands, expected, cap)

    def _gate(self, features: Floats) -> Floats:
        """Return the median life of rows as both halves see it, or as the first does where it sees no end.

        Of most parts of a fleet there is none: what is asked of all of them is asked of one half.
        """
        halves = self.parts["gate"]
        if not halves or not len(features):
            return np.zeros(len(features))
        found = np.asarray(halves[0].predict(features))
        seen = np.flatnonzero(found < _ASKED * float(self.parts["cap"]))
        if len(seen):
            found[seen] = (found[seen] + halves[1].predict(features[seen])) / 2
        return found


def fit_life(
    features: Floats, lives: Lives, seed: int, settings: LifeSettings | None = None
) -> LifeModel | str:
    """Learn from rows (rows, features) what became of them; return a sentence where there is too little.

    The same rows and seed give the same model.
    """
    settings = settings or LifeSettings()
    rows, weight = _chosen(lives, settings)
    ends = lives.ends(rows)
    if ends < LEAST_LIVES:
        return f"only {ends} ends of lives; {LEAST_LIVES} are needed"
    if (lives.devices[rows] == lives.devices[rows][0]).all():
        return "all lives are of one device: nothing tells how those of others differ"
    if ends < ENOUGH_LIVES:
        settings = replace(settings, boosted_trees=0, kernel_rows=0)
    learner = _Learner(features[rows], lives, rows, weight, settings, seed)
    trees, gate = learner.gate()
    seen = np.flatnonzero(gate < _ASKED * lives.cap)
    judged = int((gate < lives.cap).sum())
    if judged < LEAST_JUDGED or any(not (fold[seen].any() and (~fold[seen]).any()) for fold in learner.folds):
        return f"only {judged} rows with an end in sight; {LEAST_JUDGED} are needed"
    units = {name: learner.unit(name, gate, seen) for name in lives.left}
    return LifeModel({"cap": lives.cap, "gate": trees, "units": units})


def coverage(told: LifeEstimate, lives: Lives) -> dict[str, float]:
    """Return which share of true lives lies between p10 and p90, by unit, and of how many rows that is.

    Of rows with an end in sight and a known life, weighted for those that history ended before.
    """
    rows = np.flatnonzero(told.told & lives.known)
    found = {"rows": float(len(rows))}
    for unit, band in told.bands.items():
        life, weight = lives.left[unit][rows], lives.weight[rows]
        inside = (band[rows, 0] <= life) & (life <= band[rows, 2])
        found[f"coverage_{unit}"] = float((inside * weight).sum() / weight.sum()) if len(rows) else np.nan
    return found


class _Learner:
    """Fits models, and finds by folds what they are worth on devices that they were not fitted to."""

    def __init__(
        self, features: Floats, lives: Lives, rows: Ints, weight: Floats, settings: LifeSettings, seed: int
    ) -> None:
        self._features, self._weight, self._settings, self._seed = features, weight, settings, seed
        self._cap, self._ended = lives.cap, lives.ended[rows]
        self._left = {name: left[rows] for name, left in lives.left.items()}
        self.folds = _folds(lives.devices[rows], self._ended, settings.folds, seed)

    def gate(self) -> tuple[list[Any], Floats]:
        """Return the trees of both halves, and the median life of each row as those of the other half see it.

        None and 0 where all are asked.
        """
        trees: list[Any] = []
        found = np.zeros(len(self._features))
        if np.average(self._ended, weights=self._weight) >= _OFTEN:
            return trees, found
        life = next(iter(self._left.values()))
        beyond = np.where(self._ended, life, _BEYOND * life)
        for out in (np.any(self.folds[half::2], axis=0) for half in (0, 1)):
            trees.append(fitted_gate(self._features[~out], beyond[~out], self._weight[~out], self._seed))
            found[out] = trees[-1].predict(self._features[out])
        return trees, found

    def unit(self, name: str, gate: Floats, seen: Ints) -> dict[str, Any]:
        """Return what is learned of one unit of time, from the rows `seen`."""
        weight, life = self._weight[seen], self._left[name][seen]
        most = self._cap if name == next(iter(self._left)) else np.inf
        scale = max(float(np.std(life)), 1e-9)
        centre = float(np.average(life, weights=weight))
        members, said = self._members(filled(self._features[seen]), (life - centre) / scale, weight, seen)
        said = centre + said * scale
        weights = blend_weights(said, life, weight, self._settings.least_weight)
        kept = np.flatnonzero(weights > 0)
        expected = np.clip(said[:, kept] @ weights[kept], 0.0, most)
        inside = gate[seen] < self._cap
        part = {
            "centre": centre,
            "scale": scale,
            "most": most,
            "members": [members[each] for each in kept],
            "weights": weights[kept].tolist(),
            "shift": weighted_quantile((life - expected)[inside], weight[inside], MIDDLE),
        }
        stands = _stands(expected, said[:, kept], gate[seen])
        open_end = ~self._ended[seen]
        beyond = np.where(open_end, _BEYOND * life, life)
        part["band"], edges = self._band(stands, beyond - expected, weight, seen)
        edges += expected[:, None]
        part["usual"] = weighted_quantile(_width(edges, most), weight, MIDDLE)
        off = _off(edges, life, open_end, most, float(part["usual"]))
        part["middles"], part["stretch"] = _stretches(off, expected, weight, inside)
        return part

    def _members(
        self, features: Floats, life: Floats, weight: Floats, seen: Ints
    ) -> tuple[list[Any], Floats]:
        """Return the members, and what those of other devices say of each row: (rows, members)."""
        found = np.zeros(0)
        for fold in self.folds:
            out = fold[seen]
            own = features[~out], life[~out], weight[~out]
            told = said_by(fitted_members(*own, self._settings, self._seed), features[out])
            found = found if len(found) else np.zeros((len(seen), told.shape[1]))
            found[out] = told
        return fitted_members(features, life, weight, self._settings, self._seed), found

    def _band(self, stands: Floats, off: Floats, weight: Floats, seen: Ints) -> tuple[list[Any], Floats]:
        """Return trees, and how far below and above what is expected those of others say: (rows, 2)."""
        edges = np.empty((len(seen), 2))
        for fold in self.folds:
            out = fold[seen]
            trees = fitted_band(stands[~out], off[~out], weight[~out], self._settings, self._seed)
            edges[out] = said_by(trees, stands[out])
        return fitted_band(stands, off, weight, self._settings, self._seed), edges


def _told(part: Mapping[str, Any], features: Floats, gate: Floats) -> tuple[Floats, Floats]:
    """Return p10, p50 and p90 (rows, 3), and the life to be expected (rows,)."""
    most = float(part["most"])
    said = part["centre"] + said_by(part["members"], features) * part["scale"]
    expected = np.clip(said @ np.array(part["weights"]), 0.0, most)
    stands = _stands(expected, said, gate)
    edges = said_by(part["band"], stands) + expected[:, None]
    stretch = np.interp(expected, part["middles"], part["stretch"])
    by = stretch * np.maximum(_width(edges, most), _LEAST_WIDTH * part["usual"])
    middle = np.clip(expected + part["shift"], 0.0, most)
    low = np.clip(np.minimum(edges[:, 0], most) - by, 0.0, middle)
    high = np.maximum(np.minimum(edges[:, 1] + by, most), middle)
    return np.stack([low, middle, high], axis=1), expected


def _stands(expected: Floats, said: Floats, gate: Floats) -> Floats:
    """Return what the width of a band is told from: the life expected, and what each member said."""
    return np.column_stack([expected, gate, said])


def _width(edges: Floats, most: float) -> Floats:
    return np.asarray(np.maximum(np.minimum(edges[:, 1], most) - np.minimum(edges[:, 0], most), 0.0))


def _off(edges: Floats, life: Floats, open_end: Bools, most: float, usual: float) -> Floats:
    """Return by how much of its width each band must be widened to hold its life; it could shrink below 0.

    A life that did not end before the cap is held by any band that reaches the cap.
    """
    width = np.maximum(_width(edges, most), _LEAST_WIDTH * usual)
    below = np.minimum(edges[:, 0], most) - life
    if np.isfinite(most):
        below = np.where(open_end, -np.inf, below)
    return np.asarray(np.maximum(below, life - edges[:, 1]) / width)


def _stretches(
    off: Floats, expected: Floats, weight: Floats, inside: Bools
) -> tuple[list[float], list[float]]:
    """Return by how much of their width bands are stretched, at expected lives from short to long.

    In bins of as many rows; rows at which the end is beyond the cap (not `inside`) are a bin of their own.
    No band is narrowed: the trees that it comes from were chosen by devices that its rows had taught, and
    lives that go on beyond the cap, which any band that reaches it holds, would narrow it for the others.
    """
    middles, stretch = [], []
    order = np.argsort(expected[inside], kind="stable")
    count = max(1, min(_BINS, len(order) // (2 * LEAST_JUDGED)))
    for rows in np.array_split(np.flatnonzero(inside)[order], count):
        middles.append(float(np.average(expected[rows], weights=weight[rows])))
        stretch.append(max(weighted_quantile(off[rows], weight[rows], HIGH - LOW), 0.0))
    outside = np.flatnonzero(~inside)
    middle = float(np.average(expected[outside], weights=weight[outside])) if len(outside) else 0.0
    if len(outside) >= LEAST_JUDGED and middle > middles[-1]:
        middles.append(middle)
        stretch.append(max(weighted_quantile(off[outside], weight[outside], HIGH - LOW), 0.0))
    return middles, stretch


def _chosen(lives: Lives, settings: LifeSettings) -> tuple[Ints, Floats]:
    """Return the rows to learn from and their weights: of those that ended and of others an even choice."""
    ended = np.flatnonzero(lives.known & lives.ended)
    others = np.flatnonzero(lives.known & ~lives.ended)
    most = min(settings.most_rows, max(settings.rows_a_life * lives.ends(ended), LEAST_ROWS))
    every = [max(1, -(-len(ended) // most)), max(1, -(-len(others) // settings.most_rows))]
    some = [rows[::step] for rows, step in zip((ended, others), every, strict=True)]
    weight = [lives.weight[rows] * step for rows, step in zip(some, every, strict=True)]
    return np.concatenate(some), np.concatenate(weight)


def _folds(devices: Ints, ended: Bools, count: int, seed: int) -> list[Bools]:
    """Return which rows each fold leaves out: devices dealt at random, those with ends first."""
    with_ends = np.unique(devices[ended])
    others = np.setdiff1d(devices, with_ends)
    count = min(count, len(np.unique(devices)))
    rng = np.random.default_rng(seed)
    dealt = np.concatenate([rng.permutation(with_ends), rng.permutation(others)])
    place = {device: order % count for order, device in enumerate(dealt.tolist())}
    own = np.array([place[device] for device in devices.tolist()])
    return [own == each for each in range(count)]
