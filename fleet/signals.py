"""The signals that devices publish: one table from which everything else is derived.

Wire schema, store columns, tiles, features, charts and documentation all follow from it; adding a signal
is one line. Units stand in the names. Ranges are what is plausible: a value outside is dropped and counted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import inf

from fleet.text import Text


class Kind(StrEnum):
    """The kinds of device."""

    ROBOT = "robot"
    TOOL = "tool"
    WRISTBAND = "wristband"


class Role(StrEnum):
    """How a signal behaves over time."""

    LEVEL = "level"
    """Goes up and down; its mean is meaningful."""
    COUNTER = "counter"
    """Counts up over the device's life, from 0; falls only when a part or the device was replaced."""
    STATE = "state"
    """One of a few conditions, or a code; its share of time is meaningful."""


class Form(StrEnum):
    """What a value looks like on the wire."""

    NUMBER = "number"
    WHOLE = "whole"
    BOOLEAN = "boolean"
    STATE = "state"
    TEXT = "text"


MAX_COUNT = 2.0**53
ROBOT_STATES = (
    "off",
    "idle",
    "cleaning",
    "returning",
    "docked",
    "charging",
    "paused",
    "emptying",
    "manual",
    "error",
)


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing a device measures; `low` and `high` are in `unit` and belong to the range.

    A counter rises by use no faster than `per_s`, beside a `grain` in which devices may count.
    Where `clearable`, an empty text is a value: it says that what was there is over. Of other texts it is
    an absent one.
    """

    name: str
    unit: str
    role: Role
    form: Form
    low: float
    high: float
    kinds: frozenset[Kind]
    label: Text
    per_s: float = inf
    grain: float = 0.0
    clearable: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether it is stored as a float64 column (booleans, states and text are not)."""
        return self.form in (Form.NUMBER, Form.WHOLE)


_ALL = frozenset(Kind)
_ROBOT = frozenset({Kind.ROBOT})
_TOOL = frozenset({Kind.TOOL})
_BAND = frozenset({Kind.WRISTBAND})


def _level(name: str, unit: str, low: float, high: float, kinds: frozenset[Kind], en: str, zh: str) -> Signal:
    return Signal(name, unit, Role.LEVEL, Form.NUMBER, low, high, kinds, Text(en, zh))


def _counter(
    name: str, unit: str, kinds: frozenset[Kind], en: str, zh: str, per_s: float, grain: float
) -> Signal:
    return Signal(name, unit, Role.COUNTER, Form.WHOLE, 0.0, MAX_COUNT, kinds, Text(en, zh), per_s, grain)


def _state(
    name: str, form: Form, kinds: frozenset[Kind], en: str, zh: str, *, clearable: bool = False
) -> Signal:
    return Signal(name, "", Role.STATE, form, 0.0, 1.0, kinds, Text(en, zh), clearable=clearable)


