"""The indicators of after-sales: what each is, what is counted, in which month, and what is aimed at."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.text import Text


class Measure(StrEnum):
    """How a figure comes about: a share of cases, a length of time, a number of cases, or money."""

    SHARE = "share"
    MEDIAN = "median"
    P90 = "p90"
    MEAN = "mean"
    COUNT = "count"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator. A share is `numerator` of `denominator`; times are of the cases of `denominator`.

    `goal` is a share of 1 (None: none is set); `higher_is_better` says on which side of it is good. `counts`
    says in which month a case counts.
    """

    id: str
    name: Text
    definition: Text
    measure: Measure
    numerator: Text
    denominator: Text
    counts: Text
    goal: float | None = None
    higher_is_better: bool = True

    @property
    def unit(self) -> str:
        """The unit of its value in the API: 1 for a share."""
        units = {Measure.SHARE: "1", Measure.COUNT: "cases", Measure.MONEY: "currency"}
        return units.get(self.measure, "ms")

    def missed(self, value: float | None) -> bool:
        """Tell whether a value is on the wrong side of the goal; what nobody knows is not."""
        if value is None or self.goal is None:
            return False
        return value < self.goal if self.higher_is_better else value > self.goal


_DUE = Text("the month in which it was due", "应完成的月份")
_REPAIRED = Text("the month of its first repair", "首次修复的月份")
_ARRIVED = Text("the month in which somebody arrived", "到场的月份")
_JUDGED = Text("the month in which it was found or refuted", "得出结论的月份")
_OPENED = Text("the month in which it was opened", "建单的月份")
_LEFT = Text("each month at whose end it was open", "月末仍未关闭的每个月")
_REPAIRS = Text("cases that were repaired", "已修复的工单")

