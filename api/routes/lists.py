"""Lists in and out as CSV, with a dry run that says row by row what would become of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from api.doors import Acting, ExportsLists, ManagesService
from api.params import Params
from api.routes.common import Nothing, problems
from api.service_schemas import ListedRowItem, ListReportItem
from api.services import ApiServices, Services
from fleet.lists import ListKind, ListReport, Verdict

router = APIRouter(prefix="/api/v1/lists", tags=["service"])
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The list"}
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "id,name_en,tier\nhotel,Hotel,A\n"}
        },
    }
}
SHOWN_FIRST = (Verdict.REFUSED, Verdict.CHANGED, Verdict.NEW, Verdict.UNCHANGED)


class ImportQuery(Params):
    """How a list is taken."""

    dry_run: bool = Field(False, description="Change nothing, say what would become of each row")
    all_or_nothing: bool = Field(False, description="Keep no row where one is refused")
    verdict: Verdict | None = Field(None, description="Show only rows of this sort")
    limit: int = Field(1000, ge=0, le=200_000, description="So many rows are shown, refused ones first")


async def body_of(request: Request) -> bytes:
    """Return the body of a request as it came."""
    return await request.body()


@router.get("/{kind}.csv", responses=problems() | _CSV, response_class=StreamingResponse)
def export_list(services: Services, _sites: ExportsLists, kind: ListKind, _: Nothing) -> StreamingResponse:
    """Give out a list as CSV (UTF-8 with a byte order mark), fit to be changed and taken in again."""
    return exported(services, kind)


@router.post("/{kind}", responses=problems(body="The body cannot be read"), openapi_extra=_BODY)
def import_list(
    services: Services,
    _sites: ManagesService,
    principal: Acting,
    kind: ListKind,
    query: Annotated[ImportQuery, Query()],
    content: Annotated[bytes, Depends(body_of)],
) -> ListReportItem:
    """Take a list as CSV: UTF-8 or GB18030, with commas, semicolons or tabs, its header in any order.

    Each row is judged by itself; columns left out stay as they are. Repeated, it changes nothing.
    """
    if query.dry_run:
        report = services.lists.look(kind, content)
    else:
        report = services.lists.take(kind, content, principal, all_or_nothing=query.all_or_nothing)
        services.doors.forget()  # regions may reach other sites now
    return report_item(report, query.verdict, query.limit)


def exported(services: ApiServices, kind: ListKind) -> StreamingResponse:
    """Return a list as a file."""
    name = {"Content-Disposition": f'attachment; filename="{kind}.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(services.lists.export(kind), media_type="text/csv; charset=utf-8", headers=name)


def report_item(report: ListReport, verdict: Verdict | None, limit: int) -> ListReportItem:
    """Return a report with at most `limit` rows, those of one verdict or what matters most first."""
    wanted = [each for each in report.rows if verdict in (None, each.verdict)]
    shown = sorted(wanted, key=lambda each: SHOWN_FIRST.index(each.verdict))[:limit]
    return ListReportItem(
        kind=report.kind,
        encoding=report.encoding,
        delimiter=report.delimiter,
        taken=report.taken,
        counts={str(name): count for name, count in report.counts.items()},
        rows=[ListedRowItem.model_validate(each) for each in shown],
        left_off=len(wanted) - len(shown),
    )
