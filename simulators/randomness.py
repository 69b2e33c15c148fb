"""Random numbers that depend only on what they are for, not on when they are drawn."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


def hashed_uniform(seed: int, stream: int, *keys: Ints) -> Floats:
    """Return uniforms in [0, 1) that are a pure function of seed, stream and broadcast integer keys.

    A work plan made this way is the same however the time axis is cut into steps. The mixer is splitmix64
    (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    """
    with np.errstate(over="ignore"):
        state = _mix(np.asarray([seed * 1_000_003 + stream], dtype=np.uint64) + _GOLDEN)
        for key in keys:
            state = _mix((state ^ key.astype(np.uint64)) + _GOLDEN)
    return np.asarray((state >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def save_generator(generator: np.random.Generator) -> dict[str, object]:
    """Return a generator's state, JSON-ready."""
    return dict(generator.bit_generator.state)


def load_generator(state: dict[str, object]) -> np.random.Generator:
    """Return the generator whose state was saved."""
    generator = np.random.default_rng(0)
    generator.bit_generator.state = state
    return generator
