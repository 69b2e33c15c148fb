"""The console's page of a fault: what it is, and how often warnings of it were right."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console
from api.doors import SeesFleet
from api.services import Services
from fleet.errors import NotFound
from fleet.faults import FAULTS
from fleet.text import quoted
from storage.records.fault_records import fault_records

_MOST_CASES = 100


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/faults/{fault}")
def fault_page(
    request: Request, pages: Console, services: Services, sites: SeesFleet, fault: str
) -> Response:
    """Show one fault of the catalogue."""
    asked(request, NoQuery)
    if fault not in FAULTS:
        raise NotFound(f"there is no fault {quoted(fault)}")
    with services.desk.transaction() as session:
        record = fault_records(session, [fault], sites)[fault]
    return pages.render(
        request,
        "desk/fault.html",
        fault=FAULTS[fault],
        record=record,
        cases=record.cases[:_MOST_CASES],
    )
