"""What a device does and says of itself, beside its summary.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("device", sa.Column("state", sa.String(16)))
    op.add_column("device", sa.Column("state_ts", sa.BigInteger))
    op.add_column("device", sa.Column("error_code", sa.String(64)))
    op.add_column("device", sa.Column("error_ts", sa.BigInteger))
    op.create_index("ix_device_event_newest", "device_event", ["device_id", "ts", "id"])


def downgrade() -> None:
    op.drop_index("ix_device_event_newest", "device_event")
    for name in ("state", "state_ts", "error_code", "error_ts"):
        op.drop_column("device", name)
