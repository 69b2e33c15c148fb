"""The shapes of what is asked and answered about care: notes, mutes, incidents. Times are RFC 3339 in UTC."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.params import EveryMs, Paged, Params, SearchText, TimeMs
from api.schemas import Reason, Schema, Time, Who, _Request
from fleet.alerts import AlertState
from fleet.care import GroupKind
from fleet.faults import Level


class Acknowledgement(_Request):
    """A request to acknowledge an alert or an incident; one that is acknowledged is extended."""

    reason: Reason = Field(examples=["engineer informed"])
    who: Who | None = Field(None, examples=["li.wei"])
    for_: EveryMs | None = Field(
        None, alias="for", examples=["4h"], description="For how long, 1m to 30d; else as its chain has it"
    )


class NoteAsked(_Request):
    """A note on an alert."""

    text: Annotated[
        str, Field(min_length=1, max_length=1000, pattern=r"\S", examples=["the seal is ordered"])
    ]
    who: Who | None = Field(None, examples=["li.wei"])


class NoteItem(Schema):
    """A note; `alert_id` is the alert on which it was taken, this one or an earlier one of the same fault."""

    id: int
    alert_id: int
    at: Time
    who: str = Field(examples=["li.wei"])
    text: str


class MatcherItem(_Request):
    """Which alerts: each part that is not empty must be the alert's."""

    site: SearchText | None = Field(None, examples=["pudong"])
    region: SearchText | None = None
    model: SearchText | None = None
    firmware: SearchText | None = None
    fault: SearchText | None = None
    rule: SearchText | None = None
    level: Level | None = None
    device: SearchText | None = None


class WeeklyItem(_Request):
    """Hours of the week by a zone's wall clock; an end that is not after its start is of the next day."""

    model_config = _Request.model_config | {"from_attributes": True}
    days: Annotated[list[int], Field(min_length=1, max_length=7, examples=[[5, 6]], description="0: Monday")]
    start: str = Field(max_length=8, examples=["22:00"])
    end: str = Field(max_length=8, examples=["06:00"])
    zone: str = Field(max_length=64, examples=["Asia/Shanghai"])


class MuteAsked(_Request):
    """A mute: from `start` (else now) to `end`, in the hours of `weekly`, or until what it hides is over."""

    matcher: MatcherItem
    reason: Reason = Field(examples=["the floor is rebuilt"])
    start: TimeMs | None = Field(None, examples=["2026-11-22T08:00:00Z"])
    end: TimeMs | None = Field(None, examples=["2026-11-22T16:00:00Z"])
    weekly: WeeklyItem | None = None
    until_resolved: bool = False
    who: Who | None = Field(None, examples=["li.wei"])


class MuteItem(Schema):
    """A mute; `holds` tells whether it holds now."""

    id: int
    matcher: dict[str, str] = Field(examples=[{"site": "pudong"}])
    start: Time
    end: Time | None
    weekly: WeeklyItem | None
    until_resolved: bool
    reason: str
    who: str
    created_at: Time
    holds: bool
    ended_at: Time | None
    ended_by: str | None


class MutePreview(Schema):
    """What a mute would hide: open alerts, and how often people were told of such in the last 7 days."""

    open: int = Field(examples=[12])
    alerts: list[int] = Field(description="At most 50 of them, the newest first")
    tellings_7d: int = Field(examples=[31])


class EndQuery(Params):
    """Why a mute is ended."""

    reason: str = Field("ended by hand", min_length=1, max_length=1000, pattern=r"\S")


class IncidentQuery(Paged):
    """Which incidents, the newest first."""

    show: Literal["open", "over", "all"] = "open"


class IncidentItem(Schema):
    """Many devices of one group with the same fault; `open` of its `members` still have it."""

    id: int
    group: GroupKind
    name: str = Field(examples=["pudong"], description="* for the whole fleet")
    fault: str = Field(examples=["comms_loss"])
    level: Level
    state: AlertState
    opened_at: Time
    closed_at: Time | None
    reason: str = Field(examples=["many_at_once:site:pudong"])
    members: int
    open: int
    evidence: dict[str, Any]
    next_at: Time | None = Field(description="When something is told of it by itself; null: never")
    ack_until: Time | None = Field(description="Until when somebody takes care of it")


class IncidentDetail(IncidentItem):
    """An incident with the alerts that are its members, at most 200, those that are open first."""

    alerts: list[int]


class IncidentNoteItem(Schema):
    """What somebody wrote down about an incident."""

    at: Time
    who: str = Field(examples=["li.wei"])
    text: str
