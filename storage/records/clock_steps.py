"""When clocks of tickets warn, are breached and escalate, each once; callers bring the transaction."""

from collections.abc import Collection, Mapping
from typing import cast

from sqlalchemy import (
    CursorResult,
    ForeignKey,
    Index,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.sla import Milestone
from storage.records.base import Base
from storage.records.parts import parts_of
from storage.records.straight import execute_straight


class ClockStep(Base):
    """A step of one milestone's clock, due at `at`; `told_at` is None until it was told (epoch ms)."""

    __tablename__ = "clock_step"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    milestone: Mapped[str] = mapped_column(String(16), primary_key=True)
    step: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[int]
    told_at: Mapped[int | None]

    __table_args__ = (
        Index(
            "ix_clock_step_due",
            "at",
            sqlite_where=text("told_at IS NULL"),
            postgresql_where=text("told_at IS NULL"),
        ),
    )


_MILESTONES = {str(each): each for each in Milestone}
_KEY = ("ticket_id", "milestone", "step")
Key = tuple[Milestone, str]
"""A milestone, and what its clock does."""


def next_steps(wanted: Mapping[Key, int], told: Collection[Key]) -> dict[Key, int]:
    """Return the step of each milestone that is to be told next."""
    found: dict[Milestone, Key] = {}
    for key, at in wanted.items():
        if key not in told:
            known = found.get(key[0])
            if known is None or at < wanted[known]:
                found[key[0]] = key
    return {key: wanted[key] for key in found.values()}


def write_steps(session: Session, ticket_id: int, wanted: Mapping[Key, int]) -> None:
    """Let these be the steps of a ticket, of which the next of each milestone is kept.

    What was told is not told again, whenever it is due by now.
    """
    rows = session.scalars(select(ClockStep).where(ClockStep.ticket_id == ticket_id)).all()
    known = {(Milestone(row.milestone), row.step): row for row in rows}
    coming = next_steps(wanted, {key for key, row in known.items() if row.told_at is not None})
    for key, row in known.items():
        if row.told_at is None and key not in coming:
            session.delete(row)
    for key, at in coming.items():
        if key in known:
            known[key].at = at
        else:
            session.add(ClockStep(ticket_id=ticket_id, milestone=key[0], step=key[1], at=at))
    session.flush()


def due_steps(session: Session, now: int, most: int) -> list[tuple[int, Milestone, str, int]]:
    """Return steps that are due and not told, the oldest first: ticket, milestone, step, when."""
    wanted = select(ClockStep.ticket_id, ClockStep.milestone, ClockStep.step, ClockStep.at)
    wanted = wanted.where(ClockStep.told_at.is_(None), ClockStep.at <= now)
    found = session.execute(wanted.order_by(ClockStep.at, ClockStep.ticket_id).limit(most))
    return [(ticket, Milestone(milestone), step, at) for ticket, milestone, step, at in found]


def take_step(session: Session, ticket_id: int, milestone: Milestone, step: str, now: int) -> bool:
    """Note that a step is told, in the transaction that tells of it; False where somebody else did."""
    result = session.execute(
        update(ClockStep)
        .where(
            ClockStep.ticket_id == ticket_id,
            ClockStep.milestone == milestone,
            ClockStep.step == step,
            ClockStep.told_at.is_(None),
        )
        .values(told_at=now),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def steps_known(session: Session, ticket_ids: Collection[int]) -> dict[int, dict[Key, tuple[int, bool]]]:
    """Return the steps of these tickets: when each is due, and whether it was told."""
    columns = ClockStep.__table__.c
    found: dict[int, dict[Key, tuple[int, bool]]] = {}
    for some in parts_of(ticket_ids):
        wanted = select(columns.ticket_id, columns.milestone, columns.step, columns.at, columns.told_at)
        # By the connection: the session spends more on a row of plain columns than the database.
        rows = session.connection().execute(wanted.where(columns.ticket_id.in_(some))).all()
        for ticket_id, milestone, step, at, told_at in rows:
            found.setdefault(ticket_id, {})[_MILESTONES[milestone], step] = at, told_at is not None
    return found


def change_steps(
    session: Session, untold: Mapping[int, Mapping[Key, int]], wanted: Mapping[int, Mapping[Key, int]]
) -> None:
    """Let `wanted` be what is still to be told of many tickets, of which `untold` was so far.

    A step that is only due at another time changes in place, which costs a third of a new one. One that was
    told meanwhile stays so.
    """
    later, gone, new = [], [], []
    for ticket_id, steps in wanted.items():
        before = untold.get(ticket_id, {})
        gone += [(ticket_id, str(key[0]), key[1]) for key in before if key not in steps]
        for key, at in steps.items():
            if key not in before:
                new.append((ticket_id, str(key[0]), key[1], at))
                gone.append((ticket_id, str(key[0]), key[1]))  # somebody may have written it meanwhile
            elif before[key] != at:
                later.append((ticket_id, str(key[0]), key[1], at))
    connection, table = session.connection(), cast(Table, ClockStep.__table__)
    named = [table.c[name] == bindparam(f"of_{name}") for name in _KEY]
    for statement, rows in (
        (update(table).where(*named, table.c.told_at.is_(None)).values(at=bindparam("of_at")), later),
        (delete(table).where(*named, table.c.told_at.is_(None)), gone),
        (insert(table).values({name: bindparam(f"of_{name}") for name in (*_KEY, "at")}), new),
    ):
        if rows:
            names = tuple(f"of_{name}" for name in (*_KEY, "at"))[: len(rows[0])]
            execute_straight(connection, statement, names, rows)
