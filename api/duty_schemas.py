"""The shapes of the API's answers and requests about on-call duty."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from api.params import Params, TimeMs, ZonedMs
from api.schemas import Reason, Schema, Time
from fleet.clock import DAY_MS
from notify.duty.plan import LONGEST
from notify.duty.rotation import Why

LONGEST_CALENDAR_MS = 93 * DAY_MS
PlanText = Annotated[
    str, Field(max_length=LONGEST, description="The whole plan (YAML)", examples=["schedules: []"])
]
ScheduleName = Annotated[str, Field(min_length=1, max_length=64, examples=["night"])]


class DutyPerson(Schema):
    """Somebody of the plan."""

    id: int
    name: str = Field(examples=["Li Wei"])


class HeldItem(Schema):
    """Who is on call, null: nobody; `missing` is whose turn it would be and who may not sign in any more."""

    person: DutyPerson | None
    why: Why
    by: str = Field(description="The layer of the schedule, or the number of the override")
    missing: DutyPerson | None


class NowItem(HeldItem):
    """Who is on call in a schedule at a moment."""

    schedule: ScheduleName
    zone: str = Field(examples=["Europe/Berlin"])
    until: Time | None = Field(description="When that changes; null: not in sight")
    back: Time | None = Field(description="Where nobody is on call, since when somebody is")


class SpanItem(HeldItem):
    """Who is on call from one time to another."""

    begins: Time
    ends: Time


class CalendarItem(Schema):
    """Who is on call in a schedule over a time, without a hole; gaps have no person."""

    schedule: ScheduleName
    zone: str
    spans: list[SpanItem]


class OverrideItem(Schema):
    """Hours of a schedule that somebody takes, null: nobody; `ended_at` is when they were given back."""

    id: int
    schedule: ScheduleName
    person: DutyPerson | None
    begins: Time
    ends: Time
    made_at: Time
    made_by: str
    why: str
    ended_at: Time | None


class OverrideRequest(BaseModel):
    """Hours of a schedule for somebody, by e-mail address; null: nobody is on call."""

    model_config = ConfigDict(extra="forbid")

    schedule: ScheduleName
    person: Annotated[str, Field(min_length=3, max_length=254)] | None = Field(
        examples=["li.wei@example.org"]
    )
    begins: ZonedMs = Field(description="What is past stays as it was: now at the earliest")
    ends: ZonedMs
    reason: Reason = Field(examples=["swapped with Bo"])


class WhyRequest(BaseModel):
    """Why something is done."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class PlanItem(Schema):
    """A version of the plan; number 0 and no text before the first."""

    number: int
    text: str
    made_at: Time | None
    made_by: str | None
    why: str | None


class VersionItem(Schema):
    """A version of the plan, without its text."""

    number: int
    made_at: Time
    made_by: str
    why: str


class PlanCheck(BaseModel):
    """A plan to be looked at."""

    model_config = ConfigDict(extra="forbid")

    text: PlanText


class PlanRequest(PlanCheck):
    """A plan to be put in force in place of version `after`."""

    after: int = Field(ge=0, lt=2**31, description="The version that was read; 0: there is none")
    reason: Reason


class CheckedPlan(Schema):
    """Whether a plan can be used; each mistake names its line."""

    usable: bool
    mistakes: list[str]


class NowQuery(Params):
    """Which moment."""

    at: TimeMs | None = Field(None, description="[default: now]")


class CalendarQuery(Params):
    """From when to when; 93 days at most."""

    begins: TimeMs | None = Field(None, alias="from", description="[default: now]")
    ends: TimeMs | None = Field(None, alias="to", description="[default: 14 days later]")
