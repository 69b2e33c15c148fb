"""Notices: what was told to whom, and whether it arrived; what did not can be sent again."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.doors import Acting, ManagesNotices, SeesNotices
from api.notice_schemas import NoticeItem
from api.queries.notices import NoticeQuery, find_notices, shown_notices
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from fleet.errors import NotFound
from fleet.grants import Sites
from storage.records.notices import notice_of

router = APIRouter(prefix="/api/v1/notices", tags=["notices"])
_MISSING = problems(not_found="There is no such notice")


@router.get("", responses=problems())
def list_notices(
    services: Services, sites: SeesNotices, query: Annotated[NoticeQuery, Query()]
) -> ListOf[NoticeItem]:
    """List notices, the newest first: to whom, by what, how far they are proven to have come."""
    with services.desk.transaction() as session:
        page = find_notices(session, query, sites)
    items = [NoticeItem.model_validate(each) for each in page.rows]
    return ListOf(items=items, next_cursor=page.next_cursor)


@router.get("/{notice_id}", responses=_MISSING)
def show_notice(services: Services, sites: SeesNotices, notice_id: RowId, _: Nothing) -> NoticeItem:
    """Show one notice."""
    return _shown(services, notice_id, sites)


@router.post("/{notice_id}/again", responses=problems(not_found="There is no such notice"))
def send_again(
    services: Services, sites: ManagesNotices, principal: Acting, notice_id: RowId, _: Nothing
) -> NoticeItem:
    """Send a dead notice again."""
    _shown(services, notice_id, sites)
    services.notices.again(notice_id, principal)
    return _shown(services, notice_id, sites)


def _shown(services: ApiServices, notice_id: int, sites: Sites) -> NoticeItem:
    with services.desk.transaction() as session:
        notice = notice_of(session, notice_id)
        if sites is not None and notice.site not in sites:
            raise NotFound(f"there is no notice {notice_id}")
        (item,) = shown_notices(session, [notice])
    return NoticeItem.model_validate(item)
