"""What each chart shows, as Altair specifications over rows.

Altair costs a second to import: nothing imports this file before a chart is drawn. pandas comes before
Altair, which takes what another thread is still importing for whole.
"""

from collections.abc import Mapping, Sequence
from math import cos, pi, sin
from typing import Any, Literal

import pandas  # noqa: F401

import altair as alt  # isort: skip
import polars as pl

from fleet.text import Text

ROWS = "rows"
"""The name of a specification's rows, where it does not hold them itself."""
_WIDTH, _HEIGHT = 290, 110
_COURSE_WIDTH = 380
_RISK_WIDTH, _RISK_HEIGHT = 860, 180
_CARD_WIDTH, _CARD_HEIGHT = 380, 260
_HUES = ("#2f86c9", "#d9622b", "#2f9e58", "#a05fe0", "#b9821b", "#1a9ab0", "#dc4a8b", "#7a9a1e", "#7f8b9a")
_SAID = Text("risk said", "预测风险")
_CAME = Text("how often it came", "实际发生率")
_THRESHOLD = Text("threshold", "阈值")
_COST = Text("cost, share of never acting", "成本（占从不处理的比例）")
_LINE, _MARK = "var(--line)", "#d9622b"
_TICKS = [0, 0.05, 0.1, 0.2, 0.4, 0.6, 1]
"""Thresholds named on an axis of square roots, far enough apart for their labels."""


def signal_chart(unit: str, time_format: str, no_yes: tuple[str, str] | None) -> alt.LayerChart:
    """Return one signal over time from rows `ts, mean, min, max, alone`: a line, a band from least to most.

    A row that is `alone` between two silences is a point, which a line would not show. `no_yes` are the words
    for 0 and 1 of a signal that is nothing else.
    """
    time = _time_axis(time_format)
    scale, axis = alt.Scale(zero=False, nice=True), _value_axis(unit)
    if no_yes is not None:
        scale = alt.Scale(domain=[0, 1])
        axis = alt.Axis(title=None, values=[0, 1], labelExpr=f"{list(no_yes)}[datum.value]")
    base = alt.Chart(alt.NamedData(name=ROWS), width=_WIDTH, height=_HEIGHT)
    mean = alt.Y("mean:Q", scale=scale, axis=axis)
    band = base.mark_area(opacity=0.18, color="var(--line)").encode(
        x=time, y=alt.Y("min:Q", scale=scale, axis=axis), y2="max:Q"
    )
    line = base.mark_line(strokeWidth=1.6, color="var(--line)").encode(x=time, y=mean)
    alone = base.transform_filter("datum.alone").mark_point(
        filled=True, size=18, opacity=1, color="var(--line)"
    )
    whole: alt.LayerChart = band + line + alone.encode(x=time, y=mean)
    return whole


def risk_chart(
    faults: Sequence[str], time_format: str, *, points: bool, when: Sequence[str] = ()
) -> alt.Chart:
    """Return the risk of each fault over time, from rows `ts, fault, risk, when`; `faults` orders colours.

    `when` are the two values of that column where both are to be told apart: at its time, and afterwards.
    """
    shades = alt.Scale(domain=list(faults), range=[_HUES[n % len(_HUES)] for n in range(len(faults))])
    chart: alt.Chart = (
        alt.Chart(alt.NamedData(name=ROWS), width=_RISK_WIDTH, height=_RISK_HEIGHT)
        .mark_line(strokeWidth=2, point=points)
        .encode(
            x=_time_axis(time_format),
            y=alt.Y(
                "risk:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", title=None, tickCount=5)
            ),
            color=alt.Color(
                "fault:N",
                scale=shades,
                legend=alt.Legend(orient="top", title=None, columns=5, columnPadding=28),
            ),
            strokeDash=alt.StrokeDash("fault:N", scale=alt.Scale(domain=list(faults)), legend=None),
        )
    )
    if when:
        pale = alt.Scale(domain=list(when), range=[1.0, 0.45])
        legend = alt.Legend(
            orient="bottom",
            title=None,
            symbolType="square",
            symbolFillColor="#8a8f98",
            symbolStrokeWidth=0,
            symbolSize=120,
        )
        chart = chart.encode(opacity=alt.Opacity("when:N", scale=pale, legend=legend))
    return chart


