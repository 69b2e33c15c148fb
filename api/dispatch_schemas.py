"""Shapes of dispatch: who goes to a case, who could, what its customer was told, and plans of days."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.params import Day, Params, PersonName, ZonedMs
from api.schemas import Schema, Time
from desk.dispatch.on_the_spot import Hindered, There
from fleet.assignments import LONGEST_REMARK, AppointmentState, AssignmentState, Rather
from fleet.proposals import Cause

_ID = Field(min_length=1, max_length=64)
_MOST_MIN = 24 * 60


class AssignmentItem(Schema):
    """One engineer at one case."""

    id: int
    ticket_id: int
    engineer: str
    begins: Time = Field(description="When they set out")
    arrives: Time
    ends: Time
    state: AssignmentState
    held: bool = Field(description="A manager decided it: no plan moves it")
    helps: bool = Field(description="Another engineer leads there")
    why: dict[str, Any] = Field(description="Why this one: what spoke for and against, or the plan's reason")
    made_at: Time
    made_by: str
    reason: str


class AppointmentItem(Schema):
    """The window that a customer was told, and what they said to it."""

    begins: Time
    ends: Time
    told_at: Time
    times: int = Field(description="How often a window was told")
    state: AppointmentState
    rather: list[Rather]
    remark: str
    answered_at: Time | None = None
    by: str


class VisitOfCase(Schema):
    """Who goes to a case, and what its customer was told."""

    assignments: list[AssignmentItem]
    appointment: AppointmentItem | None = None


class PointItem(Schema):
    """One thing that speaks for or against an engineer; `amount` is in ms or metres, by what it is."""

    what: str
    about: list[str]
    amount: int


class CandidateItem(Schema):
    """An engineer who could go to a case; times are null where they have none in the next days."""

    engineer: str
    able: bool
    begins: Time | None = None
    arrives: Time | None = None
    ends: Time | None = None
    travel_ms: int
    metres: int
    extra_ms: int = Field(description="What the way of their day grows by")
    points: list[PointItem]


class SuggestionItem(Schema):
    """Who could go to a case, the best first; `unplanned` names why nobody should for now, else empty."""

    ticket_id: int
    candidates: list[CandidateItem]
    unplanned: str


class AssignAsked(BaseModel):
    """Who is to go to a case when; a reason where something speaks against it."""

    model_config = ConfigDict(extra="forbid")

    engineer: str = _ID
    arrives: ZonedMs
    travel_min: int = Field(0, ge=0, le=_MOST_MIN)
    helpers: list[str] = Field([], max_length=1)
    held: bool = Field(False, description="No plan moves it")
    tell: bool = Field(False, description="Tell the customer of the window, where they do not know it")
    reason: str = Field("", max_length=500)


class ReasonAsked(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


class HoldAsked(ReasonAsked):
    """Whether plans leave an assignment alone, and why."""

    held: bool


class AppointmentAnswer(BaseModel):
    """What staff was told by the customer of a window."""

    model_config = ConfigDict(extra="forbid")

    answer: AppointmentState
    rather: list[Rather] = Field([], max_length=len(Rather))
    remark: str = Field("", max_length=LONGEST_REMARK)
    who: PersonName | None = None


class OfferItem(Schema):
    """What could be done in the same visit: a case, or (`ticket_id` 0) a device at risk, or maintenance."""

    ticket_id: int
    device_id: str
    fault: str
    what: There
    work_ms: int
    until: Time = Field(description="When the visit would be over with it")
    parts: dict[str, int]
    risk: float
    plan: str = Field(description="Which maintenance falls due soon and has no ticket yet; else empty")
    due_at: Time | None = None
    hindered: Hindered | None = None
    about: list[str] = Field(description="Which parts or skills are missing")


class TakenOver(BaseModel):
    """Which of the offers: a case, or a device without one (with its `plan` where it is maintenance)."""

    model_config = ConfigDict(extra="forbid")

    ticket_id: int = Field(0, ge=0, lt=2**63)
    device_id: str = Field("", max_length=64)
    plan: str = Field("", max_length=64)


class AbsenceItem(Schema):
    """When an engineer is away; `ended_at` is when they came back before its time."""

    id: int
    engineer: str
    begins: Time
    ends: Time
    made_at: Time
    made_by: str
    ended_at: Time | None = None


class AbsenceAsked(BaseModel):
    """When an engineer is away."""

    model_config = ConfigDict(extra="forbid")

    begins: ZonedMs
    ends: ZonedMs


class ChangeItem(Schema):
    """What a plan changes at one case; `engineer` is null where nobody goes any more."""

    ticket_id: int
    was: str
    engineer: str | None = None
    arrives: Time
    travel_ms: int
    helpers: list[str]
    late_ms: int
    why: dict[str, Any]


class LeftItem(Schema):
    """A case in nobody's day, why, and what would make it possible."""

    ticket_id: int
    why: str
    remedy: str
    about: list[str]
    engineer: str
    missing_ms: int | None = None


class TroubleItem(Schema):
    """What changed, so that the schedule planned anew."""

    cause: Cause
    ticket_id: int
    engineer: str


class ProposalItem(Schema):
    """A plan of one day as it was proposed, and what became of it."""

    id: int
    day: date
    made_at: Time
    made_by: str
    planner: str
    cpu_s: float
    stops: int
    travel_ms: int
    changes: list[ChangeItem]
    left: list[LeftItem]
    applied_at: Time | None = None
    applied_by: str
    refused: dict[int, str]
    causes: list[TroubleItem] = Field(description="Why the schedule planned anew; none where a person did")
    region: str


class DayQuery(Params):
    """Which day, by the clock of the house; today where none is given."""

    day: Day | None = None


class PlanAsked(BaseModel):
    """Which day is to be planned; today where none is given."""

    model_config = ConfigDict(extra="forbid")

    day: Day | None = None
    seed: int = Field(0, ge=0, le=2**31)
    region: str = Field("", max_length=64, description="Of this region alone")


class ApplyAsked(BaseModel):
    """How a plan is applied."""

    model_config = ConfigDict(extra="forbid")

    tell: bool = Field(False, description="Tell customers of their windows, where they do not know them")
