"""Letters to customers go through the outbox, to places of their own.

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Add whose a place is, and what a notice writes to a customer."""
    op.add_column("destination", sa.Column("customer", sa.String(64), nullable=True))
    op.create_index("ix_destination_customer", "destination", ["customer", "channel"], unique=True)
    op.add_column("notice", sa.Column("letter", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take both away, and what was written to customers with them."""
    op.execute("DELETE FROM notice WHERE letter IS NOT NULL")
    op.drop_column("notice", "letter")
    op.execute("DELETE FROM destination WHERE customer IS NOT NULL")
    op.drop_index("ix_destination_customer", "destination")
    op.drop_column("destination", "customer")
