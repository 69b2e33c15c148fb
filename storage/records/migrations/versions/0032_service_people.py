"""Customers, contracts, engineers, regions, the catalogue of parts, and purchases of devices.

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Add the tables; nothing was known of any of it."""
    op.create_table(
        "customer",
        sa.Column("id", sa.String(64), primary_key=True),
        *_names(),
        sa.Column("tier", sa.String(1), nullable=False),
        sa.Column("plan", sa.String(16), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("contact_name", sa.String(64), nullable=False),
        sa.Column("contact_phone", sa.String(32), nullable=False),
        sa.Column("contact_email", sa.String(254), nullable=False),
        sa.Column("visits", sa.JSON(), nullable=False),
        sa.Column("notes", sa.String(1000), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "contract",
        sa.Column("number", sa.String(64), primary_key=True),
        sa.Column("customer", sa.String(64), sa.ForeignKey("customer.id"), nullable=False, index=True),
        sa.Column("plan", sa.String(16), nullable=False),
        sa.Column("begins", sa.String(10), nullable=False),
        sa.Column("ends", sa.String(10), nullable=True),
        sa.Column("sites", sa.JSON(), nullable=False),
        sa.Column("includes", sa.JSON(), nullable=False),
        sa.Column("visits_a_year", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Double(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    _add_engineers()
    op.create_table(
        "service_region",
        sa.Column("id", sa.String(64), primary_key=True),
        *_names(),
        sa.Column("leader", sa.String(64), nullable=False),
        sa.Column("director", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "part",
        sa.Column("code", sa.String(64), primary_key=True),
        *_names(),
        sa.Column("price", sa.Double(), nullable=True),
        sa.Column("lead_days", sa.BigInteger(), nullable=True),
        sa.Column("fits", sa.JSON(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    device = sa.ForeignKey("device.id", ondelete="CASCADE")
    op.create_table(
        "purchase",
        sa.Column("device_id", sa.String(64), device, primary_key=True),
        sa.Column("purchased", sa.String(10), nullable=True),
        sa.Column("warranty_until", sa.String(10), nullable=True),
    )
    op.create_table(
        "upload",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("who", sa.String(96), nullable=False, index=True),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_site_customer", "site", ["customer"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_site_customer", "site")
    for table in ("upload", "purchase", "part", "service_region", "engineer", "contract", "customer"):
        op.drop_table(table)


def _names() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("name_en", sa.String(128), nullable=False),
        sa.Column("name_zh", sa.String(128), nullable=False),
    )


def _add_engineers() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    person = sa.ForeignKey("person.id", ondelete="SET NULL")
    op.create_table(
        "engineer",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("account", number, person, nullable=True, unique=True),
        sa.Column("region", sa.String(64), nullable=False, index=True),
        sa.Column("leader", sa.String(64), nullable=False),
        sa.Column("phone", sa.String(32), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("certificates", sa.JSON(), nullable=False),
        sa.Column("training", sa.JSON(), nullable=False),
        sa.Column("stars", sa.Double(), nullable=True),
        sa.Column("stars_at", sa.BigInteger(), nullable=True),
        sa.Column("shifts", sa.JSON(), nullable=False),
        sa.Column("home_lat", sa.Double(), nullable=True),
        sa.Column("home_lon", sa.Double(), nullable=True),
        sa.Column("van", sa.String(64), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