_ALL = (
    Indicator(
        "response_on_time",
        Text("Response on time", "响应及时率"),
        Text(
            "Of the cases whose answer was due, the share that was accepted by then, as their clock says.",
            "应响应的工单中，按其时钟在期限内受理的比例。",
        ),
        Measure.SHARE,
        Text("accepted by then", "按时受理"),
        Text("cases whose answer was due", "应响应的工单"),
        _DUE,
        0.95,
    ),
    Indicator(
        "on_site_on_time",
        Text("On site on time", "到场及时率"),
        Text(
            "Of the cases at which somebody was due, the share where the repair began by then, as their "
            "clock says.",
            "应到场的工单中，按其时钟在期限内开始维修的比例。",
        ),
        Measure.SHARE,
        Text("repair began by then", "按时开始维修"),
        Text("cases at which somebody was due", "应到场的工单"),
        _DUE,
        0.98,
    ),
    Indicator(
        "first_time_fix",
        Text("First-time fix", "一次修复率"),
        Text(
            "Of the repaired cases, the share that was not reopened and after which the same device had no "
            "other case of the same fault within 30 days.",
            "已修复的工单中，未被重开、且同一设备 30 天内未因同一故障再次建单的比例。",
        ),
        Measure.SHARE,
        Text("mended at the first time", "一次修好"),
        _REPAIRS,
        _REPAIRED,
        0.90,
    ),
    Indicator(
        "satisfaction",
        Text("Satisfaction", "满意度"),
        Text(
            "Of the cases that customers gave a score, the share with 4 or 5 of 5.",
            "客户已评分的工单中，4 分或 5 分（满分 5 分）的比例。",
        ),
        Measure.SHARE,
        Text("score 4 or 5", "4 分或 5 分"),
        Text("cases with a score", "已评分的工单"),
        Text("the month of the score", "评分的月份"),
        0.90,
    ),
    Indicator(
        "waiting_median",
        Text("Waiting, median", "等待时间中位数"),
        Text(
            "From opening to the beginning of the repair, by the clock on the wall: half waited no longer.",
            "从建单到开始维修的自然时间：一半的工单不超过此值。",
        ),
        Measure.MEDIAN,
        Text("", ""),
        Text("cases at which somebody arrived", "已到场的工单"),
        _ARRIVED,
        higher_is_better=False,
    ),
    Indicator(
        "waiting_p90",
        Text("Waiting, nine of ten", "等待时间 90 分位"),
        Text(
            "From opening to the beginning of the repair: nine of ten waited no longer.",
            "从建单到开始维修的自然时间：九成的工单不超过此值。",
        ),
        Measure.P90,
        Text("", ""),
        Text("cases at which somebody arrived", "已到场的工单"),
        _ARRIVED,
        higher_is_better=False,
    ),
    Indicator(
        "mttr",
        Text("Mean time to repair", "平均修复时间"),
        Text(
            "From the beginning of the repair to the first time that it was repaired, waits for parts and "
            "customers included; the mean.",
            "从开始维修到首次修复的平均自然时间，含等待备件和客户的时间。",
        ),
        Measure.MEAN,
        Text("", ""),
        _REPAIRS,
        _REPAIRED,
        higher_is_better=False,
    ),
    Indicator(
        "backlog",
        Text("Backlog", "积压工单"),
        Text(
            "Cases that were open at the end of the month (now, in this one); one that was reopened later "
            "was not over.",
            "月末（本月则为现在）仍未关闭的工单；之后被重开的工单视为一直未结束。",
        ),
        Measure.COUNT,
        Text("", ""),
        Text("open cases", "未关闭的工单"),
        _LEFT,
        higher_is_better=False,
    ),
    Indicator(
        "backlog_age",
        Text("Age of the backlog", "积压时长中位数"),
        Text(
            "For how long the cases of the backlog had been open, the median.",
            "积压工单自建单以来的时长的中位数。",
        ),
        Measure.MEDIAN,
        Text("", ""),
        Text("open cases", "未关闭的工单"),
        _LEFT,
        higher_is_better=False,
    ),
    Indicator(
        "repeat_repairs",
        Text("Repeat repairs", "重复维修率"),
        Text(
            "Of the repaired cases, the share after which the same device had another case of the same fault "
            "within 30 days.",
            "已修复的工单中，同一设备 30 天内因同一故障再次建单的比例。",
        ),
        Measure.SHARE,
        Text("came again within 30 days", "30 天内再次发生"),
        _REPAIRS,
        _REPAIRED,
        higher_is_better=False,
    ),
    Indicator(
        "proactive_confirmed",
        Text("Proactive confirmed", "主动预警确认率"),
        Text(
            "Of the cases that we opened and that were judged, the share where what was suspected was found.",
            "由系统主动建单且已得出结论的工单中，所怀疑的故障被证实的比例。",
        ),
        Measure.SHARE,
        Text("found", "已证实"),
        Text("proactive cases that were judged", "已得出结论的主动工单"),
        _JUDGED,
    ),
    Indicator(
        "lead_time",
        Text("Lead time", "提前量"),
        Text(
            "How long before somebody stood at the device its fault was suspected, where it was found; the "
            "median. When it would have failed nobody can know: it was mended before.",
            "故障被证实的主动工单中，从首次怀疑到有人到场的时间的中位数。设备已提前修好，何时会真正失效无从得知。",
        ),
        Measure.MEDIAN,
        Text("", ""),
        Text("proactive cases that were found", "已证实的主动工单"),
        _JUDGED,
    ),
    Indicator(
        "breakdowns_avoided",
        Text("Breakdowns avoided", "避免的故障停机"),
        Text(
            "Cases in which a model predicted a fault that was then found, before anybody had reported it.",
            "模型预测、随后被证实、且此前无人报修的故障工单数。",
        ),
        Measure.COUNT,
        Text("", ""),
        Text("predicted, found, and reported by nobody", "预测并证实且无人报修"),
        _JUDGED,
    ),
    Indicator(
        "money_saved",
        Text("Money saved", "节省的费用"),
        Text(
            "For each breakdown avoided what it costs less what going there costs; for each visit on a "
            "prediction that found nothing, what that and its disappointment cost is taken off. By "
            "models.costs of the settings.",
            "每次避免的停机：故障费用减去上门费用；每次因预测上门而未发现故障，扣除上门费用及其失信成本。"
            "单价见设置 models.costs。",
        ),
        Measure.MONEY,
        Text("", ""),
        Text("predicted cases that somebody looked at", "有人查看过的预测工单"),
        _JUDGED,
    ),
    Indicator(
        "early_failures",
        Text("Early failures", "早期故障"),
        Text(
            "Faults that were found in cases opened within 90 days of when the device was first seen.",
            "设备首次出现后 90 天内建单并证实的故障数。",
        ),
        Measure.COUNT,
        Text("", ""),
        Text("faults of young devices", "新设备的故障"),
        _OPENED,
        higher_is_better=False,
    ),
    Indicator(
        "opened",
        Text("Cases opened", "新建工单"),
        Text("Cases that were opened, whoever noticed.", "新建的工单数，无论由谁发现。"),
        Measure.COUNT,
        Text("", ""),
        Text("cases", "工单"),
        _OPENED,
        higher_is_better=False,
    ),
)
INDICATORS: dict[str, Indicator] = {each.id: each for each in _ALL}
"""All indicators by id, in the order of pages."""


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator in a month: `count` cases, of which `hits` are its numerator (shares alone).

    `value` is a share of 1, ms, a number, or money; None where there is nothing to go by: 0 of 0 is neither
    good nor bad.
    """

    indicator: Indicator
    month: int
    count: int
    hits: int | None
    value: float | None

    @property
    def missed(self) -> bool:
        """Whether it is on the wrong side of its goal."""
        return self.indicator.missed(self.value)
