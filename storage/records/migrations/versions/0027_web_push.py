"""The installation's own key for Web Push, destinations that ended, and each browser once.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Make the table and the columns."""
    op.create_table(
        "push_key",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
    )
    op.add_column("destination", sa.Column("ended_at", sa.BigInteger()))
    op.add_column("destination", sa.Column("browser", sa.String(64)))
    op.create_index("ix_destination_browser", "destination", ["browser"], unique=True)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_destination_browser", "destination")
    op.drop_column("destination", "browser")
    op.drop_column("destination", "ended_at")
    op.drop_table("push_key")
