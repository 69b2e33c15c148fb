"""A trial that can be had in an instant: failures, their repairs, and models of more or less skill."""

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.faults import FAULTS
from fleet.risks import risk_frame
from models.registry.trial import ROW_MS

FAULT = FAULTS["battery_wear"]
START = 1_795_334_400_000 // DAY_MS * DAY_MS
DAYS = 60
END = START + DAYS * DAY_MS


def failures(devices: int) -> dict[str, int]:
    """One failure of every second device, spread over the time."""
    days = np.linspace(10, DAYS - 10, devices)
    return {f"R{number}": START + int(days[number] * DAY_MS) for number in range(0, devices, 2)}


def repairs(devices: int) -> pl.DataFrame:
    rows = [(device, FAULT.code, ts, ts + HOUR_MS) for device, ts in failures(devices).items()]
    names = {"device_id": pl.String, "fault": pl.String, "opened": pl.Int64, "ended": pl.Int64}
    return pl.DataFrame(rows, schema=names, orient="row")


def scores(devices: int, skill: float, seed: int) -> pl.DataFrame:
    """Risks every 12 hours, which rise before a failure as far as the model has skill."""
    rng, broken, rows = np.random.default_rng(seed), failures(devices), []
    for number in range(devices):
        device = f"R{number}"
        for at in range(START + HOUR_MS, END, ROW_MS):
            ahead = broken.get(device, 2**62) - at
            warned = 0 < ahead <= 7 * DAY_MS and rng.random() < skill
            rows.append((device, at, 0.7 if warned or rng.random() < 0.02 else 0.05))
    return pl.DataFrame(rows, schema=["device_id", "ts", "risk"], orient="row")


def told(frame: pl.DataFrame, model: str) -> pl.DataFrame:
    return risk_frame(frame.with_columns(fault=pl.lit(FAULT.code), model=pl.lit(model)))
