"""Roll-outs of firmware in stages, and their devices.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rollout",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("firmware", sa.String(64), nullable=False),
        sa.Column("stage", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    op.create_index("ix_rollout_state", "rollout", ["state"])
    op.create_table(
        "rollout_device",
        sa.Column("rollout_id", _NUMBER, sa.ForeignKey("rollout.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("place", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("stage", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("before", sa.String(64)),
        sa.Column("past", sa.JSON(), nullable=False),
        sa.Column("offered_at", sa.BigInteger()),
        sa.Column("installed_at", sa.BigInteger()),
        sa.Column("command", sa.String(32)),
        sa.Column("detail", sa.String(255), nullable=False),
    )
    op.create_index("ix_rollout_device_device_id", "rollout_device", ["device_id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("rollout_device")
    op.drop_table("rollout")
