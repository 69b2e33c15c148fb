"""A link opens the page of all that went out in one message.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Add the column; the links that there are open one notice each."""
    with op.batch_alter_table("notice_link") as table:
        table.add_column(sa.Column("beside", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("notice_link") as table:
        table.alter_column("beside", existing_type=sa.JSON(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    """Take it away again."""
    with op.batch_alter_table("notice_link") as table:
        table.drop_column("beside")
