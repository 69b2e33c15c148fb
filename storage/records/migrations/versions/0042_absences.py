"""When engineers are away, and for whom those work who are not our own.

Revision ID: 0042
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0040"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table and the column."""
    op.create_table(
        "engineer_absence",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("engineer", sa.String(64), sa.ForeignKey("engineer.id"), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("begins", "ends", "made_at")),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("ends > begins", name="ck_engineer_absence"),
    )
    op.create_index("ix_engineer_absence", "engineer_absence", ["ends", "engineer"])
    op.add_column("engineer", sa.Column("employer", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    """Take both away; whoever worked for somebody else is our own then."""
    with op.batch_alter_table("engineer") as table:
        table.drop_column("employer")
    op.drop_index("ix_engineer_absence", "engineer_absence")
    op.drop_table("engineer_absence")
