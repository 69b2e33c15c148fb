"""Who goes to which case when, and what customers were told of it.

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = "state IN ('planned', 'under_way')"
_NAME = "assignment_no_overlap"


def upgrade() -> None:
    """Add the tables, and let the database refuse that somebody is in two places at once."""
    op.create_table(
        "assignment",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("engineer", sa.String(64), sa.ForeignKey("engineer.id"), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("begins", "arrives", "ends")),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("helps", sa.Boolean(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(200), nullable=False),
    )
    op.create_index("ix_assignment_ticket", "assignment", ["ticket_id"])
    op.create_index("ix_assignment_engineer", "assignment", ["engineer", "begins"])
    op.create_index("ix_assignment_time", "assignment", ["ends", "begins"])
    op.create_table(
        "appointment",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), primary_key=True),
        sa.Column("key", sa.String(64), nullable=True, unique=True),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("begins", "ends", "told_at", "times")
        ),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("rather", sa.JSON(), nullable=False),
        sa.Column("remark", sa.String(500), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("link_ends", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "day_plan",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("planner", sa.String(16), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("stops", sa.BigInteger(), nullable=False),
        sa.Column("travel_ms", sa.BigInteger(), nullable=False),
        sa.Column("cpu_s", sa.Double(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("applied_by", sa.String(64), nullable=False),
        sa.Column("refused", sa.JSON(), nullable=False),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        op.execute(
            f"ALTER TABLE assignment ADD CONSTRAINT {_NAME} EXCLUDE USING gist "
            f"(engineer WITH =, int8range(begins, ends) WITH &&) WHERE ({_OPEN})"
        )
    else:
        for when, name in (("INSERT", "new"), ("UPDATE", "changed")):
            op.execute(_trigger(when, f"{_NAME}_{name}"))


def _trigger(when: str, name: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {when} ON assignment WHEN NEW.{_OPEN} AND EXISTS ("
        f"SELECT 1 FROM assignment WHERE engineer = NEW.engineer AND {_OPEN} "
        "AND begins < NEW.ends AND ends > NEW.begins AND id IS NOT NEW.id) "
        f"BEGIN SELECT RAISE(ABORT, '{_NAME}'); END"
    )


def downgrade() -> None:
    """Take all away."""
    op.drop_table("day_plan")
    op.drop_table("appointment")
    op.drop_table("assignment")
