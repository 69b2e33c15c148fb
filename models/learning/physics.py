"""Physics: which way each fault moves what is measured, whatever a history of few failures may suggest.

A model may be told so (`directions` is scikit-learn's `monotonic_cst`), and one that was told is tested
against it (tests/contract/models/test_battery.py). Only levels and their distances from what is usual have a
direction; a slope may rise because a part fails or because someone just mended it.
"""

from collections.abc import Sequence

from models.features.definitions import Feature, View

UP, DOWN = 1, -1

DIRECTIONS: dict[str, dict[str, int]] = {
    # A worn cell holds less and has more resistance, so that voltage sags further under the same load.
    "battery_wear": {"battery_health_pct": DOWN, "battery_voltage_v_dip": DOWN, "discharge_per_run": UP},
    "battery_overheat": {"battery_temp_c": UP, "battery_temp_c_peak": UP, "battery_temp_c_residual": UP},
    # A bad contact lets less current through.
    "charging_failure": {"charge_gain": DOWN, "battery_current_a_peak": DOWN},
    # Friction asks for more torque, which is current, at less speed; the current heats the winding.
    "drive_motor_wear": {
        "drive_current_a": UP,
        "drive_current_a_peak": UP,
        "drive_current_a_residual": UP,
        "drive_current_per_rpm": UP,
        "drive_temp_c": UP,
        "drive_temp_c_peak": UP,
    },
    "brush_jam": {
        "brush_current_a": UP,
        "brush_current_a_peak": UP,
        "brush_current_a_residual": UP,
        "brush_rpm": DOWN,
    },
    # Fan laws: pressure goes with the square of speed. Whether a worn brush draws more or less current
    # depends on what it sweeps: no direction.
    "fan_motor_wear": {"fan_rpm": DOWN, "suction_pa": DOWN, "suction_pa_peak": DOWN},
    # Darcy: the pressure drop at a given flow goes with the filter's resistance.
    "filter_clog": {
        "filter_dp_pa": UP,
        "filter_dp_pa_peak": UP,
        "filter_dp_per_rpm": UP,
        "filter_clog_pct": UP,
        "suction_pa": DOWN,
        "suction_pa_residual": DOWN,
    },
    "water_leak": {"water_per_run": UP, "water_use": UP, "waste_return": DOWN},
    "lidar_misaligned": {
        "localization_pct": DOWN,
        "localization_pct_dip": DOWN,
        "localization_pct_spread": UP,
        "bumps_per_run": UP,
    },
    "wheel_slip": {"wheel_slip_pct": UP, "wheel_slip_pct_peak": UP},
    "comms_loss": {"rssi_dbm": DOWN, "rssi_dbm_dip": DOWN, "readings_per_hour": DOWN},
}
"""By fault and measure: UP if a higher level can only raise the risk, DOWN if only a lower one can."""

_DIRECTED = frozenset({View.DAY, View.OWN, View.FIRST, View.COHORT})


def direction(fault: str, feature: Feature) -> int:
    """Return 1 or -1 if a higher value can only raise or only lower a fault's risk; 0 if either may be."""
    return DIRECTIONS.get(fault, {}).get(feature.measure.name, 0) if feature.view in _DIRECTED else 0


def directions(fault: str, features: Sequence[Feature]) -> list[int]:
    """Return the direction of each feature of a model's matrix, in the order of its columns."""
    return [direction(fault, feature) for feature in features]
