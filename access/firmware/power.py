"""What a roll-out can see at all: how many devices, for how long, show that a rate has grown. Pure.

Small cohorts are honest about themselves: one device of ten cannot be told from bad luck, whatever it does.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from access.firmware.comparing import ERRORS, RESTARTS
from access.firmware.draw import sizes
from access.firmware.judging import Floats, count_scores, to_spend
from fleet.rollouts import Past, Stage

SURE = 0.99
"""A cohort shows something if it is seen with this chance."""
_DRIFT = 0.5
"""Squared coefficient of variation of a device's rate from one stage to the next, for the estimate alone."""
_SEED = 20_260
_MOST = 4_000
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Needs:
    """How many devices show that a rate is `factor` times as high, of how many, and the days they take.

    `devices` is None where even all but one would not do.
    """

    rate: str
    factor: float
    devices: int | None
    days: float

    @property
    def device_days(self) -> float | None:
        """How many days of a device that is."""
        return None if self.devices is None else self.devices * self.days


def needed(
    pasts: Sequence[Past], rate: str, factor: float, soak_h: float, part: int, sure: float = SURE
) -> Needs:
    """Return what is needed to see a rate grow by a factor within a soak time, by the devices' own past.

    Their next `soak_h` hours are drawn from their past rates, with and without the factor; the devices needed
    follow from the mean and the spread of the scores that the test takes of both.
    """
    total = len(pasts)
    expected, past, hours = _expected(pasts, rate, soak_h)
    random = np.random.default_rng(_SEED)
    gamma = random.gamma(1 / _DRIFT, _DRIFT, len(expected))
    heard = np.full(len(expected), soak_h)
    usual = count_scores(_drawn(random, expected * gamma, soak_h), heard, past, hours)
    worse = count_scores(_drawn(random, expected * gamma * factor, soak_h), heard, past, hours)
    shift, spread = float(worse.mean() - usual.mean()), float(usual.std())
    spread_worse = float(worse.std())
    days = soak_h / 24
    for count in _candidates(total):
        if _sees(total, count, shift, spread, spread_worse, to_spend(part, 1.0), sure):
            return Needs(rate, factor, count, days)
    return Needs(rate, factor, None, days)


def needs_of(pasts: Sequence[Past], stages: Sequence[Stage], factor: float = 2.0) -> dict[str, Any]:
    """Return JSON-ready what each stage can see: by rate the devices needed, and whether it has as many."""
    told = []
    for part, (stage, size) in enumerate(zip(stages, sizes(len(pasts), stages), strict=True)):
        found = [needed(pasts, rate, factor, stage.soak_h, part) for rate in (ERRORS, RESTARTS)]
        told.append(
            {
                "devices": size,
                "rates": {
                    each.rate: {
                        "devices": each.devices,
                        "device_days": each.device_days,
                        "can": each.devices is not None and each.devices <= size < len(pasts),
                    }
                    for each in found
                },
            }
        )
    return {"factor": factor, "stages": told}


def first_to_show(needs: Mapping[str, Any], rates: Sequence[str] = (ERRORS, RESTARTS)) -> int | None:
    """Return the index of the first stage that can show one of these rates grow; None where none can."""
    for number, stage in enumerate(needs["stages"]):
        if any(stage["rates"][rate]["can"] for rate in rates):
            return number
    return None


def _expected(pasts: Sequence[Past], rate: str, soak_h: float) -> tuple[Floats, Floats, Floats]:
    """Return the bad hours to expect of devices, and their past bad and heard hours; of a sample if many."""
    chosen = pasts[:: max(1, len(pasts) // _MOST)]
    past = np.array([getattr(each, rate) for each in chosen], dtype=np.float64)
    hours = np.array([each.heard for each in chosen], dtype=np.float64)
    average = (past.sum() + 0.5) / max(hours.sum(), 1.0)
    repeat = max(1, _MOST // max(1, len(chosen)))
    own = soak_h * (past + 72 * average) / (hours + 72)
    return np.tile(own, repeat), np.tile(past, repeat), np.tile(hours, repeat)


def _drawn(random: np.random.Generator, expected: Floats, soak_h: float) -> Floats:
    share = np.clip(expected / soak_h, 0.0, 1.0)
    return random.binomial(round(soak_h), share).astype(np.float64)


def _candidates(total: int) -> Sequence[int]:
    """Return cohorts to try: every small one, then each a twentieth larger."""
    found, size = [], 1
    while size < total:
        found.append(size)
        size = max(size + 1, math.ceil(size * 1.05))
    return found


def _sees(
    total: int, count: int, shift: float, spread: float, spread_worse: float, spend: float, sure: float
) -> bool:
    if _log_cohorts(total, count) < -math.log(spend) or spread <= 0:  # too few to be among the rarest
        return False
    fair = spread * math.sqrt(count * (total - count) / total)
    reached = shift * count * (total - count) / total
    luck = spread_worse * math.sqrt(count)
    return reached >= _NORMAL.inv_cdf(1 - spend) * fair + _NORMAL.inv_cdf(sure) * luck


def _log_cohorts(total: int, count: int) -> float:
    """Return the logarithm of how many cohorts of a size there are."""
    return math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
