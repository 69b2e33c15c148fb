"""The devices: a list sorted by risk, and one of them with its newest values."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from access.doors import Visitor
from api.doors import Acting, ChangesDevices, Known, SeesFleet, on_behalf_of
from api.newest import newest_of
from api.personal import Sight, hidden_signals
from api.queries.devices import DeviceQuery, EventQuery, find_devices
from api.routes.common import DeviceId, Nothing, problems
from api.routes.risks import life_item
from api.schemas import DeviceChange, DeviceDetail, DeviceItem, Latest, ListOf, ToldItem
from api.services import ApiServices, Services
from fleet.codes import CodeCatalogue
from fleet.condition import condition_of
from fleet.devices import Device
from fleet.grants import Sites
from storage.records.device_events import find_events
from storage.records.device_lists import device_of
from storage.records.devices import set_model

router = APIRouter(prefix="/api/v1/devices", tags=["devices"])


def _item(device: Device, codes: CodeCatalogue, now: int) -> DeviceItem:
    shown = {"stale": device.is_stale(now), "condition": asdict(condition_of(device, codes, now))}
    return DeviceItem.model_validate(asdict(device) | shown)


@router.get("", responses=problems())
def list_devices(
    services: Services, sites: SeesFleet, query: Annotated[DeviceQuery, Query()]
) -> ListOf[DeviceItem]:
    """List devices, those most at risk first.

    `risk` is the highest calibrated probability over a device's faults, each within its own horizon. While
    pages are read the order may change: a device whose risk moves past the cursor is seen twice or never.
    """
    with services.desk.transaction() as session:
        page = find_devices(session, query, services.clock.now_ms(), sites)
    now = services.clock.now_ms()
    return ListOf(
        items=[_item(device, services.codes, now) for device in page.rows], next_cursor=page.next_cursor
    )


@router.get("/{device_id}", responses=problems(not_found="There is no such device"))
def show_device(
    services: Services, visitor: Known, sites: SeesFleet, device_id: DeviceId, _: Nothing
) -> DeviceDetail:
    """Show one device with the newest value of each of its signals, and what its wearing parts have left."""
    return _detail(services, visitor, device_id, sites)


@router.patch(
    "/{device_id}", responses=problems(body="The body cannot be read", not_found="There is no such device")
)
def change_device(
    services: Services,
    visitor: Known,
    sites: ChangesDevices,
    principal: Acting,
    device_id: DeviceId,
    change: DeviceChange,
    _: Nothing,
) -> DeviceDetail:
    """Say which model a device is: what the desk says stands, whatever the device says of itself."""
    with services.desk.transaction() as session:
        device_of(session, device_id, sites)
        who = on_behalf_of(principal, change.who)
        set_model(session, device_id, change.model, who, services.clock.now_ms())
    return _detail(services, visitor, device_id, sites)


def _detail(services: ApiServices, visitor: Visitor, device_id: str, sites: Sites) -> DeviceDetail:
    with services.desk.transaction() as session:
        device = device_of(session, device_id, sites)
    hidden = hidden_signals(services, visitor, device)
    newest = newest_of(services, device_id, device.kind)
    lives = {row["fault"]: life_item(row) for row in newest.risks.iter_rows(named=True)}
    return DeviceDetail(
        **_item(device, services.codes, services.clock.now_ms()).model_dump(),
        firmware=device.firmware,
        serial=device.serial,
        commissioned=device.commissioned,
        registered_at=device.registered_at,
        latest={
            name: Latest(value=value.value, ts=value.ts)
            for name, value in newest.values.items()
            if name not in hidden
        },
        life={fault: life for fault, life in lives.items() if life is not None},
    )


@router.get("/{device_id}/events", responses=problems(not_found="There is no such device"))
def list_events(
    services: Services,
    visitor: Known,
    sites: SeesFleet,
    device_id: DeviceId,
    query: Annotated[EventQuery, Query()],
) -> ListOf[ToldItem]:
    """List what a device told of on its event topic, the newest first."""
    with services.desk.transaction() as session:
        device = device_of(session, device_id, sites)
        page = find_events(session, device_id, query.asked_of(device_id))
    seen = Sight(services, visitor).events(device, page.rows)
    return ListOf(items=[ToldItem.model_validate(one) for one in seen], next_cursor=page.next_cursor)
