"""Credentials of devices at the broker, and serial numbers that wait to be claimed.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; devices that there are have no credential yet."""
    op.create_table(
        "device_credential",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("device_id", sa.String(64), sa.ForeignKey("device.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("iterations", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger()),
    )
    op.create_index("ix_device_credential_device_id", "device_credential", ["device_id"])
    op.create_index("ix_device_credential_unknown", "device_credential", ["known_at"])
    op.create_table(
        "device_claim",
        sa.Column("serial", sa.String(64), primary_key=True),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger()),
        sa.Column("device_id", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("device_claim")
    op.drop_table("device_credential")
