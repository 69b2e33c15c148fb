"""The service report of a case as PDF, for the API and the console."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.console.render.asked import asked
from api.console.render.language import language_of
from api.doors import Known, SeesFleet
from api.params import Params
from api.report.service import Paper, service_report
from api.routes.common import RowId, problems
from api.services import Services
from fleet.text import Language

_PDF = "application/pdf"
router = APIRouter(prefix="/api/v1/tickets", tags=["tickets"])
page = APIRouter(include_in_schema=False)


class ReportQuery(Params):
    """In which language, and for which paper."""

    lang: Literal["en", "zh"] = Field("en", description="The language of the report")
    paper: Paper = Field("a4", description="a4, or phone: one narrow page, as long as it takes")


class ReportView(Params):
    """The address of the report in the console, which has its own way to say the language."""

    paper: Paper = "a4"


_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FOUND: dict[int | str, dict[str, Any]] = {200: {"content": {_PDF: _BINARY}, "description": "A PDF"}}


@router.get(
    "/{ticket_id}/report.pdf",
    response_class=Response,
    responses=problems(not_found="There is no such ticket") | _FOUND,
)
def service_report_pdf(
    services: Services,
    visitor: Known,
    sites: SeesFleet,
    ticket_id: RowId,
    query: Annotated[ReportQuery, Query()],
) -> Response:
    """Show the service report of a ticket, with a label for the device as its last page."""
    made = service_report(services, visitor, ticket_id, sites, query.lang, query.paper)
    return _answer(ticket_id, query.lang, made)


@page.get("/tickets/{ticket_id}/report.pdf")
def report_page(
    request: Request, services: Services, visitor: Known, sites: SeesFleet, ticket_id: RowId
) -> Response:
    """Show the service report in the language of the console."""
    language = language_of(request)
    paper = asked(request, ReportView).paper
    return _answer(ticket_id, language, service_report(services, visitor, ticket_id, sites, language, paper))


def _answer(ticket_id: int, language: Language, made: bytes) -> Response:
    name = f"service-report-{ticket_id}-{language}.pdf"
    return Response(made, media_type=_PDF, headers={"Content-Disposition": f'inline; filename="{name}"'})
