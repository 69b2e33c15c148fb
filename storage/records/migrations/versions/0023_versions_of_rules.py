"""Versions of the alert rules.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "rule_version",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("made_at", sa.BigInteger()),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("activated_at", sa.BigInteger()),
        sa.Column("activated_by", sa.String(64), nullable=False),
        sa.Column("turn", sa.BigInteger(), unique=True),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("rule_version")
