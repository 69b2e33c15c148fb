"""The fault catalogue: what can go wrong, how bad it is, what mends it, and how early it can be seen."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.signals import Kind
from fleet.text import Text

UNUSUAL = "unusual_behaviour"
"""The fault of which nobody knows yet what it is: the anomaly score's."""


DEVICE_ERROR = "device_error"
"""The fault of a device that says it has an error which no code of the catalogue (fleet/codes) names."""

EXTERNAL = "external"
"""The fault of which another system tells; its own words say what it is."""

UNCLEAR = "unclear"
"""The fault of a robot that a person reported without anybody knowing which it is."""


class Level(StrEnum):
    """How much of the device is lost."""

    L1 = "L1"
    """Unusable, or a worker in danger."""
    L2 = "L2"
    """Part of its function is lost."""
    L3 = "L3"
    """Minor: it works, but needs attention."""


LEVEL_WORDS = {
    Level.L1: Text("unusable or a worker in danger", "无法使用或人员有危险"),
    Level.L2: Text("part of its function is lost", "部分功能丧失"),
    Level.L3: Text("minor", "轻微"),
}
"""What pages and messages call the levels."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the catalogue.

    `part` is None where nothing is replaced, `repair_minutes` is the usual time at the device, `advice` is
    what the customer is told (how to mend it alone where `customer_can_mend`), `horizon_days` how far ahead
    a model predicts it (None: it is noticed by a rule, or by the anomaly score, and no model learns it).
    `wears`: a part is used up, so that its remaining life can be told.
    """

    code: str
    kind: Kind
    level: Level
    name: Text
    part: str | None
    skill: str
    repair_minutes: int
    customer_can_mend: bool
    advice: Text
    horizon_days: int | None
    wears: bool = False

    @property
    def life_cap_days(self) -> int | None:
        """How far ahead remaining life is told apart: three horizons; None where no life is told."""
        return 3 * self.horizon_days if self.wears and self.horizon_days is not None else None


def _robot(  # noqa: PLR0913 - one row of a table
    code: str,
    level: Level,
    name: Text,
    part: str | None,
    skill: str,
    minutes: int,
    horizon_days: int | None,
    advice: Text,
    *,
    customer: bool = False,
    wears: bool = False,
) -> Fault:
    return Fault(code, Kind.ROBOT, level, name, part, skill, minutes, customer, advice, horizon_days, wears)


