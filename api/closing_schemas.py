"""The shapes of the API's answers and requests about feedback, calls, visits, and how warnings proved."""

from typing import Annotated

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from api.params import FaultCode, Paged, PersonName, SearchText, TimeMs, ZonedMs
from api.schemas import Schema, Time
from desk.feedback.visits import LONGEST_NAME, MOST_MINUTES, MOST_PARTS, MOST_PIECES
from fleet.consent import LONGEST_ANSWER, LONGEST_OFFER, Answer, Coverage
from fleet.feedback import LONGEST_REMARK, FeedbackSource

Remark = Annotated[str, Field(max_length=LONGEST_REMARK)]


class FeedbackQuery(Paged):
    """Which feedback, the newest first."""

    site: SearchText | None = None
    source: FeedbackSource | None = None
    below: int | None = Field(None, ge=1, le=6, description="Only scores below it")
    solved: bool | None = Field(None, description="Whether the fault is gone, as the customer says")
    since: TimeMs | None = None
    until: TimeMs | None = None


class FeedbackItem(Schema):
    """What was said of one repair of a ticket; `faults` is what the engineer found."""

    id: int
    ticket_id: int
    repair: int = Field(description="Which repair of the ticket, from 0: one more each time it was reopened")
    device_id: str
    site: str
    score: int = Field(examples=[5])
    solved: bool
    remark: str
    source: FeedbackSource
    at: Time
    by: str
    changed_at: Time | None
    faults: list[str]


class FeedbackGiven(BaseModel):
    """What staff was told of a repair."""

    model_config = ConfigDict(extra="forbid")

    score: int = Field(ge=1, le=5)
    solved: bool = Field(description="Whether the fault is gone")
    remark: Remark = ""
    source: FeedbackSource = Field(FeedbackSource.STAFF, description="call or staff")
    who: PersonName | None = None


class MadeLink(Schema):
    """A link for the customer; it is shown this once, and the one before opens nothing more."""

    link: str | None = Field(
        examples=["http://127.0.0.1:8000/f/6b2Zl0…"], description="None where the customer is written to"
    )
    ends: Time


class ConsentAsked(BaseModel):
    """What a proposed visit costs, in words."""

    model_config = ConfigDict(extra="forbid")

    offer: str = Field(min_length=1, max_length=LONGEST_OFFER, examples=["Labour 180 CNY, the brush 95 CNY"])
    by_letter: bool = Field(False, description="Write to the customer's contact, with a link of their own")


class ConsentGiven(BaseModel):
    """What staff was told of a proposed visit."""

    model_config = ConfigDict(extra="forbid")

    answer: Answer
    remark: str = Field("", max_length=LONGEST_ANSWER, description="When it suits, or why not")
    who: PersonName | None = None


class ConsentItem(Schema):
    """Who pays for a visit, and what the customer was asked and said; null before."""

    pays: Coverage
    proposed: bool = Field(description="The visit is our proposal: false where the customer asked for it")
    offer: str | None = None
    asked_at: Time | None = None
    ends: Time | None = None
    answer: Answer | None = None
    answered_at: Time | None = None
    by: str | None = None
    remark: str | None = None


class CallBackItem(Schema):
    """A repair to call about; `contact` is the customer, empty where nobody said who."""

    ticket_id: int
    device_id: str
    site: str
    fault: str
    repaired_at: Time
    tries: int = Field(description="How often nobody was reached")
    contact: str


class Tried(Schema):
    """How often nobody was reached."""

    tries: int


class FollowUpItem(Schema):
    """A low score that somebody has to look after until `due`."""

    id: int
    ticket_id: int
    device_id: str
    site: str
    score: int
    remark: str
    opened_at: Time
    due: Time
    owner: str = Field(examples=["director"])
    overdue_at: Time | None
    done_at: Time | None
    by: str | None
    said: str


class FollowUpEnd(BaseModel):
    """What came of a follow-up."""

    model_config = ConfigDict(extra="forbid")

    said: str = Field(min_length=1, max_length=LONGEST_REMARK)
    who: PersonName | None = None


class PartUsedItem(Schema):
    """A part that was put in."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    code: str = Field(min_length=1, max_length=64, examples=["main-brush"])
    quantity: int = Field(1, ge=1, le=MOST_PIECES)
    serial: str = Field("", max_length=LONGEST_NAME)


class VisitGiven(BaseModel):
    """What an engineer writes down of a visit, in place of what was written before.

    `signature` is a PNG in base64, at most 200 kB; left out, the one that is kept stays.
    """

    model_config = ConfigDict(extra="forbid")

    minutes: int = Field(ge=0, le=MOST_MINUTES)
    arrived: ZonedMs | None = Field(None, description="When the repair began, unless given")
    parts: list[PartUsedItem] = Field([], max_length=MOST_PARTS)
    remark: Remark = ""
    signature: Base64Bytes | None = None
    signed_by: str = Field("", max_length=LONGEST_NAME)
    next_service: ZonedMs | None = None
    who: PersonName | None = None


class VisitItem(Schema):
    """What was written down of a visit."""

    ticket_id: int
    repair: int
    engineer: str
    arrived: Time | None
    left: Time | None
    minutes: int
    parts: list[PartUsedItem]
    remark: str
    signed: bool
    signed_by: str
    next_service: Time | None
    changed_at: Time


class JudgedItem(Schema):
    """So many warnings were judged by an engineer at the device, so many of them were right."""

    right: int
    judged: int


class JudgedByItem(JudgedItem):
    """The same of one rule; `risk` is the models', `anomaly` the anomaly score's."""

    by: str = Field(examples=["risk"])


class JudgedCaseItem(Schema):
    """A case in which the fault was suspected before anybody reported it."""

    ticket_id: int
    device_id: str
    repaired_at: Time
    right: bool
    by: list[str]


class FaultRecordItem(Schema):
    """How often warnings of a fault were right; `cases` are the newest 100."""

    fault: FaultCode
    all: JudgedItem
    by: list[JudgedByItem]
    cases: list[JudgedCaseItem]