def course_chart(unit: str, time_format: str, names: Sequence[str]) -> alt.LayerChart:
    """Return a driver's course from rows `ts, level, who, own`: the device strong, what is usual faint.

    `names` are the values of `who`: the device, its cohort, and its own baseline where there is one. A day
    between two without a level is a point, which a line alone would not show.
    """
    count = len(names)
    colours = alt.Scale(domain=list(names), range=["var(--line)", "#8a8f98", "#c0851a"][:count])
    dashes = alt.Scale(domain=list(names), range=[[1, 0], [6, 3], [2, 3]][:count])
    legend = alt.Legend(orient="top", title=None, columnPadding=16, symbolType="stroke", symbolSize=300)
    level = alt.Y("level:Q", scale=alt.Scale(zero=False, nice=True), axis=_value_axis(unit))
    base = alt.Chart(alt.NamedData(name=ROWS), width=_COURSE_WIDTH, height=_HEIGHT)
    lines = base.mark_line(strokeWidth=2).encode(
        x=_time_axis(time_format),
        y=level,
        color=alt.Color("who:N", scale=colours, legend=legend),
        strokeDash=alt.StrokeDash("who:N", scale=dashes, legend=legend),
    )
    points = (
        base.transform_filter("datum.own")
        .mark_point(filled=True, size=16, opacity=1, color="var(--line)")
        .encode(x=_time_axis(time_format), y=level)
    )
    both: alt.LayerChart = lines + points
    return both


def _value_axis(unit: str) -> alt.Axis:
    return alt.Axis(title=unit or None, tickCount=4, titleAngle=0, titleAlign="left", titleY=-6, titleX=-30)


def _time_axis(time_format: str) -> alt.X:
    axis = alt.Axis(title=None, grid=False, labelOverlap=True, tickCount=5, format=time_format)
    return alt.X("ts:T", scale=alt.Scale(type="utc"), axis=axis)


def calibration_chart(points: Sequence[Mapping[str, float]], language: str) -> alt.LayerChart:
    """Return how often the fault came against the risk said, from rows `risk, frequency, rows`.

    Each point is a bin of equally many held-out rows; on the diagonal risks are true. Axes are square roots,
    since most risks are small.
    """
    most = max([0.05, *(max(point["risk"], point["frequency"]) for point in points)])
    scale = alt.Scale(type="sqrt", domain=[0, most], nice=False)
    x = alt.X("risk:Q", scale=scale, axis=_share_axis(_SAID, language))
    y = alt.Y("frequency:Q", scale=scale, axis=_share_axis(_CAME, language))
    true = alt.Chart(pl.DataFrame([{"risk": 0, "frequency": 0}, {"risk": most, "frequency": most}]))
    base = alt.Chart(pl.DataFrame([dict(point) for point in points]), width=_CARD_WIDTH, height=_CARD_HEIGHT)
    chart: alt.LayerChart = (
        true.mark_line(color="var(--ink)", strokeDash=[4, 4], strokeWidth=1).encode(x=x, y=y)
        + base.mark_line(color=_LINE, strokeWidth=1.6).encode(x=x, y=y, order="risk:Q")
        + base.mark_point(color=_LINE, filled=True, size=40, opacity=1).encode(x=x, y=y)
    )
    return chart


def _share_axis(title: Text, language: str) -> alt.Axis:
    return alt.Axis(title=title.in_language(language), format=".2~%", tickCount=5)


def cost_chart(
    thresholds: Sequence[float], relative: Sequence[float], chosen: float, language: str
) -> alt.LayerChart:
    """Return what each threshold costs as a share of never acting, with the chosen one marked."""
    rows = [{"threshold": t, "cost": c} for t, c in zip(thresholds, relative, strict=True)]
    most = min(max([1.2, *relative]), 3.0)
    axis = alt.Axis(title=_THRESHOLD.in_language(language), format=".2~%", values=_TICKS)
    x = alt.X("threshold:Q", scale=alt.Scale(type="sqrt", domain=[0, 1]), axis=axis)
    y = alt.Y(
        "cost:Q",
        scale=alt.Scale(domain=[0, most], clamp=True),
        axis=alt.Axis(title=_COST.in_language(language), format="%", tickCount=5),
    )
    base = alt.Chart(pl.DataFrame(rows), width=_CARD_WIDTH, height=_CARD_HEIGHT)
    mark = alt.Chart(pl.DataFrame([{"threshold": chosen}]))
    never = alt.Chart(pl.DataFrame([{"cost": 1.0}]))
    chart: alt.LayerChart = (
        never.mark_rule(color="var(--ink)", strokeDash=[4, 4]).encode(y=y)
        + base.mark_line(color=_LINE, strokeWidth=2, interpolate="step-before").encode(x=x, y=y)
        + mark.mark_rule(color=_MARK, strokeWidth=1.6).encode(x=x)
    )
    return chart


