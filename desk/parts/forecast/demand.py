"""What a depot will need of a part over a lead time: the fleet's own risks, and what no model foresees."""

from collections.abc import Sequence
from dataclasses import dataclass

from desk.parts.forecast.counts import Counts, bernoulli_sum
from desk.parts.forecast.forecast import Forecast
from desk.parts.forecast.lifetimes import Threat, chance_within
from fleet.errors import InvalidInput

MONTH_D = 365.25 / 12
_DOUBT = 4.0
"""The fleet's share of foreseen orders counts as so many orders beside a part's own."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Of `orders` in the past, `scored` came from a device whose risk of that fault was being told by then.

    Any risk counts, however low: calibrated risks add up to all that befalls the devices they are told of.
    """

    scored: int = 0
    orders: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.scored <= self.orders:
            raise InvalidInput(f"foreseen: {self.scored} of {self.orders} orders is no share")


@dataclass(frozen=True, slots=True, eq=False)
class LeadDemand:
    """The need of one part at one depot over a lead time: `total`, and the two it is the sum of.

    `unforeseen_share` of past orders is what history stands for; risks stand for the rest.
    """

    total: Counts
    from_risks: Counts
    from_history: Counts
    unforeseen_share: float


def unforeseen_share(part: Foreseen, fleet: Foreseen) -> float:
    """Return which share of a part's orders the risks do not see: its own, drawn towards the fleet's.

    1 - (scored + 4 s) / (orders + 4), with s = scored / orders of the whole fleet, 0 where it had no order:
    as long as nothing shows that risks see a part's orders, all of history counts.
    """
    whole = fleet.scored / fleet.orders if fleet.orders else 0.0
    return 1 - (part.scored + _DOUBT * whole) / (part.orders + _DOUBT)


def lead_demand(
    forecast: Forecast, row: int, threats: Sequence[Threat], lead_d: float, unforeseen: float = 1.0
) -> LeadDemand:
    """Return what a part at a depot needs over `lead_d` days; series are of months.

    Risks: each device needs the part or not, independently (Poisson-binomial). History: the forecast of row
    `row` over the lead time, of which each order is kept with the chance `unforeseen`, so that no order is
    counted by both. The two are independent. Seasons are in history alone: risks follow readings, which know
    the weather. Raises InvalidInput for a lead time that is negative or reaches beyond the forecast.
    """
    if not 0 <= lead_d <= forecast.ahead * MONTH_D:
        most = forecast.ahead * MONTH_D
        raise InvalidInput(
            f"lead_d: {lead_d} must lie between 0 and {most:.0f} days, how far this forecast reaches"
        )
    risks = bernoulli_sum(chance_within(each, lead_d) for each in threats)
    return joined(risks, forecast.total(row, min(lead_d / MONTH_D, forecast.ahead), unforeseen), unforeseen)


def joined(risks: Counts, history: Counts, unforeseen: float) -> LeadDemand:
    """Return the need that is the sum of what risks say and of what history does; the two are independent."""
    return LeadDemand(risks.plus(history), risks, history, unforeseen)
