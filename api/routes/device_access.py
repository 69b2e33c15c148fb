"""Devices' credentials at the broker: made, rotated and revoked; devices moved, replaced and claimed.

What is handed out is in the answer, and nowhere else: asked twice, the second is a conflict.
"""

from fastapi import APIRouter

from access.devices.claims import Claims
from api.device_access_schemas import (
    ClaimRequest,
    CredentialItem,
    CredentialRequest,
    DeviceRequest,
    DevicesRequest,
    HandedItem,
    MoveRequest,
    NewDeviceRequest,
    ReplaceRequest,
    RevokeRequest,
)
from api.doors import Acting, AdmitsDevices
from api.routes.common import DeviceId, Nothing, problems
from api.schemas import ListOf
from api.services import Services
from fleet.device_doors import Credential, Handed, NewDevice
from storage.records.device_credentials import credentials_of
from storage.records.device_lists import device_of

router = APIRouter(prefix="/api/v1/devices", tags=["devices' access"])
claims = APIRouter(prefix="/api/v1/claims", tags=["devices' access"])
_NEW = problems(body="The body cannot be read", conflict="It has a credential, or is another device")
_CLAIM = problems(body="The body cannot be read", not_found="No device has this serial number and code")
_CHANGE = problems(
    body="The body cannot be read", not_found="There is no such device", conflict="It cannot be done now"
)


@router.post("", status_code=201, responses=_NEW)
def add_device(
    services: Services, sites: AdmitsDevices, principal: Acting, asked: DeviceRequest, _: Nothing
) -> HandedItem:
    """Register a device with a credential of its own, which is in the answer, and nowhere else."""
    [handed] = services.devices.add([_new(asked)], asked.wanted(), principal, sites)
    return _handed(handed)


@router.post("/import", status_code=201, responses=_NEW)
def import_devices(
    services: Services, sites: AdmitsDevices, principal: Acting, asked: DevicesRequest, _: Nothing
) -> ListOf[HandedItem]:
    """Register many devices, all of them or none; of thousands a broker that runs knows in some seconds."""
    new = [_new(one) for one in asked.devices]
    handed = services.devices.add(new, asked.wanted(), principal, sites)
    return ListOf(items=[_handed(one) for one in handed])


@router.get("/{device_id}/credentials", responses=problems(not_found="There is no such device"))
def list_credentials(
    services: Services, sites: AdmitsDevices, device_id: DeviceId, _: Nothing
) -> ListOf[CredentialItem]:
    """List a device's credentials, the newest first, without what is secret of them."""
    with services.desk.transaction() as session:
        device_of(session, device_id, sites)
        found = credentials_of(session, device_id)
    return ListOf(items=[_item(one) for one in found])


@router.post("/{device_id}/credentials", status_code=201, responses=_CHANGE)
def rotate_credential(
    services: Services,
    sites: AdmitsDevices,
    principal: Acting,
    device_id: DeviceId,
    asked: CredentialRequest,
    _: Nothing,
) -> HandedItem:
    """Give a device a new credential; the one that it has ends."""
    return _handed(services.devices.rotate(device_id, asked.wanted(), principal, sites))


@router.post("/{device_id}/credentials/revoke", responses=_CHANGE)
def revoke_credentials(
    services: Services,
    sites: AdmitsDevices,
    principal: Acting,
    device_id: DeviceId,
    asked: RevokeRequest,
    _: Nothing,
) -> ListOf[CredentialItem]:
    """Put a device out at the broker; where it is in, it is cut off. Returns its credentials."""
    services.devices.revoke([device_id], principal, asked.reason, sites)
    with services.desk.transaction() as session:
        return ListOf(items=[_item(one) for one in credentials_of(session, device_id)])


@router.post("/{device_id}/move", status_code=204, responses=_CHANGE)
def move_device(
    services: Services,
    sites: AdmitsDevices,
    principal: Acting,
    device_id: DeviceId,
    asked: MoveRequest,
    _: Nothing,
) -> None:
    """Let a device belong to another site; its history goes with it, and its topics change."""
    services.devices.move(device_id, asked.site, principal, asked.reason, sites)


@router.post("/{device_id}/replace", status_code=201, responses=_CHANGE)
def replace_device(
    services: Services,
    sites: AdmitsDevices,
    principal: Acting,
    device_id: DeviceId,
    asked: ReplaceRequest,
    _: Nothing,
) -> HandedItem:
    """Let another device go on under an id: a new life, with a credential of its own."""
    handed = services.devices.replace(device_id, asked.serial, asked.wanted(), principal, asked.reason, sites)
    return _handed(handed)


@claims.post(
    "",
    status_code=201,
    responses=problems(body="The body cannot be read", not_found="No such serial and code"),
)
def claim_device(
    services: Services, sites: AdmitsDevices, principal: Acting, asked: ClaimRequest, _: Nothing
) -> HandedItem:
    """Take a device with the serial number and the code on its label to a site."""
    claiming = Claims(services.desk, services.clock, services.devices)
    handed = claiming.claim(
        (asked.serial, asked.code), (asked.id, asked.site), asked.wanted(), principal, sites
    )
    return _handed(handed)


def _new(asked: NewDeviceRequest) -> NewDevice:
    return NewDevice(asked.id, asked.site, asked.kind, asked.model, asked.serial, tuple(asked.topics))


def _handed(handed: Handed) -> HandedItem:
    return HandedItem.model_validate(handed)


def _item(one: Credential) -> CredentialItem:
    return CredentialItem.model_validate(one)
