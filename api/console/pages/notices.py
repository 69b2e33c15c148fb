"""The page of notices: what was told to whom, whether it arrived, and what did not."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ManagesNotices, SeesNotices
from api.queries.notices import NoticeQuery, find_notices
from api.routes.common import RowId
from api.services import Services
from fleet.duty import TargetKind
from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.notices import ChannelKind
from fleet.outbox import NoticeState
from notify.duty.plan import targets_of
from storage.records.destinations import all_destinations
from storage.records.notices import notice_of

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/notices")
def notices_page(request: Request, pages: Console, sites: SeesNotices) -> Response:
    """List the notices, the newest first."""
    return _page(pages, request, sites)


@router.post("/notices/{notice_id}/again")
def send_again(
    request: Request,
    pages: Console,
    services: Services,
    sites: ManagesNotices,
    principal: ActingByForm,
    notice_id: RowId,
) -> Response:
    """Send a dead notice again."""
    with services.desk.transaction() as session:
        site = notice_of(session, notice_id).site
    if sites is not None and site not in sites:
        raise NotFound(f"there is no notice {notice_id}")

    def change() -> Response:
        services.notices.again(notice_id, principal)
        return RedirectResponse("/notices", status_code=303)

    return tried(change, lambda status, why: _page(pages, request, sites, status, why))


def _page(
    pages: Pages, request: Request, sites: Sites, status: int = 200, error: str | None = None
) -> Response:
    query = asked(request, NoticeQuery)
    with pages.services.desk.transaction() as session:
        page = find_notices(session, query, sites)
        ways = all_destinations(session)
    targets = [each for _, each in targets_of(pages.services.duty.plan())]
    named = {each.name for each in targets if each.kind is TargetKind.DESTINATION}
    mail = ChannelKind.MAIL in pages.services.notices.channels
    # A group is told where a chain names it, by its name or its number.
    any_way = mail or any(each.person_id or not named.isdisjoint((each.name, str(each.id))) for each in ways)
    return pages.render(
        request,
        "notices/notices.html",
        status,
        notices=page.rows,
        next_cursor=page.next_cursor,
        chosen=query.state[0] if query.state else "",
        query=query,
        states=tuple(NoticeState),
        error=error,
        nobody=not any_way,
    )
