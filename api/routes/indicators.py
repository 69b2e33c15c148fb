"""The indicators of after-sales: figures of a month, the cases behind them, and the report of a month."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.console.render.month_paper import month_csv, month_pdf
from api.doors import Acting, ChangesTasks, SeesIndicators
from api.indicator_schemas import FactItem, FigureItem, GroupItem, IndicatorItem
from api.queries.indicators import CaseQuery, IndicatorQuery, Month, ReportQuery
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf, Names
from api.services import ApiServices, Services
from desk.indicators.reports import indicator_of
from fleet.case_facts import CaseFact, shown_month
from fleet.indicators import Figure
from fleet.text import Text
from storage.records.fact_figures import FactFilter
from storage.records.paging import decode_cursor, encode_cursor

router = APIRouter(prefix="/api/v1", tags=["indicators"])
IndicatorId = Annotated[str, Path(min_length=1, max_length=64, examples=["response_on_time"])]
MonthPath = Annotated[Month, Path(examples=["2026-11"])]


@router.get("/indicators", responses=problems())
def list_indicators(
    services: Services, sites: SeesIndicators, query: Annotated[IndicatorQuery, Query()]
) -> ListOf[IndicatorItem]:
    """Show all indicators of a month, in all or also by site, region, customer, model, fault or engineer."""
    month, wanted = query.month or services.reports.present(), query.wanted(sites)
    whole = services.reports.figures.month(month, wanted)
    groups = services.reports.figures.by(month, wanted, query.by) if query.by else {}
    items = []
    for figure in whole.figures.values():
        own = {key: each.figures[figure.indicator.id] for key, each in sorted(groups.items())}
        items.append(_item(figure, [GroupItem(key=key, **_figure(each)) for key, each in own.items()]))
    return ListOf(items=items)


@router.get("/indicators/{indicator_id}/cases", responses=problems(not_found="There is no such indicator"))
def list_cases(
    services: Services,
    sites: SeesIndicators,
    indicator_id: IndicatorId,
    query: Annotated[CaseQuery, Query()],
) -> ListOf[FactItem]:
    """List the cases behind a figure, by rising number."""
    facts, cursor = find_cases(services, indicator_id, query, query.wanted(sites))
    return ListOf(items=[_fact(each) for each in facts], next_cursor=cursor)


def find_cases(
    services: ApiServices, indicator_id: str, query: CaseQuery, wanted: FactFilter
) -> tuple[list[CaseFact], str | None]:
    """Return one page of the cases behind a figure, and the cursor of the next. Raises NotFound."""
    indicator, month = indicator_of(indicator_id), query.month or services.reports.present()
    asked = f"{indicator.id}{month}{query.query()}"
    after = 0
    if query.cursor is not None:
        (last,) = decode_cursor(asked, query.cursor, 1)
        after = last if isinstance(last, int) else 0
    facts = services.reports.cases(indicator.id, month, wanted, query.hit, after, query.limit + 1)
    more = len(facts) > query.limit
    facts = facts[: query.limit]
    return facts, encode_cursor(asked, [facts[-1].ticket_id]) if more else None


@router.get(
    "/reports/{month}.csv",
    responses=problems() | {200: {"content": {"text/csv": {}}}},
    response_class=Response,
)
def report_csv(
    services: Services,
    sites: SeesIndicators,
    month: MonthPath,
    query: Annotated[ReportQuery, Query()],
) -> Response:
    """Return the figures of a month, in all and by site, as CSV (UTF-8, with its mark)."""
    return csv_answer(services, month, FactFilter(sites=sites), query)


@router.get(
    "/reports/{month}.pdf",
    responses=problems() | {200: {"content": {"application/pdf": {}}}},
    response_class=Response,
)
def report_pdf(
    services: Services,
    sites: SeesIndicators,
    month: MonthPath,
    query: Annotated[ReportQuery, Query()],
) -> Response:
    """Return the report of a month as PDF: figures, causes, engineers, faults, early failures."""
    return pdf_answer(services, month, FactFilter(sites=sites), query)


def csv_answer(services: ApiServices, month: int, wanted: FactFilter, query: ReportQuery) -> Response:
    """Answer with the figures of a month as a file."""
    return _file(month_csv(services, month, wanted, query.lang).encode("utf-8-sig"), "text/csv", month, "csv")


def pdf_answer(services: ApiServices, month: int, wanted: FactFilter, query: ReportQuery) -> Response:
    """Answer with the report of a month as a file."""
    return _file(month_pdf(services, month, wanted, query.lang), "application/pdf", month, "pdf")


def _file(content: bytes, kind: str, month: int, ending: str) -> Response:
    name = f'attachment; filename="sweepwatch-{shown_month(month)}.{ending}"'
    return Response(content, media_type=kind, headers={"Content-Disposition": name})


@router.post(
    "/indicators/tasks/{task_id}/done",
    responses=problems(not_found="There is no such task", conflict="It is done already"),
    status_code=204,
)
def end_task(
    services: Services, _sites: ChangesTasks, principal: Acting, task_id: RowId, _: Nothing
) -> Response:
    """Note that the task of a missed indicator is done."""
    services.reports.end_task(task_id, principal)
    return Response(status_code=204)


def _figure(figure: Figure) -> dict[str, object]:
    shape = FigureItem(value=figure.value, count=figure.count, hits=figure.hits, missed=figure.missed)
    return shape.model_dump()


def _item(figure: Figure, groups: list[GroupItem]) -> IndicatorItem:
    indicator = figure.indicator
    return IndicatorItem(
        id=indicator.id,
        name=_names(indicator.name),
        definition=_names(indicator.definition),
        numerator=_names(indicator.numerator),
        denominator=_names(indicator.denominator),
        counts=_names(indicator.counts),
        unit=indicator.unit,
        goal=indicator.goal,
        higher_is_better=indicator.higher_is_better,
        month=shown_month(figure.month),
        groups=groups,
        **_figure(figure),
    )


def _names(text: Text) -> Names:
    return Names(en=text.en, zh=text.zh)


def _fact(fact: CaseFact) -> FactItem:
    return FactItem(
        **{name: getattr(fact, name) for name in FactItem.model_fields if name != "engineer"},
        engineer=fact.engineer_name,
    )
