"""What the anomaly score watches, and which way each measure goes when a part wears.

Directions are physics, not statistics: they hold for every make of robot, and keep a battery that was renewed
from looking as strange as one that dies. Motor currents, speeds and pressures are watched while their part
runs, whatever the duty: of a signal that is `a` while the part runs and 0 else, the sum of squares over the
sum is `a` (the contraharmonic mean), and no other signal is needed to know when it ran.

How often a device reports is a matter of the wire and no measure here depends on it: what rises or falls from
an hour's first reading to its last is taken as the rate between them.
"""

from dataclasses import dataclass

import polars as pl

from fleet.text import Text
from fleet.tiles import tile_column
from models.features import terms
from models.features.components import Component
from models.features.measures import Measure
from models.features.robot_measures import MEASURES
from models.features.terms import Term

C = Component


@dataclass(frozen=True, slots=True)
class Watched:
    """A measure, and `worse`: +1 where wear raises it, -1 where wear lowers it."""

    measure: Measure
    worse: int

    @property
    def feature(self) -> str:
        """What a driver is named by that tells of a change against the device's own last weeks."""
        return f"{self.measure.name}:usual"

    @property
    def beside_peers(self) -> str:
        """What a driver is named by that tells of a difference from the other devices of the model."""
        return f"{self.measure.name}:peers"


def _running(
    signal: str, unit: str, component: Component, worse: int, en: str, zh: str, *, relative: bool = True
) -> Watched:
    top, bottom = terms.energy(signal), terms.tamed_total(signal)
    label = Text(en, zh)
    return Watched(Measure(f"{signal}_running", signal, unit, component, label, top, bottom, relative), worse)


def _hourly(signal: str, way: int) -> Term:
    """Return how far a level rose (+1) or fell (-1) in the hour, had its readings reached from end to end."""
    first, last, n = (tile_column(signal, stat) for stat in ("first", "last", "n"))
    moved = (way * (pl.col(last) - pl.col(first))).clip(lower_bound=0) * pl.col(n) / (pl.col(n) - 1)
    name = f"hourly {'rise' if way > 0 else 'fall'}({signal})"
    return Term(name, (first, last, n), pl.when(pl.col(n) > 1).then(moved))


def _while_heard(signal: str, term: Term) -> Term:
    """Return a term of the hours in which a signal came more than once: those that `_hourly` counts."""
    n = tile_column(signal, "n")
    columns = tuple(dict.fromkeys((*term.columns, n)))
    return Term(f"{term.name} while {signal}", columns, pl.when(pl.col(n) > 1).then(term.expression))


def _rate(
    name: str, signal: str, way: int, per: Term, unit: str, component: Component, label: Text
) -> Measure:
    return Measure(name, signal, unit, component, label, _hourly(signal, way), _while_heard(signal, per))


_CHARGING = Term(
    "share of the hour charging",
    ("state.charging.n", "readings"),
    pl.col("state.charging.n") / pl.col("readings"),
)
_KNOWN = {measure.name: measure for measure in MEASURES}
_WORSE = {
    "battery_health_pct": -1,
    "battery_voltage_v": -1,
    "battery_voltage_v_dip": -1,
    "battery_temp_c": 1,
    "battery_temp_c_peak": 1,
    "drive_current_a_peak": 1,
    "drive_current_a_spread": 1,
    "drive_current_per_rpm": 1,
    "drive_rpm_peak": -1,
    "drive_temp_c": 1,
    "drive_temp_c_peak": 1,
    "wheel_slip_pct_peak": 1,
    "area_per_run": -1,
    "brush_current_a_peak": 1,
    "brush_current_a_spread": 1,
    "brush_current_per_rpm": 1,
    "brush_rpm_peak": -1,
    "fan_rpm_peak": -1,
    "suction_pa_spread": 1,
    "suction_pa_peak": -1,
    "suction_per_rpm": -1,
    "filter_dp_pa_peak": 1,
    "filter_dp_per_rpm": 1,
    "filter_clog_pct": 1,
    "clean_water_pct": -1,
    "waste_return": -1,
    "localization_pct": -1,
    "localization_pct_dip": -1,
    "localization_pct_spread": 1,
    "bumps_per_run": 1,
    "rssi_dbm": -1,
    "rssi_dbm_dip": -1,
    "rssi_dbm_spread": 1,
    "error_share": 1,
    "error_hours": 1,
    "errors_per_run": 1,
}
WATCHED: tuple[Watched, ...] = (
    _running("drive_current_a", "A", C.DRIVE, 1, "Drive current while running", "运行时行走电流"),
    _running("drive_rpm", "rpm", C.DRIVE, -1, "Drive motor speed while running", "运行时行走电机转速"),
    _running(
        "wheel_slip_pct", "%", C.WHEELS, 1, "Wheel slip while running", "运行时车轮打滑率", relative=False
    ),
    _running("brush_current_a", "A", C.BRUSH, 1, "Brush current while running", "运行时滚刷电流"),
    _running("brush_rpm", "rpm", C.BRUSH, -1, "Brush speed while running", "运行时滚刷转速"),
    _running("fan_rpm", "rpm", C.FAN, -1, "Fan speed while running", "运行时风机转速"),
    _running("suction_pa", "Pa", C.AIRFLOW, -1, "Suction while running", "运行时吸力"),
    _running("filter_dp_pa", "Pa", C.FILTER, 1, "Filter pressure drop while running", "运行时滤网压差"),
    Watched(
        _rate(
            "discharge_rate",
            "battery_pct",
            -1,
            terms.RUN_TIME,
            "%/s",
            C.BATTERY,
            Text("Charge used for its run time", "单位运行时间耗电"),
        ),
        1,
    ),
    Watched(
        _rate(
            "charge_rate",
            "battery_pct",
            1,
            _CHARGING,
            "%/h",
            C.CHARGER,
            Text("Charge gained in an hour of charging", "每小时充电增量"),
        ),
        -1,
    ),
    Watched(
        _rate(
            "water_rate",
            "clean_water_pct",
            -1,
            terms.PRESENT,
            "%/h",
            C.WATER,
            Text("Clean water used an hour", "每小时用水"),
        ),
        1,
    ),
    *(Watched(_KNOWN[name], worse) for name, worse in _WORSE.items() if name in _KNOWN),
)


TOLD_BY_DEVICE = frozenset({"error_share", "error_hours", "errors_per_run"})
"""Measures of what devices say of themselves: makers count errors as they like, new firmware otherwise."""


def watched_terms() -> tuple[Term, ...]:
    """Return the terms that WATCHED needs, each once."""
    return tuple(dict.fromkeys(term for each in WATCHED for term in each.measure.terms))


def part_named(watched: Watched) -> str | None:
    """Return the part that a measure points at: the component that it is of; None for what none has."""
    component = watched.measure.component
    return None if component == C.USE else str(component)
