"""Commands to devices: what was ordered by whom and why, and how far it is.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "command",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("command", sa.String(32), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("by_kind", sa.String(16), nullable=False),
        sa.Column("by_id", sa.String(64), nullable=False),
        sa.Column("by_name", sa.String(64), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger()),
        sa.Column("claim", sa.String(32)),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("received_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("reason", sa.String()),
        sa.Column("late_state", sa.String(16)),
        sa.Column("late_at", sa.BigInteger()),
    )
    op.create_index("ix_command_device_id", "command", ["device_id", "id"])
    op.create_index("ix_command_state", "command", ["state", "claim", "id"])
    op.create_index("ix_command_deadline", "command", ["deadline"])
    op.create_index("ix_command_ended_at", "command", ["ended_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("command")
