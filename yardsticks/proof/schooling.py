"""When and from what a replay trains: production's training, on what was known that night.

Remaining lives are not learned here: no ticket follows from them, and they take the longest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fleet.clock import DAY_MS, Clock
from fleet.errors import ModelRejected
from fleet.faults import predicted_faults
from fleet.past_cases import PastCase
from fleet.principals import schedule
from fleet.signals import Kind
from models.features.history import assembled
from models.features.windows import FleetFacts
from models.learning.pipeline import FaultReport, examples_of, fit_fault, register
from models.learning.settings import TrainingSettings
from models.registry.registry import ModelRegistry
from models.registry.review import Outcomes, try_challenger
from models.registry.trial import CHEAPER
from models.scoring.scorer import InUse
from storage.records.database import DeskDatabase
from storage.records.model_cards import UNPROVEN, Deed
from storage.records.repairs import device_places, renewals
from yardsticks.proof.past import doubts_at, is_predicted, repairs_by
from yardsticks.proof.past_store import PastStore
from yardsticks.proof.rows import SeenRows

_RETRY_MS = 7 * DAY_MS
"""While there is no model yet it is tried again so often; challengers are tried so often, too."""


@dataclass(frozen=True, slots=True)
class Trained:
    """One training of a replay: when, and what became of each fault."""

    at: int
    rows: int
    faults: tuple[FaultReport, ...]

    @property
    def scoring(self) -> frozenset[str]:
        """The faults that got a model that scores, as champion or as challenger."""
        return frozenset(
            each.fault for each in self.faults if each.model is not None and each.state != UNPROVEN
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is trained, and how challengers take over (sweepwatch settings, [models])."""

    every_days: int = 28
    promotion: bool = True
    margin: float = 0.02
    seed: int = 1


class School:
    """Trains and promotes in a replay. Nothing here asks for a day that is still to come."""

    def __init__(
        self, registry: ModelRegistry, rows: SeenRows, settings: TrainingSettings, pace: Pace
    ) -> None:
        self._registry, self._rows = registry, rows
        self._settings, self._pace = settings, pace
        self._tried_at: int | None = None
        self._trial_at: int | None = None
        self.trainings: list[Trained] = []
        self.promoted: list[tuple[int, str]] = []

    @property
    def first_model(self) -> int | None:
        """When the first model came into use (epoch ms)."""
        return next((each.at for each in self.trainings if each.scoring), None)

    def is_due(self, cases: Sequence[PastCase], at: int) -> bool:
        """Tell whether it is time to train: first when some failures are known, then by the calendar."""
        if not len(self._rows):
            return False
        if self.first_model is not None:
            return at - self.trainings[-1].at >= self._pace.every_days * DAY_MS
        if self._tried_at is not None and at - self._tried_at < _RETRY_MS:
            return False
        found = repairs_by(cases, at)["fault"].value_counts()
        learned = [count for fault, count in found.iter_rows() if is_predicted(fault)]
        return max(learned, default=0) >= 2 * self._settings.least_failures

    def train(self, desk: DeskDatabase, cases: Sequence[PastCase], clock: Clock, end: int) -> Trained:
        """Train every fault on what is known; `end` is the hour up to which tiles are."""
        at = clock.now_ms()
        models, sites = device_places(desk, Kind.ROBOT)
        facts = FleetFacts(models, renewals(desk), sites)
        history = assembled(self._rows.rows(), facts, repairs_by(cases, at), doubts_at(cases, at), end)
        tasks = (
            (fault.code, examples_of(fault, history), history.device_models, self._settings, self._pace.seed)
            for fault in predicted_faults(Kind.ROBOT)
        )
        fits = self._settings.workers.run(fit_fault, tasks)
        done = Trained(at, len(history.devices), tuple(register(fit, self._registry, clock) for fit in fits))
        self._tried_at = at
        self.trainings.append(done)
        return done

    def promote(
        self, store: PastStore, cases: Sequence[PastCase], at: int, in_use: Callable[[], InUse]
    ) -> None:
        """Let challengers take over that are proved to be cheaper, as production does.

        `in_use` tells what the last look was scored with: reading model files again would take the longest.
        """
        if not self._pace.promotion or (self._trial_at is not None and at - self._trial_at < _RETRY_MS):
            return
        self._trial_at = at
        used = in_use()
        if not used.challengers:
            return
        told = Outcomes(repairs_by(cases, at), doubts_at(cases, at))
        for fault, challenger in used.challengers.items():
            champion = used.champions.get(fault)
            if champion is None:
                continue
            verdict = try_challenger(
                store,  # type: ignore[arg-type]  # of a store it asks for past risks alone
                told, champion, challenger, self._settings.costs, store.end, self._pace.margin,
            )  # fmt: skip
            if verdict.verdict != CHEAPER:
                continue
            try:
                self._registry.promote(challenger.card.id, Deed(schedule("trial"), at, verdict.text.en))
            except ModelRejected:
                continue
            self.promoted.append((at, challenger.card.id))
