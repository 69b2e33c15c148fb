"""The console's pages behind a repair: feedback as staff was told it, calls, follow-ups, records of visits."""

import binascii
from base64 import b64decode
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.desk import show_ticket
from api.console.pages.feedback_link import EnteredFeedback
from api.console.pages.second_factor import qr_code
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Pages
from api.doors import ActingByForm, ChangesTickets, Known
from api.routes.common import RowId, said_of
from desk.feedback.visits import MOST_MINUTES, SIGNATURE_BYTES
from fleet.errors import InvalidInput
from fleet.feedback import LONGEST_REMARK, SCORES, FeedbackSource, PartUsed, Visit
from fleet.grants import Sites
from fleet.localtime import ms_of
from fleet.text import quoted
from storage.records.tickets import ticket

_PNG = "data:image/png;base64,"
_LONGEST_SIGNATURE = len(_PNG) + (SIGNATURE_BYTES + 2) // 3 * 4
_FORM_SOURCES = (FeedbackSource.CALL, FeedbackSource.STAFF)
_Texts = Annotated[list[str], Form(max_length=64)]


def make_router(pages: Pages) -> APIRouter:
    """Return the routes of the pages."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    closing = pages.services.closing

    @router.get("/callbacks")
    def callbacks_page(request: Request, sites: ChangesTickets) -> Response:
        """List low scores to look after, and repairs to call about."""
        asked(request, NoQuery)
        return _callbacks(pages, request, sites)

    @router.post("/follow-ups/{follow_up_id}/done")
    def end_follow_up(
        request: Request,
        sites: ChangesTickets,
        principal: ActingByForm,
        follow_up_id: RowId,
        said: Annotated[str, Form(max_length=2 * LONGEST_REMARK)] = "",
    ) -> Response:
        """Note what came of a follow-up."""

        def change() -> Response:
            closing.feedback.end_follow_up(follow_up_id, principal, said, sites)
            return RedirectResponse("/callbacks", status_code=303)

        return tried(change, lambda status, why: _callbacks(pages, request, sites, status, why))

    @router.post("/tickets/{ticket_id}/not-reached")
    def not_reached(
        request: Request, sites: ChangesTickets, principal: ActingByForm, ticket_id: RowId
    ) -> Response:
        """Note that nobody was reached by a call."""

        def change() -> Response:
            closing.feedback.not_reached(ticket_id, principal, sites)
            return RedirectResponse("/callbacks", status_code=303)

        return tried(change, lambda status, why: _callbacks(pages, request, sites, status, why))

    @router.post("/tickets/{ticket_id}/feedback")
    def record(
        request: Request,
        visitor: Known,
        sites: ChangesTickets,
        principal: ActingByForm,
        ticket_id: RowId,
        entered: EnteredFeedback,
        source: Annotated[str, Form(max_length=16)] = FeedbackSource.STAFF,
    ) -> Response:
        """Record what staff was told of a repair."""
        _within(pages, ticket_id, sites)

        def change() -> Response:
            said = said_of(entered.score, entered.solved, entered.remark)
            closing.feedback.record(ticket_id, said, _source(source), principal, sites)
            called = source == FeedbackSource.CALL
            return RedirectResponse("/callbacks" if called else f"/tickets/{ticket_id}", status_code=303)

        return tried(
            change,
            lambda status, why: show_ticket(
                pages, request, visitor, ticket_id, sites, status, closing_error=why, feedback=entered
            ),
        )

    @router.post("/tickets/{ticket_id}/feedback-link")
    def new_link(
        request: Request, visitor: Known, sites: ChangesTickets, principal: ActingByForm, ticket_id: RowId
    ) -> Response:
        """Make a link by which the customer judges a repair; it is shown this once."""
        _within(pages, ticket_id, sites)

        def change() -> Response:
            link = f"{closing.address}f/{closing.feedback.new_link(ticket_id, principal, sites)}"
            return pages.render(
                request, "desk/feedback_link.html", ticket_id=ticket_id, link=link, drawn=qr_code(link)
            )

        return tried(
            change,
            lambda status, why: show_ticket(
                pages, request, visitor, ticket_id, sites, status, closing_error=why
            ),
        )

    @router.post("/tickets/{ticket_id}/visit")
    def write_visit(  # noqa: PLR0913, PLR0917 - FastAPI hands each field over by name
        request: Request,
        visitor: Known,
        sites: ChangesTickets,
        principal: ActingByForm,
        ticket_id: RowId,
        minutes: Annotated[str, Form(max_length=8)] = "",
        remark: Annotated[str, Form(max_length=2 * LONGEST_REMARK)] = "",
        signed_by: Annotated[str, Form(max_length=64)] = "",
        next_service: Annotated[str, Form(max_length=10)] = "",
        signature: Annotated[str, Form(max_length=_LONGEST_SIGNATURE)] = "",
        part: _Texts = [],  # noqa: B006 - FastAPI copies it
        quantity: _Texts = [],  # noqa: B006
        serial: _Texts = [],  # noqa: B006
    ) -> Response:
        """Write a visit down; what is refused comes back with the reason."""
        _within(pages, ticket_id, sites)
        typed = {"minutes": minutes, "remark": remark, "signed_by": signed_by, "next_service": next_service}
        rows = list(zip(part, quantity, serial, strict=False))

        def change() -> Response:
            visit = Visit(
                ticket_id,
                0,
                "",
                None,
                _whole("minutes", minutes, MOST_MINUTES),
                _parts(rows),
                remark,
                _drawn(signature),
                signed_by,
                _day(pages, ticket_id, next_service),
            )
            closing.visits.write(visit, principal, sites, signed=bool(signature))
            return RedirectResponse(f"/tickets/{ticket_id}#visit", status_code=303)

        return tried(
            change,
            lambda status, why: show_ticket(
                pages,
                request,
                visitor,
                ticket_id,
                sites,
                status,
                closing_error=why,
                visit=typed | {"parts": rows},
            ),
        )

    return router


def _callbacks(
    pages: Pages, request: Request, sites: Sites, status: int = 200, error: str | None = None
) -> Response:
    feedback = pages.services.closing.feedback
    values: dict[str, Any] = {"follow_ups": feedback.follow_ups(sites), "calls": feedback.call_list(sites)}
    return pages.render(
        request,
        "desk/callbacks.html",
        status,
        **values,
        error=error,
        status=status,
        scores=SCORES,
        longest=LONGEST_REMARK,
    )


def _within(pages: Pages, ticket_id: int, sites: Sites) -> None:
    with pages.services.desk.transaction() as session:
        ticket(session, ticket_id, sites)


def _source(text: str) -> FeedbackSource:
    if text not in _FORM_SOURCES:
        raise InvalidInput(f"source: {quoted(text)} is none; allowed: {', '.join(_FORM_SOURCES)}")
    return FeedbackSource(text)


def _whole(name: str, text: str, most: int) -> int:
    if not text.strip().isdecimal():
        raise InvalidInput(f"{name}: {quoted(text)} is no whole number; allowed: 0 to {most}")
    return int(text)


def _parts(rows: list[tuple[str, str, str]]) -> tuple[PartUsed, ...]:
    return tuple(
        PartUsed(code.strip(), _whole("parts.quantity", quantity or "1", 999), serial)
        for code, quantity, serial in rows
        if code.strip()
    )


def _drawn(signature: str) -> bytes | None:
    if not signature:
        return None
    try:
        if signature.startswith(_PNG):
            return b64decode(signature[len(_PNG) :], validate=True)
    except binascii.Error:
        pass
    raise InvalidInput(
        "signature: it cannot be read; allowed: a PNG of at most 200 kB and 2000 x 1000 pixels"
    )


def _day(pages: Pages, ticket_id: int, text: str) -> int | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"next_service: {quoted(text)} is no day; write 2027-01-31") from None
    with pages.services.desk.transaction() as session:
        site = ticket(session, ticket_id).site
    return ms_of(found, 12 * 60, pages.services.zones.of(site))
