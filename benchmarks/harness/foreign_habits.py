"""What happens to robots of a foreign fleet that is no wear: hard use, sway, other ways of reporting.

Drawn beside the fleet (benchmarks/harness/foreign_fleet.py): one without habits stays what it was.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Habits:
    """What is no wear, shape (devices, steps) each.

    `load` multiplies the load, `longer` are steps that are worked beyond the plan, `heard` tells what is sent
    at all, `errors` multiplies the odds of an error code, `sway` are slow swings of what sensors tell (mean
    0, spread about 1), of which each signal takes those of other devices and times, `swing` times its noise.
    """

    load: Floats
    longer: Bools
    heard: Bools
    errors: Floats
    sway: Floats
    swing: float

    def swung(self, rng: np.random.Generator) -> Floats:
        """Return the swings of one signal in units of its noise: some time of the sway, for each device."""
        devices, steps = self.sway.shape
        rows, shift = rng.permutation(devices), rng.integers(0, steps, devices)
        columns = (np.arange(steps)[None, :] + shift[:, None]) % steps
        return np.asarray(self.swing * self.sway[rows[:, None], columns])


def habits_of(seed: int, t_days: Floats, devices: int) -> Habits:
    """Draw the habits of a fleet; the same seed gives the same."""
    rng = np.random.default_rng((seed, 78))
    load, longer = _hard_use(rng, t_days, devices)
    heard, errors = _reporting(rng, t_days, devices)
    return Habits(load, longer, heard, errors, _sway(rng, t_days, devices), float(rng.uniform(0.2, 0.8)))


def _hard_use(rng: np.random.Generator, t_days: Floats, devices: int) -> tuple[Floats, Bools]:
    """Lend some robots to harder work for days or weeks; single days of all may be hard."""
    begin = rng.uniform(0, t_days[-1], (devices, 1))
    length = rng.uniform(3, 30, (devices, 1))
    lent = rng.random((devices, 1)) < rng.uniform(0.1, 0.35)
    during = lent & (t_days >= begin) & (t_days < begin + length)
    load = np.where(during, rng.uniform(1.08, 1.4, (devices, 1)), 1.0)
    days = t_days.astype(int)
    hard_days = rng.random((devices, days[-1] + 1)) < 0.01
    load = load * np.where(hard_days[:, days], rng.uniform(1.1, 1.5, (devices, 1)), 1.0)
    hour, at = (t_days % 1) * 24, rng.uniform(0, 20, (devices, 1))
    longer = during & (((hour - at) % 24) < rng.uniform(0, 5, (devices, 1)))
    return load, longer


def _reporting(rng: np.random.Generator, t_days: Floats, devices: int) -> tuple[Bools, Floats]:
    """Let some report more rarely from a day on, all in bad networks at times, some count errors anew."""
    since = rng.uniform(0, t_days[-1], (devices, 1))
    rarely = (rng.random((devices, 1)) < 0.15) & (t_days >= since)
    spared = np.arange(len(t_days))[None, :] % rng.integers(2, 4, (devices, 1)) != 0
    day = t_days.astype(int)
    poor = (rng.random((devices, day[-1] + 1)) < 0.03)[:, day] & (rng.random((devices, len(t_days))) < 0.6)
    counted = (rng.random((devices, 1)) < 0.15) & (t_days >= rng.uniform(0, t_days[-1], (devices, 1)))
    return ~((rarely & spared) | poor), np.where(counted, rng.uniform(2, 8, (devices, 1)), 1.0)


def _sway(rng: np.random.Generator, t_days: Floats, devices: int) -> Floats:
    """Return swings that keep for some days (a first-order autoregression of daily steps, interpolated)."""
    days = int(t_days[-1]) + 2
    keep = np.exp(-1 / rng.uniform(2, 6))
    steps = rng.normal(0, np.sqrt(1 - keep**2), (devices, days))
    daily = np.empty((devices, days))
    daily[:, 0] = rng.normal(0, 1, devices)
    for day in range(1, days):
        daily[:, day] = keep * daily[:, day - 1] + steps[:, day]
    return np.stack([np.interp(t_days, np.arange(days), row) for row in daily])
