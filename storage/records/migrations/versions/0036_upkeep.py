"""Maintenance: when it is due, was done, and its tickets; inspections of finished work.

Revision ID: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("is_open")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "maintenance_ticket",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), primary_key=True),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
    )
    op.create_index(
        "uq_maintenance_open",
        "maintenance_ticket",
        ["device_id", "plan"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "maintenance_due",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.String(16), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("hours", sa.Double(), nullable=True),
        sa.Column("hours_at", sa.BigInteger(), nullable=True),
        sa.Column("from_hours", sa.Double(), nullable=True),
        sa.Column("from_at", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("device_id", "plan", name="uq_maintenance_due"),
    )
    op.create_index("ix_maintenance_due_at", "maintenance_due", ["due_at", "id"])
    op.create_table(
        "maintenance_done",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hours", sa.Double(), nullable=True),
        sa.Column("skipped", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=True),
    )
    op.create_index("ix_maintenance_done_of", "maintenance_done", ["device_id", "plan", "at"])
    op.create_table(
        "inspection",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("engineer", sa.String(64), nullable=False),
        sa.Column("engineer_name", sa.String(64), nullable=False),
        sa.Column("chosen_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(64), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("score", sa.BigInteger(), nullable=True),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.UniqueConstraint("ticket_id", "level", name="uq_inspection"),
    )
    op.create_index("ix_inspection_due", "inspection", ["due_at", "id"])
    op.create_index("ix_inspection_done", "inspection", ["done_at"])
    op.create_table(
        "inspection_round",
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("period", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("level", "period"),
    )


def downgrade() -> None:
    """Drop them; tickets of maintenance, which nothing knew before, go."""
    op.drop_table("inspection_round")
    op.drop_index("ix_inspection_done", "inspection")
    op.drop_index("ix_inspection_due", "inspection")
    op.drop_table("inspection")
    op.drop_index("ix_maintenance_done_of", "maintenance_done")
    op.drop_table("maintenance_done")
    op.drop_index("ix_maintenance_due_at", "maintenance_due")
    op.drop_table("maintenance_due")
    op.drop_index("uq_maintenance_open", "maintenance_ticket")
    op.drop_table("maintenance_ticket")
    theirs = "IN (SELECT id FROM ticket WHERE kind = 'maintenance')"
    op.execute(f"DELETE FROM ticket_link WHERE one {theirs} OR other {theirs}")
    for table in ("clock_step", "ticket_span", "ticket_check", "late_cause"):
        op.execute(f"DELETE FROM {table} WHERE ticket_id {theirs}")
    op.execute("DELETE FROM ticket WHERE kind = 'maintenance'")
