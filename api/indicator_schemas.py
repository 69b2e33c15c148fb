"""The shapes of the API's answers about indicators."""

from pydantic import Field

from api.schemas import Names, Schema, Time


class FigureItem(Schema):
    """A figure: `hits` of `count` cases for a share; value null where there is nothing to go by."""

    value: float | None = Field(description="A share of 1, ms, a number of cases, or money; see `unit`")
    count: int
    hits: int | None
    missed: bool = Field(description="Whether it is on the wrong side of its goal")


class GroupItem(FigureItem):
    """A figure of some of the cases: those of one site, region, customer, model, fault or engineer."""

    key: str


class IndicatorItem(FigureItem):
    """An indicator in a month, with what it means."""

    id: str = Field(examples=["response_on_time"])
    name: Names
    definition: Names
    numerator: Names
    denominator: Names
    counts: Names = Field(description="In which month a case counts, by the clock of its site")
    unit: str = Field(examples=["1"])
    goal: float | None
    higher_is_better: bool
    month: str = Field(examples=["2026-11"])
    groups: list[GroupItem] = Field(description="By what was asked for with `by`; else empty")


class FactItem(Schema):
    """A case behind a figure; `hit` is null where the indicator is no share."""

    ticket_id: int
    device_id: str
    site: str
    region: str
    customer: str
    model: str
    fault: str
    level: str
    origin: str
    engineer: str = Field(description="Whose work it is, by name; empty where that is nobody's yet")
    opened_at: Time
    arrived_at: Time | None
    repaired_at: Time | None
    closed_at: Time | None
    respond_due: Time | None
    on_site_due: Time | None
    score: int | None
