"""What a fault risk is: a calibrated probability of a fault within its horizon, and what drove it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

RISK_COLUMNS: dict[str, pl.DataType] = {
    "device_id": pl.String(),
    "ts": pl.Int64(),
    "fault": pl.String(),
    "risk": pl.Float64(),
    "drivers": pl.String(),
    "model": pl.String(),
}
"""A risk frame. `ts` (epoch ms) is the device's newest reading at scoring, `drivers` a JSON array of
`Driver.to_dict`, the strongest first, `model` the id of the model card that scored."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One signal that drove a risk, the strongest first.

    `weight` is its share of the push towards the fault (log-odds, positive raises the risk), `value` what the
    device shows, `usual` what is usual for it (its cohort, or its own past), both in the signal's `unit`.
    """

    signal: str
    feature: str
    weight: float
    value: float | None
    usual: float | None
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return {
            "signal": self.signal,
            "feature": self.feature,
            "weight": round(self.weight, 4),
            "value": self.value,
            "usual": self.usual,
            "unit": self.unit,
        }


@dataclass(frozen=True, slots=True)
class Risk:
    """One device's risk of one fault, with its drivers, as handed to the alert engine.

    `threshold` is the model's own: at or above it the expected cost of a visit is lower than that of waiting.
    """

    device_id: str
    fault: str
    ts: int
    risk: float
    threshold: float
    model: str
    drivers: Sequence[Driver]
