"""Measures: what is watched on a robot, each a ratio of two sums over tiles.

A ratio of sums is the same quantity over an hour, a day or a whole cohort: a mean is a total over a count,
current given load is a total over a total of revolutions, a rate is a counter's rise over another's.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from fleet.text import Text
from models.features import terms
from models.features.terms import Term


class Component(StrEnum):
    """A part of the robot; repairs of its faults start a new baseline for its measures."""

    BATTERY = "battery"
    CHARGER = "charger"
    DRIVE = "drive"
    WHEELS = "wheels"
    BRUSH = "brush"
    FAN = "fan"
    FILTER = "filter"
    AIRFLOW = "airflow"
    WATER = "water"
    NAVIGATION = "navigation"
    RADIO = "radio"
    USE = "use"


C = Component
RESET_BY: dict[Component, tuple[str, ...]] = {
    C.BATTERY: ("battery_wear", "battery_overheat"),
    C.CHARGER: ("charging_failure",),
    C.DRIVE: ("drive_motor_wear",),
    C.WHEELS: ("wheel_slip",),
    C.BRUSH: ("brush_jam", "brush_wear"),
    C.FAN: ("fan_motor_wear",),
    C.FILTER: ("filter_clog",),
    C.AIRFLOW: ("fan_motor_wear", "filter_clog"),
    C.WATER: ("water_leak",),
    C.NAVIGATION: ("lidar_misaligned",),
    C.RADIO: ("comms_loss",),
    C.USE: (),
}
"""The faults whose repair renews a component."""


def reset_by(component: str) -> tuple[str, ...]:
    """Return the faults whose repair renews a component; one that is no robot's is named like its fault."""
    return RESET_BY[Component(component)] if component in RESET_BY else (component,)


_SEEN_IN: dict[str, tuple[Component, ...]] = {
    "battery_wear": (C.BATTERY, C.CHARGER, C.USE),
    "battery_overheat": (C.BATTERY, C.CHARGER, C.USE),
    "charging_failure": (C.CHARGER, C.BATTERY, C.USE),
    "drive_motor_wear": (C.DRIVE, C.WHEELS, C.USE),
    "brush_jam": (C.BRUSH, C.USE),
    "brush_wear": (C.BRUSH, C.USE),
    "fan_motor_wear": (C.FAN, C.AIRFLOW, C.FILTER, C.USE),
    "filter_clog": (C.FILTER, C.AIRFLOW, C.FAN, C.USE),
    "water_leak": (C.WATER, C.USE),
    "lidar_misaligned": (C.NAVIGATION, C.WHEELS, C.USE),
    "wheel_slip": (C.WHEELS, C.DRIVE, C.NAVIGATION, C.USE),
    "comms_loss": (C.RADIO, C.USE),
}


def components_of(fault: str) -> tuple[Component, ...]:
    """Return where a fault can show; all components for a fault that the table does not know.

    With some dozens of failures to learn from, a model that sees every signal learns chance; physics says
    where to look.
    """
    return _SEEN_IN.get(fault, tuple(Component))


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity: sum of `top` over sum of `bottom`, in `unit`; its square root where `root`.

    `signal` is the one it speaks for. `relative` measures are compared as fractions of what is usual, the
    others (percentages, degrees, dBm) as differences in their unit. With `given` it is what the quantity
    would be if load, use and battery were the usual ones of the device's model
    (models/features/residuals.py).
    """

    name: str
    signal: str
    unit: str
    component: str
    label: Text
    top: Term
    bottom: Term
    relative: bool = True
    root: bool = False
    given: tuple["Measure", ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms that it is made of, those of what it is given included."""
        return (self.top, self.bottom, *(term for each in self.given for term in each.terms))


def _mean(
    signal: str, unit: str, component: Component, en: str, zh: str, *, relative: bool = True
) -> Measure:
    top, bottom = terms.total(signal), terms.count(signal)
    return Measure(signal, signal, unit, component, Text(en, zh), top, bottom, relative)


