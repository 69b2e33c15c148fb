"""Who comes first: an order of the devices, drawn at random within each site. Pure.

Each stage takes the next devices of one order, so that cohorts are nested and chance alone, not a person,
says who has the new firmware. That is also what makes the comparison valid (access/firmware/judging.py): what
did happen is compared with what would have been seen under other orders, drawn in the same way.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fleet.rollouts import Stage

Ints = NDArray[np.int64]
DRAWS = 1_999
"""Other orders that a roll-out is compared with."""
_AT_ONCE = 4_000_000


def order_of(sites: Sequence[str], seed: int) -> Ints:
    """Return the indices of the devices in the order of the offers. Shape: (devices,)."""
    drawn: Ints = _draw(_codes(sites), np.random.default_rng((seed, 0)), 1)[0]
    return drawn


def other_orders(sites: Sequence[str], seed: int, first: int, draws: int = DRAWS) -> Ints:
    """Return the first devices of orders that might have been drawn. Shape: (draws, first)."""
    codes, random = _codes(sites), np.random.default_rng((seed, 1))
    step = max(1, _AT_ONCE // max(1, len(codes)))
    parts = [_draw(codes, random, min(step, draws - at), first) for at in range(0, draws, step)]
    return np.concatenate(parts)


def sizes(devices: int, stages: Sequence[Stage]) -> list[int]:
    """Return how many devices have the firmware in each stage: at least one, and each more than before."""
    found: list[int] = []
    for stage in stages:
        least = (found[-1] if found else 0) + 1
        whole = devices if stage.share >= 1 else round(devices * stage.share)
        found.append(min(devices, max(least, whole)))
    return found


def _codes(sites: Sequence[str]) -> Ints:
    return np.unique(np.array(sites, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)


def _draw(codes: Ints, random: np.random.Generator, draws: int, first: int | None = None) -> Ints:
    """Draw orders in which every beginning holds about the same share of each site.

    Within a site the order is a shuffle; the n-th of its m devices stands at (n + u) / m, with one u in
    [0, 1) for each site: systematic sampling, Cochran, "Sampling techniques", 1977, section 8.
    """
    size = len(codes)
    if not size:
        return np.zeros((draws, 0), dtype=np.int64)
    counts = np.bincount(codes)
    shuffled = np.argsort(codes + random.random((draws, size)), axis=1)  # by site, within it at random
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]])
    of = np.repeat(np.arange(len(counts)), counts)
    rank = np.arange(size) - begins[of]
    place = (rank + random.random((draws, len(counts)))[:, of]) / counts[of]
    order = np.argsort(place, axis=1)[:, :first]
    return np.take_along_axis(shuffled, order, axis=1).astype(np.int64)
