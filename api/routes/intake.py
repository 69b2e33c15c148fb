"""Requests: what people and other systems report; the links for that; and the dossier of a device."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from api.doors import Acting, ChangesDevices, ChangesSites, ChangesTickets, ReportsFaults, SeesFleet
from api.file_answers import SAVED, SMALL, file_answer
from api.idempotency import BUSY, IdempotencyKey, once, operation_of
from api.intake_items import dossier_item, request_detail, request_item
from api.intake_schemas import (
    Dismissal,
    DossierItem,
    LinksEnded,
    MailTaken,
    NameFault,
    PlaceRequest,
    ProposalItem,
    ReportLinkMade,
    ReportPost,
    RequestDetail,
    RequestItem,
    RequestQuery,
    SymptomQuery,
)
from api.routes.common import DeviceId, Nothing, RowId, SiteId, problems
from api.routes.sites import check_within
from api.schemas import ListOf
from api.services import ApiServices, Services
from fleet.errors import InvalidInput, NotFound
from fleet.grants import Sites
from fleet.requests import Channel, NewRequest
from fleet.symptoms import match
from fleet.text import quoted
from storage.records.answers import KeptAnswer
from storage.records.device_lists import device_of
from storage.records.device_names import devices_called
from storage.records.requests import find_requests, request_of
from storage.records.sites import site_of

router = APIRouter(prefix="/api/v1", tags=["intake"])
_MAIL = "message/rfc822"
_NOT_FOUND = problems(not_found="There is no such request")
_CHANGE = problems(
    body="The body cannot be read",
    not_found="There is no such request or device",
    conflict="It was placed or dismissed already",
)


@router.post(
    "/hooks/reports",
    status_code=201,
    response_model=RequestItem,
    responses=problems(body="The body cannot be read", not_found="There is no such device", conflict=BUSY),
)
def take_report(
    services: Services,
    sites: ReportsFaults,
    principal: Acting,
    report: ReportPost,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Report what somebody says is wrong, in their words.

    Where the device is known it opens or joins its case, else it waits for somebody to place it. With an
    Idempotency-Key a second sending changes nothing.
    """

    def take() -> KeptAnswer:
        device, site = _place(services, report, sites)
        said = NewRequest(
            Channel.WEBHOOK,
            report.words,
            report.who,
            report.contact,
            report.language,
            site,
            device,
            report.fault,
            tuple(report.suits),
            report.suits_on,
        )
        made = request_item(services.intake.reports.take(said, principal, sites=sites))
        return KeptAnswer(201, {"Location": f"/api/v1/requests/{made.id}"}, made.model_dump_json())

    return once(services, operation_of("reports", principal, sites), idempotency_key, report, take)


def _place(services: ApiServices, report: ReportPost, sites: Sites) -> tuple[str | None, str | None]:
    """Return the id of the device and the site that a report names. Raises NotFound, InvalidInput."""
    with services.desk.transaction() as session:
        if report.device is not None:
            found = devices_called(session, [report.device], sites)
            exact = [one for one in found if one.id == report.device] or found
            if not exact:
                raise NotFound(f"there is no device {quoted(report.device)}")
            if len(exact) > 1:
                raise InvalidInput(f"device: {quoted(report.device)} is the serial number of several")
            return exact[0].id, exact[0].site
        if report.site is not None:
            check_within(report.site, sites)
            return None, site_of(session, report.site).id
    if sites is None or len(sites) == 1:
        return None, next(iter(sites or ()), None)
    raise InvalidInput("site: required, where no device is named")


@router.post(
    "/hooks/mail",
    responses=problems(body="The body cannot be read"),
    openapi_extra={"requestBody": {"content": {_MAIL: {"schema": {"type": "string"}}}}},
)
def take_mail(
    services: Services,
    sites: ReportsFaults,
    principal: Acting,
    _: Nothing,
    message: Annotated[bytes, Body(media_type=_MAIL)] = b"",
) -> MailTaken:
    """Take one message as it was sent (RFC 5322), from what receives mail.

    The device is the one whose id or serial number it names. The same Message-ID again is the same request;
    automatic replies and bounces make none.
    """
    taken = services.intake.mail.take(message, principal, sites)
    request = taken.request
    return MailTaken(
        request_id=request.id if request else None,
        ticket_id=request.ticket_id if request else None,
        ignored=taken.ignored,
        refused=list(taken.refused),
    )


@router.get("/requests", responses=problems())
def list_requests(
    services: Services, sites: ReportsFaults, query: Annotated[RequestQuery, Query()]
) -> ListOf[RequestItem]:
    """List requests, the newest first; those of no site are for whoever acts at every one."""
    with services.desk.transaction() as session:
        page = find_requests(session, query.state, query.asked(), sites)
    return ListOf(items=[request_item(each) for each in page.rows], next_cursor=page.next_cursor)


@router.get("/requests/{request_id}", responses=_NOT_FOUND)
def show_request(services: Services, sites: ReportsFaults, request_id: RowId, _: Nothing) -> RequestDetail:
    """Show one request with its files, proposals and likely doubles."""
    with services.desk.transaction() as session:
        found = request_of(session, request_id, sites)
    return request_detail(services, found, sites)


