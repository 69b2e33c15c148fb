"""Maintenance and inspections in the API: what may be asked, and what is answered."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.params import Paged, Params, SearchText, TimeMs
from api.schemas import Names, Reason, Schema, Time
from desk.inspections.desk import LONGEST_REMARK
from fleet.service import InspectionLevel
from fleet.upkeep import DueBy

DueSort = Literal["due_at", "-due_at"]


class MaintenanceQuery(Paged):
    """Which maintenance, and in which order; what is overdue comes first."""

    sort: DueSort = "due_at"
    site: SearchText | None = None
    device: SearchText | None = None
    plan: SearchText | None = None
    overdue: bool = Field(False, description="Only what should have been done by now")
    before: TimeMs | None = Field(None, description="Only what is due before that time")


class MaintenanceItem(Schema):
    """A plan of a device: when it is due, and by what.

    `due_at` is null while nobody can say (a plan by use, of a device whose hours are not known
    yet). `ticket_id` is that of the open ticket.
    """

    device_id: str = Field(examples=["R0042"])
    site: str
    plan: str = Field(examples=["quarter"])
    name: Names
    due_at: Time | None
    overdue: bool
    by: DueBy
    hours: float | None = Field(description="Hours of use, as far as known", examples=[812.5])
    minutes: int | None
    self_help: Names | None = Field(description="What the customer can do of it alone")
    ticket_id: int | None


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SkipAsked(_Request):
    """Why maintenance is left out this time."""

    reason: Reason


class InspectionQuery(Paged):
    """Which inspections, and in which order."""

    sort: DueSort = "due_at"
    level: InspectionLevel | None = None
    site: SearchText | None = None
    engineer: SearchText | None = Field(None, description="Id of the person whose work it is")
    ticket: int | None = Field(None, ge=1, lt=2**63)
    open: bool | None = Field(None, description="Only those that are still to be done; false: only done ones")
    overdue: bool = Field(False, description="Only those that should have been done by now")


class InspectedItem(Schema):
    """One thing that is looked at, what it counts, and whether it was in order (null: not done yet)."""

    id: str
    name: Names
    points: int
    ok: bool | None


class InspectionItem(Schema):
    """An inspection of a finished case; `score` is the share of the points, 0 to 100."""

    id: int
    ticket_id: int
    level: InspectionLevel
    site: str
    device_id: str
    engineer: str
    engineer_name: str
    chosen_at: Time
    due_at: Time
    overdue: bool
    done_at: Time | None
    by_name: str
    score: int | None
    remark: str
    items: list[InspectedItem]


class InspectionAsked(_Request):
    """What was found: the ids of the items that are in order, and a remark."""

    items: list[SearchText] = Field(max_length=50, examples=[["leader.diagnosis", "leader.parts"]])
    remark: Annotated[str, Field(max_length=LONGEST_REMARK, pattern=r"^[^\x00]*$")] = ""


class ScoresQuery(Params):
    """From when to when inspections were done; the last 30 days, unless given."""

    since: TimeMs | None = None
    until: TimeMs | None = None


class ScoreItem(Schema):
    """How others judged an engineer's work: how many inspections, and their mean score."""

    engineer: str
    name: str
    inspections: int
    mean: float
