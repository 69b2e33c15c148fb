"""Second factors with recovery codes, sign-ins that were begun, and accounts at a provider.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; sessions that are there were begun without a second factor."""
    op.add_column("session", sa.Column("strong", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "second_factor",
        sa.Column("person_id", _NUMBER, sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_in", sa.String(64), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger()),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "recovery_code",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("person_id", _NUMBER, sa.ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
    )
    op.create_index("ix_recovery_code_person_id", "recovery_code", ["person_id"])
    op.create_table(
        "begun_sign_in",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("waits_for", sa.String(16), nullable=False),
        sa.Column("person_id", _NUMBER, sa.ForeignKey("person.id", ondelete="CASCADE")),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("onward", sa.String(2048), nullable=False),
    )
    op.create_index("ix_begun_sign_in_person_id", "begun_sign_in", ["person_id"])
    op.create_index("ix_begun_sign_in_ends", "begun_sign_in", ["ends"])
    op.create_table(
        "identity",
        sa.Column("issuer", sa.String(255), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("person_id", _NUMBER, sa.ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.Column("by_claim", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("issuer", "person_id"),
    )
    op.create_index("ix_identity_person_id", "identity", ["person_id"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("identity", "begun_sign_in", "recovery_code", "second_factor"):
        op.drop_table(table)
    op.drop_column("session", "strong")
