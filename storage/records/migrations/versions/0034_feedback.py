"""Feedback of customers, what follows of it, and records of visits.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _of_case() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("repair", sa.BigInteger(), nullable=False),
    )


def upgrade() -> None:
    """Add the tables, empty."""
    op.create_table(
        "feedback",
        sa.Column("id", _NUMBER, primary_key=True),
        *_of_case(),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.String(2000), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("ticket_id", "repair"),
    )
    op.create_index("ix_feedback_at", "feedback", ["at"])
    op.create_table(
        "feedback_link",
        *_of_case(),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "follow_up",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("feedback_id", _NUMBER, sa.ForeignKey("feedback.id"), nullable=False),
        sa.Column("owner", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("overdue_at", sa.BigInteger(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.String(64), nullable=True),
        sa.Column("said", sa.String(2000), nullable=False),
        sa.UniqueConstraint("feedback_id"),
    )
    open_ones = sa.text("done_at IS NULL")
    op.create_index(
        "ix_follow_up_due", "follow_up", ["due"], sqlite_where=open_ones, postgresql_where=open_ones
    )
    op.create_table(
        "call_back",
        *_of_case(),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("called_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "repair"),
    )
    op.create_table(
        "visit",
        *_of_case(),
        sa.Column("engineer", sa.String(64), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=True),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("remark", sa.String(2000), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("signed_by", sa.String(64), nullable=False),
        sa.Column("next_service", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "repair"),
    )


def downgrade() -> None:
    """Drop all of them."""
    op.drop_table("visit")
    op.drop_table("call_back")
    op.drop_index("ix_follow_up_due", "follow_up")
    op.drop_table("follow_up")
    op.drop_table("feedback_link")
    op.drop_index("ix_feedback_at", "feedback")
    op.drop_table("feedback")
