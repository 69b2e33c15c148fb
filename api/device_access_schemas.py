"""The shapes of the API's answers and requests about devices' credentials."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import Schema, Time
from fleet.device_doors import CERTIFICATE_DAYS, CredentialKind, Wanted
from fleet.signals import Kind

_Id = Annotated[str, Field(min_length=1, max_length=64, examples=["R1042"])]
_Site = Annotated[str, Field(min_length=1, max_length=64, examples=["pudong"])]
_Serial = Annotated[str, Field(max_length=64, examples=["SW-24-0001042"])]
_Reason = Annotated[str, Field(min_length=1, max_length=2000, examples=["stolen from the lobby"])]
_Request = Annotated[str, Field(max_length=8192, description="A certificate signing request in PEM")]
_MOST_AT_ONCE = 5_000


class CredentialRequest(BaseModel):
    """Which credential is wanted: a password, or a certificate for so many days."""

    model_config = ConfigDict(extra="forbid")

    credential: CredentialKind = CredentialKind.PASSWORD
    days: int = Field(CERTIFICATE_DAYS, ge=1, le=825)
    request: _Request = ""
    keep_days: int = Field(0, ge=0, le=825, description="So long a certificate before goes on")

    def wanted(self) -> Wanted:
        """Return it as the devices' doors take it."""
        return Wanted(self.credential, self.days, self.request, self.keep_days)


class NewDeviceRequest(BaseModel):
    """A device that is to be registered."""

    model_config = ConfigDict(extra="forbid")

    id: _Id
    site: _Site
    kind: Kind = Kind.ROBOT
    model: str = Field("", max_length=64, examples=["CR-200"])
    serial: _Serial = ""
    topics: list[Annotated[str, Field(max_length=200)]] = Field(
        [], max_length=8, description="Topics of its dialect, with its id as a level"
    )


class DeviceRequest(NewDeviceRequest, CredentialRequest):
    """A device that is to be registered, and the credential that it is to have."""


class DevicesRequest(CredentialRequest):
    """Devices that are to be registered, each with a credential of the same kind."""

    devices: list[NewDeviceRequest] = Field(min_length=1, max_length=_MOST_AT_ONCE)


class RevokeRequest(BaseModel):
    """Why a device is put out."""

    model_config = ConfigDict(extra="forbid")

    reason: _Reason


class MoveRequest(BaseModel):
    """Where a device works from now on, and why."""

    model_config = ConfigDict(extra="forbid")

    site: _Site
    reason: _Reason


class ReplaceRequest(CredentialRequest):
    """The device that takes another's place."""

    serial: _Serial
    reason: _Reason


class ClaimRequest(CredentialRequest):
    """What is on a device's label, and where it is to be; its id is its serial number unless given."""

    serial: Annotated[str, Field(min_length=1, max_length=64)]
    code: Annotated[str, Field(min_length=1, max_length=64, examples=["7QKXM-4D2PA-93TFB-HZ6WE"])]
    id: Annotated[str, Field(max_length=64)] = ""
    site: _Site


class HandedItem(Schema):
    """What is to be put into a device; it is shown this once. `key` is empty where the device has its own."""

    model_config = ConfigDict(from_attributes=True)

    device_id: str
    kind: CredentialKind
    password: str
    certificate: str
    key: str
    authority: str
    ends: Time | None


class CredentialItem(Schema):
    """A device's credential. `known_at` is when the broker was told of it, or of its end; null: not yet."""

    model_config = ConfigDict(from_attributes=True)

    kind: CredentialKind
    made_by: str
    made_at: Time
    ends: Time | None
    revoked_at: Time | None
    topics: list[str]
    serial: str
    known_at: Time | None
