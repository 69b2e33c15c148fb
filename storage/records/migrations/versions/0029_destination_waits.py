"""Until when a provider asked to be left alone, beside each destination.

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Add the column; nobody waits yet."""
    op.add_column(
        "destination", sa.Column("waits_until", sa.BigInteger(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("destination", "waits_until")
