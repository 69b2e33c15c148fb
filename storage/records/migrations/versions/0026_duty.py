"""The plan of duty in its versions, and who takes whose hours.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "duty_plan",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
    )
    op.create_table(
        "duty_override",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("schedule", sa.String(64), nullable=False),
        sa.Column("person", sa.String(254)),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
    )
    op.create_index("ix_duty_override_ends", "duty_override", ["ends"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("duty_override")
    op.drop_table("duty_plan")
