"""When a device's status was told and its battery measured, so that what came later can be told from it.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("device", sa.Column("status_ts", sa.BigInteger(), nullable=True))
    op.add_column("device", sa.Column("battery_ts", sa.BigInteger(), nullable=True))
    # The charge that is shown is at most as new as the newest reading: nothing older may replace it.
    op.execute("UPDATE device SET battery_ts = newest_ts WHERE battery_pct IS NOT NULL")


def downgrade() -> None:
    op.drop_column("device", "battery_ts")
    op.drop_column("device", "status_ts")
