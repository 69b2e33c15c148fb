"""What may be asked about notices, and how they are shown."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from pydantic import Field
from sqlalchemy.orm import Session

from api.params import Paged, SearchText
from fleet.grants import Sites
from fleet.outbox import Notice, NoticeState
from storage.records.destinations import named
from storage.records.notice_lists import NoticeFilter
from storage.records.notice_lists import find_notices as find
from storage.records.paging import Asked, Page
from storage.records.people import names_of


class NoticeQuery(Paged):
    """Which notices, the newest first."""

    state: list[NoticeState] = Field([], description="May be given several times; without it, every state")
    subject: SearchText | None = None
    subject_id: SearchText | None = None
    recipient: SearchText | None = None
    device_id: SearchText | None = Field(None, description="Whose alerts; never a wristband's")
    to: SearchText | None = Field(None, description="A part of a name or address of whom it was told")


def find_notices(session: Session, query: NoticeQuery, sites: Sites) -> Page[dict[str, Any]]:
    """Return one page of notices as they are shown."""
    wanted = NoticeFilter(
        query.state, query.subject, query.subject_id, query.recipient, query.device_id, query.to
    )
    page = find(session, wanted, Asked("-id", query.limit, query.cursor, query.query()), sites)
    return Page(shown_notices(session, page.rows), page.next_cursor)


def shown_notices(session: Session, notices: Sequence[Notice]) -> list[dict[str, Any]]:
    """Return notices with their recipients' names, and without whatever is secret."""
    places = named(session, {each.destination_id for each in notices if each.destination_id})
    people = names_of(session, {each.person_id for each in notices if each.person_id})
    return [_shown(each, people, places) for each in notices]


def _occasion(notice: Notice) -> str:
    if notice.letter is not None:
        return f"letter_{notice.letter.kind}"
    return "test" if notice.telling is None else notice.telling.occasion.value


def _shown(notice: Notice, people: dict[int, str], places: dict[int, Any]) -> dict[str, Any]:
    place = places.get(notice.destination_id or 0)
    who = people.get(notice.person_id or 0, "") or notice.recipient.partition(":")[2]
    by = "" if place is None else f"{place.channel}: {place.shown}"
    if notice.recipient.startswith("destination:") and place is not None:
        who = place.name
    item = {each.name: getattr(notice, each.name) for each in fields(notice)}
    if notice.handed_at is None:
        item["reference"] = ""  # until then it holds as which message it goes out
    occasion = _occasion(notice)
    return item | {"to": f"{who} ({by})" if by else who, "occasion": occasion, "who": who, "place": place}
