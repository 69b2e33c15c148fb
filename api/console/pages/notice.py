"""The page of one notice, by the link in its message: what was told, and a button to take care of it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from access.sessions import principal_of
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Pages
from api.doors import address_of
from api.queries.notices import shown_notices
from api.services import ApiServices
from fleet.alerts import Alert
from fleet.care import Incident
from fleet.errors import Conflict, NotAllowed, NotFound
from fleet.events import Subject
from fleet.grants import Permission
from fleet.outbox import Notice
from fleet.principals import Principal
from notify.links import NoticeLinks
from storage.records.alerts import alert_of
from storage.records.incidents import incident_of

_LONGEST = 64


def make_router(pages: Pages) -> APIRouter:
    """Return the routes of the page. Whoever has the link is the person to whom it was sent."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    services = pages.services
    links = NoticeLinks(services.desk, services.clock)

    @router.get("/n/{secret}")
    def notice_page(request: Request, secret: str) -> Response:
        """Show what was told. To look changes nothing: mail programs look at links too."""
        services.rates.sign_in(address_of(request))
        notice = links.open(secret[:_LONGEST])
        return _page(pages, request, notice, secret, saved=asked(request, SavedView).saved)

    @router.post("/n/{secret}/seen", status_code=204)
    def seen(request: Request, secret: str) -> Response:
        """Note that a browser shows it to somebody."""
        services.rates.sign_in(address_of(request))
        links.seen(secret[:_LONGEST])
        return Response(status_code=204)

    @router.post("/n/{secret}/acknowledge")
    def acknowledge(
        request: Request, secret: str, why: Annotated[str, Form(max_length=1000)] = ""
    ) -> Response:
        """Take care of what a notice tells of, as the person to whom it was sent."""
        services.rates.sign_in(address_of(request))
        notice = links.open(secret[:_LONGEST])
        who = _principal(services, notice)
        try:
            _acknowledge(services, notice, who, why.strip() or "by the link in the notice")
        except Conflict:  # pressed twice, or somebody was faster, or it is over: the page says which
            return RedirectResponse(f"/n/{secret[:_LONGEST]}", status_code=303)
        links.acknowledged(secret[:_LONGEST])
        return RedirectResponse(f"/n/{secret[:_LONGEST]}?saved=1", status_code=303)

    return router


def _principal(services: ApiServices, notice: Notice) -> Principal:
    """Return to whom a notice was sent. Raises NotAllowed where they may not handle alerts there now."""
    if notice.person_id is None:
        raise NotAllowed("this notice went to a group: sign in to take care of it")
    person = services.doors.people.one(notice.person_id)
    if person.disabled_at is not None:
        raise NotAllowed(f"{person.name} may not sign in any more")
    who = principal_of(person)
    sites = who.reach(Permission.ALERTS_CHANGE)
    if sites is not None and notice.site not in sites:
        raise NotAllowed(f"this needs {Permission.ALERTS_CHANGE}, which {person.name} does not have")
    return who


def _acknowledge(services: ApiServices, notice: Notice, who: Principal, why: str) -> None:
    if notice.subject == Subject.INCIDENT:
        services.care.acknowledge_incident(int(notice.subject_id), who, why)
    elif notice.subject == Subject.ALERT:
        services.care.acknowledge(notice.subject_id, who, why)
    else:
        raise NotFound("there is nothing to take care of by this link; sign in to see what is open")


def _page(pages: Pages, request: Request, notice: Notice, secret: str, *, saved: bool = False) -> Response:
    with pages.services.desk.transaction() as session:
        (item,) = shown_notices(session, [notice])
        about = _about(session, notice)
    return pages.render(
        request,
        "notices/notice.html",
        item=item,
        one=notice,
        about=about,
        since=about.opened_at if isinstance(about, Incident) else about.since if about else None,
        secret=secret,
        saved=saved,
    )


def _about(session: Session, notice: Notice) -> Alert | Incident | None:
    """Return what a notice tells of; None for a test."""
    if notice.subject == Subject.ALERT:
        return alert_of(session, notice.subject_id)
    if notice.subject == Subject.INCIDENT:
        return incident_of(session, int(notice.subject_id))
    return None
