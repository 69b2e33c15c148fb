"""The files of tickets: pictures and documents, checked by their content and written anew."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile

from access.doors import Visitor
from api.doors import Acting, Known, ReportsFaults, SeesFleet, lacking
from api.file_answers import SAVED, SMALL, file_answer
from api.intake_schemas import CaseFileItem
from api.personal import Sight
from api.routes.cases import within
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from desk.files.checked import Upload
from fleet.case_files import FileKind
from fleet.errors import InvalidInput
from fleet.grants import Permission, Sites
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
def list_files(
    services: Services, visitor: Known, sites: SeesFleet, ticket_id: RowId, _: Nothing
) -> ListOf[CaseFileItem]:
    """List the files of a ticket, the oldest first; of a worker's case for who sees personal data there."""
    _seen(services, visitor, ticket_id, sites)
    with services.desk.transaction() as session:
        found = files_of_ticket(session, ticket_id)
    return ListOf(items=[CaseFileItem.model_validate(each) for each in found])


@router.get("/{file_id}", response_class=Response, responses=_NOT_FOUND | SAVED)
def show_file(
    services: Services, visitor: Known, sites: SeesFleet, ticket_id: RowId, file_id: RowId, _: Nothing
) -> Response:
    """Return a file, to be saved."""
    _seen(services, visitor, ticket_id, sites)
    return file_answer(*services.intake.files.open(ticket_id, file_id))


@router.get("/{file_id}/thumbnail", response_class=Response, responses=_NOT_FOUND | SMALL)
def show_thumbnail(
    services: Services, visitor: Known, sites: SeesFleet, ticket_id: RowId, file_id: RowId, _: Nothing
) -> Response:
    """Return a small picture of a file (JPEG)."""
    _seen(services, visitor, ticket_id, sites)
    return file_answer(*services.intake.files.open(ticket_id, file_id, small=True), small=True)


def _seen(services: ApiServices, visitor: Visitor, ticket_id: int, sites: Sites) -> None:
    """Raise NotFound for a ticket of another site, NotAllowed where its files are about a person."""
    with services.desk.transaction() as session:
        found = ticket(session, ticket_id, sites)
    if not Sight(services, visitor).shows_files(found):
        raise lacking(Permission.PERSONAL_READ, visitor)
