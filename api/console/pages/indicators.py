"""The console's pages of indicators: all of a month, and each with its months, groups and cases."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.charts import indicators as charts
from api.console.pages.charts import svg
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.indicators import figure_text, goal_text, of_text
from api.console.render.language import language_of
from api.console.render.month_paper import cause_text
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTasks, SeesIndicators
from api.queries.indicators import CaseQuery, FactQuery, ReportQuery
from api.routes.common import RowId
from api.routes.indicators import IndicatorId, MonthPath, csv_answer, find_cases, pdf_answer
from api.services import Services
from desk.indicators.figures import MonthFigures
from desk.indicators.reports import SHOWN_OF_ENGINEERS, indicator_of
from fleet.case_facts import month_after, shown_month
from fleet.grants import Sites
from fleet.indicators import INDICATORS, Figure, Measure
from fleet.text import Language
from storage.records.fact_figures import DIMENSIONS, FactFilter

_MONTHS = 12
_WIDTH, _HEIGHT = 100.0, 24.0
"""Of a sparkline, in its own units."""
_CASES = 25


class FactView(FactQuery):
    """The address of the page of all indicators and of its charts; `saved` after a change."""

    saved: bool = False


class IndicatorView(CaseQuery):
    """The address of the page of one indicator."""

    limit: int = _CASES


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/indicators")
def indicators_page(request: Request, pages: Console, sites: SeesIndicators) -> Response:
    """Show all indicators of a month, each with its last twelve."""
    return _all(pages, request, sites)


@router.post("/indicators/tasks/{task_id}/done")
def task_done(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesTasks,
    principal: ActingByForm,
    task_id: RowId,
) -> Response:
    """Note that the task of a missed indicator is done."""

    def end() -> Response:
        services.reports.end_task(task_id, principal)
        return RedirectResponse("/indicators?saved=1", status_code=303)

    return tried(end, lambda status, why: _all(pages, request, sites, status, why))


@router.get("/indicators/charts/heat.svg")
def heat_svg(request: Request, services: Services, sites: SeesIndicators) -> Response:
    """Draw when cases of a month were opened."""
    view = asked(request, FactView)
    report = services.reports.heat(view.month or services.reports.present(), view.wanted(sites))
    return svg(charts.draw_heat(report, language_of(request)))


@router.get("/indicators/charts/engineers.svg")
def engineers_svg(request: Request, services: Services, sites: SeesIndicators) -> Response:
    """Draw how engineers compare."""
    view, language = asked(request, FactView), language_of(request)
    found = services.reports.engineers(view.month or services.reports.present(), view.wanted(sites))
    rows = [
        {"engineer": each.name, "figure": one.indicator.name.in_language(language), "share": one.value}
        for each in found
        for one in each.figures.values()
        if one.value is not None
    ]
    corners = [INDICATORS[each].name.in_language(language) for each in SHOWN_OF_ENGINEERS]
    return svg(charts.draw_engineers(rows, corners, language))


@router.get("/indicators/reports/{month}.csv")
def month_csv(request: Request, services: Services, sites: SeesIndicators, month: MonthPath) -> Response:
    """Hand out the figures of a month."""
    asked(request, NoQuery)
    return csv_answer(services, month, FactFilter(sites=sites), _language(request))


@router.get("/indicators/reports/{month}.pdf")
def month_pdf(request: Request, services: Services, sites: SeesIndicators, month: MonthPath) -> Response:
    """Hand out the report of a month."""
    asked(request, NoQuery)
    return pdf_answer(services, month, FactFilter(sites=sites), _language(request))


@router.get("/indicators/{indicator_id}")
def indicator_page(
    request: Request, pages: Console, sites: SeesIndicators, indicator_id: IndicatorId
) -> Response:
    """Show one indicator: what it means, its months, its groups, why it was missed, and its cases."""
    return _one(pages, request, sites, indicator_id)


def _language(request: Request) -> ReportQuery:
    return ReportQuery(lang=language_of(request))


def _all(
    pages: Pages, request: Request, sites: Sites, status: int = 200, error: str | None = None
) -> Response:
    services, language = pages.services, language_of(request)
    reports = services.reports
    view = asked(request, FactView)
    month, wanted = view.month or reports.present(), view.wanted(sites)
    months = reports.figures.months(month, _MONTHS, wanted)
    report = reports.month(month, wanted)
    values: dict[str, Any] = {
        "view": view,
        "month": month,
        "months": _months(reports.first_month(wanted), reports.present()),
        "tiles": [_tile(months, each, services.currency, language) for each in months[-1].figures],
        "report": report,
        "causes": _causes(report.causes, language),
        "tasks": reports.tasks() if sites is None else [],
        "choices": reports.choices(wanted),
        "error": error,
        "link": _link(view, month),
    }
    return pages.render(request, "indicators/indicators.html", status, **values)


def _one(pages: Pages, request: Request, sites: Sites, indicator_id: str) -> Response:
    services, language = pages.services, language_of(request)
    reports = services.reports
    indicator = indicator_of(indicator_id)
    view = asked(request, IndicatorView)
    month, wanted = view.month or reports.present(), view.wanted(sites)
    months = reports.figures.months(month, _MONTHS, wanted)
    cases, cursor = find_cases(services, indicator_id, view, wanted)
    groups = {
        name: _shown(reports.figures.by(month, wanted, name), indicator_id, services.currency, language)
        for name in DIMENSIONS
    }
    found = reports.causes(indicator, month, wanted)
    return pages.render(
        request,
        "indicators/indicator.html",
        indicator=indicator,
        goal=goal_text(indicator, language),
        view=view,
        month=month,
        months=_months(reports.first_month(wanted), reports.present()),
        tile=_tile(months, indicator_id, services.currency, language),
        by_month=[
            _row(shown_month(each.month), each.figures[indicator_id], services.currency, language)
            for each in reversed(months)
        ],
        groups={name: rows for name, rows in groups.items() if rows},
        causes=_causes({indicator_id: found}, language)[indicator_id],
        is_share=indicator.measure is Measure.SHARE,
        cases=cases,
        next_cursor=cursor,
        link=_link(view, month),
    )


def _months(first: int, last: int) -> list[tuple[str, str]]:
    """Return the months to choose from, the newest first; as many as five years."""
    found: list[tuple[str, str]] = []
    month = last
    while month >= first and len(found) < 60:
        found.append((shown_month(month), shown_month(month)))
        month = month_after(month, -1)
    return found


def _link(view: FactQuery, month: int) -> str:
    """Return what an address of the same month and cases ends with."""
    from urllib.parse import urlencode

    given = {name: getattr(view, name) for name in ("region", "site", "customer", "model", "fault")}
    chosen = {name: value for name, value in given.items() if value}
    return urlencode({"month": shown_month(month), **chosen})


def _tile(
    months: Sequence[MonthFigures], indicator: str, currency: str, language: Language
) -> dict[str, Any]:
    course = [each.figures[indicator] for each in months]
    return _row("", course[-1], currency, language) | {
        "indicator": course[-1].indicator,
        "goal": goal_text(course[-1].indicator, language),
        "spark": sparkline(course),
    }


def _row(name: str, figure: Figure, currency: str, language: Language) -> dict[str, Any]:
    return {
        "key": name,
        "value": figure_text(figure, currency, language),
        "of": of_text(figure, language),
        "missed": figure.missed,
        "count": figure.count,
    }


def _shown(
    groups: dict[str, MonthFigures], indicator: str, currency: str, language: Language
) -> list[dict[str, Any]]:
    """Return the groups that have cases, those with the most first."""
    rows = [_row(key, each.figures[indicator], currency, language) for key, each in groups.items() if key]
    return sorted((row for row in rows if row["count"]), key=lambda row: (-row["count"], row["key"]))[:20]


def _causes(found: dict[str, list[Any]], language: Language) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{"text": cause_text(each, language), "cause": each} for each in causes]
        for name, causes in found.items()
    }


def sparkline(course: Sequence[Figure]) -> list[str]:
    """Return the lines of a small picture, 100 wide and 24 high; a month without a figure breaks the line."""
    known = [each.value for each in course if each.value is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    lines: list[list[str]] = [[]]
    for place, figure in enumerate(course):
        if figure.value is None:
            lines.append([])
            continue
        x = 2 + (_WIDTH - 4) * place / max(1, len(course) - 1)
        y = _HEIGHT - 3 - (_HEIGHT - 6) * (figure.value - low) / span
        lines[-1].append(f"{x:.1f},{y:.1f}")
    return [" ".join(line) for line in lines if line]
