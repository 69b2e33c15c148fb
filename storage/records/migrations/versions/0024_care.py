"""Care for alerts: what is told when, incidents, mutes, notes, and how often customers were told of.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _make_care()
    op.create_table(
        "incident",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("group_kind", sa.String(16), nullable=False),
        sa.Column("group_name", sa.String(64), nullable=False),
        sa.Column("fault", sa.String(64), nullable=False),
        sa.Column("level", sa.String(2), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.Column("reason", sa.String(128), nullable=False),
        sa.Column("members", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
    )
    is_open = sa.text("state != 'resolved'")
    op.create_index(
        "uq_incident_open",
        "incident",
        ["fault", "group_kind", "group_name"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "mute",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("matcher", sa.JSON(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger()),
        sa.Column("weekly", sa.JSON(), nullable=False),
        sa.Column("until_resolved", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("holding", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", sa.String(64)),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_mute_ended_at", "mute", ["ended_at"])
    op.create_table(
        "alert_note",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("fault", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
    )
    op.create_index("ix_alert_note_case", "alert_note", ["device_id", "fault", "at"])
    op.create_table(
        "telling_count",
        sa.Column("customer", sa.String(64), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("told", sa.BigInteger(), nullable=False),
    )


def _make_care() -> None:
    names = {"device_id": 64, "fault": 64, "rule": 64, "level": 2, "kind": 16, "site": 64, "region": 64}
    names |= {"customer": 64, "model": 64, "firmware": 64}
    op.create_table(
        "care",
        sa.Column("subject", sa.String(16), primary_key=True),
        sa.Column("subject_id", sa.String(64), primary_key=True),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in names.items()),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("told_at", sa.BigInteger()),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("tellings", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("ack_until", sa.BigInteger()),
        sa.Column("held_by", sa.String(80)),
        sa.Column("incident", sa.BigInteger()),
        sa.Column("reason", sa.String(128), nullable=False),
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
    )
    for name in ("next_at", "incident", "held_by"):
        there = sa.text(f"{name} IS NOT NULL")
        index = {"held_by": "ix_care_held"}.get(name, f"ix_care_{name}")
        op.create_index(index, "care", [name], sqlite_where=there, postgresql_where=there)
    op.create_index("ix_care_raised", "care", ["fault", "raised_at"])
    is_open = sa.text("closed_at IS NULL")
    columns = ["fault", "state"]
    op.create_index("ix_care_open", "care", columns, sqlite_where=is_open, postgresql_where=is_open)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("telling_count", "alert_note", "mute", "incident", "care"):
        op.drop_table(table)
