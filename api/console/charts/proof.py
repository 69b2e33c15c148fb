"""The chart of one case of a proof: the driver's signal above, the risk below, and what happened when."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from api.console.charts.drawing import to_svg
from fleet.clock import DAY_MS
from fleet.text import Language, Text
from fleet.units import readable_unit

_WIDTH, _LEVEL_HEIGHT, _RISK_HEIGHT = 420, 90, 70
_MARKS = {
    "warned": (Text("warned", "预警"), "#2f86c9", [5, 3]),
    "failed": (Text("case opened", "报修"), "#d9622b", [1, 0]),
}
_RISK = Text("risk", "风险")
_BREAK_MS = 2 * DAY_MS


def draw_case(case: Mapping[str, Any], unit: str, language: Language) -> str:
    """Return the SVG of a case as a report has it (docs/prove.md); `unit` is that of its signal."""
    most = max((abs(level) for _, level in case["levels"]), default=0.0)
    shown, size = readable_unit(unit, most, language)
    rows = {
        "levels": _points([(ts, level / size) for ts, level in case["levels"]]),
        "risk": _points(case["risk"]),
        "marks": [
            {"ts": case[name], "what": _MARKS[name][0].in_language(language)}
            for name in _MARKS
            if case[name] is not None
        ],
        "threshold": [] if case["threshold"] is None else [{"value": case["threshold"]}],
    }
    return to_svg(json.dumps({**_spec(shown, language), "datasets": rows}), language)


def _points(pairs: list[tuple[int, float]]) -> list[dict[str, float | None]]:
    """Return points of a line, with a break where nothing was known for long."""
    found: list[dict[str, float | None]] = []
    for number, (ts, value) in enumerate(pairs):
        if number and ts - pairs[number - 1][0] > _BREAK_MS:
            found.append({"ts": pairs[number - 1][0] + 1, "value": None})
        found.append({"ts": ts, "value": round(value, 5)})
    return found


@lru_cache(maxsize=32)
def _spec(unit: str, language: Language) -> dict[str, Any]:
    from api.console.charts.specs import quiet  # which loads pandas first: see there

    import altair as alt  # isort: skip

    time = alt.X(
        "ts:T",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(
            title=None,
            grid=False,
            labelOverlap=True,
            tickCount=6,
            format="%-m月%-d日" if language == "zh" else "%-d %b",
        ),
    )
    words = [word.in_language(language) for word, _, _ in _MARKS.values()]
    colours = alt.Scale(domain=words, range=[colour for _, colour, _ in _MARKS.values()])
    dashes = alt.Scale(domain=words, range=[dash for _, _, dash in _MARKS.values()])
    legend = alt.Legend(orient="top", title=None, symbolType="stroke", symbolSize=250)
    marks = (
        alt.Chart(alt.NamedData(name="marks"))
        .mark_rule(strokeWidth=2)
        .encode(
            x=time,
            color=alt.Color("what:N", scale=colours, legend=legend),
            strokeDash=alt.StrokeDash("what:N", scale=dashes, legend=legend),
        )
    )

    def line(name: str, title: str, scale: Any, axis: Mapping[str, Any], height: int) -> Any:
        base = alt.Chart(alt.NamedData(name=name), width=_WIDTH, height=height)
        level = alt.Axis(title=title or None, titleAngle=0, titleAlign="left", titleY=-6, titleX=-30, **axis)
        return base.mark_line(strokeWidth=1.8, color="var(--line)").encode(
            x=time, y=alt.Y("value:Q", scale=scale, axis=level)
        )

    limit = (
        alt.Chart(alt.NamedData(name="threshold"))
        .mark_rule(strokeDash=[2, 2], color="#8a8f98")
        .encode(y=alt.Y("value:Q"))
    )
    above = line("levels", unit, alt.Scale(zero=False, nice=True), {"tickCount": 4}, _LEVEL_HEIGHT) + marks
    share = alt.Scale(domain=[0, 1])
    below = line("risk", _RISK.in_language(language), share, {"tickCount": 3, "format": "%"}, _RISK_HEIGHT)
    both = alt.vconcat(above, below + limit + marks, spacing=14).resolve_scale(x="shared")
    return dict(quiet(both).to_dict())
