"""Notices as lists and pages need them; callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, String, cast, literal, or_, select
from sqlalchemy.orm import Session

from fleet.grants import Sites
from fleet.outbox import Notice, NoticeState
from fleet.personal import personal_faults
from storage.records.destinations import DestinationRow
from storage.records.notices import NoticeRow, to_notice
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.people import PersonRow


@dataclass(frozen=True, slots=True)
class NoticeFilter:
    """Which notices; None, or no state, is any.

    `device_id` finds alerts of a device; of one that tells of a person none, as their notices name none.
    `to` is looked for in names and addresses of people, and in names of destinations.
    """

    states: Sequence[NoticeState] = ()
    subject: str | None = None
    subject_id: str | None = None
    recipient: str | None = None
    device_id: str | None = None
    to: str | None = None


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
    if wanted.device_id:
        query = query.where(
            NoticeRow.telling["device_id"].as_string() == wanted.device_id,
            NoticeRow.telling["fault"].as_string().not_in(personal_faults()),
        )
    if wanted.to:
        query = query.where(_told_to(wanted.to))
    if wanted.states:
        query = query.where(NoticeRow.state.in_(wanted.states))
    return fetch_page(session, query, Order(NoticeRow.id, NoticeRow.id, True), asked).of(to_notice)


def _told_to(text: str) -> ColumnElement[bool]:
    """Return which notices went to whoever is called so."""
    named = or_(*(each.icontains(text, autoescape=True) for each in (PersonRow.name, PersonRow.email)))
    places = or_(
        DestinationRow.name.icontains(text, autoescape=True),
        DestinationRow.person_id.in_(select(PersonRow.id).where(named)),
    )
    people = select(literal("person:").concat(cast(PersonRow.id, String))).where(named)
    return or_(
        NoticeRow.recipient.in_(people),
        NoticeRow.destination_id.in_(select(DestinationRow.id).where(places)),
    )
