"""The files of tickets: pictures and documents, checked by their content and written anew."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile

from api.doors import Acting, ReportsFaults, SeesFleet
from api.file_answers import SAVED, SMALL, file_answer
from api.intake_schemas import CaseFileItem
from api.routes.cases import within
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import Services
from desk.files.checked import Upload
from fleet.case_files import FileKind
from fleet.errors import InvalidInput
from storage.records.files import files_of_ticket
from storage.records.tickets import ticket

router = APIRouter(prefix="/api/v1/tickets/{ticket_id}/files", tags=["tickets"])
_NOT_FOUND = problems(not_found="There is no such ticket, or it has no such file")


@router.post(
    "", status_code=201, responses=problems(body="It cannot be read", not_found="There is no such ticket")
)
def add_file(
    services: Services,
    sites: ReportsFaults,
    principal: Acting,
    ticket_id: RowId,
    _: Nothing,
    file: Annotated[UploadFile | None, File(description="JPEG, PNG, WebP, GIF or PDF, 10 MB")] = None,
    kind: Annotated[FileKind | None, Form()] = None,
) -> CaseFileItem:
    """Add a picture or a document to a ticket; sent again it is there once.

    What it is, its content says, whatever its name or type. It is kept as it was written anew: without where
    and by what a picture was taken, without anything that acts in a document.
    """
    within(services, ticket_id, sites)
    if file is None:
        raise InvalidInput("file: required, as multipart/form-data")
    upload = Upload(file.filename or "", file.file.read(services.intake.files.limits.size + 1), kind)
    return CaseFileItem.model_validate(services.intake.files.add(ticket_id, upload, principal, sites))


@router.get("", responses=problems(not_found="There is no such ticket"))
def list_files(services: Services, sites: SeesFleet, ticket_id: RowId, _: Nothing) -> ListOf[CaseFileItem]:
    """List the files of a ticket, the oldest first."""
    with services.desk.transaction() as session:
        ticket(session, ticket_id, sites)
        found = files_of_ticket(session, ticket_id)
    return ListOf(items=[CaseFileItem.model_validate(each) for each in found])


@router.get("/{file_id}", response_class=Response, responses=_NOT_FOUND | SAVED)
def show_file(services: Services, sites: SeesFleet, ticket_id: RowId, file_id: RowId, _: Nothing) -> Response:
    """Return a file, to be saved."""
    within(services, ticket_id, sites)
    return file_answer(*services.intake.files.open(ticket_id, file_id))


@router.get("/{file_id}/thumbnail", response_class=Response, responses=_NOT_FOUND | SMALL)
def show_thumbnail(
    services: Services, sites: SeesFleet, ticket_id: RowId, file_id: RowId, _: Nothing
) -> Response:
    """Return a small picture of a file (JPEG)."""
    within(services, ticket_id, sites)
    return file_answer(*services.intake.files.open(ticket_id, file_id, small=True), small=True)
