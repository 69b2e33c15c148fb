"""Which cases were brought in from elsewhere.

Revision ID: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "past_case",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), primary_key=True, autoincrement=False),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("engineer", sa.String(64), nullable=False),
        sa.Column("external", sa.String(128), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Take it away; the cases stay, as any others."""
    op.drop_table("past_case")
