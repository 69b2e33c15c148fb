"""The shapes of files, requests and dossiers in the API."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.params import FaultCode, Paged, Params, SearchText
from api.schemas import Names, Schema, Time
from fleet.alerts import AlertState
from fleet.case_files import FileKind
from fleet.faults import Level
from fleet.requests import (
    LONGEST_CONTACT,
    LONGEST_WHO,
    LONGEST_WORDS,
    Channel,
    RequestState,
    Suits,
)
from fleet.signals import Kind


class Asking(BaseModel):
    """Base of what is sent: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


class CaseFileItem(Schema):
    """A file of a case: checked, and written anew. `sha256` and `size` are those of what is kept."""

    id: int
    name: str = Field(examples=["lobby.jpg"])
    kind: FileKind
    media_type: str = Field(examples=["image/jpeg"])
    size: int
    sha256: str
    at: Time
    by: str
    has_thumbnail: bool


class ProposalItem(Schema):
    """A fault that somebody may mean by their words; a person chooses."""

    fault: str = Field(examples=["brush_jam"])
    score: float = Field(examples=[0.82])


class ReportPost(Asking):
    """What another system reports. `device` is an id or a serial number; without it `site` is needed."""

    words: str = Field(min_length=1, max_length=LONGEST_WORDS, examples=["it does not charge any more"])
    device: SearchText | None = Field(None, examples=["R0042"])
    site: SearchText | None = Field(None, examples=["hongqiao"])
    fault: FaultCode | None = Field(None, description="Where somebody chose it; left out it is unclear")
    who: str = Field("", max_length=LONGEST_WHO)
    contact: str = Field("", max_length=LONGEST_CONTACT)
    language: Literal["en", "zh"] = "en"
    suits: list[Suits] = Field([], max_length=len(Suits))
    suits_on: str | None = Field(None, max_length=10, examples=["2026-11-30"])


class RequestItem(Schema):
    """A request; `proposals` are what its words may mean."""

    id: int
    at: Time
    state: RequestState
    channel: Channel
    words: str
    who: str
    contact: str
    language: str
    site: str | None
    device_id: str | None
    fault: str | None
    suits: list[Suits]
    suits_on: str | None
    ticket_id: int | None
    reason: str
    proposals: list[ProposalItem]


class DoubleItem(Schema):
    """A case or a request that may be about the same."""

    ticket_id: int | None
    request_id: int | None
    device_id: str | None
    fault: str | None


class RequestDetail(RequestItem):
    """A request with its files, and what it may be about again."""

    files: list[CaseFileItem]
    doubles: list[DoubleItem]


class RequestQuery(Paged):
    """Which requests; the newest first."""

    state: RequestState | None = None
    sort: Literal["-id", "id"] = "-id"


class PlaceRequest(Asking):
    """About which device a request is."""

    device_id: SearchText
    fault: FaultCode | None = None


class NameFault(Asking):
    """What is wrong, where the request did not say it."""

    fault: FaultCode


class Dismissal(Asking):
    """Why a request asks for nothing."""

    reason: str = Field(max_length=1000)


class MailTaken(Schema):
    """What became of a message: a request, or why none; and which files were not taken."""

    request_id: int | None
    ticket_id: int | None
    ignored: str | None
    refused: list[str]


class SymptomQuery(Params):
    """Words to look for."""

    words: str = Field(min_length=1, max_length=LONGEST_WORDS)
    kind: Kind | None = None


class ReportLinkMade(Schema):
    """The address by which a device or a site is reported without a sign-in; shown this once."""

    path: str = Field(examples=["/r/4nC2…"])
    device_id: str | None
    site: str


class LinksEnded(Schema):
    """How many links were ended."""

    ended: int


class FactItem(Schema):
    """What another part of the desk knows."""

    name: Names
    value: Names
    until: Time | None
    over: bool


class PastRepairItem(Schema):
    """A repair that was confirmed."""

    ticket_id: int
    opened_at: Time
    solved_at: Time | None
    faults: list[str]
    parts: list[str]


class DossierRisk(Schema):
    """A newest risk."""

    fault: str
    risk: float
    at: Time


class DossierAlert(Schema):
    """An alert that is open."""

    id: str
    fault: str
    level: Level
    state: AlertState
    since: Time


class DossierItem(Schema):
    """What is known of a device at once."""

    device_id: str
    kind: Kind
    site: str
    model: str
    firmware: str | None
    serial: str | None
    commissioned: str | None
    registered_at: Time
    last_seen: Time | None
    open_case: int | None
    risks: list[DossierRisk]
    alerts: list[DossierAlert]
    repairs: list[PastRepairItem]
    facts: list[FactItem]
