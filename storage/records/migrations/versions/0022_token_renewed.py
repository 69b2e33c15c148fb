"""Which tokens were renewed: another goes on in their place.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the column."""
    op.add_column("token", sa.Column("renewed_at", sa.BigInteger()))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("token", "renewed_at")