def heat_chart(rows: Sequence[Mapping[str, object]], days: Sequence[str]) -> alt.Chart:
    """Return cases by weekday and hour, from rows `day, hour, cases`; `days` orders weekdays."""
    chart: alt.Chart = (
        alt.Chart(pl.DataFrame([dict(row) for row in rows]), width=_COURSE_WIDTH + 200, height=_RISK_HEIGHT)
        .mark_rect(color=_LINE, stroke="var(--grid)", strokeWidth=0.5)
        .encode(
            x=alt.X("hour:O", axis=alt.Axis(title=None, labelAngle=0, values=list(range(0, 24, 3)))),
            y=alt.Y("day:N", sort=list(days), axis=alt.Axis(title=None)),
            fillOpacity=alt.FillOpacity("cases:Q", scale=alt.Scale(domainMin=0, range=[0, 1]), legend=None),
        )
    )
    return chart


def engineer_chart(rows: Sequence[Mapping[str, object]], figures: Sequence[str]) -> alt.FacetChart:
    """Return a radar for each engineer from rows `engineer, figure, share`: a corner a figure, 1 at the rim.

    A figure that is not known of somebody is no corner of theirs.
    """
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-2.6, 2.6]))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-1.3, 1.3]))
    base = alt.Chart(width=390, height=180).encode(x=x, y=y)
    rings = (
        base.transform_filter("datum.part == 'ring'")
        .mark_line(color="var(--grid)", strokeWidth=1)
        .encode(detail="path:N", order="order:Q")
    )
    shape = (
        base.transform_filter("datum.part == 'shape'")
        .mark_line(
            color=_LINE, filled=True, fillOpacity=0.2, strokeWidth=2, point=alt.OverlayMarkDef(color=_LINE)
        )
        .encode(order="order:Q")
    )
    names = [
        base.transform_filter(f"datum.part == '{side}'")
        .mark_text(color="var(--ink)", fontSize=10, align=side, baseline="middle")
        .encode(text="text:N")
        for side in _SIDES
    ]
    chart: alt.FacetChart = alt.layer(rings, shape, *names, data=_radar_rows(rows, figures)).facet(
        facet=alt.Facet("engineer:N", header=alt.Header(title=None, labelColor="var(--ink)")), columns=2
    )
    return chart


_SIDES: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "right")
_RINGS = (0.25, 0.5, 0.75, 1.0)


def _radar_rows(rows: Sequence[Mapping[str, object]], figures: Sequence[str]) -> pl.DataFrame:
    """Return what a radar draws, all of it for each engineer: rings, names at the corners, the shape."""
    made: list[dict[str, object]] = []
    angles = {figure: 2 * pi * at / len(figures) for at, figure in enumerate(figures)}
    for engineer in dict.fromkeys(str(row["engineer"]) for row in rows):
        shares = {str(row["figure"]): row["share"] for row in rows if row["engineer"] == engineer}
        known = {name: float(share) for name, share in shares.items() if isinstance(share, int | float)}
        own: list[dict[str, object]] = []
        for ring in _RINGS:
            own += _closed(f"{ring}", "ring", [(angle, ring) for angle in angles.values()])
        own += _closed("", "shape", [(angle, known[name]) for name, angle in angles.items() if name in known])
        for name, angle in angles.items():
            side = "center" if abs(sin(angle)) < 0.1 else "left" if sin(angle) > 0 else "right"
            text = f"{name} {known[name] * 100:.0f} %" if name in known else name
            own.append(_point(side, angle, 1.18) | {"text": text})
        made += [{"engineer": engineer} | each for each in own]
    return pl.DataFrame(made, infer_schema_length=None)


def _closed(path: str, part: str, corners: Sequence[tuple[float, float]]) -> list[dict[str, object]]:
    around = [*corners, *corners[:1]]
    return [
        _point(part, angle, share) | {"path": path, "order": at} for at, (angle, share) in enumerate(around)
    ]


def _point(part: str, angle: float, share: float) -> dict[str, object]:
    return {
        "part": part,
        "path": "",
        "order": 0,
        "text": "",
        "x": share * sin(angle),
        "y": share * cos(angle),
    }


def quiet(chart: Any) -> Any:
    """Return the chart with the console's plain axes and the reader's colours."""
    return (
        chart.configure(background="transparent", font="system-ui, sans-serif", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            domainColor="var(--grid)",
            gridColor="var(--grid)",
            tickColor="var(--grid)",
            labelColor="var(--ink)",
            titleColor="var(--ink)",
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
        )
        .configure_legend(labelColor="var(--ink)", labelFontSize=12, labelLimit=200)
    )
