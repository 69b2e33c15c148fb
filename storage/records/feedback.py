"""What customers say of repairs, and the links by which they do. Callers bring the transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, UniqueConstraint, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.feedback import Feedback, FeedbackLink, FeedbackSource, Said
from fleet.grants import Sites
from fleet.tickets import SuspicionState
from storage.records.base import Base, Number
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.parts import parts_of
from storage.records.tickets import SuspicionRow, TicketRow
from storage.records.within import at_sites


class FeedbackRow(Base):
    """Feedback (fleet.feedback.Feedback): once for each repair of a case."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    repair: Mapped[int]
    score: Mapped[int]
    solved: Mapped[bool]
    remark: Mapped[str] = mapped_column(String(2000))
    source: Mapped[str] = mapped_column(String(16))
    at: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[int | None]

    __table_args__ = (UniqueConstraint("ticket_id", "repair"), Index("ix_feedback_at", "at"))


class FeedbackLinkRow(Base):
    """The link of a case (fleet.feedback.FeedbackLink), by the digest of its secret: one, the newest."""

    __tablename__ = "feedback_link"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    repair: Mapped[int]
    key: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[int]
    ends: Mapped[int]


@dataclass(frozen=True, slots=True)
class FeedbackFilter:
    """Which feedback; None is any. `since` and `until` are epoch ms, `below` a score."""

    site: str | None = None
    source: FeedbackSource | None = None
    below: int | None = None
    solved: bool | None = None
    since: int | None = None
    until: int | None = None


def put_link(session: Session, key: str, link: FeedbackLink) -> None:
    """Keep a link of a case in place of the one that it had."""
    session.execute(delete(FeedbackLinkRow).where(FeedbackLinkRow.ticket_id == link.ticket_id))
    session.add(
        FeedbackLinkRow(
            ticket_id=link.ticket_id, repair=link.repair, key=key, made_at=link.made_at, ends=link.ends
        )
    )
    session.flush()


def link_by_key(session: Session, key: str) -> FeedbackLink | None:
    """Return the link with the digest of a secret, also one that is over."""
    return _link(session.scalar(select(FeedbackLinkRow).where(FeedbackLinkRow.key == key)))


def link_of_case(session: Session, ticket_id: int) -> FeedbackLink | None:
    """Return the link of a case."""
    return _link(session.get(FeedbackLinkRow, ticket_id))


def _link(row: FeedbackLinkRow | None) -> FeedbackLink | None:
    return None if row is None else FeedbackLink(row.ticket_id, row.repair, row.made_at, row.ends)


def add_feedback(session: Session, new: Feedback) -> int:
    """Store feedback and return its id. Raises IntegrityError where the repair has some."""
    row = FeedbackRow(
        ticket_id=new.ticket_id,
        repair=new.repair,
        score=new.said.score,
        solved=new.said.solved,
        remark=new.said.remark,
        source=new.source,
        at=new.at,
        by=new.by,
    )
    session.add(row)
    session.flush()
    return row.id


def correct_feedback(session: Session, feedback_id: int, said: Said, now: int) -> None:
    """Put what is said now in place of what was."""
    session.execute(
        update(FeedbackRow)
        .where(FeedbackRow.id == feedback_id)
        .values(score=said.score, solved=said.solved, remark=said.remark, changed_at=now),
        execution_options={"synchronize_session": False},
    )


def feedback_of_repair(session: Session, ticket_id: int, repair: int) -> Feedback | None:
    """Return what was said of one repair of a case."""
    wanted = _whole().where(FeedbackRow.ticket_id == ticket_id, FeedbackRow.repair == repair)
    return next(iter(_values(session, session.execute(wanted).all())), None)


def feedback_of_case(session: Session, ticket_id: int) -> Sequence[Feedback]:
    """Return what was said of all repairs of a case, the oldest first."""
    wanted = _whole().where(FeedbackRow.ticket_id == ticket_id).order_by(FeedbackRow.repair)
    return _values(session, session.execute(wanted).all())


