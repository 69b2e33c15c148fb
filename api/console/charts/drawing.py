"""The charts: Altair specifications over rows (specs.py), drawn as SVG on the server.

Measured with vl-convert 1.9: its JavaScript bundle takes 3.3 s to build and 0.9 MB to load, and Vega compiles
expressions with eval, which the content security policy forbids; an SVG takes some 50 ms and needs no script.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import polars as pl

from api.console.render.words import NO_YES
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.risks import HINDCAST, Course
from fleet.signals import STANDARD_SIGNALS, Form, Signal
from fleet.text import Language, Text
from fleet.units import readable_unit

RANGES: dict[str, tuple[int, int]] = {
    "6h": (6 * HOUR_MS, 2 * MINUTE_MS),
    "24h": (DAY_MS, 10 * MINUTE_MS),
    "7d": (7 * DAY_MS, HOUR_MS),
    "30d": (30 * DAY_MS, 4 * HOUR_MS),
}
"""The ranges on offer: length and interval, both in milliseconds."""
_WHO = (
    Text("This device", "本设备"),
    Text("Usual for its model", "同型号常值"),
    Text("Its own baseline", "自身基线"),
)
_WHEN = (Text("said at the time", "当时评分"), Text("computed afterwards", "事后回算"))
_FEW = 3
"""Points of a line that are shown as points too."""
# Dark pages show the same picture: text, grid and lines follow the reader's colour scheme.
_STYLE = """<style>
svg{--ink:#4b5563;--grid:#e5e7eb;--line:#0b6e8f;color-scheme:light dark}
@media(prefers-color-scheme:dark){svg{--ink:#a3adba;--grid:#2b3440;--line:#4cc2e0}}
</style>"""


@lru_cache(maxsize=64)
def _signal_spec(unit: str, time_format: str, no_yes: tuple[str, str] | None) -> dict[str, Any]:
    from api.console.charts.specs import quiet, signal_chart

    return dict(quiet(signal_chart(unit, time_format, no_yes)).to_dict())


@lru_cache(maxsize=64)
def _risk_spec(
    faults: tuple[str, ...], time_format: str, points: bool, when: tuple[str, ...]
) -> dict[str, Any]:
    from api.console.charts.specs import quiet, risk_chart

    return dict(quiet(risk_chart(faults, time_format, points=points, when=when)).to_dict())


@lru_cache(maxsize=64)
def _course_spec(unit: str, time_format: str, names: tuple[str, ...]) -> dict[str, Any]:
    from api.console.charts.specs import course_chart, quiet

    return dict(quiet(course_chart(unit, time_format, names)).to_dict())


def draw_signal(frame: pl.DataFrame, signal: Signal, span: int, language: Language) -> str:
    """Return the SVG of one signal from an interval frame (storage.ports.TelemetryStore.intervals).

    `span` is the length of the range in ms. The line breaks where nothing was measured.
    """
    most = frame[f"{signal.name}.max"].max() or 0.0
    unit, size = readable_unit(signal.unit, most, language)  # type: ignore[arg-type]
    stats = ((pl.col(f"{signal.name}.{stat}") / size).alias(stat).round(4) for stat in ("mean", "min", "max"))
    rows = _with_breaks(frame.select("ts", *stats))
    no_yes = NO_YES[language] if signal.form is Form.BOOLEAN else None
    return _draw(_signal_spec(unit, _time_format(span, language), no_yes), rows.to_dicts(), language)


def draw_risks(frame: pl.DataFrame, names: Mapping[str, str], span: int, language: Language) -> str:
    """Return the SVG of a risk frame; `names` gives what each fault is called, in order of colours.

    What was computed afterwards, by models of a later day, is pale and named so.
    """
    later = pl.col("model").fill_null("").str.starts_with(HINDCAST)
    when = tuple(each.in_language(language) for each in _WHEN)
    rows = frame.select(
        "ts",
        pl.col("fault").replace(names),
        pl.col("risk").round(4),
        when=pl.when(later).then(pl.lit(when[1])).otherwise(pl.lit(when[0])),
    )
    lines = rows.group_by("fault", "when").len()["len"]
    # A line of one point would not be seen.
    few = frame.height <= 10 * len(names) or bool((lines <= _FEW).any())
    mixed = when if frame.select(later.any()).item() else ()
    spec = _risk_spec(tuple(names.values()), _time_format(span, language), few, mixed)
    return _draw(spec, rows.to_dicts(), language)


def draw_course(course: Course, unit: str, language: Language) -> str:
    """Return the SVG of a driver's course: the device, its cohort, and its own baseline where it has one."""
    own, cohort, baseline = (name.in_language(language) for name in _WHO)
    days = [course.start + n * course.every for n in range(len(course.own))]
    unit, size = readable_unit(
        unit, max((abs(level) for level in course.own if level), default=0.0), language
    )
    lines = {own: course.own, cohort: course.cohort, baseline: (course.baseline,) * len(days)}
    names = tuple(who for who, levels in lines.items() if any(level is not None for level in levels))
    rows = [
        {"ts": ts, "level": None if level is None else level / size, "who": who, "own": who == own}
        for who in names
        for ts, level in zip(days, lines[who], strict=True)
    ]
    return _draw(_course_spec(unit, _time_format(2 * DAY_MS, language), names), rows, language)


def _with_breaks(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with an empty one after each that is followed by an unusually long silence.

    `alone` says of each whether it stands between two of these.
    """
    step = (pl.col("ts").shift(-1) - pl.col("ts")).alias("step")
    silent = rows.with_columns(step).filter(pl.col("step") > 4 * pl.col("step").median())
    breaks = silent.select(pl.col("ts") + 1, *(pl.lit(None, pl.Float64).alias(n) for n in rows.columns[1:]))
    told = pl.concat([rows, breaks]).sort("ts")
    empty = pl.col("mean").is_null()
    alone = ~empty & empty.shift(1, fill_value=True) & empty.shift(-1, fill_value=True)
    return told.with_columns(alone=alone)


def _time_format(span: int, language: str) -> str:
    if span <= DAY_MS:
        return "%H:%M"
    return "%-m月%-d日" if language == "zh" else "%-d %b"


def _draw(spec: Mapping[str, Any], rows: list[dict[str, Any]], language: str) -> str:
    from api.console.charts.specs import ROWS

    return to_svg(json.dumps({**spec, "datasets": {ROWS: rows}}), language)


@lru_cache(maxsize=256)
def to_svg(spec: str, language: str) -> str:
    """Return the SVG of a specification that holds its rows, as JSON."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(
        spec, time_format_locale="zh-CN" if language == "zh" else "en-GB", allowed_base_urls=[]
    )
    head, _, rest = svg.partition(">")
    return f"{head}>{_STYLE}{rest}"


def warm_up() -> None:
    """Load Altair and Vega, which takes some seconds of processor time, before somebody waits for a chart."""
    signal = STANDARD_SIGNALS["battery_pct"]
    stats = {f"{signal.name}.{stat}": [0.0, 1.0] for stat in ("mean", "min", "max")}
    draw_signal(pl.DataFrame({"ts": [0, 1], **stats}), signal, DAY_MS, "en")
