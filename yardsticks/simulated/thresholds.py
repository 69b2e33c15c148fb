"""What services do without models: fixed thresholds on what devices report, for models to be measured by.

Battery health below 80 %, a speed 15 % below the device's own, a filter more than 80 % clogged. Levels are
those of the last 24 h: a single reading beyond a limit calls nobody.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.faults import FAULTS
from models.features.batch_windows import BatchWindows, Moments
from models.features.compute import Look
from models.features.definitions import Feature, View, terms_of
from models.features.grid import TileGrid
from models.features.history import Rows
from models.features.robot_measures import MEASURES
from models.features.windows import FleetFacts
from simulators.lived import LivedFleet
from yardsticks.simulated.alerts import Bools, Floats, Series, Ticket, Truths, tickets_of


@dataclass(frozen=True, slots=True)
class FixedThreshold:
    """Calls when the level of `measure` is beyond `limit`, or lower than its own past by `fall`.

    Whoever is called finds any of `faults`.
    """

    measure: str
    faults: tuple[str, ...]
    below: float = -np.inf
    above: float = np.inf
    fall: float = np.inf


FIXED = (
    FixedThreshold("battery_health_pct", ("battery_wear", "battery_overheat"), below=80.0),
    FixedThreshold("drive_rpm", ("drive_motor_wear", "wheel_slip"), fall=0.15),
    FixedThreshold("brush_rpm", ("brush_jam", "brush_wear"), fall=0.15),
    FixedThreshold("fan_rpm", ("fan_motor_wear", "filter_clog"), fall=0.15),
    FixedThreshold("filter_clog_pct", ("filter_clog", "fan_motor_wear"), above=80.0),
)


def threshold_tickets(fleet: LivedFleet, facts: FleetFacts, rows: Rows, truths: Truths) -> list[Ticket]:
    """Return the visits that fixed thresholds would have called for, judged at the moments of `rows`.

    By the same decisions as risks, but a visit that found nothing is not paid again before the value has been
    within its limit: anyone would stop sending people for a reading that is known.
    """
    return [
        ticket
        for rule, over in zip(FIXED, _over(fleet, facts, rows), strict=True)
        for series in split_by_device(rules_fault(rule), rows, over.astype(float))
        for ticket in _once(series, _tickets(rule, series, truths))
    ]


def rules_fault(rule: FixedThreshold) -> str:
    """Return the fault that a rule's tickets name."""
    return rule.faults[0]


def _tickets(rule: FixedThreshold, series: Series, truths: Truths) -> list[Ticket]:
    horizon = (FAULTS[rules_fault(rule)].horizon_days or 0) * DAY_MS
    return tickets_of(series, 0.5, truths.of(series.device_id, *rule.faults), horizon)


def _once(series: Series, tickets: list[Ticket]) -> list[Ticket]:
    """Leave out visits for nothing that repeat another of the same excursion."""
    within = np.concatenate([[0], np.cumsum(series.risks < 0.5)])
    kept: list[Ticket] = []
    last: int | None = None
    for ticket in tickets:
        calm = int(within[np.searchsorted(series.times, ticket.at)])
        if ticket.entry is not None or calm != last:
            kept.append(ticket)
        last = calm
    return kept


def split_by_device(fault: str, rows: Rows, risks: Floats) -> list[Series]:
    """Return each device's series of what `risks` says of each row."""
    frame = pl.DataFrame({"device": rows.devices, "until": rows.until, "risk": risks})
    return [
        Series(str(device), fault, own["until"].to_numpy(), own["risk"].to_numpy())
        for (device,), own in frame.sort("device", "until").group_by("device", maintain_order=True)
    ]


def _over(fleet: LivedFleet, facts: FleetFacts, rows: Rows) -> list[Bools]:
    """Return for each rule where it is broken. Shapes: (rows,)."""
    measures = {measure.name: measure for measure in MEASURES}
    features = {rule: Feature(measures[rule.measure], View.FIRST) for rule in FIXED}
    grid = TileGrid(terms_of(features.values()))
    grid.update(fleet.tiles)
    index = {device: row for row, device in enumerate(grid.devices)}
    at = rows.devices.replace_strict(index, return_dtype=pl.Int64).to_numpy()
    look = Look(BatchWindows(grid, facts, Moments(at, rows.until // HOUR_MS - 1)))
    found = []
    for rule, feature in features.items():
        level = look.compare(Feature(feature.measure, View.STEP))[0]
        usual = look.compare(feature)[1]
        with np.errstate(invalid="ignore"):
            beyond = (level < rule.below) | (level > rule.above) | (level < (1 - rule.fall) * usual)
        found.append(np.asarray(beyond))
    return found
