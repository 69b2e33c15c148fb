"""How parts of a foreign fleet wear: what wears from when to when, and in which shape it shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SUDDEN = "sudden"
"""Wear that shows nothing before it fails."""


@dataclass(frozen=True, slots=True)
class Worn:
    """A part that wears from `begins` to its failure at `fails` (days since the start), in some `shape`."""

    device: str
    part: str
    begins: float
    fails: float
    shape: str


def shape_of(rng: np.random.Generator, share: Floats) -> tuple[str, Floats]:
    """Draw how wear grows over the share of its life, 0 before and 1 at its end; some show nothing."""
    share = np.clip(share, 0, 1)
    kind = str(
        rng.choice(["line", "power", "late", "steps", "wavers", SUDDEN], p=[0.2, 0.25, 0.2, 0.12, 0.1, 0.13])
    )
    return kind, np.asarray(_grown(rng, kind, share))


def _grown(rng: np.random.Generator, kind: str, share: Floats) -> Floats:
    if kind == "line":
        return share
    if kind == "power":
        return np.asarray(share ** rng.uniform(1.5, 3))
    if kind == "late":
        return np.asarray(np.expm1(4 * share) / np.expm1(4))
    if kind == "steps":
        count = rng.integers(2, 6)
        return np.asarray(np.floor(share * count) / count)
    if kind == "wavers":
        return np.asarray(share * (rng.random(len(share)) < 0.5))
    return np.zeros_like(share)
