"""The shapes of notices and destinations; times are RFC 3339 in UTC."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.schemas import Schema, Time
from fleet.notices import ChannelKind, Proof
from fleet.outbox import NoticeState
from fleet.people import Scope

_Part = Annotated[str, StringConstraints(max_length=1024)]


class NoticeItem(Schema):
    """One thing told to one recipient by one destination, and how far it is proven to have come."""

    id: int
    key: str = Field(description="Goes with the message, the same at each try")
    event: int = Field(description="The event of the log that it follows from")
    subject: str
    subject_id: str
    site: str | None
    recipient: str = Field(examples=["person:3"], description="Whom: a person, a group or a schedule")
    to: str = Field(description="The recipient's name and destination, without secrets")
    occasion: str = Field(description="Why it was told; `test` for a test of the destination")
    state: NoticeState
    reason: str = Field(description="The named reason of its last stage")
    proof: Proof
    due_at: Time
    written_at: Time
    handed_at: Time | None
    accepted_at: Time | None
    opened_at: Time | None
    acknowledged_at: Time | None
    tries: int
    trouble: str | None
    reference: str = Field(description="The provider's own number of it")


class DestinationItem(Schema):
    """Where notices go; its address is never shown whole."""

    id: int
    person_id: int | None
    name: str
    channel: ChannelKind
    shown: str
    position: int
    scope: Scope
    place: str
    made_at: Time
    proved_at: Time | None
    tested_at: Time | None
    trouble: str | None
    ended_at: Time | None = Field(description="Since when nobody is there any more; nothing goes there then")


class DestinationRequest(BaseModel):
    """A new destination: of a group, or of one person."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    channel: ChannelKind
    address: dict[Annotated[str, StringConstraints(max_length=32)], _Part] = Field(
        max_length=16, description="By channel, such as `email` for mail; docs/notices.md lists them"
    )
    person_id: int | None = None
    scope: Scope = Scope.ALL
    place: str = Field("", max_length=64)


class WishesBody(Schema):
    """How somebody wants to be told; times of day are minutes after midnight in `zone`."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    language: Literal["en", "zh"] = "en"
    zone: str = Field("UTC", max_length=64)
    quiet_from: int = Field(0, ge=0, le=1439)
    quiet_to: int = Field(0, ge=0, le=1439)
    digest_at: int | None = Field(None, ge=0, le=1439)


class TestMade(Schema):
    """The notice with which a destination is tested."""

    notice: int
