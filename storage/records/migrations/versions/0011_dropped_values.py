"""Values that were dropped, by device, signal and reason; and room for a date of commissioning that is none.

Revision ID: 0011
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "dropped_value",
        sa.Column("id", number, primary_key=True),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("signal", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("example", sa.String, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("device_id", "signal", "reason"),
    )
    op.create_index("ix_dropped_value_device", "dropped_value", ["device_id", "last_seen"])
    op.create_index("ix_dropped_value_last_seen", "dropped_value", ["last_seen"])
    with op.batch_alter_table("device") as device:
        device.alter_column("commissioned", existing_type=sa.String(10), type_=sa.String(64))


def downgrade() -> None:
    with op.batch_alter_table("device") as device:
        device.alter_column("commissioned", existing_type=sa.String(64), type_=sa.String(10))
    op.drop_table("dropped_value")
