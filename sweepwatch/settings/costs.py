"""The settings of what decisions cost: `[models.costs]`."""

from dataclasses import dataclass
from typing import Annotated

from babel.numbers import is_currency
from pydantic import Field, field_validator, model_validator

from fleet.catalogue.entries import FaultCosts
from fleet.faults import FAULTS, Level
from models.learning.settings import Costs
from sweepwatch.settings.section import Section

Cost = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]


class BreakdownCosts(Section):
    """What a fault costs that nobody acted on, by its level."""

    L1: Cost = Field(400.0, description="Of a fault that leaves the device unusable")
    L2: Cost = Field(250.0, description="Of a fault that takes part of its function")
    L3: Cost = Field(150.0, description="Of a minor fault")


class FaultCostSettings(Section):
    """What costs differently for one fault: `[models.costs.faults.CODE]`."""

    visit: Cost | None = Field(None, description="An engineer's visit ahead of the breakdown")
    call: Cost | None = Field(None, description="Asking the customer, who can mend it alone")
    breakdown: Cost | None = Field(None, description="The breakdown itself")


class CostsSettings(Section):
    """What decisions cost, in one currency: only ratios matter."""

    currency: str = Field("EUR", description="In which money, an ISO 4217 code: what pages show beside it")
    visit: Cost = Field(100.0, description="An engineer's visit ahead of a breakdown")
    call: Cost = Field(30.0, description="Asking a customer who can mend a fault alone")
    unfounded: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)] = Field(
        75.0, description="What a visit or a call for nothing costs on top: trust"
    )
    breakdown: BreakdownCosts = BreakdownCosts()
    faults: dict[str, FaultCostSettings] = Field(
        default_factory=dict,
        description="Costs of single faults, in the file alone: [models.costs.faults.CODE]",
    )

    @field_validator("currency")
    @classmethod
    def _is_a_currency(cls, code: str) -> str:
        if not is_currency(code):
            raise ValueError("allowed: an ISO 4217 code in capitals, such as EUR, CNY, USD or JPY")
        return code

    @field_validator("faults")
    @classmethod
    def _are_predicted(cls, faults: dict[str, FaultCostSettings]) -> dict[str, FaultCostSettings]:
        allowed = [code for code, fault in FAULTS.items() if fault.horizon_days is not None]
        for code, own in faults.items():
            if code not in allowed:
                raise ValueError(f"{code!r:.80} is no fault that is predicted; allowed: {', '.join(allowed)}")
            wrong, right = ("visit", "call") if FAULTS[code].customer_can_mend else ("call", "visit")
            if getattr(own, wrong) is not None:
                raise ValueError(f"{code}.{wrong} is never paid: acting on it costs a {right}")
        return faults

    @model_validator(mode="after")
    def _acting_can_pay(self) -> "CostsSettings":
        costs = costs_of(self)
        for code, fault in FAULTS.items():
            if fault.horizon_days is not None and costs.trip(fault) >= costs.failure(fault):
                raise ValueError(
                    f"acting on {code} costs {costs.trip(fault):g} and its breakdown "
                    f"{costs.failure(fault):g}: "
                    "allowed: a breakdown that costs more, else acting never pays"
                )
        return self


def costs_of(settings: CostsSettings) -> Costs:
    """Return the costs as models take them."""
    return Costs(
        settings.visit,
        settings.call,
        settings.unfounded,
        {Level(name): getattr(settings.breakdown, name) for name in BreakdownCosts.model_fields},
        {code: FaultCosts(own.visit, own.call, own.breakdown) for code, own in settings.faults.items()},
    )


@dataclass(frozen=True)
class Priced:
    """What faults cost, as indicators ask for it (desk.indicators.figures.Prices)."""

    costs: Costs

    def saved(self, fault: str) -> float:
        """Return what it saves that a fault was mended before its breakdown."""
        entry = FAULTS[fault]
        return self.costs.failure(entry) - self.costs.trip(entry)

    def wasted(self, fault: str) -> float:
        """Return what it costs to look for a fault that is none."""
        return self.costs.act(FAULTS[fault])
