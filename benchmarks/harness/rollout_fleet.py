"""A fleet that lives through a roll-out hour by hour, in arrays: for the proof that the worse is stopped."""

import math
from dataclasses import dataclass

import numpy as np

from access.firmware.comparing import ERRORS, RESTARTS, compare, orders_for
from access.firmware.draw import order_of, sizes
from access.firmware.judging import FALSE_STOPS
from access.firmware.lives import BEFORE_MS, Lived
from access.firmware.power import needed
from fleet.clock import HOUR_MS
from fleet.rollouts import STAGES, OfferState, Past, RolloutDevice, Stage
from simulators.firmware import USUAL, WORSE, FirmwareEffect

SITES = 12
BEFORE_H = BEFORE_MS // HOUR_MS
USUAL_RATES = {ERRORS: 0.30 / 24, RESTARTS: 0.10 / 24}
"""Hours with an error, with a restart, of an average device, for each hour heard."""
_SHAPE = 0.7
"""Of the gamma distribution of devices' rates: a tenth of them have five times the rate of the median."""
_ILL_PER_DAY = 0.004
_ILL_FACTOR = 10.0
_HEARD = 0.93


@dataclass(frozen=True, slots=True)
class RunOptions:
    """One run: its seed, how many devices, whether the firmware is worse, how often a stage is looked at."""

    """One run: its seed, its devices, whether the firmware is worse, how often a stage is looked at."""

    seed: int
    devices: int = 1_000
    worse: bool = True
    stages: tuple[Stage, ...] = STAGES
    looks: int = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: the stage that stopped it, that which could show it, after what share of the soak.

    `pooled` tells whether a test that takes all devices as alike would have stopped it.
    """

    stopped_in: int | None
    can: int | None
    after: float | None
    worst: str | None
    pooled: bool

    @property
    def in_time(self) -> bool:
        """Whether it was stopped no later than in the first cohort that can show it."""
        return self.stopped_in is not None and self.can is not None and self.stopped_in <= self.can


class LivingFleet:
    """Devices whose rates differ, drift from day to day, share their site's weeks, and fall ill."""

    def __init__(self, options: RunOptions) -> None:
        self._random = np.random.default_rng((options.seed, 77))
        n = options.devices
        self.sites = self._random.integers(0, SITES, n)
        spread = {name: self._random.gamma(_SHAPE, 1 / _SHAPE, n) for name in USUAL_RATES}
        self._rates = {name: rate * spread[name] for name, rate in USUAL_RATES.items()}
        self._ill = np.zeros(n, dtype=bool)
        self._risk = np.clip(self._random.beta(0.6, 9, n), 0, 1)
        past = self.live(BEFORE_H, np.zeros(n, dtype=bool), USUAL)
        order = order_of([str(each) for each in self.sites], options.seed)
        place = np.empty(n, dtype=np.int64)
        place[order] = np.arange(n)
        begins = np.searchsorted(sizes(n, options.stages), place, side="right")
        self.devices = [
            RolloutDevice(
                f"R{i:05d}",
                str(self.sites[i]),
                int(place[i]),
                int(begins[i]),
                OfferState.LATER,
                "1.4.2",
                Past(
                    float(BEFORE_H),
                    float(past.heard[i]),
                    float(past.errors[i]),
                    float(past.restarts[i]),
                    float(past.risk[i]),
                ),
            )
            for i in range(n)
        ]

    def live(
        self, hours: int, changed: np.ndarray[tuple[int], np.dtype[np.bool_]], effect: FirmwareEffect
    ) -> Lived:
        """Let some hours pass; return what each device lived through."""
        n, random = len(self.sites), self._random
        heard, counts = np.zeros(n), {name: np.zeros(n) for name in USUAL_RATES}
        for begun in range(0, hours, 24):
            span = min(24, hours - begun)
            self._ill |= random.random(n) < _ILL_PER_DAY * span / 24
            self._ill &= random.random(n) > 0.25 * span / 24  # mended
            weeks = random.gamma(8, 1 / 8, SITES)[self.sites]
            up = random.binomial(span, _HEARD, n)
            heard += up
            for name, factor in ((ERRORS, effect.errors), (RESTARTS, effect.restarts)):
                rate = self._rates[name] * weeks * random.gamma(3, 1 / 3, n)
                rate = rate * np.where(self._ill, _ILL_FACTOR, 1.0) * np.where(changed, factor, 1.0)
                counts[name] += random.binomial(up, np.minimum(rate, 0.8))
        worn = np.where(changed, (effect.wear - 1) * 0.02 * hours / 72, 0.0)
        drift = random.normal(0, 0.02, n) + np.where(self._ill, 0.05, 0.0) + worn
        self._risk = np.clip(self._risk + drift * math.sqrt(hours / 72), 0, 1)
        return Lived(float(hours), heard, counts[ERRORS], counts[RESTARTS], self._risk.copy())


