"""What can be chosen about training: rows, split, regularisation, costs, and who works."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fleet.catalogue.entries import NO_COSTS, Fault, FaultCosts, Level
from models.learning.workers import Workers


@dataclass(frozen=True, slots=True)
class Costs:
    """What a decision costs, in one currency: only ratios matter.

    A breakdown costs by level (idle device, broken promise, and the urgent visit itself); sending an engineer
    ahead of it costs `visit`, asking a customer who can mend it alone costs `call`. Doing either for nothing
    costs `unfounded` on top: people who are sent out for nothing stop believing. `faults` (by code) says what
    is different for single faults, before the catalogue does.
    """

    visit: float = 100.0
    call: float = 30.0
    unfounded: float = 75.0
    breakdown: Mapping[Level, float] = field(
        default_factory=lambda: {Level.L1: 400.0, Level.L2: 250.0, Level.L3: 150.0}
    )
    faults: Mapping[str, FaultCosts] = field(default_factory=dict)

    def act(self, fault: Fault) -> float:
        """Return the cost of acting on a warning of a fault, as if it were unfounded (see `wait`)."""
        return self.trip(fault) + self.unfounded

    def trip(self, fault: Fault) -> float:
        """Return what a visit for a fault, or the call to its customer, costs by itself."""
        if fault.customer_can_mend:
            return self._own(fault, "call", self.call)
        return self._own(fault, "visit", self.visit)

    def wait(self, fault: Fault) -> float:
        """Return what acting in time saves of a fault, against acting on it for nothing.

        That is its breakdown, and that acting was not unfounded: with both as they are here, acting always
        costs `act` and a fault that nobody acted on `wait`, and the difference between any two policies is
        what it is with the four costs of right, wrong, missed and quiet told apart.
        """
        return self.failure(fault) + self.unfounded

    def failure(self, fault: Fault) -> float:
        """Return what a breakdown that nobody acted on costs by itself."""
        return self._own(fault, "breakdown", self.breakdown[fault.level])

    def _own(self, fault: Fault, what: Literal["visit", "call", "breakdown"], usual: float) -> float:
        """Return what is paid for a fault: what the settings say, else the catalogue, else the usual."""
        said = (getattr(each, what) for each in (self.faults.get(fault.code, NO_COSTS), fault.costs))
        return next((cost for cost in said if cost is not None), usual)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How models are trained.

    History begins `history_days` before its end, or at `since_ms` (epoch ms) where that is given. A row is a
    device every `row_every_hours` hours, or more rarely so that there are no more than `most_rows`.
    `fit_share` of the labelled time fits the trees, the rest calibrates and judges; between the two lies one
    horizon of the fault, in which nothing is used. Fewer than `least_positives` positive rows in both
    together, or `least_failures` failures in either, and there is no model. Trees choose their splits among
    `bins` levels of a feature.
    """

    history_days: int = 180
    since_ms: int | None = None
    row_every_hours: int = 12
    most_rows: int = 250_000
    fit_share: float = 0.6
    least_positives: int = 20
    least_failures: int = 3
    trees: int = 80
    learning_rate: float = 0.06
    leaves: int = 6
    least_leaf_rows: int = 25
    l2: float = 5.0
    features_per_split: float = 0.5
    bins: int = 64
    costs: Costs = field(default_factory=Costs)
    workers: Workers = field(default_factory=Workers)
