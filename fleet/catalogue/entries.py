"""What a catalogue holds: faults, the components in which they show, the parts and skills that mend them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fleet.signals import Kind, Role
from fleet.text import Language, Text


class Level(StrEnum):
    """How much of the device is lost."""

    L1 = "L1"
    """Unusable, or a worker in danger."""
    L2 = "L2"
    """Part of its function is lost."""
    L3 = "L3"
    """Minor: it works, but needs attention."""


@dataclass(frozen=True, slots=True)
class FaultCosts:
    """What costs differently for one fault; None: what it costs for any other."""

    visit: float | None = None
    call: float | None = None
    breakdown: float | None = None


NO_COSTS = FaultCosts()


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the catalogue.

    `part` is None where nothing is replaced, `repair_minutes` is the usual time at the device, `advice` is
    what the customer is told (how to mend it alone where `customer_can_mend`), `horizon_days` how far ahead
    a model predicts it (None: it is noticed by a rule, or by the anomaly score, and no model learns it).
    `wears`: a part is used up, so that its remaining life can be told. `costs` are those of an installation
    that says nothing else in its settings.

    `seen_in` are the components in whose measures it can show, its own first; none: in all of them. Its
    repair starts a new baseline for the measures of those that it `renews`. `signs` says by the name of a
    measure that it can only raise (+1) or only lower it (-1).
    """

    code: str
    kind: Kind
    level: Level
    name: Text
    part: str | None
    skill: str
    repair_minutes: int
    customer_can_mend: bool
    advice: Text
    horizon_days: int | None
    wears: bool = False
    costs: FaultCosts = NO_COSTS
    seen_in: tuple[str, ...] = ()
    renews: tuple[str, ...] = ()
    signs: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def life_cap_days(self) -> int | None:
        """How far ahead remaining life is told apart: three horizons; None where no life is told."""
        return 3 * self.horizon_days if self.wears and self.horizon_days is not None else None


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a device of which measures speak; `cycled`: charge cycles wear it."""

    name: Text
    cycled: bool = False


@dataclass(frozen=True, slots=True)
class OwnSignal:
    """A number that devices of one installation send beside the standard ones, as models look at it.

    `load` are signals that wear it or that it works against, `setpoints` those that people or a controller
    choose: it is also looked at without what both explain.
    """

    name: str
    unit: str
    label: Text
    component: str
    role: Role = Role.LEVEL
    load: tuple[str, ...] = ()
    setpoints: tuple[str, ...] = ()


Phrases = Mapping[Language, tuple[str, ...]]
"""What people say when something is wrong, by language."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All that is known of faults in one installation, each table by code and in order.

    `symptoms` has the phrases of some faults. `signals` are the installation's own. One catalogue is equal
    to itself alone, so that what was worked out from it can be kept by it.
    """

    faults: Mapping[str, Fault]
    components: Mapping[str, Component]
    parts: Mapping[str, Text]
    skills: Mapping[str, Text]
    symptoms: Mapping[str, Phrases]
    signals: tuple[OwnSignal, ...] = ()
