"""Inspections of finished work: what was chosen, what was found. Callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.service import InspectionLevel
from fleet.tickets import TicketKind, TicketState
from storage.records.base import Base, Number
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.parts import parts_of
from storage.records.tickets import TicketRow
from storage.records.upsert import insert_into
from storage.records.within import at_sites


class InspectionRow(Base):
    """An inspection of one case by one level; `engineer` is who answered for the case.

    `items` are what was looked at, each with its points and whether it was in order; `score` is 0 to 100.
    """

    __tablename__ = "inspection"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    level: Mapped[str] = mapped_column(String(16))
    site: Mapped[str] = mapped_column(String(64))
    device_id: Mapped[str] = mapped_column(String(64))
    engineer: Mapped[str] = mapped_column(String(64))
    engineer_name: Mapped[str] = mapped_column(String(64))
    chosen_at: Mapped[int]
    due_at: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(64))
    done_at: Mapped[int | None]
    score: Mapped[int | None]
    items: Mapped[dict[str, Any]]
    remark: Mapped[str]

    __table_args__ = (
        UniqueConstraint("ticket_id", "level", name="uq_inspection"),
        Index("ix_inspection_due", "due_at", "id"),
        Index("ix_inspection_done", "done_at"),
    )


class InspectionRoundRow(Base):
    """That the sample of a level and a period was drawn: it is drawn once, whoever does it."""

    __tablename__ = "inspection_round"

    level: Mapped[str] = mapped_column(String(16), primary_key=True)
    period: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[int]


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspection (InspectionRow); times are epoch ms, None while it is to be done."""

    id: int
    ticket_id: int
    level: InspectionLevel
    site: str
    device_id: str
    engineer: str
    engineer_name: str
    chosen_at: int
    due_at: int
    by: str
    by_name: str
    done_at: int | None
    score: int | None
    items: dict[str, Any]
    remark: str

    def is_overdue(self, now: int) -> bool:
        """Tell whether it should have been done."""
        return self.done_at is None and self.due_at < now


class Finished(NamedTuple):
    """A case that was finished, as samples are drawn from them."""

    id: int
    site: str
    device_id: str
    engineer: str
    engineer_name: str


class Scores(NamedTuple):
    """How many inspections of an engineer's work were done, and their mean score (0 to 100)."""

    engineer: str
    name: str
    inspections: int
    mean: float


def finished_cases(session: Session, since: int, until: int) -> list[Finished]:
    """Return the repairs that were finished within a time (epoch ms, without its end), by id."""
    row = TicketRow
    wanted = select(row.id, row.site, row.device_id, row.owner, row.owner_name).where(
        row.kind == TicketKind.REPAIR,
        row.solved_at >= since,
        row.solved_at < until,
        row.state.in_((TicketState.REPAIRED, TicketState.CONFIRMED)),
    )
    return [Finished(*each) for each in session.execute(wanted.order_by(row.id))]


def begin_round(session: Session, level: InspectionLevel, period: str, now: int) -> bool:
    """Note that a sample is drawn; False where somebody drew it already."""
    new = insert_into(session, InspectionRoundRow).values(level=level, period=period, at=now)
    first = new.on_conflict_do_nothing().returning(InspectionRoundRow.at)
    return session.execute(first).first() is not None


def add_inspections(
    session: Session, level: InspectionLevel, cases: Sequence[Finished], now: int, due_at: int
) -> int:
    """Let these cases be inspected; return how many were not yet, on that level."""
    rows = [
        {
            "ticket_id": case.id,
            "level": str(level),
            "site": case.site,
            "device_id": case.device_id,
            "engineer": case.engineer,
            "engineer_name": case.engineer_name,
            "chosen_at": now,
            "due_at": due_at,
            "by": "",
            "by_name": "",
            "items": {},
            "remark": "",
        }
        for case in cases
    ]
    added = 0
    for some in parts_of(rows):
        for row in some:
            new = insert_into(session, InspectionRow).values(row).on_conflict_do_nothing()
            added += session.execute(new.returning(InspectionRow.id)).first() is not None
    return added


def inspection(session: Session, number: int, sites: Sites = None) -> Inspection:
    """Return an inspection. Raises NotFound, where it is of none of these sites as well."""
    row = session.get(InspectionRow, number, populate_existing=True) if 0 < number < 2**63 else None
    if row is None or (sites is not None and row.site not in sites):
        raise NotFound(f"there is no inspection {number}")
    return _value(row)


def write_inspection(session: Session, done: Inspection) -> None:
    """Keep what was found."""
    row = session.get_one(InspectionRow, done.id)
    for name in ("by", "by_name", "done_at", "score", "items", "remark"):
        setattr(row, name, getattr(done, name))
    session.flush()


@dataclass(frozen=True, slots=True)
class InspectionFilter:
    """Which inspections; None is any. `overdue_at` (epoch ms): those that should have been done by then."""

    level: InspectionLevel | None = None
    site: str | None = None
    engineer: str | None = None
    ticket: int | None = None
    is_open: bool | None = None
    overdue_at: int | None = None


def find_inspections(
    session: Session, wanted: InspectionFilter, asked: Asked, sites: Sites = None
) -> Page[Inspection]:
    """Return one page of inspections of some sites; sorted by due_at."""
    row = InspectionRow
    query = narrowed(
        at_sites(select(row), row.site, sites),
        (row.level, wanted.level),
        (row.site, wanted.site),
        (row.engineer, wanted.engineer),
        (row.ticket_id, wanted.ticket),
    )
    if wanted.is_open is not None:
        query = query.where(row.done_at.is_(None) if wanted.is_open else row.done_at.is_not(None))
    if wanted.overdue_at is not None:
        query = query.where(row.done_at.is_(None), row.due_at < wanted.overdue_at)
    page: Page[InspectionRow] = fetch_page(session, query, Order(row.due_at, row.id, asked.descending), asked)
    return page.of(_value)


def scores_of(session: Session, since: int, until: int, sites: Sites = None) -> list[Scores]:
    """Return the scores of each engineer's work that others inspected within a time (epoch ms), by name.

    What engineers say of their own work does not count.
    """
    row = InspectionRow
    wanted = at_sites(
        select(row.engineer, func.max(row.engineer_name), func.count(), func.avg(row.score)).where(
            row.level != InspectionLevel.SELF,
            row.done_at >= since,
            row.done_at < until,
            row.engineer != "",
        ),
        row.site,
        sites,
    ).group_by(row.engineer)
    found = [Scores(who, name, count, float(mean)) for who, name, count, mean in session.execute(wanted)]
    return sorted(found, key=lambda each: (each.name, each.engineer))


def _value(row: InspectionRow) -> Inspection:
    given = {name: getattr(row, name) for name in Inspection.__dataclass_fields__}
    return Inspection(**given | {"level": InspectionLevel(row.level)})
