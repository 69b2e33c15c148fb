"""One look at a roll-out: its devices with the new firmware against those that still have theirs. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from access.firmware.draw import DRAWS, Ints, other_orders
from access.firmware.judging import (
    FALSE_STOPS,
    Floats,
    Verdict,
    centred,
    count_scores,
    judge,
    level_scores,
    to_spend,
)
from access.firmware.lives import Lived
from fleet.rollouts import RolloutDevice

ERRORS, RESTARTS, RISK, SILENCE = RATES = ("errors", "restarts", "risk", "silence")
"""What is compared: hours with an error, with a restart, the risk of a fault, hours not heard."""
_LEAST_DRAWS, _DRAWN_AT_ONCE = 499, 40_000_000


@dataclass(frozen=True, slots=True)
class Compared:
    """What a look found; `evidence` is JSON-ready, `ended` the orders that are out of the test by now."""

    stop: bool
    evidence: dict[str, Any]
    ended: tuple[int, ...]


def compare(
    devices: Sequence[RolloutDevice],
    stage: int,
    seed: int,
    lived: Lived,
    part: int,
    elapsed: float,
    ended: Sequence[int] = (),
    others: Ints | None = None,
) -> Compared:
    """Compare the devices whose turn has come by `stage` with the rest; `devices` are in order of their ids.

    Whoever's turn has come counts, with the firmware or without: a device that could not install it, or that
    is away, would else be left out on one side alone. `elapsed` is a share of the soak time; `others` are
    those of `orders_for`, for who looks often.
    """
    offered = np.array([each.stage <= stage for each in devices])
    own = np.flatnonzero(offered).astype(np.int64)
    rates = {name: _rate(*_counted(lived, name), offered) for name in RATES}
    evidence: dict[str, Any] = {
        "cohort": len(own),
        "control": len(devices) - len(own),
        "hours": lived.hours,
        "heard": {"cohort": float(lived.heard[offered].sum()), "control": float(lived.heard[~offered].sum())},
        "rates": rates,
        "part": part,
    }
    if not 0 < len(own) < len(devices):
        return Compared(stop=False, evidence=evidence, ended=tuple(ended))
    if others is None:
        others = orders_for(devices, stage, seed)
    verdict = judge(scores_of(devices, lived), own, others, to_spend(part, elapsed), ended)
    return Compared(verdict.stop, evidence | _told(verdict), verdict.ended)


def orders_for(devices: Sequence[RolloutDevice], stage: int, seed: int) -> Ints:
    """Return the first devices of the other orders for a stage. Shape: (orders, cohort)."""
    cohort = sum(each.stage <= stage for each in devices)
    return other_orders([each.site for each in devices], seed, cohort, draws_for(len(devices)))


def draws_for(devices: int) -> int:
    """Return with how many other orders a roll-out is compared: fewer for a very large fleet."""
    return max(_LEAST_DRAWS, min(DRAWS, _DRAWN_AT_ONCE // max(1, devices)))


def scores_of(devices: Sequence[RolloutDevice], lived: Lived) -> dict[str, Floats]:
    """Return by rate how much more each device did than its past lets expect. Shapes: (devices,)."""
    past = {
        name: np.array([getattr(each.past, name) for each in devices], dtype=np.float64)
        for name in ("hours", "heard", "errors", "restarts", "risk")
    }
    heard = np.minimum(past["heard"], past["hours"])
    span = np.full(len(devices), lived.hours)
    scores = {
        ERRORS: count_scores(lived.errors, lived.heard, past["errors"], heard),
        RESTARTS: count_scores(lived.restarts, lived.heard, past["restarts"], heard),
        RISK: level_scores(lived.risk, past["risk"]),
        SILENCE: count_scores(lived.silent, span, past["hours"] - heard, past["hours"]),
    }
    sites = np.unique([each.site for each in devices], return_inverse=True)[1]
    return {name: centred(each, sites) for name, each in scores.items()}


def _told(verdict: Verdict) -> dict[str, Any]:
    return {
        "worst": verdict.worst,
        "statistic": round(verdict.statistic, 3),
        "bound": None if math.isinf(verdict.bound) else round(verdict.bound, 3),
        "larger": verdict.larger,
        "spent": verdict.spent,
        "false_stops": FALSE_STOPS,
        "each": {name: round(value, 3) for name, value in verdict.each.items()},
    }


def _counted(lived: Lived, name: str) -> tuple[Floats, Floats]:
    """Return what counts for a rate, and out of how much."""
    known = np.isfinite(lived.risk)
    return {
        ERRORS: (lived.errors, lived.heard),
        RESTARTS: (lived.restarts, lived.heard),
        RISK: (np.where(known, lived.risk, 0.0), known.astype(np.float64)),
        SILENCE: (lived.silent, np.full(len(lived.heard), lived.hours)),
    }[name]


def _rate(count: Floats, of: Floats, offered: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> dict[str, Any]:
    def side(chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[float, float, float | None]:
        total, whole = float(count[chosen].sum()), float(of[chosen].sum())
        return round(total, 4), whole, total / whole if whole else None

    (own, own_of, own_rate), (rest, rest_of, rest_rate) = side(offered), side(~offered)
    return {
        "cohort": own_rate,
        "control": rest_rate,
        "cohort_count": own,
        "control_count": rest,
        "cohort_of": own_of,
        "control_of": rest_of,
    }
