"""Champion and challenger: what a model replaced, one of each a fault, and what was done to models.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("model_card", sa.Column("replaced", sa.String(length=64), nullable=True))
    in_use = sa.text("state IN ('champion', 'challenger')")
    op.create_index(
        "uq_model_in_use",
        "model_card",
        ["fault", "state"],
        unique=True,
        sqlite_where=in_use,
        postgresql_where=in_use,
    )
    op.create_table(
        "model_event",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("fault", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_model_event_model", "model_event", ["model"])
    op.create_index("ix_model_event_fault", "model_event", ["fault"])


def downgrade() -> None:
    op.drop_table("model_event")
    op.drop_index("uq_model_in_use", "model_card")
    op.drop_column("model_card", "replaced")
