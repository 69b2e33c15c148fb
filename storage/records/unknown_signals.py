"""Names that devices send and no signal has, in the desk database."""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from sqlalchemy import (
    String,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from fleet.grants import Sites
from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.upsert import insert_into
from storage.records.within import of_devices_at


class UnknownSignalRow(Base):
    """A name that devices of one kind send and no signal has; an example of who does."""

    __tablename__ = "unknown_signal"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    example_device: Mapped[str] = mapped_column(String(64))
    first_seen: Mapped[int]
    last_seen: Mapped[int]


MAX_NAMES = 100
"""The first so many names are kept."""


@dataclass(frozen=True, slots=True)
class UnknownSignal:
    """A name of one kind of device, who sent it, and when it was found first and last (epoch ms)."""

    name: str
    kind: str
    example_device: str
    first_seen: int
    last_seen: int


class UnknownSignals:
    """The list of names. May raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def add(self, found: Collection[UnknownSignal]) -> None:
        """Store names, or that they were found again; new ones only while there is room."""
        if not found:
            return
        with self._desk.transaction() as session:
            known = {(row.name, row.kind) for row in session.scalars(select(UnknownSignalRow))}
            rows = []
            for one in found:
                if (one.name, one.kind) in known or len(known) < MAX_NAMES:
                    known.add((one.name, one.kind))
                    rows.append(asdict(one))
            if not rows:
                return
            insert = insert_into(session, UnknownSignalRow)
            session.execute(
                insert.on_conflict_do_update(
                    index_elements=["name", "kind"], set_={"last_seen": insert.excluded.last_seen}
                ),
                rows,
            )

    def all(self, sites: Sites = None) -> list[UnknownSignal]:
        """Return every name, the newest found first; at some sites those whose example is there."""
        query = select(UnknownSignalRow).order_by(
            UnknownSignalRow.first_seen.desc(), UnknownSignalRow.name, UnknownSignalRow.kind
        )
        query = of_devices_at(query, UnknownSignalRow.example_device, sites)
        with self._desk.transaction() as session:
            return [
                UnknownSignal(row.name, row.kind, row.example_device, row.first_seen, row.last_seen)
                for row in session.scalars(query)
            ]
