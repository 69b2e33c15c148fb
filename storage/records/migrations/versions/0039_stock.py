"""Stock of parts: places, pieces, their ledger, reservations, serial numbers, orders; more of the catalogue.

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MORE_OF_PARTS = ("supplier", "warranty_months", "discontinued", "replaced_by", "serialised", "lot")


def upgrade() -> None:
    """Add the tables, and what is said of parts besides."""
    for column in (
        sa.Column("supplier", sa.String(64), nullable=False, server_default=""),
        sa.Column("warranty_months", sa.BigInteger(), nullable=True),
        sa.Column("discontinued", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("replaced_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("serialised", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("lot", sa.BigInteger(), nullable=False, server_default="1"),
    ):
        op.add_column("part", column)
    op.create_table(
        "stock_place",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name_en", sa.String(128), nullable=False),
        sa.Column("name_zh", sa.String(128), nullable=False),
        sa.Column("region", sa.String(64), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    _pieces()
    _movements()
    _serials()
    _orders()


def _pieces() -> None:
    op.create_table(
        "stock",
        sa.Column("id", _NUMBER, primary_key=True),
        _place("place"),
        sa.Column("part", sa.String(64), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("on_hand >= 0 AND reserved >= 0 AND reserved <= on_hand", name="ck_stock"),
    )
    op.create_index("uq_stock", "stock", ["place", "part"], unique=True)
    op.create_index("ix_stock_part", "stock", ["part"])
    op.create_table(
        "stock_reservation",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("part", sa.String(64), nullable=False),
        _place("place"),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.CheckConstraint("quantity > 0", name="ck_stock_reservation"),
    )
    op.create_index("ix_stock_reservation_ticket", "stock_reservation", ["ticket_id"])
    op.create_index("ix_stock_reservation_ends", "stock_reservation", ["state", "ends"])
    op.create_index("ix_stock_reservation_stock", "stock_reservation", ["place", "part", "state"])


def _movements() -> None:
    op.create_table(
        "stock_movement",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("part", sa.String(64), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        _place("source", nullable=True),
        _place("target", nullable=True),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=True),
        sa.Column("repair", sa.BigInteger(), nullable=True),
        sa.Column("serials", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.CheckConstraint("quantity <> 0", name="ck_stock_movement"),
    )
    op.create_index("ix_stock_movement_source", "stock_movement", ["source", "part", "id"])
    op.create_index("ix_stock_movement_target", "stock_movement", ["target", "part", "id"])
    op.create_index("ix_stock_movement_ticket", "stock_movement", ["ticket_id"])
    op.create_index("ix_stock_movement_used", "stock_movement", ["kind", "at"])
    op.create_table(
        "stock_discrepancy",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("part", sa.String(64), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=False),
        sa.Column("repair", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("mended_at", sa.BigInteger(), nullable=True),
        sa.Column("mended_by", sa.String(64), nullable=False),
    )
    op.create_index("ix_stock_discrepancy_ticket", "stock_discrepancy", ["ticket_id", "repair"])
    op.create_index("ix_stock_discrepancy_open", "stock_discrepancy", ["mended_at", "part"])


def _serials() -> None:
    op.create_table(
        "part_serial",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("part", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(64), nullable=False),
        _place("place", nullable=True),
        sa.Column("device_id", sa.String(64), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("installed_at", sa.BigInteger(), nullable=True),
        sa.Column("warranty_until", sa.BigInteger(), nullable=True),
        sa.Column("ticket_id", _NUMBER, sa.ForeignKey("ticket.id"), nullable=True),
    )
    op.create_index("uq_part_serial", "part_serial", ["part", "serial"], unique=True)
    op.create_index("ix_part_serial_place", "part_serial", ["place", "part"])
    op.create_index("ix_part_serial_device", "part_serial", ["device_id"])
    op.create_index("ix_part_serial_ticket", "part_serial", ["ticket_id"])


def _orders() -> None:
    op.create_table(
        "stock_order",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("supplier", sa.String(64), nullable=False),
        sa.Column("part", sa.String(64), nullable=False),
        _place("place"),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("ordered_at", sa.BigInteger(), nullable=True),
        sa.Column("expected_at", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("arrived >= 0 AND arrived <= quantity", name="ck_stock_order"),
    )
    op.create_index("ix_stock_order_state", "stock_order", ["state", "id"])


def _place(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.String(64), sa.ForeignKey("stock_place.id"), nullable=nullable)


def downgrade() -> None:
    """Drop them: what there is of stock is gone, the catalogue stays as it was."""
    for table in (
        *("stock_order", "part_serial", "stock_discrepancy", "stock_movement"),
        *("stock_reservation", "stock", "stock_place"),
    ):
        op.drop_table(table)
    for name in _MORE_OF_PARTS:
        op.drop_column("part", name)
