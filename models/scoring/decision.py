"""Decides whom to visit: of all that could be done with so many visits, what avoids most cost."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet.faults import FAULTS
from models.learning.settings import Costs

VISIT_COLUMNS = {
    "device_id": pl.String(),
    "faults": pl.List(pl.String()),
    "risks": pl.List(pl.Float64()),
    "avoided": pl.Float64(),
}
"""A frame of what to do: the device, its faults that pay (the likeliest first) with their risks, and the cost
that is avoided on balance."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: `visits` within the budget and `calls` to customers, each with VISIT_COLUMNS, best first.

    `worthwhile` is how many visits would pay if there were enough.
    """

    visits: pl.DataFrame
    calls: pl.DataFrame
    worthwhile: int

    @property
    def avoided(self) -> float:
        """The cost that visits and calls together avoid."""
        return float(np.sum(self.visits["avoided"].to_numpy()) + np.sum(self.calls["avoided"].to_numpy()))


def plan_visits(risks: pl.DataFrame, costs: Costs, budget: int) -> Plan:
    """Choose at most `budget` devices to visit so that the expected cost avoided is largest.

    `risks` has device_id, fault, risk: one row of each device and fault. A fault pays when its risk times the
    cost of its breakdown is more than the trip, and what an unfounded trip costs beyond it, times the odds
    that it is unfounded (Elkan, "The foundations of cost-sensitive learning", IJCAI 2001). One visit mends
    all faults of its device that pay, and is unfounded when none is there, as if they were independent. What
    customers can mend is a call; at a device that is visited for something else the engineer does it, and the
    call is saved. Visits take one unit of the budget each and do not depend on each other, so the best are
    those that avoid most beyond the calls that they save; ties go by device id.
    """
    frame = risks.select("device_id", "fault", "risk").join(_prices(costs), on="fault")
    frame = frame.with_columns(wrong=1 - pl.col("risk"))
    frame = frame.with_columns(
        saved=pl.col("risk") * pl.col("failure"),
        alone=pl.col("risk") * pl.col("failure") - pl.col("trip") - costs.unfounded * pl.col("wrong"),
    ).filter(pl.col("alone") > 0)
    visits = _visits(frame, costs.unfounded)
    chosen = visits.head(max(0, budget))
    calls = frame.filter(pl.col("own")).join(chosen.select("device_id"), on="device_id", how="anti")
    calls = _by_device(calls, pl.col("alone").sum())
    return Plan(chosen.select(*VISIT_COLUMNS), calls.select(*VISIT_COLUMNS), visits.height)


def _prices(costs: Costs) -> pl.DataFrame:
    """Return for each fault whether its customer can mend it, and what its trip and its failure cost."""
    rows = [
        (code, fault.customer_can_mend, costs.trip(fault), costs.failure(fault))
        for code, fault in FAULTS.items()
    ]
    names = {"fault": pl.String, "own": pl.Boolean, "trip": pl.Float64, "failure": pl.Float64}
    return pl.DataFrame(rows, schema=names, orient="row")


def _visits(frame: pl.DataFrame, unfounded: float) -> pl.DataFrame:
    """Return the visits that pay. What ranks them is what a visit avoids beyond calls to the customer."""
    trip = pl.col("trip").filter(~pl.col("own")).max()
    whole = pl.col("saved").sum() - trip - unfounded * pl.col("wrong").product()
    beyond = whole - pl.col("alone").filter(pl.col("own")).sum()
    found = _by_device(frame, whole, beyond=beyond)
    return found.filter(pl.col("beyond") > 0).sort("beyond", "device_id", descending=[True, False])


def _by_device(frame: pl.DataFrame, avoided: pl.Expr, **more: pl.Expr) -> pl.DataFrame:
    if frame.is_empty():
        return pl.DataFrame(schema=VISIT_COLUMNS | {name: pl.Float64() for name in more})
    likeliest = frame.sort("risk", "fault", descending=[True, False])
    return (
        likeliest.group_by("device_id", maintain_order=True)
        .agg(faults=pl.col("fault"), risks=pl.col("risk"), avoided=avoided, **more)
        .sort("avoided", "device_id", descending=[True, False], nulls_last=True)
    )
