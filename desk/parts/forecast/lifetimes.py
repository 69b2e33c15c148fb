"""The chance that a device needs a part within a lead time, from its risk and what life it has left."""

from dataclasses import dataclass
from math import exp, inf, log, log1p

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
    """Return the chance that the part is needed within some days.

    With p the risk, h its horizon and H the cumulative hazard of the life left (Weibull through p10 and p90;
    without lives H(t) = -ln(1 - p) t / h): up to the horizon 1 - (1 - p) ** (H(t) / H(h)), beyond it
    1 - (1 - p) exp(H(h) - H(t)). The risk is calibrated, so it holds at its horizon; lives say how the hazard
    runs before and after. Raises InvalidInput for days below 0.
    """
    if not 0 <= days < inf:
        raise InvalidInput(f"days: {days} must be a number from 0 on")
    survives = log1p(-min(threat.risk, _SURE))
    hazard = _weibull(threat)
    if hazard is None:
        logs = survives * days / threat.horizon_d
    else:
        shape, scale = hazard
        here, there = (threat.horizon_d / scale) ** shape, (days / scale) ** shape
        logs = survives * there / here if days <= threat.horizon_d else survives + here - there
    return threat.uses * (1 - exp(logs))


def _weibull(threat: Threat) -> tuple[float, float] | None:
    """Return shape and scale (days) of the life left; None where it is not told."""
    early, late = threat.life_p10_d, threat.life_p90_d
    if early is None or late is None or not 0 < early < late < inf:
        return None
    shape = min(log(_HIGH / _LOW) / log(late / early), _STEEPEST)
    return shape, late / _HIGH ** (1 / shape)
