"""Consent to a visit that we propose: the forms on a case's page, and the customer's page behind a link."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.by_link import LinkPage
from api.console.pages.case_work import chosen
from api.console.pages.desk import show_ticket
from api.console.pages.second_factor import qr_code
from api.console.pages.tried import tried
from api.console.render.templates import Console
from api.doors import ActingByForm, ChangesTickets, Known
from api.routes.cases import within
from api.routes.common import RowId
from api.routes.consent import asked_for_consent
from api.services import ApiServices, Services
from desk.consent.desk import Asked
from fleet.consent import LONGEST_ANSWER, LONGEST_OFFER, Answer
from fleet.faults import FAULTS

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


def _opened(services: ApiServices, key: str) -> Asked:
    with services.desk.transaction() as session:
        return services.work.consent.open(session, key)


def _values(opened: Asked, entered: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "likely": opened.ticket.likely,
        "fault": FAULTS.get(opened.ticket.fault),
        "answers": tuple(Answer),
        "answer": entered.get("answer") or opened.consent.answer or "",
        "remark": entered.get("remark", ""),
        "longest": LONGEST_ANSWER,
    }


_PAGE = LinkPage("c", "consent", _opened, _values)


@router.get("/c/{secret}")
def consent_page(request: Request, pages: Console, secret: str) -> Response:
    """Show what is proposed and why."""
    return _PAGE.look(pages, request, secret)


@router.post("/c/{secret}")
def say(
    request: Request,
    pages: Console,
    services: Services,
    secret: str,
    answer: Annotated[str, Form(max_length=8)] = "",
    remark: _Remark = "",
) -> Response:
    """Keep what the holder of the link says."""
    return _PAGE.answer(
        pages,
        request,
        secret,
        lambda key: services.work.consent.answer(key, chosen(Answer, answer), remark),
        {"answer": answer, "remark": remark},
    )
