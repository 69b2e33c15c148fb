"""Says why: the signals that drove a risk, against the cohort or the device's own past."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fleet.risks import Driver
from fleet.signals import SignalTable
from fleet.text import Language, Text
from fleet.units import readable_unit
from models.anomaly.watched import WATCHED
from models.features.components import Component
from models.features.compute import Look
from models.features.definitions import LIFE_VIEWS, YEAR_VIEWS, Feature, View, by_name
from models.features.measures import Measure
from models.features.windows import Floats, Ints, Windows
from models.registry.registry import LoadedModel
from models.scoring.course import Courses

LookAt = Callable[[Ints], Look]
"""Gives a look at some rows of what was asked."""

TOP = 3
"""So many signals are named for each risk."""


def drivers(
    model: LoadedModel, matrix: Floats, look_at: LookAt, alerted: NDArray[np.bool_] | None = None
) -> list[tuple[Driver, ...]]:
    """Return for each row of a feature matrix up to three signals that raised its risk most.

    `matrix` has the model's own columns, `look_at` gives a look at some of its rows. The first driver of a
    row that is `alerted` brings its course along.

    Weights are SHAP values in log-odds (Lundberg et al., "From local explanations to global understanding
    with explainable AI for trees", Nature Machine Intelligence 2, 2020), summed over all features of a
    signal; the feature named is the one of them that raised the risk most.
    """
    from shap import TreeExplainer

    shap = np.asarray(TreeExplainer(model.booster).shap_values(matrix))
    columns, weights = _raising(model.features, shap)
    told = np.full(columns.shape, None, dtype=object)
    for column in np.unique(columns[weights > 0]).tolist():
        rows, ranks = np.nonzero((columns == column) & (weights > 0))
        drawn = (ranks == 0) & (False if alerted is None else alerted[rows])
        look = Courses(model.features[column], look_at(rows))
        told[rows, ranks] = _drivers_of(model.features[column], look, weights[rows, ranks], drawn)
    return [tuple(driver for driver in row if driver is not None) for row in told.tolist()]


def _raising(features: Sequence[Feature], shap: Floats) -> tuple[Ints, Floats]:
    """Return for each row the columns that stand for the signals that weigh most, and those weights.

    Shapes: (rows, up to TOP), in order of weight.
    """
    signals = np.array([feature.measure.signal for feature in features])
    weights, columns = [], []
    for signal in np.unique(signals):
        of_signal = np.flatnonzero(signals == signal)
        weights.append(shap[:, of_signal].sum(axis=1))
        columns.append(of_signal[shap[:, of_signal].argmax(axis=1)])
    weight, column = np.stack(weights, axis=1), np.stack(columns, axis=1)
    top = np.argsort(-weight, axis=1, kind="stable")[:, :TOP]
    return np.take_along_axis(column, top, axis=1), np.take_along_axis(weight, top, axis=1)


def _drivers_of(feature: Feature, seen: Courses, weights: Floats, drawn: NDArray[np.bool_]) -> list[Driver]:
    """Return what one feature shows of some rows, with the course of those that are `drawn`."""
    measure = feature.measure
    unit = {View.RENEWED: "d", View.USED: "h", View.CYCLED: ""}.get(feature.view, measure.unit)
    columns = weights.tolist(), _numbers(seen.level), _numbers(seen.usual), seen.days.tolist(), drawn.tolist()
    return [
        Driver(
            measure.signal,
            feature.name,
            weight,
            value,
            usual,
            unit,
            days or None,
            seen.course(pair) if is_drawn else None,
        )
        for pair, (weight, value, usual, days, is_drawn) in enumerate(zip(*columns, strict=True))
    ]


def _numbers(values: Floats) -> list[float | None]:
    """Return rounded numbers, None for those that are not known."""
    rounded = np.round(values.astype(np.float64), 6)
    return [value if math.isfinite(value) else None for value in rounded.tolist()]


_AGAINST = {
    View.OWN: Text("its own baseline", "其自身基线"),
    View.FIRST: Text("its first days", "其最初几天"),
    View.STEP: Text("its last 7 days", "其最近 7 天"),
    View.HOURS_6: Text("its last 7 days", "其最近 7 天"),
    View.HOURS_24: Text("its last 7 days", "其最近 7 天"),
    View.TREND: Text("six days ago", "六天前"),
    View.MONTH: Text("a month ago", "一个月前"),
    View.DAY: Text("the usual for this model", "同型号常值"),
    View.COHORT: Text("the usual for this model", "同型号常值"),
}
_LAST_WEEKS = Text("its last weeks", "其前几周")
_UNUSUAL = {each.feature: (each.measure, _LAST_WEEKS) for each in WATCHED} | {
    each.beside_peers: (each.measure, _AGAINST[View.COHORT]) for each in WATCHED
}
"""What a driver of unusual behaviour compares, and with what."""
_POINTS_AT = Text("Points at the {part}: {shown}", "指向{part}：{shown}")
PARTS: dict[str, Text] = {
    Component.BATTERY: Text("battery", "电池"),
    Component.CHARGER: Text("charging", "充电部件"),
    Component.DRIVE: Text("drive", "行走驱动"),
    Component.WHEELS: Text("wheels", "车轮"),
    Component.BRUSH: Text("brush", "滚刷"),
    Component.FAN: Text("fan", "风机"),
    Component.FILTER: Text("filter", "滤网"),
    Component.AIRFLOW: Text("fan or filter", "风机或滤网"),
    Component.WATER: Text("water system", "水路"),
    Component.NAVIGATION: Text("sensors", "传感器"),
    Component.RADIO: Text("radio", "无线模块"),
}
"""What people call the parts that unusual behaviour points at."""
_ABOVE, _BELOW, _NEAR = Text("above", "高于"), Text("below", "低于"), Text("close to", "接近")
_POINTS = Text("points", "个百分点")
_NO_READING = Text("no reading", "无读数")
_LEAST_USUAL = 1e-9
_MOST_PERCENT = 1000
"""Above this a percentage is no longer understood, and a multiple is said."""


def sentence(driver: Driver, signals: SignalTable, language: Language) -> str:
    """Say what a driver shows: `Brush current 34 % above the usual for this model, for 6 days`.

    What unusual behaviour points at is said first: `Points at the brush: Brush current ...`. A feature or
    signal that this version does not know is named as it was stored.
    """
    shown = _shown(driver, signals, language)
    if driver.part not in PARTS:
        return shown
    part = PARTS[driver.part].in_language(language)
    return _POINTS_AT.in_language(language).format(part=part, shown=shown)


def _shown(driver: Driver, signals: SignalTable, language: Language) -> str:
    feature = by_name().get(driver.feature)
    if driver.feature in _UNUSUAL:
        return _compared(driver, *_UNUSUAL[driver.feature], language)
    if feature is None:
        known = driver.signal in signals
        return signals[driver.signal].label.in_language(language) if known else driver.signal
    label = feature.measure.label.in_language(language)
    if feature.view in LIFE_VIEWS:
        return _lived(feature.view, driver.value, language)
    if feature.view in YEAR_VIEWS:
        return label
    return _compared(driver, feature.measure, _AGAINST[feature.view], language)


def _compared(driver: Driver, measure: Measure, usual: Text, language: Language) -> str:
    label, against = measure.label.in_language(language), usual.in_language(language)
    if driver.value is None or driver.usual is None:
        shown = (
            _NO_READING.in_language(language)
            if driver.value is None
            else _amount(driver.value, driver.unit, language)
        )
        return f"{label}{'：' if language == 'zh' else ': '}{shown}"
    since = _lasting(driver.days, language)
    if measure.relative and (times := _times(driver.value, driver.usual)):
        if language == "zh":
            return f"{label}超过{against}的 {times} 倍{since}"
        return f"{label} more than {times} times {against}{since}"
    gap = _gap(driver.value, driver.usual, driver.unit, language, relative=measure.relative)
    if gap is None:
        return f"{label}{_NEAR.zh}{against}" if language == "zh" else f"{label} {_NEAR.en} {against}"
    way = (_ABOVE if driver.value >= driver.usual else _BELOW).in_language(language)
    return (
        f"{label}{way}{against} {gap}{since}" if language == "zh" else f"{label} {gap} {way} {against}{since}"
    )


def _lasting(days: int | None, language: Language) -> str:
    """Return for how long it has been so, as the end of a sentence; nothing where that is not known."""
    if not days:
        return ""
    if days >= Windows().month_days:
        return f"，已持续 {days} 天以上" if language == "zh" else f", for {days} days or more"
    if language == "zh":
        return f"，已持续 {days} 天"
    return f", for {days} {'day' if days == 1 else 'days'}"


def _times(value: float, usual: float) -> str | None:
    """Return the round number of times that the value exceeds the usual; None where percent are said."""
    if abs(usual) <= _LEAST_USUAL or value / usual <= 1 + _MOST_PERCENT / 100:
        return None
    times = value / usual
    step = 10 ** math.floor(math.log10(times))
    return f"{max(1, math.ceil(times / step) - 1) * step:,}"


def _gap(value: float, usual: float, unit: str, language: Language, *, relative: bool) -> str | None:
    """Return how far apart the two are, in words; None when it is too little to be worth a number."""
    apart = abs(value - usual)
    if relative and abs(usual) > _LEAST_USUAL and 100 * apart <= _MOST_PERCENT * abs(usual):
        share = f"{100 * apart / abs(usual):.0f}"
        return None if share == "0" else f"{share} %"
    if unit in ("", "%"):
        # A difference of two percentages is counted in points: 4 % is not 2 % above 2 %.
        points = f"{apart if unit else 100 * apart:.1f}"
        return None if points == "0.0" else f"{points} {_POINTS.in_language(language)}"
    return None if apart < _LEAST_USUAL else _amount(apart, unit, language)


def _amount(value: float, unit: str, language: Language) -> str:
    read_in, size = readable_unit(unit, value, language)
    read = value / size
    return f"{read:,.0f} {read_in}".rstrip() if abs(read) >= 100 else f"{read:.3g} {read_in}".rstrip()


_LIVED = {
    View.RENEWED: (
        Text("{:.0f} days since its last repair", "距上次维修 {:.0f} 天"),
        Text("time since its last repair: not known", "上次维修时间：未知"),
    ),
    View.USED: (
        Text("{:.0f} run hours in its present life", "本次使用周期已运行 {:.0f} 小时"),
        Text(f"run hours in its present life: {_NO_READING.en}", f"本次使用周期运行小时数：{_NO_READING.zh}"),
    ),
    View.CYCLED: (
        Text("{:.0f} charge cycles in its present life", "本次使用周期已充电 {:.0f} 次"),
        Text(
            f"charge cycles in its present life: {_NO_READING.en}", f"本次使用周期充电次数：{_NO_READING.zh}"
        ),
    ),
}
"""What is said of how long a device has lived: with its count, and without one."""


def _lived(view: View, count: float | None, language: Language) -> str:
    known, unknown = _LIVED[view]
    return unknown.in_language(language) if count is None else known.in_language(language).format(count)
