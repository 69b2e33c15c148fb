"""Leases: which of several processes does a job of the schedule, until when nobody else may."""

from sqlalchemy import String, delete, or_, update
from sqlalchemy.orm import Mapped, mapped_column

from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.upsert import insert_into


class LeaseRow(Base):
    """Who does a job, and until when (epoch ms) it is theirs."""

    __tablename__ = "lease"

    job: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(128))
    until: Mapped[int]


def take_lease(desk: DeskDatabase, job: str, holder: str, now: int, until: int) -> bool:
    """Take or renew a job until `until`; False while it is another's. Times are epoch ms.

    One statement decides, so of any number that ask at once one has it.
    """
    with desk.transaction() as session:
        first = insert_into(session, LeaseRow).values(job=job, holder=holder, until=until)
        session.execute(first.on_conflict_do_nothing())
        free = or_(LeaseRow.holder == holder, LeaseRow.until <= now)
        taken = update(LeaseRow).where(LeaseRow.job == job, free).values(holder=holder, until=until)
        return bool(session.execute(taken.returning(LeaseRow.job)).first())


def give_back_leases(desk: DeskDatabase, holder: str) -> None:
    """Leave all jobs of one holder to whoever asks next."""
    with desk.transaction() as session:
        session.execute(delete(LeaseRow).where(LeaseRow.holder == holder))
