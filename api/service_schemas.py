"""The shapes of the API's answers and requests about customers, contracts, engineers, regions and parts."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.schemas import Names, Schema, Time
from desk.lists.cells import check_hours
from fleet.contacts import EMAIL, KEY, LINE, LINES, PHONE
from fleet.customers import Included, PlanName, Tier, Visiting
from fleet.engineers import DueKind, check_skill
from fleet.text import Language, quoted
from fleet.wall_fields import WEEKDAYS

_LONGEST_NAME = 128
_NO_NAME = Names(en="", zh="")


def _weekday(name: str) -> str:
    if name not in WEEKDAYS:
        raise ValueError(f"{quoted(name)} is no weekday; allowed: {', '.join(WEEKDAYS)}")
    return name


def _short(names: Names) -> Names:
    for each in (names.en, names.zh):
        if len(each) > _LONGEST_NAME or not re.fullmatch(LINE, each):
            raise ValueError(f"at most {_LONGEST_NAME} characters on one line in each language")
    return Names(en=names.en.strip(), zh=names.zh.strip())


Called = Annotated[Names, AfterValidator(_short)]
Plain = f"^{LINE}$"
"""What can be written on one line."""
Key = Annotated[str, Field(pattern=f"^{KEY}$", max_length=64)]
KeyOrNone = Annotated[str, Field(pattern=f"^({KEY})?$", max_length=64)]
Phone = Annotated[str, Field(pattern=f"^({PHONE})?$", examples=["+86 21 5555 0100"])]
Email = Annotated[str, Field(pattern=f"^({EMAIL})?$", max_length=254, examples=["li.wei@example.org"])]
Line = Annotated[str, Field(max_length=64, pattern=Plain)]
Lines = Annotated[str, Field(max_length=1000, pattern=f"^{LINES}$")]
Skill = Annotated[str, AfterValidator(check_skill)]
Weekday = Annotated[str, AfterValidator(_weekday)]
Hours = Annotated[str, Field(max_length=11, examples=["08:00-18:00"]), AfterValidator(check_hours)]
Price = Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Said(BaseModel):
    """Base of what is said of something, in place of what was said before."""

    model_config = ConfigDict(extra="forbid")


class ContactItem(Schema):
    """Whom to call or to write to."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    name: Line = ""
    phone: Phone = ""
    email: Email = ""


class CustomerChange(Said):
    """What is said of a customer."""

    name: Called = _NO_NAME
    tier: Tier = Tier.C
    plan: PlanName = Field(PlanName.BASIC, description="Where no contract says otherwise")
    language: Language = "zh"
    contact: ContactItem = ContactItem()
    visits: list[Visiting] = Field([], max_length=len(Visiting), description="When it may be besides")
    notes: Lines = ""
    active: bool = True


class CustomerItem(Schema):
    """A customer; `contact` and `notes` are null to whom they are not for (service:read)."""

    id: str
    name: Names
    tier: Tier
    plan: PlanName
    language: Language
    contact: ContactItem | None
    visits: list[Visiting]
    notes: str | None
    active: bool
    version: int


class ContractChange(Said):
    """What is said of a contract; without sites it is for all of the customer's."""

    customer: Key
    plan: PlanName
    begins: date
    ends: date | None = Field(None, description="Its last day; null: until further notice")
    sites: list[Line] = Field([], max_length=1000)
    includes: list[Included] = Field([], max_length=len(Included))
    visits_a_year: int = Field(0, ge=0, le=1000)
    price: Price = Field(None, description="Of a year")


class ContractItem(Schema):
    """A contract; `price` is null where it is not known, or not for whoever asks. `runs`: it holds today."""

    number: str
    customer: str
    plan: PlanName
    begins: date
    ends: date | None
    sites: list[str]
    includes: list[Included]
    visits_a_year: int
    price: float | None
    runs: bool
    version: int


class CertificateItem(Schema):
    """A certificate; it holds through the day it expires."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f|;；]+$")]
    skill: Skill | None = None
    number: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f|;；]*$")] = ""
    issued: date | None = None
    expires: date | None = None


class TrainingItem(Schema):
    """A training that somebody took part in."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    on: date
    topic: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f|;；]+$")]
    hours: float = Field(ge=0, le=1000, allow_inf_nan=False)


