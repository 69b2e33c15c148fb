"""The installation's own key for Web Push, and destinations that ended.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "push_key",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
    )
    op.add_column("destination", sa.Column("ended_at", sa.BigInteger()))


def downgrade() -> None:
    """Drop both."""
    op.drop_column("destination", "ended_at")
    op.drop_table("push_key")
