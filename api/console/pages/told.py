"""The pages of where notices go: one's own destinations and wishes, and the destinations of groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.language import language_of
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, Known, ManagesDestinations
from api.params import Params
from api.routes.common import RowId
from api.routes.destinations import own_destination, person_of
from api.services import Services
from fleet.errors import InvalidInput
from fleet.notices import ChannelKind
from fleet.outbox import Wishes
from fleet.text import quoted
from notify.channels.fields import FIELDS

_SHORT = Annotated[str, Form(max_length=64)]
_ADDRESS = "address_"
"""How the fields of an address begin in a form."""


class ToldView(Params):
    """The address of these pages: the channel of a destination to be added; `saved` after a change."""

    channel: ChannelKind | None = None
    saved: bool = False


@dataclass(frozen=True)
class Shown:
    """Whose page it is: one's own (a person), or that of groups (None)."""

    person: int | None
    address: str


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_GROUPS = Shown(None, "/destinations")


@router.get("/account/notices")
def own_page(request: Request, pages: Console, visitor: Known) -> Response:
    """Show where and how one is told oneself."""
    return told_page(pages, request, mine(person_of(visitor)))


@router.post("/account/notices")
async def add_own(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    principal: ActingByForm,
    name: _SHORT = "",
    channel: _SHORT = "",
) -> Response:
    """Add a destination of one's own."""
    whose = mine(person_of(visitor))
    address = _address(await request.form())

    def change() -> Response:
        services.notices.add(whose.person, name, _kind(channel), address, principal)
        return saved(whose)

    return tried(change, lambda status, why: told_page(pages, request, whose, status, why, channel, name))


@router.post("/account/notices/wishes")
def keep_wishes(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    _principal: ActingByForm,
    language: _SHORT = "en",
    zone: _SHORT = "UTC",
    quiet_from: _SHORT = "",
    quiet_to: _SHORT = "",
    digest_at: _SHORT = "",
) -> Response:
    """Keep how one wants to be told."""
    whose = mine(person_of(visitor))

    def change() -> Response:
        begins, ends = _minute("quiet_from", quiet_from), _minute("quiet_to", quiet_to)
        if (begins is None) != (ends is None):
            raise InvalidInput("quiet hours: give both, when they begin and when they end, or neither")
        digest = _minute("digest_at", digest_at)
        services.notices.wish(
            person_of(visitor),
            Wishes(
                language,  # type: ignore[arg-type] # checked by what keeps it
                zone,
                begins or 0,
                ends or 0,
                digest,
            ),
        )
        return saved(whose)

    return tried(change, lambda status, why: told_page(pages, request, whose, status, why))


@router.post("/account/notices/{destination_id}/test")
def send_test_to_own(
    services: Services, visitor: Known, principal: ActingByForm, destination_id: RowId
) -> Response:
    """Send a test to a destination of one's own."""
    services.notices.test(own_destination(services, visitor, destination_id).id, principal)
    return saved(mine(0))


@router.post("/account/notices/{destination_id}/first")
def put_own_first(
    services: Services, visitor: Known, principal: ActingByForm, destination_id: RowId
) -> Response:
    """Let a destination of one's own be tried before the others."""
    services.notices.put_first(own_destination(services, visitor, destination_id).id, principal)
    return saved(mine(0))


@router.post("/account/notices/{destination_id}/remove")
def remove_own(
    services: Services, visitor: Known, principal: ActingByForm, destination_id: RowId
) -> Response:
    """Remove a destination of one's own."""
    services.notices.remove(own_destination(services, visitor, destination_id).id, principal)
    return saved(mine(0))


@router.get("/destinations")
def groups_page(request: Request, pages: Console, _sites: ManagesDestinations) -> Response:
    """Show the destinations of groups."""
    return told_page(pages, request, _GROUPS)


@router.post("/destinations")
async def add_group(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ManagesDestinations,
    principal: ActingByForm,
    name: _SHORT = "",
    channel: _SHORT = "",
) -> Response:
    """Add a destination of a group."""
    address = _address(await request.form())

    def change() -> Response:
        services.notices.add(None, name, _kind(channel), address, principal)
        return saved(_GROUPS)

    return tried(
        change,
        lambda status, why: told_page(pages, request, _GROUPS, status, why, channel, name),
    )


@router.post("/destinations/{destination_id}/test")
def send_test_to_group(
    services: Services, _sites: ManagesDestinations, principal: ActingByForm, destination_id: RowId
) -> Response:
    """Send a test to a destination of a group."""
    services.notices.test(destination_id, principal)
    return saved(_GROUPS)


@router.post("/destinations/{destination_id}/remove")
def remove_group(
    services: Services, _sites: ManagesDestinations, principal: ActingByForm, destination_id: RowId
) -> Response:
    """Remove a destination of a group."""
    services.notices.remove(destination_id, principal)
    return saved(_GROUPS)


def mine(person: int) -> Shown:
    """Return whose page it is where it is one's own."""
    return Shown(person, "/account/notices")


def saved(whose: Shown) -> Response:
    """Lead to the page after a change."""
    return RedirectResponse(f"{whose.address}?saved=1", status_code=303)


def _kind(text: str) -> ChannelKind:
    try:
        return ChannelKind(text)
    except ValueError:
        raise InvalidInput(f"channel: {quoted(text)} is none; allowed: {', '.join(ChannelKind)}") from None


def _address(form: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts of an address that a form holds; what was left empty is not given."""
    given = {
        key.removeprefix(_ADDRESS): str(value) for key, value in form.items() if key.startswith(_ADDRESS)
    }
    return {key: value.strip() for key, value in given.items() if value.strip()}


def _minute(name: str, text: str) -> int | None:
    """Return a time of day such as 22:00 in minutes after midnight, None where none was given."""
    if not text.strip():
        return None
    hours, colon, minutes = text.strip().partition(":")
    if colon and hours.isascii() and hours.isdecimal() and minutes.isascii() and minutes.isdecimal():
        found = int(hours[:3]) * 60 + int(minutes[:3])
        if int(hours[:3]) < 24 and int(minutes[:3]) < 60:
            return found
    raise InvalidInput(f"{name}: {quoted(text)} is no time of day, such as 22:00")


def told_page(
    pages: Pages,
    request: Request,
    whose: Shown,
    status: int = 200,
    error: str | None = None,
    channel: str = "",
    name: str = "",
) -> Response:
    """Render the page of where one is told, or a group is; `error` is why a change was refused."""
    book = pages.services.notices
    query = asked(request, ToldView)
    chosen = channel or (query.channel.value if query.channel else "")
    default = Wishes(language_of(request), pages.services.zones.own.key)
    ready = {kind: FIELDS[kind] for kind in sorted(book.channels) if kind is not ChannelKind.PUSH}
    return pages.render(
        request,
        "notices/told.html",
        status,
        own=whose.person is not None,
        address=whose.address,
        destinations=book.of(whose.person),
        wishes=None if whose.person is None else book.wishes(whose.person, default),
        channels=list(ready),
        adding=chosen if chosen in ready else None,
        fields=ready.get(chosen, ()),  # type: ignore[call-overload] # a word is a kind, or none
        entered=name,
        error=error,
        saved=query.saved and error is None,
        push_key=None if whose.person is None else book.push_key(),
    )
