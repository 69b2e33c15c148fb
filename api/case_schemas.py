"""What is said and shown about cases beside their state: comments, owners, links, checklists, complaints."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.params import SearchText
from api.schemas import Reason, Schema, Time
from desk.tickets.conversation import LONGEST_COMMENT, Audience
from fleet.complaints import ComplaintClass
from fleet.sla import Milestone
from fleet.tickets import TicketLink, TicketState

Routine = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$", description="May be left out")]
Whole = Annotated[str, Field(min_length=1, max_length=LONGEST_COMMENT, pattern=r"^[^\x00]*\S[^\x00]*$")]
Number = Annotated[int, Field(ge=1, lt=2**63)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CommentAsked(_Request):
    """A comment on a case; `customer`: the customer may read it too."""

    text: Whole = Field(examples=["The hall is closed on Friday afternoon"])
    audience: Audience = Audience.INTERNAL


class OwnerAsked(_Request):
    """Who is to answer for a case; a reason is due where somebody else did before."""

    person: Number
    reason: Routine = ""


class LinkAsked(_Request):
    """A case that another belongs together with."""

    other: Number
    kind: TicketLink = TicketLink.RELATED


class MergeAsked(_Request):
    """The case that takes over what this one holds, and why."""

    into: Number
    reason: Reason


class SplitAsked(_Request):
    """What people reported of another robot: its faults, and that robot."""

    faults: list[SearchText] = Field(min_length=1, max_length=32)
    device_id: SearchText
    reason: Reason


class CheckAsked(_Request):
    """How an item of the checklist is left."""

    done: bool = True
    note: Routine = ""


class CauseAsked(_Request):
    """Why a milestone was late: one of the list of causes."""

    cause: SearchText = Field(examples=["no_part"])
    note: Routine = ""


class BulkAsked(_Request):
    """A change of many cases; each is tried by itself."""

    ids: list[Number] = Field(min_length=1, max_length=200)
    state: TicketState
    reason: Routine = ""

    @field_validator("ids")
    @classmethod
    def _each_once(cls, ids: list[int]) -> list[int]:
        return list(dict.fromkeys(ids))


class BulkOutcome(Schema):
    """What became of one of many: its state, or why it was refused."""

    id: int
    state: TicketState | None
    refused: str | None


class BulkOutcomes(Schema):
    """What became of many."""

    items: list[BulkOutcome]


class LinkItem(Schema):
    """A case that another belongs together with."""

    id: int
    kind: TicketLink
    state: TicketState
    fault: str
    site: str


class Words(Schema):
    """A text in both languages."""

    en: str
    zh: str


class CheckItem(Schema):
    """An item of a checklist; `at` is null until somebody touched it."""

    id: str
    text: Words
    done: bool
    note: str
    at: Time | None
    by: str | None


class LateItem(Schema):
    """A milestone that is late or was reached late, and why; null until somebody says so."""

    milestone: Milestone
    cause: str | None
    note: str
    by: str | None


class CaseWorkItem(Schema):
    """What was done about a case beside its states; `late_causes` are those to choose from."""

    owner: int | None
    owner_name: str | None
    links: list[LinkItem]
    checklist: list[CheckItem]
    late: list[LateItem]
    late_causes: dict[str, Words]


class ComplaintAsked(_Request):
    """A complaint: about a device, or about a site."""

    words: Whole = Field(examples=["Nobody came on Monday, and nobody called"])
    of_class: ComplaintClass = Field(ComplaintClass.EXPERIENCE, alias="class")
    device_id: SearchText | None = None
    site: SearchText | None = Field(None, description="Where it is about no device")
    customer: Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")] = ""
    contact: Annotated[str, Field(max_length=255, pattern=r"^[^\x00]*$")] = ""
    about: Number | None = Field(None, description="The ticket that it complains of")
    loss: bool = Field(False, description="Somebody lost money or was hurt: it is a major one")


class ClassAsked(_Request):
    """Another class of a complaint, and why."""

    of_class: ComplaintClass = Field(alias="class")
    reason: Reason


class PlanAsked(_Request):
    """The written plan of a complaint."""

    plan: Whole


class ArrivalAsked(_Request):
    """Somebody is on the spot."""

    reason: Routine = ""
