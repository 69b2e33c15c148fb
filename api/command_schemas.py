"""The shapes of the API's answers and requests about commands to devices."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.params import FaultCode, SearchText
from api.schemas import Reason, Schema, Time, Who
from fleet.commands import (
    COMMANDS,
    EXPIRES_AT_LEAST_MS,
    EXPIRES_AT_MOST_MS,
    MOST_AT_ONCE,
    Command,
    CommandState,
    ReplyState,
)
from fleet.condition import Stands
from fleet.signals import Kind

Name = Annotated[str, Field(max_length=32, examples=["dock"], description=f"One of {', '.join(COMMANDS)}")]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    command: Name
    params: dict[str, Any] = Field(
        default_factory=dict,
        examples=[{}],
        description="`set_parameter`: name, value; `offer_firmware`: version, url, sha256, size; else none",
    )
    reason: Reason = Field(examples=["it blocks the entrance"])
    expires_in_s: int | None = Field(
        None,
        ge=EXPIRES_AT_LEAST_MS // 1000,
        le=EXPIRES_AT_MOST_MS // 1000,
        examples=[600],
        description="So long it waits for a device that is away; null: as the command has it",
    )
    who: Who | None = Field(None, examples=["li.wei"])

    @property
    def expires_in_ms(self) -> int | None:
        """How long it waits, in milliseconds."""
        return None if self.expires_in_s is None else self.expires_in_s * 1000


class CommandOrder(_Order):
    """A command for one device."""


class Which(BaseModel):
    """Which devices, as the list of devices filters them; something must be said."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind | None = Field(None, examples=["robot"])
    site: SearchText | None = Field(None, examples=["pudong"])
    model: SearchText | None = Field(None, examples=[None])
    status: Literal["online", "offline", "unknown"] | None = Field(None, examples=[None])
    stands: Stands | None = Field(None, examples=[None])
    fault: FaultCode | None = Field(None, examples=[None])
    at_risk: float | None = Field(None, ge=0, le=1, examples=[None])
    q: SearchText | None = Field(None, examples=[None])

    @model_validator(mode="after")
    def _says_something(self) -> "Which":
        if not self.model_dump(exclude_none=True):
            raise ValueError("say which devices; a filter that says nothing would be all of them")
        return self


class BulkOrder(_Order):
    """A command for many devices: those named, or those that a filter finds."""

    device_ids: list[Annotated[str, Field(min_length=1, max_length=64)]] | None = Field(
        None, min_length=1, max_length=MOST_AT_ONCE, examples=[["R0042"]]
    )
    filter: Which | None = Field(None, examples=[None])

    @model_validator(mode="after")
    def _said_once(self) -> "BulkOrder":
        if (self.device_ids is None) == (self.filter is None):
            raise ValueError("give device_ids or filter, one of the two")
        return self


class Cancellation(BaseModel):
    """A request to take a command back that was not sent yet."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(examples=["it stopped by itself"])
    who: Who | None = Field(None, examples=["li.wei"])


class CommandItem(Schema):
    """A command and how far it is.

    `reason` is what the device answered, or why it ended otherwise; `late_state` what it answered after the
    time was out, which changes nothing.
    """

    id: str
    device_id: str
    command: str = Field(examples=["dock"])
    params: dict[str, Any]
    state: CommandState
    who: str = Field(examples=["Li Wei"])
    why: str
    ordered_at: Time
    expires_at: Time
    sent_at: Time | None
    received_at: Time | None
    ended_at: Time | None
    reason: str | None
    late_state: ReplyState | None
    late_at: Time | None


class OrderedItem(Schema):
    """A command that was ordered."""

    device_id: str
    id: str


class RefusedItem(Schema):
    """A device for which nothing was ordered, and why."""

    device_id: str
    reason: str


class BulkOrdered(Schema):
    """What became of a command for many devices."""

    ordered: int
    refused: int
    commands: list[OrderedItem]
    refusals: list[RefusedItem]


def command_item(command: Command) -> CommandItem:
    """Return a command as the API shows it."""
    names = set(CommandItem.model_fields) - {"who", "params"}
    shown = {name: getattr(command, name) for name in names}
    return CommandItem(**shown, who=command.by.name, params=shown_params(command))


def shown_params(command: Command) -> dict[str, Any]:
    """Return a command's parameters without what opens an address: whoever sees a device sees these."""
    url = command.params.get("url")
    if not isinstance(url, str):
        return command.params
    parts = urlsplit(url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return {**command.params, "url": bare}