def _spread(signal: str, unit: str, component: Component, en: str, zh: str) -> Measure:
    top, bottom = terms.tamed_squares(signal), terms.count(signal)
    return Measure(f"{signal}_spread", signal, unit, component, Text(en, zh), top, bottom, root=True)


def _peak(
    signal: str, moving: str, unit: str, component: Component, en: str, zh: str, *, relative: bool = True
) -> Measure:
    top, bottom = terms.peak(signal, moving), terms.peak_hours(signal, moving)
    return Measure(f"{signal}_peak", signal, unit, component, Text(en, zh), top, bottom, relative)


def _dip(signal: str, moving: str, unit: str, component: Component, en: str, zh: str) -> Measure:
    top, bottom = terms.dip(signal, moving), terms.dip_hours(signal, moving)
    return Measure(f"{signal}_dip", signal, unit, component, Text(en, zh), top, bottom, relative=False)


def _per(
    name: str, signal: str, unit: str, component: Component, en: str, zh: str, top: Term, bottom: Term
) -> Measure:
    return Measure(name, signal, unit, component, Text(en, zh), top, bottom)


def _share(name: str, signal: str, component: Component, en: str, zh: str, top: Term) -> Measure:
    return Measure(name, signal, "", component, Text(en, zh), top, terms.READINGS, relative=False)


def _at_usual_load(measure: Measure, en: str, zh: str, *given: Measure) -> Measure:
    """Return a measure without what its load, the device's use and its battery explain of it."""
    return replace(measure, name=f"{measure.name}_residual", label=Text(en, zh), given=given)


_RUN = terms.RUN_TIME
_VOLTAGE = _mean("battery_voltage_v", "V", C.BATTERY, "Battery voltage", "电池电压")
_BATTERY_HEAT = _mean("battery_temp_c", "°C", C.BATTERY, "Battery temperature", "电池温度", relative=False)
_DRIVE_CURRENT = _mean("drive_current_a", "A", C.DRIVE, "Drive current", "行走电机电流")
_DRIVE_HEAT = _mean("drive_temp_c", "°C", C.DRIVE, "Drive motor temperature", "行走电机温度", relative=False)
_BRUSH_CURRENT = _mean("brush_current_a", "A", C.BRUSH, "Brush current", "滚刷电流")
_FAN_SPEED = _mean("fan_rpm", "rpm", C.FAN, "Fan speed", "风机转速")
_SUCTION = _mean("suction_pa", "Pa", C.AIRFLOW, "Suction", "吸力")
_USAGE = _per("run_share", "run_s", "s/h", C.USE, "Run time an hour", "每小时运行时间", _RUN, terms.CLOCK)