_TABLE = (
    _level("battery_pct", "%", 0, 100, _ALL, "Battery charge", "电量"),
    _level("x_m", "m", -10_000, 10_000, _ALL, "Position x", "位置 x"),
    _level("y_m", "m", -10_000, 10_000, _ALL, "Position y", "位置 y"),
    Signal("floor", "", Role.LEVEL, Form.WHOLE, -20, 200, _ALL, Text("Floor", "楼层")),
    _level("rssi_dbm", "dBm", -150, 10, _ALL, "Radio signal", "信号强度"),
    # robot: battery
    _level("battery_health_pct", "%", 0, 120, _ROBOT, "Battery health", "电池健康度"),
    _level("battery_voltage_v", "V", 0, 60, _ROBOT, "Battery voltage", "电池电压"),
    _level("battery_current_a", "A", -60, 60, _ROBOT, "Battery current", "电池电流"),
    _level("battery_temp_c", "°C", -30, 90, _ROBOT, "Battery temperature", "电池温度"),
    _counter("charge_cycles", "", _ROBOT, "Charge cycles", "充电循环次数", 1 / 900, 1),
    # robot: motion and cleaning
    _level("drive_rpm", "rpm", 0, 12_000, _ROBOT, "Drive motor speed", "行走电机转速"),
    _level("drive_current_a", "A", 0, 60, _ROBOT, "Drive motor current", "行走电机电流"),
    _level("drive_temp_c", "°C", -30, 150, _ROBOT, "Drive motor temperature", "行走电机温度"),
    _level("brush_rpm", "rpm", 0, 6_000, _ROBOT, "Brush speed", "滚刷转速"),
    _level("brush_current_a", "A", 0, 30, _ROBOT, "Brush current", "滚刷电流"),
    _level("fan_rpm", "rpm", 0, 60_000, _ROBOT, "Fan speed", "风机转速"),
    _level("suction_pa", "Pa", 0, 40_000, _ROBOT, "Suction", "吸力"),
    _level("filter_dp_pa", "Pa", 0, 5_000, _ROBOT, "Filter pressure drop", "滤网压差"),
    _level("filter_clog_pct", "%", 0, 100, _ROBOT, "Filter clogging", "滤网堵塞度"),
    _level("dustbin_pct", "%", 0, 100, _ROBOT, "Dustbin level", "尘盒占用"),
    _level("clean_water_pct", "%", 0, 100, _ROBOT, "Clean water", "清水量"),
    _level("waste_water_pct", "%", 0, 100, _ROBOT, "Waste water", "污水量"),
    _level("localization_pct", "%", 0, 100, _ROBOT, "Localisation quality", "定位质量"),
    _level("wheel_slip_pct", "%", 0, 100, _ROBOT, "Wheel slip", "车轮打滑率"),
    _counter("bumper_hits", "", _ROBOT, "Bumper hits", "碰撞次数", 0.5, 5),
    _counter("run_s", "s", _ROBOT, "Run time", "运行时间", 1.05, 90),
    _counter("area_m2", "m²", _ROBOT, "Area cleaned", "清洁面积", 2, 30),
    # robot: place and state
    _level("lat", "°", -90, 90, _ROBOT | _BAND, "Latitude", "纬度"),
    _level("lon", "°", -180, 180, _ROBOT | _BAND, "Longitude", "经度"),
    _state("state", Form.STATE, _ROBOT, "State", "状态"),
    _state("error_code", Form.TEXT, _ROBOT, "Error code", "错误代码", clearable=True),
    # tool
    _counter("use_s", "s", _TOOL, "Time in use", "使用时间", 1.05, 90),
    _state("in_use", Form.BOOLEAN, _TOOL, "In use", "使用中"),
    _level("consumable_pct", "%", 0, 100, _TOOL, "Consumable left", "耗材余量"),
    _state("zone", Form.TEXT, _TOOL, "Zone", "所在区域"),
    _state("allowed_zone", Form.TEXT, _TOOL, "Allowed zone", "允许区域"),
    # wristband
    _level("heart_rate_bpm", "bpm", 20, 250, _BAND, "Heart rate", "心率"),
    _level("skin_temp_c", "°C", 10, 50, _BAND, "Skin temperature", "体表温度"),
    _counter("steps", "", _BAND, "Steps", "步数", 4, 100),
    _state("worn", Form.BOOLEAN, _BAND, "Worn", "佩戴中"),
    _state("sos", Form.BOOLEAN, _BAND, "SOS", "求助"),
    _state("fall", Form.BOOLEAN, _BAND, "Fall", "跌倒"),
)


class SignalTable:
    """The signals that one installation knows, by name and by kind of device."""

    def __init__(self, signals: Iterable[Signal]) -> None:
        self._by_name = {signal.name: signal for signal in signals}

    def __iter__(self) -> Iterator[Signal]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> Signal:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def get(self, name: str) -> Signal | None:
        """Return a signal, None where there is none of this name."""
        return self._by_name.get(name)

    @cached_property
    def _by_kind(self) -> dict[Kind, tuple[Signal, ...]]:
        return {kind: tuple(signal for signal in self if kind in signal.kinds) for kind in Kind}

    def for_kind(self, kind: Kind) -> tuple[Signal, ...]:
        """Return the signals of one kind of device, in the table's order."""
        return self._by_kind[kind]

    def numeric(self, kind: Kind) -> tuple[Signal, ...]:
        """Return the float64 signals of one kind of device, in the table's order."""
        return tuple(signal for signal in self.for_kind(kind) if signal.is_numeric)


STANDARD_SIGNALS = SignalTable(_TABLE)
