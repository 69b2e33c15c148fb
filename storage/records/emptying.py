"""Takes all out of a desk database, as after a first start that was ended half-way."""

from sqlalchemy import select

from storage.records.database import DeskDatabase
from storage.records.tables import TABLES


def knows_devices(desk: DeskDatabase) -> bool:
    """Tell whether any device is registered."""
    with desk.statements() as connection:
        return connection.execute(select(TABLES.tables["device"].c.id).limit(1)).first() is not None


def clear_desk(desk: DeskDatabase) -> None:
    """Delete all rows of all tables."""
    with desk.statements() as connection:
        for table in reversed(TABLES.sorted_tables):
            connection.execute(table.delete())
