"""How sure the highest risk of a device is stands in its row, so that the list of devices can say it.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("device", sa.Column("confidence", sa.String(length=16), nullable=True))


def downgrade() -> None:
    op.drop_column("device", "confidence")
