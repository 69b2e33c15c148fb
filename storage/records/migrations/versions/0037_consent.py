"""The customer's consent to a visit that we propose.

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "consent",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), primary_key=True),
        sa.Column("key", sa.String(64), nullable=True, unique=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("offer", sa.String(500), nullable=False),
        sa.Column("answer", sa.String(8), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("remark", sa.String(2000), nullable=False),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("consent")