def run(options: RunOptions) -> Outcome:
    """Let a fleet live through a whole roll-out, judged by the product's own code."""
    fleet, effect = LivingFleet(options), WORSE if options.worse else USUAL
    can = _first_that_can(fleet.devices, options.stages)
    pooled = False
    for stage in range(len(options.stages)):
        stopped, after, worst, by_pool = _live_through(fleet, options, stage, effect)
        pooled = pooled or by_pool
        if stopped:
            return Outcome(stage, can, after, worst, pooled)
    return Outcome(None, can, None, None, pooled)


def _live_through(
    fleet: LivingFleet, options: RunOptions, stage: int, effect: FirmwareEffect
) -> tuple[bool, float | None, str | None, bool]:
    changed = np.array([each.stage <= stage for each in fleet.devices])
    soak = options.stages[stage].soak_h
    others = orders_for(fleet.devices, stage, options.seed) if changed.any() and not changed.all() else None
    total: Lived | None = None
    ended: tuple[int, ...] = ()
    pooled = False
    for look in range(1, options.looks + 1):
        lived = fleet.live(
            round(soak * look / options.looks) - round(soak * (look - 1) / options.looks), changed, effect
        )
        total = lived if total is None else _together(total, lived)
        found = compare(fleet.devices, stage, options.seed, total, stage, total.hours / soak, ended, others)
        pooled = pooled or _pooled_stops(total, changed)
        ended = found.ended
        if found.stop:
            return True, look / options.looks, str(found.evidence["worst"]), pooled
    return False, None, None, pooled


def _together(one: Lived, other: Lived) -> Lived:
    return Lived(
        one.hours + other.hours,
        one.heard + other.heard,
        one.errors + other.errors,
        one.restarts + other.restarts,
        other.risk,
    )


def _first_that_can(devices: list[RolloutDevice], stages: tuple[Stage, ...]) -> int | None:
    """Return the first stage that the product says can show what the worse firmware does."""
    pasts = [each.past for each in devices]
    counts = sizes(len(pasts), stages)
    for part, (stage, size) in enumerate(zip(stages, counts, strict=True)):
        for rate, factor in ((ERRORS, WORSE.errors), (RESTARTS, WORSE.restarts)):
            found = needed(pasts, rate, factor, stage.soak_h, part)
            if found.devices is not None and found.devices <= size < len(pasts):
                return part
    return None


def _pooled_stops(lived: Lived, changed: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> bool:
    """Tell whether a mixture sequential probability ratio test over all events together would stop.

    Robbins, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Stat. 41, 1970: of
    all events the cohort's share is that of its hours, against a beta mixture of larger ones. Always valid,
    if events were independent; three rates have a third of the false stops each.
    """
    share = float(lived.heard[changed].sum() / max(1.0, lived.heard.sum()))
    if not 0 < share < 1:
        return False
    for counts in (lived.errors, lived.restarts):
        own, every = float(counts[changed].sum()), float(counts.sum())
        if _log_mixture(own, every - own, share) >= math.log(3 / FALSE_STOPS):
            return True
    return False


def _log_mixture(own: float, rest: float, share: float) -> float:
    """Return the log of the mixture likelihood ratio; the mixture is a beta with mean `share`."""
    a, b = 20 * share, 20 * (1 - share)

    def beta(x: float, y: float) -> float:
        return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)

    likely = own * math.log(share) + rest * math.log(1 - share)
    return beta(a + own, b + rest) - beta(a, b) - likely
