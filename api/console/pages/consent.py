"""Consent to a visit that we propose: the forms on a case's page, and the customer's page behind a link."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.case_work import chosen
from api.console.pages.desk import show_ticket
from api.console.pages.second_factor import qr_code
from api.console.pages.tried import tried
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTickets, Known, address_of
from api.routes.cases import within
from api.routes.common import RowId
from api.routes.consent import asked_for_consent
from api.services import Services
from fleet.consent import LONGEST_ANSWER, LONGEST_OFFER, Answer
from fleet.errors import NotFound
from fleet.faults import FAULTS

_LONGEST = 64
"""No secret of ours is longer."""
_Remark = Annotated[str, Form(max_length=2 * LONGEST_ANSWER)]

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/tickets/{ticket_id}/consent-link")
def ask(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    offer: Annotated[str, Form(max_length=2 * LONGEST_OFFER)] = "",
    by_letter: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Make a link by which the customer consents, or does not: it is shown this once, or written to them."""
    within(services, ticket_id, sites)

    def change() -> Response:
        link = asked_for_consent(services, ticket_id, offer, principal, sites, by_letter=bool(by_letter))
        if link is None:
            return RedirectResponse(f"/tickets/{ticket_id}", status_code=303)
        return pages.render(
            request, "desk/consent_link.html", ticket_id=ticket_id, link=link, drawn=qr_code(link)
        )

    return tried(
        change,
        lambda status, why: show_ticket(
            pages, request, visitor, ticket_id, sites, status, consent_error=why, offer=offer
        ),
    )


@router.post("/tickets/{ticket_id}/consent")
def record(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    answer: Annotated[str, Form(max_length=8)] = "",
    remark: _Remark = "",
) -> Response:
    """Keep what staff was told, by a call or otherwise."""
    within(services, ticket_id, sites)

    def change() -> Response:
        services.work.consent.record(ticket_id, chosen(Answer, answer), remark, principal, sites)
        return RedirectResponse(f"/tickets/{ticket_id}", status_code=303)

    return tried(
        change,
        lambda status, why: show_ticket(
            pages, request, visitor, ticket_id, sites, status, consent_error=why, consent_remark=remark
        ),
    )


@router.get("/c/{secret}")
def consent_page(request: Request, pages: Console, services: Services, secret: str) -> Response:
    """Show what is proposed and why. To look records nothing: mail programs look at links too."""
    services.rates.sign_in(address_of(request))
    return _page(pages, request, secret[:_LONGEST], saved=asked(request, SavedView).saved)


@router.post("/c/{secret}")
def say(
    request: Request,
    pages: Console,
    services: Services,
    secret: str,
    answer: Annotated[str, Form(max_length=8)] = "",
    remark: _Remark = "",
) -> Response:
    """Keep what the holder of the link says; the secret is the right to, as that of feedback is."""
    services.rates.sign_in(address_of(request))
    key = secret[:_LONGEST]

    def change() -> Response:
        with services.desk.transaction() as session:
            services.work.consent.open(session, key)  # what opens nothing is told first
        services.work.consent.answer(key, chosen(Answer, answer), remark)
        return RedirectResponse(f"/c/{key}?saved=1", status_code=303)

    return tried(change, lambda status, why: _page(pages, request, key, status, why, answer, remark), 404)


def _page(
    pages: Pages,
    request: Request,
    secret: str,
    status: int = 200,
    error: str | None = None,
    answer: str = "",
    remark: str = "",
    *,
    saved: bool = False,
) -> Response:
    services = pages.services
    try:
        with services.desk.transaction() as session:
            opened = services.work.consent.open(session, secret)
    except NotFound as why:
        return pages.render(request, "desk/consent_closed.html", 404, error=str(why))
    return pages.render(
        request,
        "desk/consent_open.html",
        status,
        opened.ticket.site,
        opened=opened,
        likely=opened.ticket.likely,
        fault=FAULTS.get(opened.ticket.fault),
        secret=secret,
        answers=tuple(Answer),
        answer=answer or opened.consent.answer or "",
        remark=remark,
        longest=LONGEST_ANSWER,
        error=error,
        saved=saved,
    )
