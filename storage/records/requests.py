"""Requests, and the links by which some of them come. Callers bring the transaction."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, and_, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.requests import Channel, NewRequest, ReportLink, Request, RequestState, Suits
from storage.records.base import Base, Number
from storage.records.paging import Asked, Order, Page, fetch_page
from storage.records.parts import parts_of
from storage.records.within import at_sites


class ReportLinkRow(Base):
    """A link by which something is reported (fleet.requests.ReportLink); of its secret the digest alone."""

    __tablename__ = "report_link"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    device_id: Mapped[str | None] = mapped_column(String(64), index=True)
    site: Mapped[str] = mapped_column(String(64), index=True)
    made_at: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(64))
    revoked_at: Mapped[int | None]


class RequestRow(Base):
    """A request (fleet.requests.Request)."""

    __tablename__ = "request"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    at: Mapped[int]
    channel: Mapped[str] = mapped_column(String(16))
    words: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(String(64))
    contact: Mapped[str] = mapped_column(String(128), index=True)
    language: Mapped[str] = mapped_column(String(2))
    site: Mapped[str | None] = mapped_column(String(64))
    device_id: Mapped[str | None] = mapped_column(String(64))
    fault: Mapped[str | None] = mapped_column(String(64))
    suits: Mapped[str] = mapped_column(String(64))
    suits_on: Mapped[str | None] = mapped_column(String(10))
    message_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    link_id: Mapped[int | None] = mapped_column(ForeignKey("report_link.id"))
    same_as: Mapped[str] = mapped_column(String(64), index=True)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"), index=True)
    dismissed_at: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_request_link", "link_id", "at"),)


_SAID = (
    "words",
    "who",
    "contact",
    "language",
    "site",
    "device_id",
    "fault",
    "suits_on",
    "message_id",
    "link_id",
)


def insert_request(session: Session, said: NewRequest, same_as: str, now: int) -> Request:
    """Keep a request; return it with its id."""
    values = {name: getattr(said, name) for name in _SAID}
    values |= {"at": now, "channel": said.channel, "suits": ",".join(said.suits)}
    values |= {"same_as": same_as, "reason": ""}
    request_id = session.scalars(insert(RequestRow).values(values).returning(RequestRow.id)).one()
    return request_of(session, request_id)


def request_of(session: Session, request_id: int, sites: Sites = None) -> Request:
    """Return a request. Raises NotFound, where it is of none of these sites as well.

    One of no site is for those alone who act at every site.
    """
    row = session.get(RequestRow, request_id, populate_existing=True) if 0 < request_id < 2**63 else None
    if row is None or (sites is not None and row.site not in sites):
        raise NotFound(f"there is no request {request_id}")
    return _request(row)


def request_of_message(session: Session, message_id: str) -> Request | None:
    """Return the request that a message was made."""
    row = session.scalar(select(RequestRow).where(RequestRow.message_id == message_id))
    return None if row is None else _request(row)


def requests_of_ticket(session: Session, ticket_id: int) -> Sequence[Request]:
    """Return the requests that opened or joined a case, the oldest first."""
    wanted = select(RequestRow).where(RequestRow.ticket_id == ticket_id).order_by(RequestRow.id)
    return [_request(row) for row in session.scalars(wanted)]


def requested_tickets(session: Session, ticket_ids: Iterable[int]) -> set[int]:
    """Return which of some cases a customer asked for: a request opened or joined them."""
    found: set[int | None] = set()
    for part in parts_of(ticket_ids):
        found |= set(session.scalars(select(RequestRow.ticket_id).where(RequestRow.ticket_id.in_(part))))
    return found - {None}  # type: ignore[return-value]  # what is in no case is not asked for


def same_requests(session: Session, request: Request, since: int) -> Sequence[Request]:
    """Return other requests with the same words of the same contact at its site, from `since` on."""
    wanted = select(RequestRow).where(
        RequestRow.same_as == request.same_as,
        RequestRow.id != request.id,
        RequestRow.at >= since,
        RequestRow.dismissed_at.is_(None),
    )
    return [_request(row) for row in session.scalars(wanted.order_by(RequestRow.id))]


def find_requests(
    session: Session, state: RequestState | None, asked: Asked, sites: Sites = None
) -> Page[Request]:
    """Return one page of requests at some sites, sorted by id."""
    query = at_sites(select(RequestRow), RequestRow.site, sites)
    if state is RequestState.PLACED:
        query = query.where(RequestRow.ticket_id.is_not(None))
    elif state is not None:
        over = RequestRow.dismissed_at.is_not(None)
        open_ = RequestRow.dismissed_at.is_(None)
        wanted = over if state is RequestState.DISMISSED else open_
        query = query.where(and_(RequestRow.ticket_id.is_(None), wanted))
    order = Order(RequestRow.id, RequestRow.id, asked.descending)
    return fetch_page(session, query, order, asked).of(_request)


def place_request(session: Session, request_id: int, ticket_id: int, **said: str | None) -> None:
    """Note which case a request opened or joined, and what became known of it: device_id, site, fault."""
    session.execute(
        update(RequestRow).where(RequestRow.id == request_id).values(ticket_id=ticket_id, **said),
        execution_options={"synchronize_session": False},
    )


def hand_requests_over(session: Session, gone: int, stays: int) -> None:
    """Let what was reported of one case be of another that takes its place."""
    session.execute(
        update(RequestRow).where(RequestRow.ticket_id == gone).values(ticket_id=stays),
        execution_options={"synchronize_session": False},
    )


def dismiss_request(session: Session, request_id: int, now: int, reason: str) -> bool:
    """Note that a request asks for nothing; False where it was placed or dismissed before."""
    waiting = (RequestRow.ticket_id.is_(None), RequestRow.dismissed_at.is_(None))
    done = (
        update(RequestRow)
        .where(RequestRow.id == request_id, *waiting)
        .values(dismissed_at=now, reason=reason)
        .returning(RequestRow.id)
    )
    return session.execute(done, execution_options={"synchronize_session": False}).first() is not None


def count_by_link(session: Session, link_id: int, since: int) -> int:
    """Count the requests that came by a link from `since` (epoch ms) on."""
    wanted = select(func.count()).select_from(RequestRow)
    return session.scalar(wanted.where(RequestRow.link_id == link_id, RequestRow.at >= since)) or 0


def sites_of_contact(session: Session, contact: str) -> frozenset[str]:
    """Return from where a contact has reported before."""
    wanted = select(RequestRow.site).where(RequestRow.contact == contact, RequestRow.site.is_not(None))
    return frozenset(site for site in session.scalars(wanted.distinct().limit(20)) if site)


def insert_link(
    session: Session, key: str, device_id: str | None, site: str, by: str, now: int
) -> ReportLink:
    """Keep a link by the digest of its secret."""
    values = {"key": key, "device_id": device_id, "site": site, "made_at": now, "made_by": by}
    link_id = session.scalars(insert(ReportLinkRow).values(values).returning(ReportLinkRow.id)).one()
    return _link(session.get_one(ReportLinkRow, link_id))


def link_of_key(session: Session, key: str) -> ReportLink | None:
    """Return the link with a digest, where it still holds."""
    row = session.scalar(
        select(ReportLinkRow).where(ReportLinkRow.key == key, ReportLinkRow.revoked_at.is_(None))
    )
    return None if row is None else _link(row)


def links_for(session: Session, device_id: str | None, site: str) -> Sequence[ReportLink]:
    """Return the links of a device that hold, or those of a site as a whole."""
    wanted = select(ReportLinkRow).where(_about(device_id, site), ReportLinkRow.revoked_at.is_(None))
    return [_link(row) for row in session.scalars(wanted.order_by(ReportLinkRow.id))]


def revoke_links(session: Session, device_id: str | None, site: str, now: int) -> int:
    """End all links of a device, or all of a site as a whole; return how many held."""
    ended = (
        update(ReportLinkRow)
        .where(_about(device_id, site), ReportLinkRow.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ReportLinkRow.id)
    )
    return len(session.execute(ended, execution_options={"synchronize_session": False}).all())


def _about(device_id: str | None, site: str) -> ColumnElement[bool]:
    if device_id is not None:
        return ReportLinkRow.device_id == device_id
    return and_(ReportLinkRow.device_id.is_(None), ReportLinkRow.site == site)


def _request(row: RequestRow) -> Request:
    given = {name: getattr(row, name) for name in _SAID}
    suits = tuple(Suits(each) for each in row.suits.split(",") if each)
    said = NewRequest(channel=Channel(row.channel), suits=suits, **given)
    return Request(row.id, row.at, said, row.same_as, row.ticket_id, row.dismissed_at, row.reason)


def _link(row: ReportLinkRow) -> ReportLink:
    return ReportLink(row.id, row.device_id, row.site, row.made_at, row.made_by, row.revoked_at)
