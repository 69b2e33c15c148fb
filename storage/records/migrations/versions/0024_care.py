"""Care for alerts: what was told of each, and when the next thing is due.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "care",
        sa.Column("subject", sa.String(16), primary_key=True),
        sa.Column("subject_id", sa.String(64), primary_key=True),
        sa.Column("site", sa.String(64)),
        sa.Column("level", sa.String(2), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(128), nullable=False),
        sa.Column("told_at", sa.BigInteger()),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.String(16)),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("over_at", sa.BigInteger()),
    )
    op.create_index("ix_care_next_at", "care", ["next_at"])
    op.create_index("ix_care_over_at", "care", ["over_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("care")
