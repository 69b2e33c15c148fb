"""Devices by what people call them: their id, or the serial number on their label.

Callers bring the transaction.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from fleet.devices import Device as FleetDevice
from fleet.grants import Sites
from storage.records.device_lists import to_device
from storage.records.devices import Device
from storage.records.within import at_sites

_MOST = 200


def devices_called(session: Session, names: Collection[str], sites: Sites = None) -> list[FleetDevice]:
    """Return the devices at some sites whose id or serial number is one of these, in either case."""
    lower = sorted({name.lower() for name in names if "\x00" not in name})[:_MOST]
    called = or_(func.lower(Device.id).in_(lower), func.lower(Device.serial).in_(lower))
    wanted = at_sites(select(Device).where(called), Device.site, sites)
    return [to_device(row) for row in session.scalars(wanted.order_by(Device.id).limit(_MOST))]


def devices_at_site(session: Session, site: str) -> Sequence[FleetDevice]:
    """Return the devices of a site, by id; a choice for people, so of very many the first alone."""
    wanted = select(Device).where(Device.site == site).order_by(Device.kind, Device.id).limit(_MOST)
    return [to_device(row) for row in session.scalars(wanted)]
