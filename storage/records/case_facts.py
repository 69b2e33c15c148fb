"""What indicators count of each case, and which months it changed. Callers bring the transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.case_facts import CaseFact
from fleet.events import Subject
from fleet.principals import PrincipalKind
from fleet.tickets import Ticket, TicketKind, TicketState
from storage.records.base import Base
from storage.records.devices import Device
from storage.records.events import EventRow
from storage.records.parts import parts_of
from storage.records.past_cases import PastMark
from storage.records.sites import SiteRow
from storage.records.tickets import TicketRow, to_tickets
from storage.records.upsert import insert_into


class CaseFactRow(Base):
    """What is counted of a case (fleet.case_facts.CaseFact)."""

    __tablename__ = "case_fact"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    device_id: Mapped[str] = mapped_column(String(64), index=True)
    site: Mapped[str] = mapped_column(String(64))
    region: Mapped[str] = mapped_column(String(64))
    customer: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(64))
    firmware: Mapped[str] = mapped_column(String(64))
    fault: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(2))
    origin: Mapped[str] = mapped_column(String(16))
    zone: Mapped[str] = mapped_column(String(64))
    engineer: Mapped[str] = mapped_column(String(64))
    engineer_name: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[int]
    opened_month: Mapped[int] = mapped_column(index=True)
    weekday: Mapped[int]
    hour: Mapped[int]
    respond_due: Mapped[int | None]
    respond_month: Mapped[int | None] = mapped_column(index=True)
    respond_kept: Mapped[bool]
    on_site_due: Mapped[int | None]
    on_site_month: Mapped[int | None] = mapped_column(index=True)
    on_site_kept: Mapped[bool]
    arrived_at: Mapped[int | None]
    arrived_month: Mapped[int | None] = mapped_column(index=True)
    repaired_at: Mapped[int | None]
    repaired_month: Mapped[int | None] = mapped_column(index=True)
    closed_at: Mapped[int | None]
    closed_month: Mapped[int | None]
    judged_month: Mapped[int | None] = mapped_column(index=True)
    scored_month: Mapped[int | None] = mapped_column(index=True)
    score: Mapped[int | None]
    reopened: Mapped[bool]
    found: Mapped[bool]
    early: Mapped[bool]
    confirmed: Mapped[bool]
    lead_ms: Mapped[int | None]
    foreseen: Mapped[str] = mapped_column(String(64))
    unfounded: Mapped[str] = mapped_column(String(64))
    waited_part: Mapped[bool]
    waited_customer: Mapped[bool]
    repeated_by: Mapped[int | None]

    __table_args__ = (Index("ix_case_fact_closed", "closed_month", "opened_month"),)


class FactMonth(Base):
    """How often what counts in a month has changed: what was worked out of it holds for one `version`."""

    __tablename__ = "fact_month"

    month: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]


_NAMES = tuple(each.name for each in fields(CaseFact))
_COLUMNS = tuple(getattr(CaseFactRow, name) for name in _NAMES)
_REPAIRS = TicketRow.kind == TicketKind.REPAIR
_ALL_MONTHS = 0
"""The row that whoever keeps facts locks: what one read, nobody else writes meanwhile."""


def one_at_a_time(session: Session) -> None:
    """Let nobody else keep facts before this transaction ends; to be called before anything is read."""
    count_up(session, [_ALL_MONTHS])


def facts_selected() -> Select[Any]:
    """Return a query for facts: its rows hold their fields in order."""
    return select(*_COLUMNS)


def facts_of_devices(session: Session, device_ids: Collection[str]) -> list[CaseFact]:
    """Return what is kept of all cases of these devices."""
    found: list[CaseFact] = []
    for some in parts_of(device_ids):
        rows = session.execute(select(*_COLUMNS).where(CaseFactRow.device_id.in_(some)))
        found += [CaseFact(*row) for row in rows]
    return found


def write_facts(session: Session, facts: Sequence[CaseFact], gone: Collection[int] = ()) -> None:
    """Keep these facts in place of what was kept of their cases, and nothing of those that are gone."""
    for some in parts_of([*(fact.ticket_id for fact in facts), *gone]):
        session.execute(
            delete(CaseFactRow).where(CaseFactRow.ticket_id.in_(some)),
            execution_options={"synchronize_session": False},
        )
    if facts:
        session.connection().execute(insert(CaseFactRow.__table__), list(map(asdict, facts)))  # type: ignore[arg-type]


def count_up(session: Session, months: Iterable[int]) -> None:
    """Note that what counts in these months has changed."""
    wanted = sorted(set(months))
    if not wanted:
        return
    start = insert_into(session, FactMonth).values([{"month": month, "version": 0} for month in wanted])
    session.execute(start.on_conflict_do_nothing())
    session.execute(
        update(FactMonth).where(FactMonth.month.in_(wanted)).values(version=FactMonth.version + 1),
        execution_options={"synchronize_session": False},
    )


def versions_of(session: Session, months: Collection[int]) -> Mapping[int, int]:
    """Return how often each of these months has changed; 0 for one that never did."""
    rows = session.execute(select(FactMonth.month, FactMonth.version).where(FactMonth.month.in_(months)))
    return dict.fromkeys(months, 0) | {row.month: row.version for row in rows}


def tickets_of(session: Session, ids: Collection[int]) -> list[Ticket]:
    """Return the repairs among the tickets of these ids."""
    found: list[Ticket] = []
    for some in parts_of(ids):
        wanted = select(TicketRow).where(TicketRow.id.in_(some), _REPAIRS).order_by(TicketRow.id)
        rows = session.scalars(wanted, execution_options={"populate_existing": True}).all()
        found += to_tickets(session, rows)
    return found


def devices_after(session: Session, after: str, most: int) -> list[str]:
    """Return the ids of devices that ever had a case, in order, those behind `after`."""
    wanted = select(TicketRow.device_id).where(TicketRow.device_id > after, _REPAIRS).distinct()
    return list(session.scalars(wanted.order_by(TicketRow.device_id).limit(most)))


def cases_of_devices(session: Session, device_ids: Collection[str]) -> list[int]:
    """Return the ids of all cases of these devices."""
    found: list[int] = []
    for some in parts_of(device_ids):
        found += session.scalars(select(TicketRow.id).where(TicketRow.device_id.in_(some), _REPAIRS))
    return found


def devices_without_facts(session: Session, most: int) -> list[str]:
    """Return some devices with a case of which nothing is kept yet."""
    kept = select(CaseFactRow.ticket_id).where(CaseFactRow.ticket_id == TicketRow.id)
    wanted = select(TicketRow.device_id).where(_REPAIRS, ~kept.exists()).distinct()
    return list(session.scalars(wanted.order_by(TicketRow.device_id).limit(most)))


_WHO_DID = {TicketState.REPAIRED: 0, TicketState.REPAIRING: 1, TicketState.ACCEPTED: 2}
"""Whose the work is: who first repaired it, else who began to, else who took it."""


def engineers_of(
    session: Session, ids: Collection[int], brought_in: Mapping[int, PastMark]
) -> dict[int, tuple[str, str]]:
    """Return for each case that people worked on the id and the name of whose work it is.

    `brought_in` are the marks of those cases that are of a past.
    """
    best: dict[int, tuple[int, str, str]] = {}
    columns = (EventRow.subject_id, EventRow.after, EventRow.principal_id, EventRow.principal_name)
    for some in parts_of(ids):
        wanted = select(*columns).where(
            EventRow.subject == Subject.TICKET,
            EventRow.subject_id.in_([str(each) for each in some]),
            EventRow.what == "state",
            EventRow.after.in_(_WHO_DID),
            EventRow.principal_kind == PrincipalKind.PERSON,
        )
        for subject_id, after, who, name in session.execute(wanted.order_by(EventRow.id)):
            rank, number = _WHO_DID[TicketState(str(after))], int(subject_id)
            if number not in best or rank < best[number][0]:
                best[number] = (rank, who, name)
    # Whoever mended a case of the past that was brought in is no person of ours: the name is all there is.
    past = {number: (mark.engineer, mark.engineer) for number, mark in brought_in.items()}
    return past | {number: (who, name) for number, (_rank, who, name) in best.items()}


def lives_of(session: Session, device_ids: Collection[str]) -> dict[str, tuple[str, str, int]]:
    """Return the model, the firmware and the first time (epoch ms) of each of these devices."""
    found: dict[str, tuple[str, str, int]] = {}
    columns = (Device.id, Device.model, Device.firmware, Device.registered_at)
    for some in parts_of(device_ids):
        for device_id, model, firmware, at in session.execute(select(*columns).where(Device.id.in_(some))):
            found[device_id] = (model, firmware or "", at)
    return found


def owners_of(session: Session, site_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the region and the customer of each of these sites that somebody described."""
    rows = session.execute(
        select(SiteRow.id, SiteRow.region, SiteRow.customer).where(SiteRow.id.in_(site_ids))
    )
    return {site: (region, customer) for site, region, customer in rows}


def count_facts(session: Session) -> int:
    """Count the cases of which something is kept."""
    return session.scalar(select(func.count()).select_from(CaseFactRow)) or 0
