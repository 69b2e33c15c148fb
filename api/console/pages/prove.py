"""The console's pages of proofs: what would it have done on a past, how far that is, and the report."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.console.pages.charts import svg
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.language import language_of
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ActingByUpload, ProvesFleet
from api.params import Params
from api.problems import status_of
from api.report.proof import chart_of, paper_of
from api.routes.common import RowId
from api.routes.proofs import begin_on_files
from api.services import Services
from fleet.case_files import MEBIBYTE
from fleet.errors import InvalidInput, NotFound, SweepwatchError
from fleet.proofs import AGAIN, UNDER_WAY, ProofAsked, ProofSource, ProofState

_TOLD = (409, 422)


class ProofView(Params):
    """The address of a chart; `at` only tells one state of it from the next."""

    at: int | None = None


router = APIRouter(prefix="/prove", include_in_schema=False, default_response_class=HTMLResponse)


@router.get("")
def prove_page(request: Request, pages: Console, _sites: ProvesFleet) -> Response:
    """Ask on whose past to prove it, and list the proofs that there are."""
    asked(request, NoQuery)
    return _shown(pages, request)


@router.post("")
def begin(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ProvesFleet,
    principal: ActingByForm,
    source: Annotated[str, Form(max_length=16)] = "",
    folder: Annotated[str, Form(max_length=255)] = "",
    since: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Begin a proof on the own past, or on a folder."""

    def change() -> Response:
        if source not in (ProofSource.OWN, ProofSource.FOLDER):
            raise InvalidInput("source: choose one: own or folder")
        chosen = folder if source == ProofSource.FOLDER else None
        proof = services.proofs.begin(ProofAsked(ProofSource(source), chosen, since or None), principal)
        return RedirectResponse(f"/prove/{proof.id}", status_code=303)

    return tried(change, lambda status, why: _shown(pages, request, status, why))


@router.post("/upload")
async def begin_on_sent_files(
    request: Request, pages: Console, services: Services, _sites: ProvesFleet, principal: ActingByUpload
) -> Response:
    """Begin a proof on files that are sent along."""
    try:
        proof = await begin_on_files(request, services, principal)
    except SweepwatchError as error:
        status = status_of(error)
        if status not in _TOLD:
            raise
        return await run_in_threadpool(_shown, pages, request, status, str(error))
    return RedirectResponse(f"/prove/{proof.id}", status_code=303)


@router.get("/{proof_id}")
def proof_page(request: Request, pages: Console, _sites: ProvesFleet, proof_id: RowId) -> Response:
    """Show how far a proof is; once it is done, its report."""
    asked(request, NoQuery)
    return _one(pages, request, proof_id)


@router.get("/{proof_id}/cases/{number}.svg")
def case_svg(
    request: Request, services: Services, _sites: ProvesFleet, proof_id: RowId, number: RowId
) -> Response:
    """Draw a case of a report."""
    asked(request, ProofView)
    report = services.proofs.report(proof_id)
    drawn = chart_of(report, number, services.signals, language_of(request))
    if drawn is None:
        raise NotFound(f"this proof has no case {number}")
    return svg(drawn)


@router.post("/{proof_id}/again")
def again(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ProvesFleet,
    _principal: ActingByForm,
    proof_id: RowId,
) -> Response:
    """Begin a proof again that failed or was broken off."""

    def change() -> Response:
        services.proofs.again(proof_id)
        return RedirectResponse(f"/prove/{proof_id}", status_code=303)

    return tried(change, lambda status, why: _one(pages, request, proof_id, status, why))


@router.post("/{proof_id}/delete")
def delete(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ProvesFleet,
    _principal: ActingByForm,
    proof_id: RowId,
    sure: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Delete a proof, once somebody said that they are sure."""

    def change() -> Response:
        if not sure:
            raise InvalidInput("sure: say that it is to be deleted")
        services.proofs.delete(proof_id)
        return RedirectResponse("/prove", status_code=303)

    return tried(change, lambda status, why: _one(pages, request, proof_id, status, why))


def _one(
    pages: Pages, request: Request, proof_id: int, status: int = 200, error: str | None = None
) -> Response:
    proofs, language = pages.services.proofs, language_of(request)
    proof = proofs.read(proof_id)
    paper = None
    if proof.state is ProofState.DONE:
        paper = paper_of(proofs.report(proof_id), pages.services.signals, language, drawn=False)
    return pages.render(
        request,
        "models/proof.html",
        status,
        proof=proof,
        paper=paper,
        under_way=proof.state in UNDER_WAY,
        may_again=proof.state in AGAIN,
        error=error,
    )


def _shown(pages: Pages, request: Request, status: int = 200, error: str | None = None) -> Response:
    proofs = pages.services.proofs
    found = proofs.all()
    values: dict[str, Any] = {
        "proofs": found,
        "working": any(each.state in UNDER_WAY for each in found),
        "histories": proofs.histories(),
        "most_mb": proofs.most_bytes // MEBIBYTE,
        "error": error,
    }
    return pages.render(request, "models/prove.html", status, **values)
