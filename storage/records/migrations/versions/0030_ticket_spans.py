"""The history of each ticket's states and levels, from which clocks are reckoned; and what clocks do next.

Revision ID: 0030
Revises: 0029
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

_AT_ONCE = 5_000
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add both tables; the history of what is there is in the log of events."""
    spans = op.create_table(
        "ticket_span",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("level", sa.String(2), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "number"),
    )
    op.create_table(
        "clock_step",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("milestone", sa.String(16), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", "milestone", "step"),
    )
    untold = sa.text("told_at IS NULL")
    op.create_index("ix_clock_step_due", "clock_step", ["at"], sqlite_where=untold, postgresql_where=untold)
    for rows in _spans(op.get_bind()):
        op.bulk_insert(spans, rows)


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_clock_step_due", "clock_step")
    op.drop_table("clock_step")
    op.drop_table("ticket_span")


def _spans(bind: sa.Connection) -> Iterator[list[dict[str, object]]]:
    """Yield the spans of all tickets, as the log of events tells their states and levels."""
    tickets = sa.text(
        "SELECT id, opened_at, state, level FROM ticket WHERE id > :after ORDER BY id LIMIT :most"
    )
    told = sa.text(
        "SELECT subject_id, at, what, before, after FROM event WHERE subject = 'ticket' "
        "AND what IN ('state', 'level') AND subject_id IN :ids ORDER BY id"
    ).bindparams(sa.bindparam("ids", expanding=True))
    after = 0
    while True:
        found = bind.execute(tickets, {"after": after, "most": _AT_ONCE}).all()
        if not found:
            return
        changes: dict[int, list[sa.Row[Any]]] = {}
        for change in bind.execute(told, {"ids": [str(row.id) for row in found]}):
            changes.setdefault(int(change.subject_id), []).append(change)
        yield [span for row in found for span in _of(row, changes.get(row.id, []))]
        after = found[-1].id


def _of(
    ticket: sa.Row[tuple[int, int, str, str]], changes: list[sa.Row[tuple[str, int, str, str, str]]]
) -> list[dict[str, object]]:
    levels = [change.before for change in changes if change.what == "level"]
    state, level, begins = "opened", levels[0] if levels else ticket.level, ticket.opened_at
    found = [(begins, state, level)]
    for change in changes:
        state, level = (change.after, level) if change.what == "state" else (state, change.after)
        begins = max(begins, change.at)
        found.append((begins, state, level))
    if (state, level) != (ticket.state, ticket.level):  # the log does not know all of it
        found.append((begins, ticket.state, ticket.level))
    return [
        {"ticket_id": ticket.id, "number": number, "begins": begins, "state": state, "level": level}
        for number, (begins, state, level) in enumerate(found)
    ]
