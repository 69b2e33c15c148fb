"""Complaints, who answers for a case, its written plan, checklists, causes of lateness, and links of cases.

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NEW_COLUMNS = (
    ("planned_at", sa.BigInteger(), None),
    ("plan_due", sa.BigInteger(), None),
    ("owner", sa.String(64), ""),
    ("owner_name", sa.String(64), ""),
)
_DUE_BEFORE = """CASE
    WHEN state IN ('confirmed', 'cancelled') THEN NULL
    WHEN responded_at IS NULL THEN respond_due
    WHEN on_site_due IS NOT NULL AND on_site_at IS NULL AND solved_at IS NULL THEN on_site_due
    WHEN solved_at IS NULL THEN solve_due
END"""
_DUE = """CASE
    WHEN state IN ('confirmed', 'cancelled', 'closed', 'reviewed') THEN NULL
    WHEN responded_at IS NULL THEN respond_due
    WHEN on_site_due IS NOT NULL AND on_site_at IS NULL AND solved_at IS NULL THEN on_site_due
    WHEN plan_due IS NOT NULL AND planned_at IS NULL AND solved_at IS NULL THEN plan_due
    WHEN solved_at IS NULL THEN solve_due
END"""


def upgrade() -> None:
    """Add the columns and tables; the next due time knows plans."""
    for name, kind, default in _NEW_COLUMNS:
        op.add_column("ticket", sa.Column(name, kind, nullable=default is None, server_default=default))
    op.add_column("site", sa.Column("type", sa.String(16), nullable=False, server_default=""))
    _put_due(_DUE)
    one = sa.text("kind = 'safety' AND state NOT IN ('closed', 'cancelled')")
    op.create_index(
        "uq_ticket_open_safety", "ticket", ["device_id"], unique=True, sqlite_where=one, postgresql_where=one
    )
    op.create_table(
        "complaint",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), primary_key=True),
        sa.Column("of_class", sa.String(16), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("customer", sa.String(64), nullable=False),
        sa.Column("contact", sa.String(255), nullable=False),
        sa.Column("about", _NUMBER, sa.ForeignKey("ticket.id"), nullable=True),
        sa.Column("loss", sa.Boolean(), nullable=False),
        sa.Column("setbacks", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("review", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=True, unique=True),
    )
    op.create_index("ix_complaint_customer", "complaint", ["customer"])
    op.create_index("ix_complaint_about", "complaint", ["about"])
    op.create_table(
        "ticket_check",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("item", sa.String(64), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "item"),
    )
    op.create_table(
        "late_cause",
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("milestone", sa.String(16), nullable=False),
        sa.Column("cause", sa.String(64), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "milestone"),
    )
    op.create_table(
        "ticket_link",
        sa.Column("one", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("other", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("one", "other", "kind"),
    )
    op.create_index("ix_ticket_link_other", "ticket_link", ["other"])


def downgrade() -> None:
    """Drop them; complaints, which nothing knew before, go."""
    op.drop_index("ix_ticket_link_other", "ticket_link")
    for table in ("ticket_link", "late_cause", "ticket_check"):
        op.drop_table(table)
    op.drop_index("ix_complaint_customer", "complaint")
    op.drop_index("ix_complaint_about", "complaint")
    op.drop_table("complaint")
    for table in ("clock_step", "ticket_span"):
        op.execute(f"DELETE FROM {table} WHERE ticket_id IN (SELECT id FROM ticket WHERE kind = 'complaint')")
    op.execute("DELETE FROM ticket WHERE kind = 'complaint'")
    op.drop_index("uq_ticket_open_safety", "ticket")
    _put_due(_DUE_BEFORE)
    for name, _kind, _default in _NEW_COLUMNS:
        op.drop_column("ticket", name)
    op.drop_column("site", "type")


def _put_due(expression: str) -> None:
    """Exchange the generated column: SQLite adds virtual ones alone, PostgreSQL long knew but stored ones."""
    op.drop_index("ix_ticket_due", "ticket")
    op.drop_column("ticket", "due")
    how = "VIRTUAL" if op.get_bind().dialect.name == "sqlite" else "STORED"
    op.execute(f"ALTER TABLE ticket ADD COLUMN due BIGINT GENERATED ALWAYS AS ({expression}) {how}")
    op.create_index("ix_ticket_due", "ticket", ["due", "id"])
