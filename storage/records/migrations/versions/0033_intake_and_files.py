"""Requests, the links by which some of them come, and the files of cases in pieces.

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXED = {
    "report_link": ("device_id", "site"),
    "request": ("contact", "same_as", "ticket_id"),
    "case_file": ("ticket_id", "request_id"),
}


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "report_link",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("device_id", sa.String(64)),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
    )
    op.create_table(
        "request",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("contact", sa.String(128), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("site", sa.String(64)),
        sa.Column("device_id", sa.String(64)),
        sa.Column("fault", sa.String(64)),
        sa.Column("suits", sa.String(64), nullable=False),
        sa.Column("suits_on", sa.String(10)),
        sa.Column("message_id", sa.String(64), unique=True),
        sa.Column("link_id", _NUMBER, sa.ForeignKey("report_link.id")),
        sa.Column("same_as", sa.String(64), nullable=False),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id")),
        sa.Column("dismissed_at", sa.BigInteger()),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_index("ix_request_link", "request", ["link_id", "at"])
    op.create_table(
        "case_file",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id")),
        sa.Column("request_id", _NUMBER, sa.ForeignKey("request.id")),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("thumbnail", sa.LargeBinary()),
    )
    op.create_table(
        "case_file_piece",
        sa.Column("file_id", _NUMBER, sa.ForeignKey("case_file.id"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    for table, columns in _INDEXED.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    """Drop them, with what they hold."""
    for table in ("case_file_piece", "case_file", "request", "report_link"):
        op.drop_table(table)
