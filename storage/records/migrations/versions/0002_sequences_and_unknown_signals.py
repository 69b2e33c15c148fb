"""Gaps in sequence numbers, and names that are no signal.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "seq_run",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("first_ts", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "run"),
    )
    op.create_table(
        "seq_gap",
        sa.Column("device_id", sa.String(length=64), nullable=False),
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("after_ts", sa.BigInteger(), nullable=False),
        sa.Column("before_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "run", "first_seq"),
    )
    op.create_table(
        "unknown_signal",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("example_device", sa.String(length=64), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "kind"),
    )


def downgrade() -> None:
    op.drop_table("unknown_signal")
    op.drop_table("seq_gap")
    op.drop_table("seq_run")
