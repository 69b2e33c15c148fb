"""People with roles, their sessions, one-time links, tokens of machines, failed attempts, and sites.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; an installation that had no people has none yet."""
    op.create_table(
        "person",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger()),
    )
    op.create_table(
        "person_role",
        sa.Column("person_id", _NUMBER, sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("role", sa.String(16), primary_key=True),
        sa.Column("scope", sa.String(8), primary_key=True),
        sa.Column("place", sa.String(64), primary_key=True),
    )
    op.create_table(
        "session",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("person_id", _NUMBER, sa.ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.String(255), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
    )
    op.create_index("ix_session_person_id", "session", ["person_id"])
    op.create_index("ix_session_ends", "session", ["ends"])
    op.create_table(
        "one_time_link",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.Column("data", sa.JSON(), nullable=False),
    )
    op.create_index("ix_one_time_link_purpose", "one_time_link", ["purpose"])
    op.create_table(
        "failed_attempt",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_failed_attempt_last", "failed_attempt", ["last"])
    op.create_table(
        "token",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("sites", sa.JSON()),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger()),
        sa.Column("last_used", sa.BigInteger()),
        sa.Column("revoked_at", sa.BigInteger()),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("region", sa.String(64), nullable=False),
        sa.Column("customer", sa.String(64), nullable=False),
        sa.Column("name_en", sa.String(128), nullable=False),
        sa.Column("name_zh", sa.String(128), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("lat", sa.Float()),
        sa.Column("lon", sa.Float()),
        sa.Column("zone", sa.String(64), nullable=False),
    )
    op.create_index("ix_site_region", "site", ["region"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("site", "token", "failed_attempt", "one_time_link", "session", "person_role", "person"):
        op.drop_table(table)
