"""Destinations, how people want to be told, and the outbox of notices.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "destination",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("person_id", _NUMBER, sa.ForeignKey("person.id", ondelete="CASCADE")),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("address", sa.JSON(), nullable=False),
        sa.Column("shown", sa.String(255), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger()),
        sa.Column("proved_at", sa.BigInteger()),
        sa.Column("tested_at", sa.BigInteger()),
        sa.Column("trouble", sa.String()),
    )
    op.create_index("ix_destination_person_id", "destination", ["person_id"])
    op.create_table(
        "notice_wishes",
        sa.Column("person_id", _NUMBER, sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("quiet_from", sa.BigInteger(), nullable=False),
        sa.Column("quiet_to", sa.BigInteger(), nullable=False),
        sa.Column("digest_at", sa.BigInteger()),
    )
    op.create_table(
        "notice",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("key", sa.String(128), nullable=False, unique=True),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64)),
        sa.Column("recipient", sa.String(80), nullable=False),
        sa.Column("destination_id", sa.BigInteger()),
        sa.Column("telling", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(128), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("proof", sa.String(16), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("maybe", sa.Boolean(), nullable=False),
        sa.Column("trouble", sa.String()),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("handed_at", sa.BigInteger()),
        sa.Column("accepted_at", sa.BigInteger()),
        sa.Column("opened_at", sa.BigInteger()),
        sa.Column("acknowledged_at", sa.BigInteger()),
        sa.Column("followed_up", sa.Boolean(), nullable=False),
        sa.Column("lease", sa.String(64)),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_notice_due", "notice", ["state", "due_at"])
    op.create_index("ix_notice_subject", "notice", ["subject", "subject_id"])
    op.create_index("ix_notice_event", "notice", ["event"])
    op.create_index("ix_notice_destination", "notice", ["destination_id", "state"])
    op.create_table(
        "notice_link",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("notice", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_notice_link_notice", "notice_link", ["notice"])
    op.create_index("ix_notice_link_ends", "notice_link", ["ends"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("notice_link", "notice", "notice_wishes", "destination"):
        op.drop_table(table)
