"""The charts of a model's card: how true its risks are, and what each threshold costs."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from api.console.charts.drawing import quiet, to_svg
from fleet.text import Text

if TYPE_CHECKING:
    import altair as alt

_WIDTH, _HEIGHT = 380, 260
_SAID = Text("risk said", "预测风险")
_CAME = Text("how often it came", "实际发生率")
_THRESHOLD = Text("threshold", "阈值")
_COST = Text("cost, share of never acting", "成本（占从不处理的比例）")
_LINE, _MARK, _FAINT = "var(--line)", "#d9622b", "var(--grid)"
_TICKS = [0, 0.05, 0.1, 0.2, 0.4, 0.6, 1]
"""Thresholds named on an axis of square roots, far enough apart for their labels."""


def calibration_chart(points: Sequence[Mapping[str, float]], language: str) -> "alt.LayerChart":
    """Return how often the fault came against the risk said, from rows `risk, frequency, rows`.

    Each point is a bin of equally many held-out rows; on the diagonal risks are true. Axes are square roots,
    since most risks are small.
    """
    import altair as alt

    most = max([0.05, *(max(point["risk"], point["frequency"]) for point in points)])
    scale = alt.Scale(type="sqrt", domain=[0, most], nice=False)
    x = alt.X("risk:Q", scale=scale, axis=_share_axis(_SAID, language))
    y = alt.Y("frequency:Q", scale=scale, axis=_share_axis(_CAME, language))
    true = alt.Chart(pl.DataFrame([{"risk": 0, "frequency": 0}, {"risk": most, "frequency": most}]))
    base = alt.Chart(pl.DataFrame([dict(point) for point in points]), width=_WIDTH, height=_HEIGHT)
    chart: alt.LayerChart = (
        true.mark_line(color="var(--ink)", strokeDash=[4, 4], strokeWidth=1).encode(x=x, y=y)
        + base.mark_line(color=_LINE, strokeWidth=1.6).encode(x=x, y=y, order="risk:Q")
        + base.mark_point(color=_LINE, filled=True, size=40, opacity=1).encode(x=x, y=y)
    )
    return chart


def _share_axis(title: Text, language: str) -> "alt.Axis":
    import altair as alt

    return alt.Axis(title=title.in_language(language), format=".2~%", tickCount=5)


def cost_chart(
    thresholds: Sequence[float], relative: Sequence[float], chosen: float, language: str
) -> "alt.LayerChart":
    """Return what each threshold costs as a share of never acting, with the chosen one marked."""
    import altair as alt

    rows = [{"threshold": t, "cost": c} for t, c in zip(thresholds, relative, strict=True)]
    most = min(max([1.2, *relative]), 3.0)
    axis = alt.Axis(title=_THRESHOLD.in_language(language), format=".2~%", values=_TICKS)
    x = alt.X("threshold:Q", scale=alt.Scale(type="sqrt", domain=[0, 1]), axis=axis)
    y = alt.Y(
        "cost:Q",
        scale=alt.Scale(domain=[0, most], clamp=True),
        axis=alt.Axis(title=_COST.in_language(language), format="%", tickCount=5),
    )
    base = alt.Chart(pl.DataFrame(rows), width=_WIDTH, height=_HEIGHT)
    mark = alt.Chart(pl.DataFrame([{"threshold": chosen}]))
    never = alt.Chart(pl.DataFrame([{"cost": 1.0}]))
    chart: alt.LayerChart = (
        never.mark_rule(color="var(--ink)", strokeDash=[4, 4]).encode(y=y)
        + base.mark_line(color=_LINE, strokeWidth=2, interpolate="step-before").encode(x=x, y=y)
        + mark.mark_rule(color=_MARK, strokeWidth=1.6).encode(x=x)
    )
    return chart


def draw_calibration(points: Sequence[Mapping[str, float]], language: str) -> str:
    """Return the SVG of `calibration_chart`."""
    return _drawn(calibration_chart(points, language), language)


def draw_costs(thresholds: Sequence[float], relative: Sequence[float], chosen: float, language: str) -> str:
    """Return the SVG of `cost_chart`."""
    return _drawn(cost_chart(thresholds, relative, chosen, language), language)


def _drawn(chart: Any, language: str) -> str:
    return to_svg(json.dumps(quiet(chart).to_dict()), language)