_TABLE = (
    _robot(
        "battery_wear",
        Level.L2,
        Text("Battery worn", "电池老化"),
        "battery-pack",
        "electrical",
        30,
        7,
        Text(
            "Shorten the cleaning plan until the battery is replaced; an engineer brings a new pack.",
            "更换电池前请缩短清洁计划；工程师将携带新电池上门。",
        ),
        wears=True,
    ),
    _robot(
        "battery_overheat",
        Level.L1,
        Text("Battery overheating", "电池过热"),
        "battery-pack",
        "electrical",
        40,
        4,
        Text(
            "Switch the robot off, keep it away from the charger and from anything that burns.",
            "请关机，并使机器人远离充电座与易燃物。",
        ),
    ),
    _robot(
        "charging_failure",
        Level.L1,
        Text("Charging fails", "充电故障"),
        "charge-contacts",
        "electrical",
        35,
        3,
        Text(
            "Wipe the charging contacts with a dry cloth and dock the robot again.",
            "请用干布擦拭充电触点后重新对接充电座。",
        ),
    ),
    _robot(
        "drive_motor_wear",
        Level.L1,
        Text("Drive motor worn", "行走电机磨损"),
        "drive-motor",
        "mechanical",
        60,
        7,
        Text(
            "Let the robot clean level floors only until the motor is replaced.",
            "更换电机前请仅在平整地面使用。",
        ),
        wears=True,
    ),
    _robot(
        "brush_jam",
        Level.L2,
        Text("Brush jamming", "滚刷卡滞"),
        "brush-bearing",
        "mechanical",
        25,
        2,
        Text(
            "Switch off, take out the brush and remove hair and thread from both ends.",
            "请关机取出滚刷，清除两端缠绕的毛发与线头。",
        ),
        customer=True,
    ),
    _robot(
        "brush_wear",
        Level.L3,
        Text("Brush worn", "滚刷磨损"),
        "main-brush",
        "consumable",
        15,
        7,
        Text(
            "Fit a new main brush: press both clips, lift it out, click the new one in.",
            "请更换主刷：按下两侧卡扣取出旧刷，装入新刷听到咔嗒声即可。",
        ),
        customer=True,
        wears=True,
    ),
    _robot(
        "fan_motor_wear",
        Level.L2,
        Text("Suction fan worn", "吸尘风机磨损"),
        "fan-motor",
        "mechanical",
        50,
        7,
        Text(
            "Suction is falling: plan a second pass over carpets until the fan is replaced.",
            "吸力下降：更换风机前，地毯区域请安排清洁两遍。",
        ),
        wears=True,
    ),
    _robot(
        "filter_clog",
        Level.L3,
        Text("Filter clogged", "滤网堵塞"),
        "hepa-filter",
        "consumable",
        10,
        4,
        Text(
            "Take out the filter, tap it clean or rinse it, let it dry for 24 h, or fit a new one.",
            "请取出滤网，轻拍或冲洗后晾干 24 小时，或更换新滤网。",
        ),
        customer=True,
        wears=True,
    ),
    _robot(
        "dustbin_full",
        Level.L3,
        Text("Dustbin full", "尘盒已满"),
        None,
        "consumable",
        5,
        None,
        Text("Empty the dustbin and put it back until it clicks.", "请清空尘盒，装回并听到咔嗒声。"),
        customer=True,
    ),
    _robot(
        "water_leak",
        Level.L2,
        Text("Water leaking", "漏水"),
        "water-seal",
        "mechanical",
        35,
        3,
        Text("Empty the clean-water tank and put up a slip warning.", "请倒空清水箱，并放置防滑警示牌。"),
    ),
    _robot(
        "lidar_misaligned",
        Level.L2,
        Text("Lidar misaligned", "激光雷达偏移"),
        "lidar-unit",
        "navigation",
        45,
        3,
        Text(
            "Wipe the lidar window with a soft dry cloth; do not turn the tower by hand.",
            "请用柔软干布擦拭激光雷达窗口；请勿用手转动。",
        ),
    ),
    _robot(
        "wheel_slip",
        Level.L3,
        Text("Wheels slipping", "车轮打滑"),
        "drive-wheel-tyre",
        "mechanical",
        25,
        7,
        Text("Clean both driving wheels with a damp cloth.", "请用湿布清洁两侧驱动轮。"),
        customer=True,
    ),
    _robot(
        "comms_loss",
        Level.L2,
        Text("Connection lost", "通信中断"),
        "radio-module",
        "electrical",
        30,
        3,
        Text(
            "Check that the site's wireless network reaches the robot's dock.",
            "请检查充电座附近的无线网络信号。",
        ),
    ),
    _robot(
        UNUSUAL,
        Level.L3,
        Text("Unusual behaviour", "行为异常"),
        None,
        "mechanical",
        45,
        None,
        Text(
            "It changes as no other robot of its model does: look for anything loose, stuck or dirty.",
            "该机器人的变化与同型号其他机器人不同：请检查是否有松动、卡滞或脏污。",
        ),
    ),
    _robot(
        DEVICE_ERROR,
        Level.L2,
        Text("Reports an error", "设备报错"),
        None,
        "mechanical",
        30,
        None,
        Text(
            "Read the message on the robot, free it from what holds it, and start it again.",
            "请查看机器人上的提示，排除卡阻后重新启动。",
        ),
    ),
    _robot(
        EXTERNAL,
        Level.L2,
        Text("Reported by another system", "其他系统告警"),
        None,
        "electrical",
        30,
        None,
        Text(
            "Read what the other system says, and look there for its cause.",
            "请查看该系统的告警说明，并在其中排查原因。",
        ),
    ),
    _robot(
        UNCLEAR,
        Level.L2,
        Text("Reported, cause unclear", "已报修，原因待查"),
        None,
        "mechanical",
        45,
        None,
        Text(
            "Leave the robot as it is, and note what it did last: that helps whoever looks at it.",
            "请保持机器人原状，并记下它最后的动作，便于工程师判断。",
        ),
    ),
    Fault(
        "tool_unclear",
        Kind.TOOL,
        Level.L2,
        Text("Tool reported, cause unclear", "工具已报修，原因待查"),
        None,
        "hygiene",
        15,
        False,
        Text("Put the tool aside and take another one.", "请将该工具放在一旁，改用其他工具。"),
        None,
    ),
    Fault(
        "wristband_unclear",
        Kind.WRISTBAND,
        Level.L2,
        Text("Wristband reported, cause unclear", "手环已报修，原因待查"),
        None,
        "electrical",
        15,
        False,
        Text("Take the wristband off and wear another one.", "请取下该手环，改戴其他手环。"),
        None,
    ),
    Fault(
        "tool_consumable_spent",
        Kind.TOOL,
        Level.L3,
        Text("Tool consumable spent", "工具耗材用尽"),
        "tool-pad",
        "consumable",
        5,
        True,
        Text("Fit a new pad before the next shift.", "请在下一班次前更换耗材。"),
        None,
    ),
    Fault(
        "tool_zone_misuse",
        Kind.TOOL,
        Level.L3,
        Text("Tool used in the wrong zone", "工具跨区使用"),
        None,
        "hygiene",
        5,
        True,
        Text(
            "Bring the tool back to its zone and take one with that zone's colour.",
            "请将工具送回所属区域，并使用该区域颜色的工具。",
        ),
        None,
    ),
    Fault(
        "tool_overuse",
        Kind.TOOL,
        Level.L3,
        Text("Tool used beyond its life", "工具超期使用"),
        "tool-head",
        "consumable",
        10,
        True,
        Text("Replace the tool head; it has passed its service life.", "工具头已超过使用寿命，请更换。"),
        None,
    ),
    Fault(
        "wristband_battery",
        Kind.WRISTBAND,
        Level.L3,
        Text("Wristband battery low", "手环电量低"),
        None,
        "electrical",
        5,
        True,
        Text("Charge the wristband before the next shift.", "请在下一班次前为手环充电。"),
        None,
    ),
    Fault(
        "worker_sos",
        Kind.WRISTBAND,
        Level.L1,
        Text("Worker calls for help", "工人求助"),
        None,
        "safety",
        30,
        False,
        Text(
            "Call the worker at once; send the nearest colleague.", "请立即联系该工人，并派最近的同事前往。"
        ),
        None,
    ),
    Fault(
        "worker_fall",
        Kind.WRISTBAND,
        Level.L1,
        Text("Worker has fallen", "工人跌倒"),
        None,
        "safety",
        30,
        False,
        Text(
            "Call the worker at once; without an answer send the nearest colleague.",
            "请立即联系该工人；若无回应请派最近的同事前往。",
        ),
        None,
    ),
    Fault(
        "worker_heart_rate",
        Kind.WRISTBAND,
        Level.L1,
        Text("Worker's heart rate out of bounds", "工人心率异常"),
        None,
        "safety",
        30,
        False,
        Text("Ask the worker to rest and measure again.", "请工人休息后复测。"),
        None,
    ),
    Fault(
        "wristband_not_worn",
        Kind.WRISTBAND,
        Level.L3,
        Text("Wristband not worn", "手环未佩戴"),
        None,
        "safety",
        5,
        True,
        Text("Ask the worker to put the wristband on.", "请提醒工人佩戴手环。"),
        None,
    ),
    Fault(
        "worker_overtime",
        Kind.WRISTBAND,
        Level.L3,
        Text("Shift too long", "工作时间过长"),
        None,
        "safety",
        5,
        True,
        Text("End the worker's shift, or have somebody take over.", "请安排该工人下班或换班。"),
        None,
    ),
)

FAULTS: dict[str, Fault] = {fault.code: fault for fault in _TABLE}
"""The catalogue by code."""
PARTS = frozenset(fault.part for fault in _TABLE if fault.part is not None)
"""The parts that mend faults."""

_UNCLEAR = {Kind.ROBOT: UNCLEAR, Kind.TOOL: "tool_unclear", Kind.WRISTBAND: "wristband_unclear"}


def unclear_fault(kind: Kind) -> str:
    """Return the fault of a device of which nobody knows yet what is wrong with it."""
    return _UNCLEAR[kind]


def is_unclear(fault: str) -> bool:
    """Tell whether a fault says only that somebody reported something."""
    return fault in _UNCLEAR.values()


def predicted_faults(kind: Kind) -> tuple[Fault, ...]:
    """Return the faults of one kind of device that models predict, in the catalogue's order."""
    return tuple(fault for fault in _TABLE if fault.kind is kind and fault.horizon_days is not None)
