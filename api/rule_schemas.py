"""The shapes of what the API tells and takes of rules and their versions."""

from typing import Annotated

from fastapi import Path
from pydantic import ConfigDict, Field, StringConstraints

from api.schemas import Names, Schema, Time
from fleet.rule_versions import MOST_CHARACTERS

Document = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MOST_CHARACTERS),
    Field(description="A whole rules document (YAML)", examples=["rules:\n  - name: battery_hot\n"]),
]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000), Field(examples=["fewer of them"])]
RuleName = Annotated[str, StringConstraints(min_length=1, max_length=64), Field(examples=["battery_hot"])]
VersionNumber = Annotated[int, Path(ge=0, lt=2**31, examples=[1])]
Device = Annotated[str, StringConstraints(min_length=1, max_length=64), Field(examples=["R0042"])]


class Asked(Schema):
    """Base of the requests: what is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class RuleItem(Schema):
    """A rule at work. Times are in seconds."""

    name: RuleName
    kind: str = Field(examples=["robot"])
    fault: str = Field(examples=["battery_overheat"])
    level: str = Field(examples=["L1"])
    when: str = Field(examples=["battery_temp_c >= 60"])
    clear: str | None = Field(examples=["battery_temp_c < 52"])
    for_s: float = Field(examples=[30])
    absent_s: float | None = Field(examples=[None])
    opens_ticket: bool
    text: Names
    levels: dict[str, str] = Field(
        description="Conditions of worse levels", examples=[{"L1": "wifi_rssi < -90"}]
    )
    only: dict[str, list[str]] = Field(
        description="What a device must be, by site, region, customer, model, firmware or group",
        examples=[{"site": ["hall-1"]}],
    )
    months: list[int] = Field(description="In which it applies; none: in all", examples=[[6, 7, 8]])
    hours: str | None = Field(description="Part of the site's day", examples=["08:00-18:30"])
    stuck_s: float | None = Field(description="So long unchanged, a value is no evidence", examples=[None])
    examples: int = Field(description="How many examples stand beside it")
    raised_7d: int = Field(description="Alerts of the last seven days")


class RulesAtWork(Schema):
    """The rules at work, and of which version they are."""

    version: int = Field(description="0: the settings' own file, or what ships")
    items: list[RuleItem]


class VersionItem(Schema):
    """A version of the rules; 0 is the settings' own file, or what ships."""

    number: int
    made_at: Time | None
    made_by: str
    note: str
    activated_at: Time | None
    activated_by: str
    active: bool


class KeyItem(Schema):
    """One key of a rule, before and after; null where it is not there."""

    key: str
    before: str | None
    after: str | None


class ChangeItem(Schema):
    """What became of one rule: added, removed or changed."""

    rule: str
    change: str
    keys: list[KeyItem]


class VersionDetail(VersionItem):
    """A version with its document, and what it changes against the one at work."""

    document: str
    changes: list[ChangeItem]


class DocumentRequest(Asked):
    """A document to look at."""

    document: Document


class MistakeItem(Schema):
    """What is wrong, where, and what is allowed."""

    line: int | None
    text: str


class CheckResult(Schema):
    """Whether a document can be used, and what it changes against the rules at work."""

    usable: bool
    rules: int
    mistakes: list[MistakeItem]
    doubts: list[str] = Field(description="What can be used, and is yet hardly what somebody meant")
    changes: list[ChangeItem]


class ExampleResult(Schema):
    """One example, the states that it expects and those that came."""

    rule: str
    example: str
    holds: bool
    expected: list[str]
    came: list[str]


class ExampleResults(Schema):
    """All examples of a document."""

    holds: bool
    items: list[ExampleResult]


class BacktestRequest(Asked):
    """What to replay: a document, or a version, over the newest days of readings."""

    document: Document | None = None
    version: int | None = Field(None, ge=0, lt=2**31, examples=[None])
    days: float = Field(30, gt=0, le=90)
    rule: RuleName | None = Field(None, description="This one alone; else those that differ", examples=[None])
    devices: list[Device] | None = Field(None, min_length=1, max_length=1000, examples=[None])


class DeviceCount(Schema):
    """How many alerts one device had."""

    device_id: str
    alerts: int


class OutcomeItem(Schema):
    """What a rule would have raised.

    Of the alerts, a repair confirmed the fault of `followed` from the alert's beginning to its horizon; of
    `too_early` the horizon is not over. `faults` were confirmed in that time, `foreseen` of them had one.
    The lengths are of those that ended; `still_open` are not over at the end of the time.
    """

    alerts: int
    a_day: float
    still_open: int
    shortest_s: float | None
    median_s: float | None
    longest_s: float | None
    devices: int
    most: list[DeviceCount] = Field(description="Those with the most; of wristbands none are named")
    followed: int
    too_early: int
    precision: float | None
    faults: int
    foreseen: int


class ComparedItem(Schema):
    """One rule, at work and proposed; null where it is not there.

    Where nothing is `stored` of what would tell it, both are null.
    """

    rule: str
    stored: bool
    before: OutcomeItem | None
    after: OutcomeItem | None


class BacktestResult(Schema):
    """What a backtest came to. Readings are judged as they are stored, none is thinned out.

    They are replayed in order of time: what came late counts, though live it may have been missed.
    """

    start: Time
    end: Time
    devices: int
    readings_every_s: float | None = Field(description="How often a device usually sent")
    rules: list[ComparedItem]


class ProposalRequest(Asked):
    """A document that is to be kept as a version, and what it is for."""

    document: Document
    note: Reason


class ActivationRequest(Asked):
    """Why a version is put to work.

    `over` is the version that was at work when that was decided; `force` puts up with failing examples.
    """

    reason: Reason
    over: int | None = Field(None, ge=0, lt=2**31, examples=[None])
    force: bool = False
