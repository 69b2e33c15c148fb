"""The page of a message, by its link: what it told of, how that stands now, and who takes care."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.sessions import principal_of
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import address_of
from api.queries.notices import shown_notices
from api.queries.topics import Topic, topics_of
from api.services import ApiServices, Services
from fleet.alerts import AlertState
from fleet.errors import Conflict, NotAllowed, NotFound
from fleet.events import Subject
from fleet.grants import Permission, Sites
from fleet.outbox import Notice
from fleet.people import Person
from fleet.personal import plain_evidence
from fleet.principals import Principal
from notify.links import NoticeLinks

_LONGEST = 64
NOWHERE: Sites = frozenset()


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


async def _links_of(services: Services) -> NoticeLinks:
    return NoticeLinks(services.desk, services.clock)


_Links = Annotated[NoticeLinks, Depends(_links_of)]


@router.get("/n/{secret}")
def notice_page(request: Request, pages: Console, services: Services, links: _Links, secret: str) -> Response:
    """Show what was told. To look changes nothing: mail programs look at links too."""
    services.rates.sign_in(address_of(request))
    notices = links.open(secret[:_LONGEST])
    return _page(pages, request, notices, secret[:_LONGEST], saved=asked(request, SavedView).saved)


@router.post("/n/{secret}/seen", status_code=204)
def seen(request: Request, services: Services, links: _Links, secret: str) -> Response:
    """Note that a browser shows it to somebody."""
    services.rates.sign_in(address_of(request))
    links.seen(secret[:_LONGEST])
    return Response(status_code=204)


@router.post("/n/{secret}/acknowledge")
def acknowledge(
    request: Request,
    services: Services,
    links: _Links,
    secret: str,
    about: Annotated[str, Form(max_length=80)] = "",
    why: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Take care of one thing that the message tells of, as the person to whom it was sent."""
    services.rates.sign_in(address_of(request))
    notices = links.open(secret[:_LONGEST])
    topic = _asked_about(services, notices, about)
    who = _acting(services, topic)
    back = f"/n/{secret[:_LONGEST]}"
    try:
        _acknowledge(services, topic, who, why.strip() or "by the link in the notice")
    except Conflict:  # a colleague was first, or it is over: the page says which
        links.seen(secret[:_LONGEST])
        return RedirectResponse(back, status_code=303)
    links.acknowledged(topic.notice)
    return RedirectResponse(f"{back}?saved=1", status_code=303)


def _reader(services: ApiServices, notices: list[Notice]) -> Person | None:
    """Return to whom a message was sent; None where that was a group, or they may not sign in any more."""
    number = notices[0].person_id
    if number is None:
        return None
    person = services.doors.people.one(number)
    return None if person.disabled_at is not None else person


def _acting(services: ApiServices, topic: Topic) -> Principal:
    """Return who acts by a message. Raises NotAllowed where they may not handle such alerts now."""
    person = _reader(services, [topic.notice])
    if person is None:
        raise NotAllowed("this link is of nobody who may sign in now: sign in to take care of it")
    who = principal_of(person)
    if not _may(who, topic):
        raise NotAllowed(f"this needs {Permission.ALERTS_CHANGE}, which {person.name} does not have")
    return who


def _may(who: Principal, topic: Topic) -> bool:
    """Tell whether somebody may take care of it: what is wider than a site is everywhere's."""
    sites = who.reach(Permission.ALERTS_CHANGE)
    return sites is None or topic.site in sites


def _asked_about(services: ApiServices, notices: list[Notice], about: str) -> Topic:
    """Return what of a message a button stands for; without `about`, the one thing that it tells of."""
    with services.desk.transaction() as session:
        topics = topics_of(session, notices, None)
    named = {f"{each.subject}:{each.subject_id}": each for each in topics}
    if not about and len(named) == 1:
        return next(iter(named.values()))
    if about not in named:
        raise NotFound("there is nothing to take care of by this link; sign in to see what is open")
    return named[about]


def _acknowledge(services: ApiServices, topic: Topic, who: Principal, why: str) -> None:
    if topic.subject == Subject.INCIDENT:
        services.care.acknowledge_incident(int(topic.subject_id), who, why)
    else:
        services.care.acknowledge(topic.subject_id, who, why)


def _page(
    pages: Pages, request: Request, notices: list[Notice], secret: str, *, saved: bool = False
) -> Response:
    services = pages.services
    person = _reader(services, notices)
    who = None if person is None else principal_of(person)
    sites = NOWHERE if who is None else who.reach(Permission.FLEET_READ)
    with services.desk.transaction() as session:
        (item,) = shown_notices(session, notices[:1])
        topics = [_plain(each) for each in topics_of(session, notices, sites)]
    places = {each.site for each in topics}
    listed = max((each.telling.count for each in notices if each.telling), default=0)
    return pages.render(
        request,
        "notices/notice.html",
        200,
        next(iter(places)) if len(places) == 1 else None,
        item=item,
        one=notices[0],
        topics=topics,
        is_list=len(topics) > 1,
        more=max(0, listed - len(topics)) if len(notices) == 1 and len(topics) > 1 else 0,
        open_to=[each for each in topics if who and each.state is AlertState.FIRING and _may(who, each)],
        reader=who,
        secret=secret,
        saved=saved,
    )


def _plain(topic: Topic) -> Topic:
    """Return it without what its evidence quotes of a person: that stands behind the sign-in alone."""
    if topic.alert is None or not topic.is_personal:
        return topic
    return replace(topic, alert=replace(topic.alert, evidence=plain_evidence(topic.alert.evidence)))