class HomeItem(Schema):
    """Where somebody sets out, WGS 84."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)


class EngineerChange(Said):
    """What is said of an engineer; how they were judged stays."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=Plain)]
    account: int | None = Field(None, ge=1, lt=2**53, description="The person by which they sign in")
    region: Line = ""
    leader: KeyOrNone = ""
    phone: Phone = ""
    email: Email = ""
    skills: list[Skill] = Field([], max_length=100)
    certificates: list[CertificateItem] = Field([], max_length=200)
    training: list[TrainingItem] = Field([], max_length=1000)
    shifts: dict[Weekday, list[Hours]] = Field({}, description="Hours by weekday")
    home: HomeItem | None = None
    van: Line = Field("", description="The name of its stock")
    employer: Line = Field("", description="For whom a contractor works; empty for our own people")
    active: bool = True

    @model_validator(mode="after")
    def _hours_are_there(self) -> Self:
        if not all(self.shifts.values()):
            raise ValueError("shifts: leave out a weekday without hours")
        return self


class StarsItem(Schema):
    """What somebody's work was judged at, and when."""

    stars: float
    at: Time


class DueItem(Schema):
    """Something that falls due: a certificate or a skill (`about`), or hours of training that are missing."""

    engineer: str
    kind: DueKind
    about: str
    on: date | None
    hours: float


class EngineerItem(Schema):
    """An engineer; phone, e-mail, home, account, certificates and training are null without service:read.

    `able` are the skills that hold today: one whose certificate has expired does not.
    """

    id: str
    name: str
    account: int | None
    region: str
    leader: str
    phone: str | None
    email: str | None
    skills: list[str]
    able: list[str]
    certificates: list[CertificateItem] | None
    training: list[TrainingItem] | None
    stars: StarsItem | None
    shifts: Mapping[str, list[str]]
    home: HomeItem | None
    van: str
    employer: str
    active: bool
    due: list[DueItem] | None
    version: int


class RegionChange(Said):
    """What is said of a region: who leads, and who answers for it, both engineers."""

    name: Called = _NO_NAME
    leader: KeyOrNone = ""
    director: KeyOrNone = ""


class RegionItem(Schema):
    """A service region."""

    id: str
    name: Names
    leader: str
    director: str
    version: int


class PartChange(Said):
    """What is said of a part of the catalogue."""

    name: Called = _NO_NAME
    price: Price = None
    lead_days: int | None = Field(None, ge=0, le=3650, description="From order to delivery")
    fits: list[Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f;；]+$")]] = Field(
        [], max_length=1000, description="Models of devices; none: any"
    )
    supplier: Line = ""
    warranty_months: int | None = Field(None, ge=0, le=600, description="From the day it is put in")
    discontinued: bool = Field(False, description="It is not to be had any more")
    replaced_by: KeyOrNone = Field("", description="What takes its place")
    serialised: bool = Field(False, description="Each piece has a number of its own")
    lot: int = Field(1, ge=1, le=100_000, description="It is ordered in multiples of this")


class PartItem(Schema):
    """A part of the catalogue."""

    code: str
    name: Names
    price: float | None
    lead_days: int | None
    fits: list[str]
    supplier: str
    warranty_months: int | None
    discontinued: bool
    replaced_by: str
    serialised: bool
    lot: int
    version: int


class RefusalItem(Schema):
    """Why a row is refused; `column` is empty for the whole row."""

    column: str
    reason: str


class ListedRowItem(Schema):
    """What becomes of a row of a list."""

    line: int
    key: str
    verdict: str
    changed: list[str]
    refusals: list[RefusalItem]


class ListReportItem(Schema):
    """What becomes of a list: how many rows of each sort, and the rows that were asked for."""

    kind: str
    encoding: str
    delimiter: str
    taken: bool
    counts: dict[str, int]
    rows: list[ListedRowItem]
    left_off: int = Field(description="So many rows of those asked for are not shown")
