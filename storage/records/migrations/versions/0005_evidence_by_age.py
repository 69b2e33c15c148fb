"""The quarantine's evidence of a device by age: which rows must go is read from the index alone.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.drop_index("ix_quarantine_device_id", "quarantine")
    op.create_index("ix_quarantine_device", "quarantine", ["device_id", "last_seen"])


def downgrade() -> None:
    op.drop_index("ix_quarantine_device", "quarantine")
    op.create_index("ix_quarantine_device_id", "quarantine", ["device_id"])
