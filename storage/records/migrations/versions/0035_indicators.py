"""What indicators count of each case, and the tasks that missed ones open.

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS = {
    "device_id": 64, "site": 64, "region": 64, "customer": 64, "model": 64, "firmware": 64,
    "fault": 64, "level": 2, "origin": 16, "zone": 64, "engineer": 64, "engineer_name": 64,
}  # fmt: skip
_INDEXED = (
    "device_id",
    "opened_month",
    "respond_month",
    "on_site_month",
    "arrived_month",
    "repaired_month",
    "judged_month",
    "scored_month",
)


def upgrade() -> None:
    """Add the tables; the first recount fills that of facts."""
    op.create_table(
        "case_fact",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        *(sa.Column(name, sa.String(length), nullable=False) for name, length in _TEXTS.items()),
        _int("opened_at", False),
        _int("opened_month", False),
        _int("weekday", False),
        _int("hour", False),
        _int("respond_due"),
        _int("respond_month"),
        _flag("respond_kept"),
        _int("on_site_due"),
        _int("on_site_month"),
        _flag("on_site_kept"),
        _int("arrived_at"),
        _int("arrived_month"),
        _int("repaired_at"),
        _int("repaired_month"),
        _int("closed_at"),
        _int("closed_month"),
        _int("judged_month"),
        _int("scored_month"),
        _int("score"),
        _flag("reopened"),
        _flag("found"),
        _flag("early"),
        _flag("confirmed"),
        _int("lead_ms"),
        sa.Column("foreseen", sa.String(64), nullable=False),
        sa.Column("unfounded", sa.String(64), nullable=False),
        _flag("waited_part"),
        _flag("waited_customer"),
        _int("repeated_by"),
        sa.PrimaryKeyConstraint("ticket_id"),
    )
    for name in _INDEXED:
        op.create_index(f"ix_case_fact_{name}", "case_fact", [name])
    op.create_index("ix_case_fact_closed", "case_fact", ["closed_month", "opened_month"])
    op.create_table(
        "fact_month",
        sa.Column("month", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "task",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("title_en", sa.String(255), nullable=False),
        sa.Column("title_zh", sa.String(255), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("owner", sa.String(64), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("done_by", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("task")
    op.drop_table("fact_month")
    op.drop_table("case_fact")


def _int(name: str, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)
