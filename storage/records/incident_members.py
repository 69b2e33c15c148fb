"""The members of incidents as pages need them; callers bring the transaction."""

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from fleet.care import Case
from fleet.grants import Sites
from storage.records.care import IS_OPEN, OF_ALERT, CareRow, to_case
from storage.records.paging import Asked, Order, Page, fetch_page


def first_members(session: Session, incident: int, limit: int, sites: Sites) -> tuple[list[Case], int]:
    """Return members of an incident at some sites, those that still have it first, and how many there are."""
    wanted = _members(incident, sites)
    count = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    ordered = wanted.order_by(IS_OPEN.desc(), CareRow.raised_at, CareRow.subject_id).limit(limit)
    return [to_case(row) for row in session.scalars(ordered)], count


def member_page(session: Session, incident: int, asked: Asked, sites: Sites) -> Page[Case]:
    """Return one page of the members of an incident at some sites, the first raised first."""
    order = Order(CareRow.raised_at, CareRow.subject_id, descending=False)
    return fetch_page(session, _members(incident, sites), order, asked).of(to_case)


def _members(incident: int, sites: Sites) -> Select[CareRow]:
    wanted = select(CareRow).where(OF_ALERT, CareRow.incident == incident)
    return wanted if sites is None else wanted.where(CareRow.site.in_(sites))
