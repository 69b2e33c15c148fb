"""One statement for very many rows, past SQLAlchemy, which spends more on a row than the database."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, UpdateBase


def execute_straight(
    connection: Connection, statement: UpdateBase, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Execute `statement` for each row through the driver; `names` are its parameters in the order of a row.

    It must have no other parameters than these, at least two, and none whose type needs a conversion.
    """
    compiled = statement.compile(dialect=connection.dialect)
    if compiled.positiontup is not None:
        in_order = itemgetter(*(names.index(name) for name in compiled.positiontup))
        connection.exec_driver_sql(str(compiled), list(map(in_order, rows)))
    else:
        connection.exec_driver_sql(str(compiled), [dict(zip(names, row, strict=True)) for row in rows])
