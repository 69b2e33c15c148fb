"""The chance that a device needs a part within a lead time, from its risk and what life it has left."""

from dataclasses import dataclass
from math import inf, log, nan

import numpy as np

from desk.parts.forecast.counts import Floats
from fleet.errors import InvalidInput

_LOW, _HIGH = -log(0.9), -log(0.1)
"""Cumulative hazards at which a tenth, and nine tenths, of lives have ended."""
_SURE = 1 - 1e-9
_STEEPEST = 8.0
"""No wear is so regular that its Weibull shape is above this: a narrow band says more about the model."""


@dataclass(frozen=True, slots=True)
class Threat:
    """One device's risk of a fault that one part mends: probability `risk` within `horizon_d` days.

    `life_p10_d` and `life_p90_d` are days of life left that it exceeds with 90 % and 10 %, None where nobody
    told them. `uses` is the chance that mending the fault takes the part.
    """

    risk: float
    horizon_d: float
    life_p10_d: float | None = None
    life_p90_d: float | None = None
    uses: float = 1.0

    def __post_init__(self) -> None:
        for name, value in (("risk", self.risk), ("uses", self.uses)):
            if not 0 <= value <= 1:
                raise InvalidInput(f"{name}: {value} must lie between 0 and 1")
        if not 0 < self.horizon_d < inf:
            raise InvalidInput(f"horizon_d: {self.horizon_d} must be a number of days above 0")


def chance_within(threat: Threat, days: float) -> float:
    """Return the chance that the part is needed within some days, as `chances_within` of one device."""
    early, late = (nan if life is None else life for life in (threat.life_p10_d, threat.life_p90_d))
    told = Hazards(
        np.array([threat.risk]),
        np.array([threat.horizon_d]),
        np.array([early]),
        np.array([late]),
        np.array([threat.uses]),
    )
    return float(chances_within(told, days)[0])


@dataclass(frozen=True, slots=True, eq=False)
class Hazards:
    """Many threats in columns, as `Threat` has them; NaN where no life is told. Shape: (devices,)."""

    risk: Floats
    horizon_d: Floats
    early: Floats
    late: Floats
    uses: Floats


def chances_within(told: Hazards, days: float) -> Floats:
    """Return the chances that parts are needed within some days. Shape: (devices,).

    With p the risk, h its horizon and H the cumulative hazard of the life left (Weibull through p10 and p90;
    without lives H(t) = -ln(1 - p) t / h): up to the horizon 1 - (1 - p) ** (H(t) / H(h)), beyond it
    1 - (1 - p) exp(H(h) - H(t)). The risk is calibrated, so it holds at its horizon; lives say how the hazard
    runs before and after. Raises InvalidInput for days below 0.
    """
    if not 0 <= days < inf:
        raise InvalidInput(f"days: {days} must be a number from 0 on")
    survives = np.log1p(-np.minimum(told.risk, _SURE))
    logs = np.asarray(survives * days / told.horizon_d)
    worn = (told.early > 0) & (told.late > told.early) & np.isfinite(told.late)
    if worn.any():
        logs[worn] = _worn(survives[worn], told.horizon_d[worn], told.early[worn], told.late[worn], days)
    return np.asarray(told.uses * -np.expm1(logs))


def _worn(survives: Floats, horizon_d: Floats, early: Floats, late: Floats, days: float) -> Floats:
    """Return the logarithm of surviving some days, where lives are told."""
    shape = np.minimum(log(_HIGH / _LOW) / np.log(late / early), _STEEPEST)
    scale = late / _HIGH ** (1 / shape)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # of the two sides one is taken
        here, there = (horizon_d / scale) ** shape, (days / scale) ** shape
        return np.asarray(np.where(days <= horizon_d, survives * there / here, survives + here - there))
