"""Figures as people read them, in pages and papers alike."""

from babel.numbers import format_percent

from api.console.render import formats
from api.console.render.language import LOCALES
from fleet.indicators import Figure, Indicator, Measure
from fleet.text import Language

NOTHING = "—"
"""What stands for a figure that nothing is known of: 0 of 0 is neither good nor bad."""


def share(value: float, language: Language) -> str:
    """Return a share with one decimal: goals are missed by less than a whole per cent."""
    return format_percent(value, "#,##0.0 %", locale=LOCALES[language])


def figure_text(figure: Figure, currency: str, language: Language) -> str:
    """Return the value of a figure with its unit, a dash where there is none."""
    if figure.value is None:
        return NOTHING
    if figure.indicator.measure is Measure.SHARE:
        return share(figure.value, language)
    if figure.indicator.measure is Measure.MONEY:
        return formats.money(figure.value, currency, language)
    if figure.indicator.measure is Measure.COUNT:
        return formats.number(figure.value, language)
    return formats.duration(round(figure.value), language)


def of_text(figure: Figure, language: Language) -> str:
    """Return how many cases stand behind a figure: a share of three is shown as such."""
    if figure.indicator.measure is Measure.COUNT:
        return ""
    count = f"{figure.count:,}"
    if figure.hits is None:
        return f"{count} 单" if language == "zh" else f"{count} cases" if figure.count != 1 else "1 case"
    hits = f"{figure.hits:,}"
    return f"{count} 单中 {hits} 单" if language == "zh" else f"{hits} of {count}"


def goal_text(indicator: Indicator, language: Language) -> str:
    """Return what is aimed at, "" where nothing is."""
    if indicator.goal is None:
        return ""
    sign = "≥" if indicator.higher_is_better else "≤"
    return f"{sign} {format_percent(indicator.goal, '#,##0 %', locale=LOCALES[language])}"
