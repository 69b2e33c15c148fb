"""The report of a month as CSV and as PDF, in either language."""

import csv
import io
from typing import Any

from api.console.render import formats
from api.console.render.indicators import NOTHING, figure_text, goal_text, of_text, share
from api.console.render.words import CAUSE_DIMENSIONS, word
from api.services import ApiServices
from desk.indicators.causes import Cause
from desk.indicators.early import EarlyFailures
from desk.indicators.reports import SHOWN_OF_ENGINEERS, EngineerFigures
from desk.papers.typst import PAPERS, typeset
from fleet.case_facts import shown_month
from fleet.indicators import INDICATORS, Figure
from fleet.text import Language, Text
from storage.records.fact_figures import FactFilter

_TITLE = Text("After-sales in {month}", "{month} 售后月报")
_GOING_ON = Text("The month is not over: figures may still change.", "本月尚未结束，数据仍可能变化。")
_HEADS: dict[str, tuple[Text, ...]] = {
    "figures": (
        Text("Indicator", "指标"), Text("Value", "数值"), Text("Cases", "工单"), Text("Goal", "目标"),
    ),
    "causes": (Text("Where", "分组"), Text("Missed", "未达标"), Text("Beyond its share", "超出份额")),
    "engineers": (
        Text("Engineer", "工程师"), Text("Repairs", "维修数"), Text("Mean time", "平均用时"),
        *(INDICATORS[each].name for each in SHOWN_OF_ENGINEERS),
    ),
    "faults": (Text("Fault", "故障"), Text("Cases opened", "新建工单")),
    "early": (
        Text("Model", "型号"), Text("Firmware", "固件"), Text("Failures", "故障数"),
        Text("In 90 days", "每 90 天"), Text("Usual", "通常"), Text("At least (95 %)", "下限（95 %）"),
    ),
}  # fmt: skip
_SECTIONS = {
    "figures": Text("Figures", "指标"),
    "causes": Text("Missed: why", "未达标原因"),
    "engineers": Text("Engineers", "工程师"),
    "faults": Text("Faults", "故障分布"),
    "early": Text("Early failures", "早期故障"),
}
_FEW = Text("may be chance", "可能属偶然")
_NONE = Text("No group stands out.", "没有特别突出的分组。")
_DEFINITIONS = Text("What is counted", "统计口径")
_COLUMNS = ("month", "site", "indicator", "name", "unit", "value", "count", "hits", "goal", "missed")


def month_csv(services: ApiServices, month: int, wanted: FactFilter, language: Language) -> str:
    """Return the figures of a month as CSV: one row an indicator, in all (no site) and for each site."""
    figures = services.reports.figures
    parts = {"": figures.month(month, wanted)} | dict(sorted(figures.by(month, wanted, "site").items()))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for site, found in parts.items():
        for figure in found.figures.values():
            writer.writerow(_csv_row(month, site, figure, language))
    return out.getvalue()


def _csv_row(month: int, site: str, figure: Figure, language: Language) -> list[Any]:
    indicator = figure.indicator
    return [
        shown_month(month),
        f"'{site}" if site.startswith(("-", "=", "+", "@")) else site,  # else spreadsheets reckon with it
        indicator.id,
        indicator.name.in_language(language),
        indicator.unit,
        figure.value,
        figure.count,
        figure.hits,
        indicator.goal,
        int(figure.missed),
    ]


def month_pdf(services: ApiServices, month: int, wanted: FactFilter, language: Language) -> bytes:
    """Return the report of a month as PDF."""
    data = month_data(services, month, wanted, language)
    return typeset(PAPERS / "month.typ", data, services.clock.now_ms())


def month_data(services: ApiServices, month: int, wanted: FactFilter, language: Language) -> dict[str, Any]:
    """Return what the paper of a month says: words alone, in order."""
    report, currency = services.reports.month(month, wanted), services.currency
    tables = {
        "figures": [_figure_row(each, currency, language) for each in report.figures.figures.values()],
        "engineers": [_engineer_row(each, currency, language) for each in report.engineers],
        "faults": [[word("fault", fault, language), str(count)] for fault, count in report.faults],
        "early": [_early_row(each, language) for each in report.early if each.failures],
    }
    causes = [
        {
            "title": INDICATORS[name].name.in_language(language),
            "rows": [_cause_row(each, language) for each in found],
        }
        for name, found in report.causes.items()
    ]
    return {
        "lang": language,
        "title": _TITLE.in_language(language).format(month=shown_month(month)),
        "note": "" if report.is_over else _GOING_ON.in_language(language),
        "sections": {name: text.in_language(language) for name, text in _SECTIONS.items()},
        "heads": {name: [each.in_language(language) for each in heads] for name, heads in _HEADS.items()},
        "tables": tables,
        "missed": [each.missed for each in report.figures.figures.values()],
        "causes": causes,
        "none": _NONE.in_language(language),
        "definitions_title": _DEFINITIONS.in_language(language),
        "definitions": [
            [each.name.in_language(language), each.definition.in_language(language)]
            for each in INDICATORS.values()
        ],
    }


def _figure_row(figure: Figure, currency: str, language: Language) -> list[str]:
    return [
        figure.indicator.name.in_language(language),
        figure_text(figure, currency, language),
        of_text(figure, language),
        goal_text(figure.indicator, language),
    ]


def cause_text(cause: Cause, language: Language) -> str:
    """Return what a group of cases has in common, in words."""
    if cause.dimension in ("waited_part", "waited_customer"):
        return CAUSE_DIMENSIONS[cause.dimension].in_language(language)
    value = cause.value
    if cause.dimension == "fault":
        value = word("fault", value, language)
    if cause.dimension == "hour":
        value = f"{int(value):02d}:00"
    return f"{CAUSE_DIMENSIONS[cause.dimension].in_language(language)} {value}"


def _cause_row(cause: Cause, language: Language) -> list[str]:
    doubt = "" if cause.likely else f" ({_FEW.in_language(language)})"
    return [
        cause_text(cause, language) + doubt,
        f"{cause.misses} / {cause.cases}",
        f"+{formats.about(cause.excess, language)}",
    ]


def _engineer_row(engineer: EngineerFigures, currency: str, language: Language) -> list[str]:
    took = NOTHING if engineer.took_ms is None else formats.duration(round(engineer.took_ms), language)
    figures = [
        f"{figure_text(each, currency, language)} ({each.hits}/{each.count})" if each.count else NOTHING
        for each in engineer.figures.values()
    ]
    return [engineer.name, str(engineer.repairs), took, *figures]


def _early_row(each: EarlyFailures, language: Language) -> list[str]:
    def rate(value: float | None) -> str:
        return NOTHING if value is None else share(value, language)

    return [
        each.model + (" !" if each.early else ""),
        each.firmware or NOTHING,
        str(each.failures),
        rate(each.rate),
        rate(each.usual),
        rate(each.at_least),
    ]