def find_feedback(session: Session, wanted: FeedbackFilter, asked: Asked, sites: Sites) -> Page[Feedback]:
    """Return one page of feedback about cases of some sites; sorted by at or id."""
    query = narrowed(
        select(FeedbackRow).join(TicketRow, TicketRow.id == FeedbackRow.ticket_id),
        (TicketRow.site, wanted.site),
        (FeedbackRow.source, wanted.source),
        (FeedbackRow.solved, wanted.solved),
    )
    query = at_sites(query, TicketRow.site, sites)
    if wanted.below is not None:
        query = query.where(FeedbackRow.score < wanted.below)
    if wanted.since is not None:
        query = query.where(FeedbackRow.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(FeedbackRow.at < wanted.until)
    keys = {"at": FeedbackRow.at, "id": FeedbackRow.id}
    order = Order(keys[asked.key], FeedbackRow.id, asked.descending)
    page: Page[FeedbackRow] = fetch_page(session, query, order, asked)
    by_id = {each.id: each for each in feedback_by_id(session, [row.id for row in page.rows])}
    return page.of(lambda row: by_id[row.id])


def feedback_by_id(session: Session, ids: Collection[int]) -> Sequence[Feedback]:
    """Return feedback by its ids."""
    found: list[Feedback] = []
    for some in parts_of(ids):
        found += _values(session, session.execute(_whole().where(FeedbackRow.id.in_(some))).all())
    return found


def newest_remarks(session: Session, since: int, most: int, sites: Sites) -> Sequence[Feedback]:
    """Return the newest feedback with a remark since a time (epoch ms), at most so many, the oldest first."""
    wanted = _whole().where(FeedbackRow.at >= since, FeedbackRow.remark != "")
    wanted = at_sites(wanted, TicketRow.site, sites).order_by(FeedbackRow.at.desc(), FeedbackRow.id.desc())
    return _values(session, session.execute(wanted.limit(most)).all())[::-1]


def newest_scores(session: Session, ticket_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return when the newest feedback of each of these cases came that has any (epoch ms), and its score."""
    found: dict[int, tuple[int, int]] = {}
    for some in parts_of(ticket_ids):
        wanted = select(FeedbackRow.ticket_id, FeedbackRow.at, FeedbackRow.score)
        rows = session.execute(wanted.where(FeedbackRow.ticket_id.in_(some)).order_by(FeedbackRow.at))
        found |= {number: (at, score) for number, at, score in rows}
    return found


def score_times(session: Session, since: int, sites: Sites) -> list[tuple[int, int, bool]]:
    """Return when which score was given since a time (epoch ms), and whether it was solved; by time."""
    wanted = select(FeedbackRow.at, FeedbackRow.score, FeedbackRow.solved)
    wanted = wanted.join(TicketRow, TicketRow.id == FeedbackRow.ticket_id).where(FeedbackRow.at >= since)
    rows = session.execute(at_sites(wanted, TicketRow.site, sites).order_by(FeedbackRow.at))
    return [(at, score, solved) for at, score, solved in rows]


def mark_of(session: Session, sites: Sites) -> tuple[int, int, int]:
    """Return what changes when feedback is added or corrected: how many there are, and their newest times."""
    columns = (func.count(), func.max(FeedbackRow.at), func.max(FeedbackRow.changed_at))
    wanted = select(*columns).join(TicketRow, TicketRow.id == FeedbackRow.ticket_id)
    count, at, changed = session.execute(at_sites(wanted, TicketRow.site, sites)).one()
    return count, at or 0, changed or 0


def _whole() -> Select[*tuple[Any, ...]]:
    return select(FeedbackRow, TicketRow.device_id, TicketRow.site).join(
        TicketRow, TicketRow.id == FeedbackRow.ticket_id
    )


def _values(session: Session, rows: Sequence[Any]) -> list[Feedback]:
    faults = _confirmed(session, {row.ticket_id for row, *_ in rows})
    return [
        Feedback(
            ticket_id=row.ticket_id,
            repair=row.repair,
            said=Said(row.score, row.solved, row.remark),
            source=FeedbackSource(row.source),
            at=row.at,
            by=row.by,
            changed_at=row.changed_at,
            device_id=device_id,
            site=site,
            faults=tuple(faults.get(row.ticket_id, ())),
            id=row.id,
        )
        for row, device_id, site in rows
    ]


def _confirmed(session: Session, ticket_ids: Collection[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for some in parts_of(ticket_ids):
        wanted = select(SuspicionRow.ticket_id, SuspicionRow.fault).where(
            SuspicionRow.ticket_id.in_(some), SuspicionRow.state == SuspicionState.CONFIRMED
        )
        for ticket_id, fault in session.execute(wanted.order_by(SuspicionRow.id)):
            found.setdefault(ticket_id, []).append(fault)
    return found