@router.get("/requests/{request_id}/files/{file_id}", response_class=Response, responses=_NOT_FOUND | SAVED)
def show_request_file(
    services: Services, sites: ReportsFaults, request_id: RowId, file_id: RowId, _: Nothing
) -> Response:
    """Return a file that came with a request, to be saved."""
    with services.desk.transaction() as session:
        request_of(session, request_id, sites)
    return file_answer(*services.intake.files.open_of_request(request_id, file_id))


@router.get(
    "/requests/{request_id}/files/{file_id}/thumbnail", response_class=Response, responses=_NOT_FOUND | SMALL
)
def show_request_thumbnail(
    services: Services, sites: ReportsFaults, request_id: RowId, file_id: RowId, _: Nothing
) -> Response:
    """Return a small picture of a file that came with a request (JPEG)."""
    with services.desk.transaction() as session:
        request_of(session, request_id, sites)
    return file_answer(*services.intake.files.open_of_request(request_id, file_id, small=True), small=True)


@router.post("/requests/{request_id}/place", responses=_CHANGE)
def place(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    request_id: RowId,
    placing: PlaceRequest,
    _: Nothing,
) -> RequestDetail:
    """Say about which device a request is: it opens or joins its case."""
    done = services.intake.reports.place(request_id, placing.device_id, placing.fault, principal, sites)
    return request_detail(services, done, sites)


@router.post("/requests/{request_id}/fault", responses=_CHANGE)
def name_fault(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    request_id: RowId,
    named: NameFault,
    _: Nothing,
) -> RequestDetail:
    """Say what is wrong, where a request was placed without."""
    done = services.intake.reports.name_fault(request_id, named.fault, principal, sites)
    return request_detail(services, done, sites)


@router.post("/requests/{request_id}/dismiss", responses=_CHANGE)
def dismiss(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    request_id: RowId,
    dismissal: Dismissal,
    _: Nothing,
) -> RequestDetail:
    """Say that a request asks for nothing, and why."""
    done = services.intake.reports.dismiss(request_id, principal, dismissal.reason, sites)
    return request_detail(services, done, sites)


@router.get("/symptoms", responses=problems())
def propose(
    _services: Services, _sites: SeesFleet, query: Annotated[SymptomQuery, Query()]
) -> ListOf[ProposalItem]:
    """Return which faults somebody may mean by their words, the likeliest first."""
    found = match(query.words, query.kind)
    return ListOf(items=[ProposalItem.model_validate(each) for each in found])


@router.get("/devices/{device_id}/dossier", responses=problems(not_found="There is no such device"))
def show_dossier(services: Services, sites: SeesFleet, device_id: DeviceId, _: Nothing) -> DossierItem:
    """Show what is known of a device at once: what it is, its repairs, risks and open alerts."""
    return dossier_item(services.intake.dossiers.of(device_id, sites))


@router.post(
    "/devices/{device_id}/report-links",
    status_code=201,
    responses=problems(not_found="There is no such device"),
)
def link_device(
    services: Services, sites: ChangesDevices, principal: Acting, device_id: DeviceId, _: Nothing
) -> ReportLinkMade:
    """Make a link by which a device is reported without a sign-in; its secret is shown this once."""
    secret = services.intake.links.for_device(device_id, principal, sites)
    with services.desk.transaction() as session:
        site = device_of(session, device_id, sites).site
    return ReportLinkMade(path=f"/r/{secret}", device_id=device_id, site=site)


@router.delete("/devices/{device_id}/report-links", responses=problems(not_found="There is no such device"))
def unlink_device(
    services: Services, sites: ChangesDevices, principal: Acting, device_id: DeviceId, _: Nothing
) -> LinksEnded:
    """End all links of a device."""
    with services.desk.transaction() as session:
        site = device_of(session, device_id, sites).site
    return LinksEnded(ended=services.intake.links.revoke(device_id, site, principal))


@router.post(
    "/sites/{site_id}/report-links", status_code=201, responses=problems(not_found="There is no such site")
)
def link_site(
    services: Services, sites: ChangesSites, principal: Acting, site_id: SiteId, _: Nothing
) -> ReportLinkMade:
    """Make a link by which any device of a site is reported without a sign-in; shown this once."""
    _site(services, site_id, sites)
    secret = services.intake.links.for_site(site_id, principal)
    return ReportLinkMade(path=f"/r/{secret}", device_id=None, site=site_id)


@router.delete("/sites/{site_id}/report-links", responses=problems(not_found="There is no such site"))
def unlink_site(
    services: Services, sites: ChangesSites, principal: Acting, site_id: SiteId, _: Nothing
) -> LinksEnded:
    """End all links of a site as a whole."""
    _site(services, site_id, sites)
    return LinksEnded(ended=services.intake.links.revoke(None, site_id, principal))


def _site(services: ApiServices, site_id: str, sites: Sites) -> None:
    check_within(site_id, sites)
    with services.desk.transaction() as session:
        site_of(session, site_id)
