"""Where each piece with a serial number is. Callers bring the transaction."""

from collections.abc import Collection, Sequence

from sqlalchemy import ForeignKey, Index, Select, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.stock import Serial
from storage.records.base import Base, Number
from storage.records.parts import parts_of
from storage.records.upsert import insert_into


class SerialRow(Base):
    """A piece with a serial number (fleet.stock.Serial); at a place or in a device, not at both."""

    __tablename__ = "part_serial"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    part: Mapped[str] = mapped_column(String(64))
    serial: Mapped[str] = mapped_column(String(64))
    place: Mapped[str | None] = mapped_column(ForeignKey("stock_place.id"))
    device_id: Mapped[str | None] = mapped_column(String(64))
    since: Mapped[int]
    installed_at: Mapped[int | None]
    warranty_until: Mapped[int | None]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))

    __table_args__ = (
        Index("uq_part_serial", "part", "serial", unique=True),
        Index("ix_part_serial_place", "place", "part"),
        Index("ix_part_serial_device", "device_id"),
        Index("ix_part_serial_ticket", "ticket_id"),
    )


def put_serials(session: Session, serials: Sequence[Serial]) -> None:
    """Say where pieces are, in place of where they were before."""
    if not serials:
        return
    new = insert_into(session, SerialRow)
    names = ("place", "device_id", "since", "installed_at", "warranty_until", "ticket_id")
    changes = {name: new.excluded[name] for name in names}
    rows = [_columns(each) for each in serials]
    statement = new.on_conflict_do_update(index_elements=["part", "serial"], set_=changes)
    session.execute(statement, rows, execution_options={"synchronize_session": False})


def known_serials(session: Session, part: str, serials: Collection[str]) -> dict[str, Serial]:
    """Return those of these pieces of a part that are known, by their number."""
    found: dict[str, Serial] = {}
    for some in parts_of(serials):
        wanted = select(SerialRow).where(SerialRow.part == part, SerialRow.serial.in_(some))
        found |= {row.serial: _serial(row) for row in _fresh(session, wanted)}
    return found


def serials_at(session: Session, place: str, part: str | None = None) -> list[Serial]:
    """Return the pieces at a place, by part and number."""
    wanted = select(SerialRow).where(SerialRow.place == place)
    wanted = wanted if part is None else wanted.where(SerialRow.part == part)
    return [_serial(row) for row in _fresh(session, wanted.order_by(SerialRow.part, SerialRow.serial))]


def serials_in_device(session: Session, device_id: str) -> list[Serial]:
    """Return the pieces that were put into a device, the newest first."""
    wanted = select(SerialRow).where(SerialRow.device_id == device_id)
    return [_serial(row) for row in _fresh(session, wanted.order_by(SerialRow.since.desc(), SerialRow.id))]


def serials_put_in(session: Session, ticket_id: int, part: str) -> list[Serial]:
    """Return the pieces of a part that were put in by a case."""
    wanted = select(SerialRow).where(SerialRow.ticket_id == ticket_id, SerialRow.part == part)
    return [_serial(row) for row in _fresh(session, wanted)]


def _fresh(session: Session, wanted: Select[SerialRow]) -> Sequence[SerialRow]:
    return session.scalars(wanted, execution_options={"populate_existing": True}).all()


def _columns(serial: Serial) -> dict[str, object]:
    return {
        "part": serial.part,
        "serial": serial.serial,
        "place": serial.place,
        "device_id": serial.device_id,
        "since": serial.since,
        "installed_at": serial.installed_at,
        "warranty_until": serial.warranty_until,
        "ticket_id": serial.ticket,
    }


def _serial(row: SerialRow) -> Serial:
    return Serial(
        row.part,
        row.serial,
        row.place,
        row.device_id,
        row.since,
        row.installed_at,
        row.warranty_until,
        row.ticket_id,
    )
