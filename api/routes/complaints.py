"""Complaints: filed, of a class, with a written plan. They move on as other tickets do."""

from fastapi import APIRouter, Response

from api.case_schemas import ArrivalAsked, ClassAsked, ComplaintAsked, PlanAsked
from api.doors import Acting, ChangesTickets, Known, ReportsFaults
from api.idempotency import BUSY, IdempotencyKey, once, operation_of
from api.routes.cases import within
from api.routes.common import Nothing, RowId, problems
from api.routes.tickets import detail_of, etag
from api.schemas import TicketDetail
from api.services import ApiServices, Services
from fleet.complaints import Complaint
from fleet.errors import InvalidInput, NotFound
from fleet.grants import Sites
from fleet.text import quoted
from storage.records.answers import KeptAnswer
from storage.records.device_lists import device_of

router = APIRouter(prefix="/api/v1/complaints", tags=["complaints"])
_CHANGE = problems(
    body="The body cannot be read",
    not_found="There is no such complaint",
    conflict="It is no complaint, or somebody else was first",
)


@router.post(
    "",
    status_code=201,
    response_model=TicketDetail,
    responses=problems(body="The body cannot be read", not_found="There is no such device", conflict=BUSY),
)
def file_complaint(
    services: Services,
    visitor: Known,
    sites: ReportsFaults,
    principal: Acting,
    asked: ComplaintAsked,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """File a complaint. One that says the same of the same as an open one is that one."""

    def file() -> KeptAnswer:
        check_place(services, sites, asked.device_id, asked.site)
        ticket_id = services.work.complaints.file(
            complaint_asked(asked), principal, site=asked.site or "", device_id=asked.device_id or ""
        )
        detail = detail_of(services, visitor, ticket_id, sites)
        headers = {"Location": f"/api/v1/tickets/{ticket_id}", "ETag": etag(detail.version)}
        return KeptAnswer(201, headers, detail.model_dump_json())

    return once(services, operation_of("complaints", principal, sites), idempotency_key, asked, file)


def complaint_asked(asked: ComplaintAsked) -> Complaint:
    """Return what somebody files."""
    return Complaint(
        of_class=asked.of_class,
        words=asked.words,
        customer=asked.customer,
        contact=asked.contact,
        about=asked.about,
        loss=asked.loss,
    )


def check_place(services: ApiServices, sites: Sites, device_id: str | None, site: str | None) -> None:
    """Raise NotFound for what is of another site, InvalidInput unless one of the two is given."""
    if (device_id is None) == (site is None):
        raise InvalidInput("device_id, site: say which device it is about, or else which site")
    if device_id is not None:
        with services.desk.transaction() as session:
            device_of(session, device_id, sites)
    elif sites is not None and site not in sites:
        raise NotFound(f"there is no site {quoted(site)}")


@router.put("/{ticket_id}/class", responses=_CHANGE)
def classify(
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: ClassAsked,
    _: Nothing,
) -> TicketDetail:
    """Say that a complaint is of another class; loss and setbacks keep it a major one."""
    within(services, ticket_id, sites)
    services.work.complaints.classify(ticket_id, asked.of_class, principal, asked.reason)
    return detail_of(services, visitor, ticket_id, sites)


@router.put("/{ticket_id}/plan", responses=_CHANGE)
def plan(
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: PlanAsked,
    _: Nothing,
) -> TicketDetail:
    """Keep the written plan of a complaint."""
    within(services, ticket_id, sites)
    services.work.complaints.plan(ticket_id, asked.plan, principal)
    return detail_of(services, visitor, ticket_id, sites)


@router.post("/{ticket_id}/arrival", responses=_CHANGE)
def arrive(
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: ArrivalAsked,
    _: Nothing,
) -> TicketDetail:
    """Note that somebody is on the spot."""
    within(services, ticket_id, sites)
    services.work.complaints.arrive(ticket_id, principal, asked.reason)
    return detail_of(services, visitor, ticket_id, sites)
