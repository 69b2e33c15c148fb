"""The shapes of the API's answers and requests about firmware and its roll-outs."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.params import Paged, SearchText
from api.schemas import Names, Schema, Time
from fleet.rollouts import OfferState, RolloutState

Version = Annotated[str, Field(min_length=1, max_length=64, examples=["1.5.0"])]
Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S", description="Why")]


class VersionItem(Schema):
    """A version of a model and how many devices have it; null: they did not say."""

    version: str | None
    devices: int


class ModelFirmware(Schema):
    """What the devices of a model run."""

    model: str
    devices: int
    versions: list[VersionItem]


class Image(Schema):
    """A firmware image: Sweepwatch keeps where it is and what it is, not the image."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    version: Version
    url: str = Field(max_length=2100, examples=["https://firmware.example.org/cr-200/1.5.0.bin"])
    sha256: str = Field(max_length=64, description="Hex", examples=["9f86d081…"])
    size: int = Field(description="Bytes", examples=[18_350_080])


class StageAsked(Schema):
    """A stage: up to which share of the devices, and for how many hours it soaks."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    share: float = Field(gt=0, le=1, allow_inf_nan=False, examples=[0.01])
    soak_h: float = Field(72, ge=1, le=720, allow_inf_nan=False)


class RolloutRequest(BaseModel):
    """A roll-out that is asked for; nothing is offered before it is started."""

    model_config = ConfigDict(extra="forbid")

    firmware: Image
    model: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$", examples=["CR-200"])]
    sites: list[SearchText] | None = Field(
        None, min_length=1, max_length=1000, description="Only there; null: at every site that you manage"
    )
    region: str = Field("", max_length=64, pattern=r"^[^\x00]*$", description="Only at the sites of a region")
    older_than: Version | None = Field(None, description="Only devices whose version is below this one")
    stages: list[StageAsked] | None = Field(None, min_length=1, max_length=10, description="null: the usual")
    by_hand: bool = Field(default=False, description="Whether somebody begins each stage")
    seed: int | None = Field(None, ge=0, lt=2**31, description="Of the draw; null: a random one")


class ActionRequest(BaseModel):
    """Why something is done to a roll-out."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class RollBackRequest(ActionRequest):
    """Why a roll-out is rolled back, and to which firmware; null: to the one that all of them had."""

    to: Image | None = None


class StageItem(StageAsked):
    """A stage, how many devices it adds, how far they are, and what it can see."""

    devices: int
    by_state: dict[OfferState, int]
    sees: Names


class RolloutItem(Schema):
    """A roll-out. `stage` counts from 1, 0 before the start; `sites` null: every one."""

    id: int
    firmware: Image
    model: str
    sites: list[str] | None
    region: str
    older_than: str | None
    state: RolloutState
    stage: int
    stages: list[StageAsked]
    by_hand: bool
    made_by: str
    made_at: Time
    started_at: Time | None
    stage_at: Time | None
    reason: str
    back_to: Image | None


class RolloutEvent(Schema):
    """Something that happened to a roll-out."""

    at: Time
    what: str
    who: str
    before: str | None
    after: str | None
    reason: str


class RolloutDetail(RolloutItem):
    """A roll-out with its cohorts, what the newest look saw, and its history.

    `evidence` has for each rate what the devices with the new firmware and the others did, the statistic of
    the test and the bound at which it stops; `verdict` says it in words. `allowed` is what can be asked now.
    """

    cohorts: list[StageItem]
    on: list[VersionItem]
    evidence: dict[str, Any]
    verdict: Names
    false_stops: float
    allowed: list[str]
    events: list[RolloutEvent]


class RolloutDeviceItem(Schema):
    """A device of a roll-out: its stage (from 1), how far it is, and which version it had."""

    device_id: str
    site: str
    stage: int
    state: OfferState
    before: str | None
    offered_at: Time | None
    installed_at: Time | None
    detail: str


class RolloutDeviceQuery(Paged):
    """The parameters of the list of a roll-out's devices."""

    state: OfferState | None = None
    sort: str = Field("place", pattern=r"^-?place$", description="`place`: in the order of their turns")
