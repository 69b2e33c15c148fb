"""Notices as lists and pages need them; callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet.grants import Sites
from fleet.outbox import Notice, NoticeState
from storage.records.notices import NoticeRow, to_notice
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed


@dataclass(frozen=True, slots=True)
class NoticeFilter:
    """Which notices; None, or no state, is any."""

    states: Sequence[NoticeState] = ()
    subject: str | None = None
    subject_id: str | None = None
    recipient: str | None = None


def find_notices(session: Session, wanted: NoticeFilter, asked: Asked, sites: Sites = None) -> Page[Notice]:
    """Return one page of notices of some sites, the newest first; what is of no site, where sites is None."""
    query = narrowed(
        select(NoticeRow),
        (NoticeRow.subject, wanted.subject),
        (NoticeRow.subject_id, wanted.subject_id),
        (NoticeRow.recipient, wanted.recipient),
    )
    if sites is not None:
        query = query.where(NoticeRow.site.in_(sites))
    if wanted.states:
        query = query.where(NoticeRow.state.in_(wanted.states))
    return fetch_page(session, query, Order(NoticeRow.id, NoticeRow.id, True), asked).of(to_notice)
