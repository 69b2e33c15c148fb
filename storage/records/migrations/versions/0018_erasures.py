"""What was asked to be erased: a device, a span of time, and how far it is carried out.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "erasure",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("from_ts", sa.BigInteger(), nullable=False),
        sa.Column("to_ts", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("store_done_at", sa.BigInteger()),
    )
    op.create_index("ix_erasure_asked_at", "erasure", ["asked_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("erasure")
