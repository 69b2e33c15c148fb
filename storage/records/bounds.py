"""Keeps tables of evidence bounded: so many rows a device and in all; the least recently seen go first."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Boolean, Connection, Delete, Select, and_, bindparam, delete, func, or_, select

from storage.records.base import Base

_FEW_DEVICES = 100
"""To count the rows of more devices one by one takes longer than to count all."""


class Bounds:
    """The statements that bound one table, which has `id`, `device_id` and `last_seen`.

    Evidence comes with every commit, and SQLAlchemy takes several times as long to make a statement as the
    database takes to execute it: so each is made once.
    """

    def __init__(self, table: type[Base]) -> None:
        rows = table.__table__.c
        newest_first = (rows.last_seen.desc(), rows.id.desc())
        place = func.row_number().over(partition_by=rows.device_id, order_by=newest_first).label("place")
        placed = select(rows.id, place)
        theirs = placed.where(
            or_(
                rows.device_id.in_(bindparam("devices", expanding=True)),
                and_(rows.device_id.is_(None), bindparam("strangers", type_=Boolean())),
            )
        )

        def beyond_place(found: Select[Any]) -> Delete:
            numbered = found.subquery()
            beyond = select(numbered.c.id).where(numbered.c.place > bindparam("allowed"))
            return delete(table).where(rows.id.in_(beyond))

        self._crowds, self._their_crowds = beyond_place(placed), beyond_place(theirs)
        self._count = select(func.count()).select_from(table.__table__)
        oldest = select(rows.id).order_by(rows.last_seen, rows.id).limit(bindparam("gone"))
        self._oldest = delete(table).where(rows.id.in_(oldest))

    def evict(
        self, connection: Connection, devices: Collection[str | None], a_device: int, in_all: int
    ) -> int:
        """Delete what is beyond the allowance of each of these devices, and of all; return how many went.

        `devices` are those that have new rows; None stands for no device: what has none shares one allowance.
        """
        if len(devices) > _FEW_DEVICES:
            gone = connection.execute(self._crowds, {"allowed": a_device}).rowcount
        else:
            named = [one for one in devices if one is not None]
            asked = {"devices": named, "strangers": None in devices, "allowed": a_device}
            gone = connection.execute(self._their_crowds, asked).rowcount
        over = max(0, (connection.scalar(self._count) or 0) - in_all)
        if over:
            connection.execute(self._oldest, {"gone": over})
        return gone + over