MEASURES: tuple[Measure, ...] = (
    _mean("battery_health_pct", "%", C.BATTERY, "Battery health", "电池健康度", relative=False),
    _VOLTAGE,
    _dip("battery_voltage_v", "drive_rpm", "V", C.BATTERY, "Lowest voltage under load", "负载最低电压"),
    _BATTERY_HEAT,
    # What the motors have heated around it tells the air's temperature, which no signal does.
    _at_usual_load(
        _BATTERY_HEAT,
        "Battery temperature for its load",
        "按负载修正的电池温度",
        _DRIVE_HEAT,
        _USAGE,
        _VOLTAGE,
    ),
    _peak(
        "battery_temp_c",
        "battery_voltage_v",
        "°C",
        C.BATTERY,
        "Battery's hottest",
        "电池最高温度",
        relative=False,
    ),
    _per(
        "discharge_per_run",
        "battery_pct",
        "%/s",
        C.BATTERY,
        "Charge used for its run time",
        "单位运行时间耗电",
        terms.fall("battery_pct"),
        _RUN,
    ),
    _mean("battery_pct", "%", C.BATTERY, "Battery charge", "电量", relative=False),
    _per(
        "charge_gain",
        "battery_pct",
        "%",
        C.CHARGER,
        "Charge gained while charging",
        "充电增量",
        terms.rise("battery_pct"),
        terms.state("charging"),
    ),
    _peak("battery_current_a", "battery_current_a", "A", C.CHARGER, "Charging current", "充电电流"),
    _share(
        "charging_share", "state", C.CHARGER, "Time spent charging", "充电时间占比", terms.state("charging")
    ),
    _share("docked_share", "state", C.CHARGER, "Time docked", "停靠时间占比", terms.state("docked")),
    _per(
        "cycles_per_day",
        "charge_cycles",
        "1/h",
        C.CHARGER,
        "Charge cycles an hour",
        "每小时充电循环",
        terms.counted("charge_cycles"),
        terms.CLOCK,
    ),
    _DRIVE_CURRENT,
    _spread("drive_current_a", "A", C.DRIVE, "Unsteadiness of the drive current", "行走电机电流波动"),
    # A motor's own speed falls with its wear as with its load; the brush's current feels the floor alone.
    _at_usual_load(
        _DRIVE_CURRENT,
        "Drive current for its load",
        "按负载修正的行走电流",
        _BRUSH_CURRENT,
        _USAGE,
        _VOLTAGE,
    ),
    _peak("drive_current_a", "drive_rpm", "A", C.DRIVE, "Peak drive current", "行走电机峰值电流"),
    _per(
        "drive_current_per_rpm",
        "drive_current_a",
        "A/rpm",
        C.DRIVE,
        "Drive current at its speed",
        "按转速计的行走电流",
        terms.total("drive_current_a"),
        terms.total("drive_rpm"),
    ),
    _mean("drive_rpm", "rpm", C.DRIVE, "Drive motor speed", "行走电机转速"),
    _peak("drive_rpm", "drive_rpm", "rpm", C.DRIVE, "Top drive speed", "行走电机最高转速"),
    _DRIVE_HEAT,
    _at_usual_load(
        _DRIVE_HEAT,
        "Drive motor temperature for its load",
        "按负载修正的行走电机温度",
        _DRIVE_CURRENT,
        _USAGE,
        _BATTERY_HEAT,
    ),
    _peak(
        "drive_temp_c",
        "drive_rpm",
        "°C",
        C.DRIVE,
        "Drive motor's hottest",
        "行走电机最高温度",
        relative=False,
    ),
    _mean("wheel_slip_pct", "%", C.WHEELS, "Wheel slip", "车轮打滑率", relative=False),
    _peak("wheel_slip_pct", "drive_rpm", "%", C.WHEELS, "Worst wheel slip", "最大打滑率", relative=False),
    _per(
        "area_per_run",
        "area_m2",
        "m²/s",
        C.WHEELS,
        "Area for its run time",
        "单位时间清洁面积",
        terms.counted("area_m2"),
        _RUN,
    ),
    _BRUSH_CURRENT,
    _at_usual_load(
        _BRUSH_CURRENT,
        "Brush current for its load",
        "按负载修正的滚刷电流",
        _DRIVE_CURRENT,
        _USAGE,
        _VOLTAGE,
    ),
    _peak("brush_current_a", "brush_rpm", "A", C.BRUSH, "Peak brush current", "滚刷峰值电流"),
    _spread("brush_current_a", "A", C.BRUSH, "Unsteadiness of the brush current", "滚刷电流波动"),
    _per(
        "brush_current_per_rpm",
        "brush_current_a",
        "A/rpm",
        C.BRUSH,
        "Brush current at its speed",
        "按转速计的滚刷电流",
        terms.total("brush_current_a"),
        terms.total("brush_rpm"),
    ),
    _mean("brush_rpm", "rpm", C.BRUSH, "Brush speed", "滚刷转速"),
    _peak("brush_rpm", "brush_rpm", "rpm", C.BRUSH, "Top brush speed", "滚刷最高转速"),
    _FAN_SPEED,
    _peak("fan_rpm", "fan_rpm", "rpm", C.FAN, "Top fan speed", "风机最高转速"),
    _SUCTION,
    _spread("suction_pa", "Pa", C.AIRFLOW, "Unsteadiness of suction", "吸力波动"),
    _at_usual_load(
        _SUCTION,
        "Suction for its fan speed and battery",
        "按风机转速与电池修正的吸力",
        _FAN_SPEED,
        _USAGE,
        _VOLTAGE,
    ),
    _peak("suction_pa", "fan_rpm", "Pa", C.AIRFLOW, "Peak suction", "最大吸力"),
    _per(
        "suction_per_rpm",
        "suction_pa",
        "Pa/rpm",
        C.AIRFLOW,
        "Suction at its fan speed",
        "按风机转速计的吸力",
        terms.total("suction_pa"),
        terms.total("fan_rpm"),
    ),
    _mean("filter_dp_pa", "Pa", C.FILTER, "Filter pressure drop", "滤网压差"),
    _peak("filter_dp_pa", "fan_rpm", "Pa", C.FILTER, "Peak filter pressure drop", "滤网最大压差"),
    _per(
        "filter_dp_per_rpm",
        "filter_dp_pa",
        "Pa/rpm",
        C.FILTER,
        "Filter pressure drop at its fan speed",
        "按风机转速计的滤网压差",
        terms.total("filter_dp_pa"),
        terms.total("fan_rpm"),
    ),
    _mean("filter_clog_pct", "%", C.FILTER, "Filter clogging", "滤网堵塞度", relative=False),
    _mean("clean_water_pct", "%", C.WATER, "Clean water", "清水量", relative=False),
    _per(
        "water_per_run",
        "clean_water_pct",
        "%/s",
        C.WATER,
        "Clean water used for its run time",
        "单位运行时间用水",
        terms.fall("clean_water_pct"),
        _RUN,
    ),
    _per(
        "water_use",
        "clean_water_pct",
        "%/h",
        C.WATER,
        "Clean water used an hour",
        "每小时用水",
        terms.fall("clean_water_pct"),
        terms.PRESENT,
    ),
    _per(
        "waste_return",
        "waste_water_pct",
        "",
        C.WATER,
        "Waste water for clean water used",
        "污水回收比",
        terms.rise("waste_water_pct"),
        terms.fall("clean_water_pct"),
    ),
    _mean("localization_pct", "%", C.NAVIGATION, "Localisation quality", "定位质量", relative=False),
    _dip("localization_pct", "drive_rpm", "%", C.NAVIGATION, "Worst localisation", "最低定位质量"),
    _spread("localization_pct", "%", C.NAVIGATION, "Unsteadiness of localisation", "定位波动"),
    _per(
        "bumps_per_run",
        "bumper_hits",
        "1/s",
        C.NAVIGATION,
        "Bumper hits for its run time",
        "单位运行时间碰撞",
        terms.counted("bumper_hits"),
        _RUN,
    ),
    _mean("rssi_dbm", "dBm", C.RADIO, "Radio signal", "信号强度", relative=False),
    _dip("rssi_dbm", "battery_voltage_v", "dBm", C.RADIO, "Weakest radio signal", "最弱信号"),
    _spread("rssi_dbm", "dBm", C.RADIO, "Unsteadiness of the radio signal", "信号波动"),
    _per(
        "readings_per_hour",
        "rssi_dbm",
        "1/h",
        C.RADIO,
        "Readings an hour",
        "每小时读数",
        terms.READINGS,
        terms.CLOCK,
    ),
    _share("error_share", "error_code", C.USE, "Share of readings with an error", "报错占比", terms.ERRORS),
    _per(
        "error_hours",
        "error_code",
        "1/h",
        C.USE,
        "Hours with an error",
        "报错小时占比",
        terms.ERROR_HOURS,
        terms.CLOCK,
    ),
    _per(
        "errors_per_run",
        "error_code",
        "1/s",
        C.USE,
        "Errors for its run time",
        "单位运行时间报错",
        terms.ERRORS,
        _RUN,
    ),
    _USAGE,
    _per("time_of_year", "run_s", "", C.USE, "Time of year", "季节", terms.CLOCK, terms.CLOCK),
    _share("cleaning_share", "state", C.USE, "Time spent cleaning", "清洁时间占比", terms.state("cleaning")),
)
"""Everything that is watched; `models/features/definitions.py` says how each is looked at."""
