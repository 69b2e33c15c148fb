"""Proofs on a past: begun, looked at, and deleted; their reports as files."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import Response as Plain
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from api.doors import Acting, ProvesFleet, form_with_files
from api.file_answers import ALONE, SAVED
from api.proof_schemas import ProofBody, ProofDetail, ProofItem, ReportQuery, proof_values
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from desk.files.names import as_attachment
from fleet.errors import InvalidInput
from fleet.principals import Principal
from fleet.proofs import Proof, ProofAsked, ProofSource, SentFile
from fleet.text import Language

router = APIRouter(prefix="/api/v1/proofs", tags=["proofs"])
SENT_PARTS = ("map", "telemetry", "repairs", "devices", "events")
"""The parts of a history that files are sent of."""
ReportFile = Literal["prove.html", "prove.pdf", "prove.json"]
_TYPES = {"html": "text/html; charset=utf-8", "pdf": "application/pdf", "json": "application/json"}
_NOT_FOUND = problems(not_found="There is no such proof")
_FILES: dict[str, Any] = {"type": "array", "items": {"type": "string", "format": "binary"}}
_SENT = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["map", "telemetry", "repairs"],
                    "properties": {
                        **dict.fromkeys(SENT_PARTS, _FILES),
                        "map": {"type": "string", "format": "binary"},
                        "from": {"type": "string", "format": "date"},
                    },
                }
            }
        },
    }
}


@router.get("", responses=problems())
def list_proofs(services: Services, _sites: ProvesFleet, _: Nothing) -> ListOf[ProofItem]:
    """List the proofs, the newest first."""
    return ListOf(items=[ProofItem.model_validate(proof_values(each)) for each in services.proofs.all()])


@router.post(
    "", status_code=201, responses=problems(body="The body cannot be read", conflict="Enough wait already")
)
def begin_proof(
    services: Services, _sites: ProvesFleet, principal: Acting, body: ProofBody, _: Nothing
) -> ProofDetail:
    """Prove what Sweepwatch would have done on this installation's own past, or on a folder of files.

    It waits for its turn, and works in a process of its own. Nothing of the installation is changed.
    """
    return _detail(services.proofs.begin(body.asked(), principal))


@router.post(
    "/upload",
    status_code=201,
    openapi_extra=_SENT,
    responses=problems(body="The body cannot be read", conflict="Enough wait already"),
)
async def begin_proof_on_files(
    request: Request, services: Services, _sites: ProvesFleet, principal: Acting, _: Nothing
) -> ProofDetail:
    """Prove it on files that are sent along: a map (YAML), telemetry, repairs, and what else there is.

    A map that is wrong is refused with its file, line, and what is allowed; then nothing is kept.
    """
    return _detail(await begin_on_files(request, services, principal))


@router.get("/{proof_id}", responses=_NOT_FOUND)
def show_proof(services: Services, _sites: ProvesFleet, proof_id: RowId, _: Nothing) -> ProofDetail:
    """Show how far a proof is, or how it ended."""
    return _detail(services.proofs.read(proof_id))


@router.post(
    "/{proof_id}/again",
    responses=problems(not_found="There is no such proof", conflict="It is under way, or done"),
)
def begin_again(
    services: Services, _sites: ProvesFleet, _principal: Acting, proof_id: RowId, _: Nothing
) -> ProofDetail:
    """Begin a proof again that failed or was broken off."""
    return _detail(services.proofs.again(proof_id))


@router.delete("/{proof_id}", status_code=204, responses=_NOT_FOUND)
def delete_proof(
    services: Services, _sites: ProvesFleet, _principal: Acting, proof_id: RowId, _: Nothing
) -> None:
    """Delete a proof with its report and its files; one under way is stopped."""
    services.proofs.delete(proof_id)


@router.get("/{proof_id}/report/{file}", response_class=Response, responses=_NOT_FOUND | SAVED)
def show_report(
    services: Services,
    _sites: ProvesFleet,
    proof_id: RowId,
    file: Annotated[ReportFile, Path()],
    query: Annotated[ReportQuery, Query()],
) -> Response:
    """Return the report as a page, a PDF, or JSON (docs/prove.md), to be saved."""
    return report_answer(services, proof_id, query.language, file)


def report_answer(services: ApiServices, proof_id: int, language: Language, file: str) -> Response:
    """Return a file of a report, to be saved."""
    body = services.proofs.file(proof_id, language, file)
    stem, _, form = file.partition(".")
    return Plain(
        body,
        media_type=_TYPES[form],
        headers={
            "Content-Disposition": as_attachment(f"{stem}-{proof_id}-{language}.{form}"),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": ALONE,
            "Cache-Control": "no-store",
        },
    )


async def begin_on_files(request: Request, services: ApiServices, principal: Principal) -> Proof:
    """Begin a proof on the files of a form, which is read here: after whoever sends it was let in."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidInput("map: required, one file (YAML) that says which column is what")
    try:
        return await _begin(await form_of(request), services, principal)
    finally:
        await request.close()  # its files


async def _begin(form: FormData, services: ApiServices, principal: Principal) -> Proof:
    since = form.get("from")
    asked = ProofAsked(ProofSource.FILES, since=since if isinstance(since, str) and since else None)
    files = [
        SentFile(part, each.filename or "", each.file)
        for part in SENT_PARTS
        for each in form.getlist(part)
        if isinstance(each, UploadFile) and each.filename
    ]
    return await run_in_threadpool(services.proofs.begin, asked, principal, files)


async def form_of(request: Request) -> FormData:
    """Return the form of a request, with its files. Raises InvalidInput for what is none."""
    try:
        return await form_with_files(request)
    except HTTPException as error:
        raise InvalidInput(f"files: {error.detail}") from error


def _detail(proof: Proof) -> ProofDetail:
    return ProofDetail.model_validate({**proof_values(proof), "words": list(proof.words)})
