"""The shapes of the API's answers and requests. Times are RFC 3339 in UTC."""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from api.params import FaultCode, PersonName, SearchText, TimeMs
from fleet.alerts import AlertState
from fleet.clock import to_rfc3339
from fleet.complaints import ComplaintClass
from fleet.faults import Level
from fleet.principals import PrincipalKind
from fleet.signals import Form, Kind, Role
from fleet.tickets import SuspicionState, TicketKind, TicketOrigin, TicketState
from fleet.wire import Dropped

T = TypeVar("T")
_TIME = "2026-11-22T08:00:00.000Z"


def _to_text(value: object) -> object:
    return to_rfc3339(value) if isinstance(value, int) else value


Time = Annotated[
    str, BeforeValidator(_to_text), Field(examples=[_TIME], json_schema_extra={"format": "date-time"})
]
"""Taken as epoch milliseconds, shown as RFC 3339."""


class Schema(BaseModel):
    """Base of all answers; read from rows of the desk database by attribute."""

    model_config = ConfigDict(from_attributes=True)


class ListOf(Schema, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[T]
    next_cursor: str | None = None


class Names(Schema):
    """A name in both languages."""

    en: str
    zh: str


class Summed(Schema):
    """One signal over one interval; all but `count` are null where it was not told."""

    mean: float | None
    min: float | None
    max: float | None
    count: int


class ReadingItem(Schema):
    """One reading, or one interval from `ts` on: beside `ts` each signal asked for, by its name.

    A reading holds values, null where it told none; an interval holds what they sum up to.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Summed | float | bool | str | None]
    ts: Time


class ConditionItem(Schema):
    """What a device does and whether it works.

    `word` is never_heard, not_heard, offline, stuck, reports (it works and names an error), sending, or its
    state; `code` is the raw error code, where one is named.
    """

    word: str = Field(examples=["stuck"])
    text: Names
    code: str | None = Field(examples=["M31"])


class ToldItem(Schema):
    """Something that a device told of on its event topic; `received` is when it arrived."""

    ts: Time
    code: str = Field(examples=["error"])
    detail: dict[str, Any] = Field(examples=[{"error_code": "M31"}])
    received: Time


class DeviceItem(Schema):
    """A device in the list; `risk` is its highest, of `fault`; null before the first score.

    `confidence` in it is low where the device has too little history.
    """

    id: str = Field(examples=["R0042"])
    kind: Kind
    site: str = Field(examples=["hongqiao"])
    model: str = Field(examples=["CR-200"])
    status: str = Field(examples=["online"])
    condition: ConditionItem
    last_seen: Time | None
    risk: float | None = Field(examples=[0.83])
    fault: str | None = Field(examples=["brush_jam"])
    confidence: Literal["normal", "low"] | None
    battery_pct: float | None = Field(examples=[81.5])
    stale: bool = Field(description="Whether its newest reading is older than 24 h, or there is none")


class Latest(Schema):
    """The newest value of one signal; null for an error code since none is left."""

    value: float | bool | str | None
    ts: Time


class QuantilesItem(Schema):
    """What a part still has: with 80 % between `p10` and `p90`, as likely more as less than `p50`.

    Where no end is in sight `p50` of the days says so many at least, and all else is null.
    """

    p10: float | None
    p50: float | None
    p90: float | None


class LifeItem(Schema):
    """The remaining life of a wearing part, in days and in run hours."""

    days: QuantilesItem
    run_hours: QuantilesItem


class DeviceDetail(DeviceItem):
    """A device with the newest value of each of its signals."""

    firmware: str | None
    serial: str | None
    commissioned: str | None
    registered_at: Time
    latest: dict[str, Latest] = Field(examples=[{"battery_pct": {"value": 81.5, "ts": _TIME}}])
    life: dict[str, LifeItem] = Field(description="Remaining life by fault, of parts that wear")


class CourseItem(Schema):
    """The days behind a driver: a level for each interval of `every` ms from `start`, null where unknown."""

    start: Time
    every: int = Field(examples=[86_400_000])
    own: list[float | None]
    cohort: list[float | None]
    baseline: float | None


class DriverItem(Schema):
    """A signal that drove a risk: what it shows against what is usual, and its share of the push.

    `days` is for how long it has been so; the first driver of a risk over its threshold has a `course`, that
    of unusual behaviour the `part` that it points at.
    """

    signal: str = Field(examples=["brush_current_a"])
    feature: str
    weight: float
    value: float | None
    usual: float | None
    unit: str
    days: int | None = None
    course: CourseItem | None = None
    part: str | None = Field(default=None, examples=["brush"])


class RiskItem(Schema):
    """A calibrated probability that the fault occurs within its horizon, as of the reading at `ts`.

    `confidence` is low where the device has too little history, null in older risks; `life` is null for
    faults that are no wear.
    """

    ts: Time
    fault: str = Field(examples=["brush_jam"])
    risk: float = Field(examples=[0.83])
    drivers: list[DriverItem]
    model: str = Field(
        examples=["brush_jam-1795334400000-1f0c2ab9"],
        description="The model's id; behind `hindcast:`, of a later day than the risk's",
    )
    confidence: Literal["normal", "low"] | None
    life: LifeItem | None


class CareItem(Schema):
    """What is told of an alert: the named reason of the last decision, and when something is due by itself.

    `held_by` is what holds it back (`mute:3`, `alert:12`, `budget:acme`), `incident` the one that it is part
    of and that is told in its place; `ack_until` is when its acknowledgement runs out.
    """

    reason: str = Field(examples=["muted_by:3"])
    told_at: Time | None
    tellings: int = Field(examples=[1])
    next_at: Time | None
    ack_until: Time | None
    held_by: str | None = Field(examples=["mute:3"])
    incident: int | None


class AlertItem(Schema):
    """An alert; at most one is open for a device and fault. `care` is null until somebody is to be told."""

    id: int
    device_id: str = Field(examples=["R0042"])
    fault: str = Field(examples=["brush_jam"])
    rule: str = Field(examples=["risk"])
    level: Level
    state: AlertState
    since: Time
    updated: Time
    resolved_at: Time | None
    reason: str = Field(examples=["first"])
    evidence: dict[str, Any]
    care: CareItem | None = None


class UnknownCode(Schema):
    """An error code that devices of a model told and no file explains; `said` is what one wrote beside it."""

    model: str = Field(examples=["CR-200"])
    code: str = Field(examples=["M31"])
    devices: int = Field(description="Of how many devices")
    alerts: int
    last: Time
    said: str


class SuspicionItem(Schema):
    """A fault that a case suspects: what speaks for it, what mends it, and what became of it.

    `alert_id` is the newest of the `alerts` that raised it, null where a person reported it. A `cleared` one
    was over by itself; at the repair each other one is `confirmed`, `deferred` or `refuted`. A deferred one
    was found and is mended by the case `follow_up`, which is opened when this one is confirmed.
    """

    fault: str = Field(examples=["brush_jam"])
    level: Level
    state: SuspicionState
    part: str | None = Field(examples=["brush-bearing"])
    skill: str = Field(examples=["mechanical"])
    alert_id: int | None
    alerts: list[int]
    since: Time
    ended_at: Time | None
    follow_up: int | None
    evidence: dict[str, Any]


class TicketItem(Schema):
    """The case of one device: one visit mends all that it suspects.

    `fault` is the likely one of its `suspicions`, and `evidence` is that one's; `faults` names them all, the
    likely one first. `due` is the deadline of its next milestone, null when none is left. `closes_at` is when
    a case that cleared itself is closed unless someone objects, null for any other.
    """

    id: int
    kind: TicketKind
    device_id: str = Field(examples=["R0042"], description="Empty for a complaint about none")
    site: str
    fault: str = Field(examples=["brush_jam"], description="Empty for a complaint, `maintenance` for that")
    faults: list[str] = Field(examples=[["brush_jam", "filter_clog"]])
    level: Level
    origin: TicketOrigin
    state: TicketState
    opened_at: Time
    due: Time | None
    closes_at: Time | None
    evidence: dict[str, Any]
    suspicions: list[SuspicionItem]


class ClockSpanItem(Schema):
    """A part of the time of a clock, [start, end)."""

    start: Time
    end: Time
    counted: bool
    reason: str = Field(
        examples=["open"], description="open, lunch, outside_hours, weekend, holiday: NAME, ..."
    )


class ClockItem(Schema):
    """One clock of the service agreement: `respond`, `on_site`, `solve`; `contact`, `plan`, `close`.

    `counted_ms` of `allowed_ms` have passed, in working time of `calendar`, since `since`; `spans` say which
    time counted and why the other did not, without gaps.
    """

    milestone: str = Field(examples=["respond"])
    due: Time | None = Field(description="null while it waits with time left")
    warn_at: Time | None
    done_at: Time | None
    status: str = Field(examples=["on_time"], description="on_time, warning, paused, breached or met")
    calendar: str = Field(examples=["always"])
    since: Time
    counted_ms: int
    allowed_ms: int
    provisional: bool = Field(description="whether holidays before `due` may still change")
    spans: list[ClockSpanItem]


class PrincipalItem(Schema):
    """Who did something: a person, a token, a device, a rule, a model, a customer, or the schedule."""

    kind: PrincipalKind
    id: str
    name: str


class EventItem(Schema):
    """Something that happened to a ticket: what, when, by whom, why; the states where it changed them.

    `who` is the name of `by`. `what` is opened, state, joined or left (a suspicion), level, note, asked (to
    be closed), kept_open, or one of what people did: comment, owner, merged, took, split, site and others.
    """

    at: Time
    what: str = Field(examples=["state"])
    by: PrincipalItem
    who: str
    before: str | None
    after: str | None
    why: str


class ComplaintItem(Schema):
    """What a complaint is about; `review_at` is when a closed one is to be looked at again."""

    model_config = ConfigDict(populate_by_name=True)

    of_class: ComplaintClass = Field(alias="class")
    words: str
    customer: str
    contact: str
    about: int | None
    loss: bool
    setbacks: int
    plan: str
    review: str
    review_at: Time | None


class TicketDetail(TicketItem):
    """A ticket with its clocks, its history, and the states it may go to.

    `alert_id`, `part` and `skill` are those of the likely fault, `parts` all that a visit may need.
    `confirmed_faults` are what was really wrong; `confirmed_fault` is the first of them, "none" where nothing
    was found, null before a repair. `deferred_faults` were found as well and are left for a follow-up visit.
    `merged_into` is the ticket that took over what this one held.
    """

    alert_id: int | None
    part: str | None
    skill: str | None
    parts: list[str]
    confirmed_fault: str | None
    confirmed_faults: list[str]
    deferred_faults: list[str]
    merged_into: int | None
    owner_name: str | None = Field(description="Who answers for it")
    complaint: ComplaintItem | None = Field(description="What it complains of; null for any other kind")
    version: int
    allowed: list[TicketState]
    clocks: list[ClockItem]
    events: list[EventItem]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


Who = Annotated[
    PersonName, Field(pattern=r"\S", description="For a machine: the person for whom it does this")
]
Reason = Annotated[
    str, Field(min_length=1, max_length=1000, pattern=r"\S", description="Why; kept in the history")
]


class StateChange(_Request):
    """A request to move a ticket on."""

    state: TicketState = Field(examples=["accepted"])
    reason: str = Field(
        "",
        max_length=1000,
        examples=["engineer is free this afternoon"],
        description="Why; required for cancelled and reopened",
    )
    who: Who | None = Field(None, examples=["li.wei"])
    confirmed_fault: str | None = Field(
        None,
        max_length=64,
        examples=[None],
        description="With repaired and confirmed: the code of what was wrong, or none",
    )
    confirmed_faults: list[Annotated[str, Field(max_length=64)]] | None = Field(
        None,
        max_length=32,
        examples=[None],
        description="The same where several faults were found; empty: none. `repaired` needs one of the two",
    )
    deferred_faults: list[Annotated[str, Field(max_length=64)]] | None = Field(
        None,
        max_length=32,
        examples=[None],
        description="Beside it: what was found as well and is left for a follow-up visit; it gets a ticket of"
        " its own when this one is confirmed. Left out with confirmed: what was said with repaired holds",
    )

    @model_validator(mode="after")
    def _said_once(self) -> "StateChange":
        if self.confirmed_fault is not None and self.confirmed_faults is not None:
            raise ValueError("confirmed_fault and confirmed_faults say the same; give one of them")
        return self

    @property
    def confirmed(self) -> list[str] | None:
        """What was found, either way it was said."""
        return self.confirmed_faults if self.confirmed_fault is None else [self.confirmed_fault]


class Objection(_Request):
    """A request to keep a case open that asks to be closed."""

    reason: Reason = Field(examples=["it squeaked again this morning"])
    who: Who | None = Field(None, examples=["li.wei"])


class ErasureAsked(_Request):
    """A request to erase what a wristband told of its wearer.

    Without `start` from the first, without `end` until now.
    """

    reason: Reason = Field(examples=["asked for by the worker, letter of 2026-11-20"])
    start: TimeMs | None = Field(None, description="Inclusive", examples=[_TIME])
    end: TimeMs | None = Field(None, description="Exclusive; no later than now", examples=[_TIME])
    who: Who | None = Field(None, examples=["li.wei"])


class ErasureItem(Schema):
    """An erasure: the desk's part is done, the store's at `store_done_at` (null: it is still to come)."""

    id: int
    device_id: str = Field(examples=["W0007"])
    start: Time
    end: Time
    asked_at: Time
    store_done_at: Time | None


class DeviceChange(_Request):
    """What the desk says of a device, which stands whatever the device says of itself."""

    model: str | None = Field(
        max_length=64,
        min_length=1,
        pattern=r"^[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$",
        examples=["CR-200"],
        description="Its model; null makes it unknown again, until the device says more",
    )
    who: Who | None = Field(None, examples=["li.wei"])


class TicketReport(_Request):
    """A request to open a ticket for a fault that somebody noticed."""

    device_id: SearchText = Field(examples=["R0042"])
    fault: FaultCode = Field(examples=["brush_jam"])
    reason: Reason = Field(examples=["the brush squeals and stops"])
    who: Who | None = Field(None, examples=["front.desk"])


class AlertChange(_Request):
    """A request to acknowledge or to end an alert."""

    reason: Reason = Field(examples=["engineer informed"])
    who: Who | None = Field(None, examples=["li.wei"])


class FaultItem(Schema):
    """A fault of the catalogue; `horizon_days` is null where it is noticed by a rule, not predicted."""

    code: str
    kind: Kind
    level: Level
    name: Names
    part: str | None
    skill: str
    repair_minutes: int
    customer_can_mend: bool
    advice: Names
    horizon_days: int | None


class SignalItem(Schema):
    """A signal that devices publish; `low` and `high` are its plausible range in `unit`."""

    name: str
    unit: str
    role: Role
    form: Form
    low: float
    high: float
    kinds: Annotated[list[Kind], BeforeValidator(sorted)]
    label: Names


class LedgerAnswer(Schema):
    """What came in since the process started: `received = written + duplicate + quarantined`."""

    since: Time
    received: int = Field(examples=[1200])
    written: int = Field(examples=[1190])
    duplicate: int = Field(examples=[7])
    quarantined: int = Field(examples=[3])
    quarantined_by_reason: Mapping[str, int] = Field(examples=[{"bad_json": 3}])
    values_dropped: Mapping[str, int] = Field(examples=[{"out_of_range": 2}])
    late: int = Field(examples=[4])
    seq_repeated: int = Field(examples=[0])


class QuarantineEntry(Schema):
    """A message that was turned away; `payload` is base64 of its first 65,536 bytes."""

    id: int
    topic: str = Field(examples=["sweepwatch/v1/hongqiao/robot/R0042/telemetry"])
    device_id: str | None = Field(examples=["R0042"])
    reason: str = Field(examples=["empty"])
    detail: str = Field(examples=["nothing but white space"])
    payload: str = Field(examples=["IA=="])
    truncated: bool = Field(examples=[False])
    count: int
    first_seen: Time
    last_seen: Time
    withheld: bool = Field(False, description="It may tell of a person, and is kept from you")


class DroppedValueItem(Schema):
    """Values of a device's signal that were dropped for one reason; `example` is the newest, as JSON.

    `signal` may also be a key of `info` (`commissioned`) or of a `part_replaced` event (`part`, `fault`).
    """

    device_id: str = Field(examples=["R0042"])
    signal: str = Field(examples=["battery_pct"])
    reason: Dropped = Field(examples=["out_of_range"])
    example: str = Field(examples=["300"])
    count: int = Field(examples=[12])
    first_seen: Time
    last_seen: Time
    withheld: bool = Field(False, description="It may tell of a person, and is kept from you")


class TopicBesideItem(Schema):
    """A topic beside ours; `payload` is base64 of the first 4,096 bytes of its newest message."""

    topic: str = Field(examples=["sweepwatch/v1/hongqiao/robot/R0042/telemtry"])
    payload: str = Field(examples=["e30="])
    truncated: bool = Field(examples=[False])
    count: int = Field(examples=[12])
    first_seen: Time
    last_seen: Time
    withheld: bool = Field(False, description="It may tell of a person, and is kept from you")


class Evictable(ListOf[T], Generic[T]):
    """A page of a list with bounds; `evicted` is how many rows ever went to make room."""

    evicted: int = Field(examples=[0])


class GapItem(Schema):
    """Readings of a device that never arrived, by their sequence numbers, first and last included.

    They were measured between `after_ts` and `before_ts`. A device that counts anew begins a new `run`.
    """

    device_id: str = Field(examples=["R0042"])
    run: int
    first_seq: int = Field(examples=[17])
    last_seq: int = Field(examples=[19])
    missing: int = Field(examples=[3])
    after_ts: Time
    before_ts: Time


class GapList(ListOf[GapItem]):
    """A page of gaps; `dropped` is how many ever went because their device had too many."""

    dropped: int


class UnknownSignalItem(Schema):
    """A name that devices send and no signal has."""

    name: str = Field(examples=["temprature_c"])
    kind: Kind
    example_device: str = Field(examples=["R0042"])
    first_seen: Time
    last_seen: Time


class Health(Schema):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Ready(Schema):
    """Every component works."""

    status: str = Field(examples=["ready"])
    components: dict[str, str] = Field(examples=[{"store": "ok", "broker": "ok"}])


class ProblemItem(Schema):
    """One mistake of a request."""

    in_: str = Field(alias="in", examples=["query"])
    name: str = Field(examples=["limit"])
    reason: str = Field(examples=["Input should be less than or equal to 1000"])


class Problem(Schema):
    """An error, as RFC 9457 has it."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["limit: Input should be less than or equal to 1000"])
    errors: list[ProblemItem] | None = None
