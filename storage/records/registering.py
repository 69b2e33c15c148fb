"""Devices that the desk registers, moves and replaces. Callers bring the transaction."""

from collections.abc import Collection, Sequence

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from fleet.device_doors import NewDevice
from fleet.errors import NotFound
from fleet.signals import Kind
from fleet.text import quoted
from storage.records.devices import UNKNOWN_MODEL, UNKNOWN_STATUS, Device, DeviceEvent, Placement
from storage.records.parts import parts_of
from storage.records.repairs import DEVICE_REPLACED
from storage.records.upsert import insert_into


def add_devices(session: Session, devices: Sequence[NewDevice], now: int) -> None:
    """Register devices; of one that is there already only an unknown model or serial is filled in."""
    if not devices:
        return
    new = insert_into(session, Device)
    known = {
        "model": case((Device.model == UNKNOWN_MODEL, new.excluded.model), else_=Device.model),
        "serial": case((Device.serial.is_(None), new.excluded.serial), else_=Device.serial),
    }
    rows = [
        {
            "id": device.id,
            "kind": str(device.kind),
            "site": device.site,
            "model": device.model or UNKNOWN_MODEL,
            "serial": device.serial or None,
            "status": UNKNOWN_STATUS,
            "registered_at": now,
        }
        for device in devices
    ]
    session.execute(new.on_conflict_do_update(index_elements=[Device.id], set_=known), rows)


def places_of(session: Session, device_ids: Collection[str]) -> dict[str, Placement]:
    """Return where the devices named belong, and what they are; those that there are not are left out."""
    found: dict[str, Placement] = {}
    for part in parts_of(device_ids):
        query = select(Device.id, Device.site, Device.kind).where(Device.id.in_(part))
        found |= {row.id: Placement(row.site, Kind(row.kind)) for row in session.execute(query)}
    return found


def serials_of(session: Session, device_ids: Collection[str]) -> dict[str, str]:
    """Return the serial numbers of the devices named; those that have none are left out."""
    found: dict[str, str] = {}
    for part in parts_of(device_ids):
        query = select(Device.id, Device.serial).where(Device.id.in_(part), Device.serial.is_not(None))
        found |= {row.id: row.serial for row in session.execute(query) if row.serial}
    return found


def move_device(session: Session, device_id: str, site: str) -> None:
    """Let a device belong to another site; its history goes with it. Raises NotFound."""
    _row(session, device_id).site = site


def replace_device(session: Session, device_id: str, serial: str, now: int) -> str | None:
    """Let another device go on under an id; return the serial number of the one before.

    What the old one said of itself is not the new one's: it is all unknown, until the new one speaks. Its
    model stands. Raises NotFound.
    """
    row = _row(session, device_id)
    before, row.serial = row.serial, serial or None
    row.firmware = row.commissioned = row.state = row.error_code = row.battery_pct = None
    row.state_ts = row.error_ts = row.battery_ts = row.status_ts = None
    row.risk = row.fault = row.risk_ts = row.confidence = None
    row.status = UNKNOWN_STATUS
    told = {"serial": serial, "before": before}
    session.add(DeviceEvent(device_id=device_id, ts=now, code=DEVICE_REPLACED, detail=told, received=now))
    return before


def life_began(session: Session, device_id: str) -> int:
    """Return when the device that has an id now took it over, epoch ms; 0 where it is the first."""
    replaced = select(func.max(DeviceEvent.ts)).where(
        DeviceEvent.device_id == device_id, DeviceEvent.code == DEVICE_REPLACED
    )
    return session.scalar(replaced) or 0


def _row(session: Session, device_id: str) -> Device:
    row = session.get(Device, device_id) if "\x00" not in device_id else None
    if row is None:
        raise NotFound(f"there is no device {quoted(device_id)}")
    return row
