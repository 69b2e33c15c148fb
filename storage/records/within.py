"""Holds what is read to the sites that somebody may see; callers bring the transaction."""

from typing import Any, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from fleet.grants import Sites
from storage.records.devices import Device

_Column = InstrumentedAttribute[Any]
_Query = TypeVar("_Query", bound=Select[*tuple[Any, ...]])


def at_sites(query: _Query, site: _Column, sites: Sites) -> _Query:
    """Return a query for rows whose `site` is one of these; None leaves it as it is."""
    return query if sites is None else query.where(site.in_(sites))


def of_devices_at(query: _Query, device_id: _Column, sites: Sites) -> _Query:
    """Return a query for rows of devices that are at one of these sites now; None leaves it as it is."""
    if sites is None:
        return query
    return query.where(device_id.in_(select(Device.id).where(Device.site.in_(sites))))
