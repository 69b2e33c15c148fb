"""The console's pages of complaints: filing one, its class, its plan, and who is on the spot."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.case_work import Why, changing, chosen, number
from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTickets, Known, ReportsFaults
from api.params import Params
from api.routes.common import RowId
from api.routes.complaints import check_place
from api.services import Services
from desk.tickets.conversation import LONGEST_COMMENT
from fleet.complaints import Complaint, ComplaintClass
from fleet.grants import Sites
from storage.records.sites import sites_within

Text = Annotated[str, Form(max_length=LONGEST_COMMENT)]
Id = Annotated[str, Form(max_length=64)]


class FilingView(Params):
    """The address of the form, which a device's or a case's page may fill."""

    device: str = ""
    about: str = ""


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/complaints/new")
def form(request: Request, pages: Console, sites: ReportsFaults) -> Response:
    """Show the form that files a complaint."""
    view = asked(request, FilingView)
    return _form(pages, request, sites, device=view.device[:64], about=view.about[:18])


@router.post("/complaints")
def file(
    request: Request,
    pages: Console,
    services: Services,
    sites: ReportsFaults,
    principal: ActingByForm,
    words: Text = "",
    of_class: Id = ComplaintClass.EXPERIENCE,
    device: Id = "",
    site: Id = "",
    customer: Id = "",
    contact: Annotated[str, Form(max_length=255)] = "",
    about: Id = "",
    loss: Id = "",
) -> Response:
    """File a complaint and show it."""
    entered: dict[str, Any] = {
        "words": words,
        "of_class": of_class,
        "device": device,
        "site": site,
        "customer": customer,
        "contact": contact,
        "about": about,
        "loss": loss,
    }

    def change() -> Response:
        device_id, place = device.strip(), site.strip()
        check_place(services, sites, device_id or None, None if device_id else place or None)
        complaint = Complaint(
            chosen(ComplaintClass, of_class),
            words,
            customer.strip(),
            contact.strip(),
            number(about, "about") if about.strip() else None,
            bool(loss),
        )
        ticket_id = services.work.complaints.file(complaint, principal, site=place, device_id=device_id)
        return RedirectResponse(f"/tickets/{ticket_id}", status_code=303)

    return tried(
        change,
        lambda status, told: _form(pages, request, sites, status, error=told, **entered),
        404,
    )


@router.post("/tickets/{ticket_id}/class")
def classify(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    of_class: Id = "",
    why: Why = "",
) -> Response:
    """Say that a complaint is of another class."""
    run = changing(pages, request, visitor, ticket_id, sites)
    return run(
        lambda: services.work.complaints.classify(ticket_id, chosen(ComplaintClass, of_class), principal, why)
    )


@router.post("/tickets/{ticket_id}/plan")
def plan(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    plan: Text = "",
) -> Response:
    """Keep the written plan of a complaint."""
    run = changing(pages, request, visitor, ticket_id, sites)
    return run(lambda: services.work.complaints.plan(ticket_id, plan, principal))


@router.post("/tickets/{ticket_id}/arrival")
def arrive(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
) -> Response:
    """Note that somebody is on the spot."""
    run = changing(pages, request, visitor, ticket_id, sites)
    return run(lambda: services.work.complaints.arrive(ticket_id, principal))


def _form(
    pages: Pages, request: Request, sites: Sites, status: int = 200, error: str | None = None, **entered: Any
) -> Response:
    with pages.services.desk.transaction() as session:
        places = [each.id for each in sites_within(session, sites)]
    empty: dict[str, Any] = dict.fromkeys(("words", "device", "site", "customer", "contact", "about"), "")
    return pages.render(
        request,
        "desk/file_complaint.html",
        status,
        status=status,
        error=error,
        classes=tuple(ComplaintClass),
        places=places,
        entered=empty | {"of_class": ComplaintClass.EXPERIENCE, "loss": ""} | entered,
    )
