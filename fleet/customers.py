"""Customers and their contracts: for whom devices work, and what was agreed on for them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from fleet.text import Language, Text

NO_NAME = Text("", "")


class Tier(StrEnum):
    """How much a customer matters to us."""

    A = "A"
    B = "B"
    C = "C"


class PlanName(StrEnum):
    """The plans of service that are sold."""

    BASIC = "basic"
    GOLD = "gold"
    PREMIUM = "premium"


class Included(StrEnum):
    """What a contract covers without an invoice of its own."""

    LABOUR = "labour"
    PARTS = "parts"
    CONSUMABLES = "consumables"
    LOAN_DEVICE = "loan_device"


class Visiting(StrEnum):
    """When a customer likes to be visited beside the usual hours."""

    BEFORE_8 = "before_8"
    AFTER_20 = "after_20"
    WEEKENDS = "weekends"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call or to write to; "" where not known."""

    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer, by the id that sites name (fleet.sites.Site.customer).

    `plan` is what holds where no contract says otherwise. `version` counts its changes, 0 before it is kept.
    """

    id: str
    name: Text = NO_NAME
    tier: Tier = Tier.C
    plan: PlanName = PlanName.BASIC
    language: Language = "zh"
    contact: Contact = field(default_factory=Contact)
    visits: frozenset[Visiting] = frozenset()
    notes: str = ""
    active: bool = True
    version: int = 0


@dataclass(frozen=True, slots=True)
class Contract:
    """What was agreed on with a customer, for some of its sites or (without any) for all.

    It runs from the day `begins` through the day `ends` (ISO dates, by the clock of the site; None: until
    further notice). `visits_a_year` are for maintenance; `price` is that of a year, if known.
    """

    number: str
    customer: str
    plan: PlanName
    begins: date
    ends: date | None = None
    sites: frozenset[str] = frozenset()
    includes: frozenset[Included] = frozenset()
    visits_a_year: int = 0
    price: float | None = None
    version: int = 0

    def runs(self, day: date) -> bool:
        """Tell whether it holds on a day."""
        return self.begins <= day and (self.ends is None or day <= self.ends)

    def covers(self, site: str) -> bool:
        """Tell whether a site of its customer is meant."""
        return not self.sites or site in self.sites


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides about the promises to a site (fleet.sla.Facts); "" where nobody said it.

    `contract` is the number of the contract that the plan comes from, "" where it is the customer's own.
    """

    plan: str = ""
    tier: str = ""
    contract: str = ""


NO_TERMS = Terms()


def terms_of(customer: Customer | None, contracts: Iterable[Contract], site: str, day: date) -> Terms:
    """Return the terms that hold for a site of a customer on a day; `contracts` are those of the customer.

    A contract that names the site goes before one for all sites, then the one that began last. Without any,
    the customer's own plan holds while the customer is active.
    """
    if customer is None:
        return NO_TERMS
    running = [each for each in contracts if each.runs(day) and each.covers(site)]
    if running:
        first = max(running, key=lambda each: (bool(each.sites), each.begins, each.number))
        return Terms(first.plan, customer.tier, first.number)
    return Terms(customer.plan if customer.active else "", customer.tier)
