"""Topics beside ours, each with the newest message on it.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "topic_beside",
        sa.Column("topic", sa.String(512), primary_key=True),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("truncated", sa.Boolean, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("topic_beside")
