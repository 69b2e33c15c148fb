"""The console's form of a visit: what an engineer writes down of it, on a case's page."""

import binascii
from base64 import b64decode
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.desk import show_ticket
from api.console.pages.tried import tried
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTickets, Known
from api.routes.cases import within
from api.routes.common import RowId
from api.services import Services
from desk.feedback.visits import MOST_MINUTES, MOST_PIECES, SIGNATURE_BYTES
from fleet.errors import InvalidInput
from fleet.feedback import LONGEST_REMARK, PartUsed, Visit
from fleet.localtime import day_in, ms_of
from fleet.text import quoted
from storage.records.tickets import ticket

_PNG = "data:image/png;base64,"
_LONGEST_SIGNATURE = len(_PNG) + (SIGNATURE_BYTES + 2) // 3 * 4
_Texts = Annotated[list[str], Form(max_length=64)]


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/tickets/{ticket_id}/visit")
def write_visit(
    request: Request,
    pages: Console,
    services: Services,
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
    within(services, ticket_id, sites)
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
        services.closing.visits.write(visit, principal, sites, signed=bool(signature))
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


def _whole(name: str, text: str, most: int) -> int:
    if not text.strip().isdecimal():
        raise InvalidInput(f"{name}: {quoted(text)} is no whole number; allowed: 0 to {most}")
    return int(text)


def _parts(rows: list[tuple[str, str, str]]) -> tuple[PartUsed, ...]:
    return tuple(
        PartUsed(code.strip(), _whole("parts.quantity", quantity or "1", MOST_PIECES), serial)
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
    raise InvalidInput("signature: it cannot be read; allowed: a PNG of at most 200 kB")


def _day(pages: Pages, ticket_id: int, text: str) -> int | None:
    if not text:
        return None
    try:
        found = day_in(text)
    except ValueError:
        raise InvalidInput(f"next_service: {quoted(text)} is no day; write 2027-01-31") from None
    with pages.services.desk.transaction() as session:
        site = ticket(session, ticket_id).site
    return ms_of(found, 12 * 60, pages.services.zones.of(site))
