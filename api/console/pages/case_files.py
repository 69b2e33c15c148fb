"""The console's form that adds files to a ticket."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.desk import show_ticket
from api.console.pages.tried import tried
from api.console.render.templates import Console
from api.doors import ActingByForm, Known, ReportsFaults
from api.routes.common import RowId
from api.services import Services
from desk.files.checked import Upload
from fleet.case_files import FileKind
from fleet.errors import InvalidInput
from storage.records.tickets import ticket

_MOST = 4


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/tickets/{ticket_id}/files")
def add_files(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ReportsFaults,
    principal: ActingByForm,
    ticket_id: RowId,
    kind: Annotated[str, Form(max_length=16)] = "",
    files: Annotated[list[UploadFile], File()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Add pictures or documents; what is refused comes back with the reason."""
    with services.desk.transaction() as session:
        ticket(session, ticket_id, sites)

    def change() -> Response:
        sent = [each for each in files if each.filename or each.size]
        if not 1 <= len(sent) <= _MOST:
            raise InvalidInput(f"files: choose 1 to {_MOST}")
        meant = FileKind(kind) if kind in set(FileKind) else None
        for each in sent:
            upload = Upload(each.filename or "", each.file.read(), meant)
            services.intake.files.add(ticket_id, upload, principal, sites)
        return RedirectResponse(f"/tickets/{ticket_id}#files", status_code=303)

    return tried(
        change,
        lambda status, told: show_ticket(pages, request, visitor, ticket_id, sites, status, file_error=told),
    )
