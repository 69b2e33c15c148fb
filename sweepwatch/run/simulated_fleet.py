"""The simulated fleet of a data folder: its past, its state over restarts, and the repairs it hears of."""

import logging
from collections.abc import Callable
from pathlib import Path

from fleet.errors import ConfigError, DataFolderError, NotFound
from fleet.events import Event, Subject
from fleet.principals import Principal, PrincipalKind
from fleet.signals import Kind
from fleet.tickets import NO_FAULT, TicketState
from simulators.beside import BesideRobots
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.history import HistorySummary, write_history
from sweepwatch.run.unfinished import UnfinishedPast
from sweepwatch.settings.settings import SimulatorSettings
from sweepwatch.wiring import Services

log = logging.getLogger(__name__)
GROUND_TRUTH = "ground-truth.jsonl"
_STATE = "fleet.npz"


def require_empty(services: Services) -> None:
    """Raise DataFolderError when the store holds readings: a simulated past needs an empty one."""
    if any(services.store.newest(kind) for kind in Kind):
        raise DataFolderError("the store holds readings already; a simulated past needs an empty one")


class SimulatedFleet:
    """The fleet's simulator and its files; it follows the log of events. Safe to use from several threads."""

    name = "repairs of the simulated fleet"
    subjects = frozenset({Subject.TICKET})

    def __init__(self, services: Services) -> None:
        self._services = services
        self._folder = services.folder.folder("simulator")
        self.simulator = self._load() or self._fresh(services.settings.simulator)
        self.is_new = not self._state.exists()
        self.beside = BesideRobots(self.simulator, services.clock)
        self.crew: frozenset[str] = frozenset()
        """Ids of the people who mend robots themselves, beside them: what they write down mends nothing."""

    @property
    def ids(self) -> frozenset[str]:
        """The ids of its devices."""
        return frozenset(card.id for card in self.simulator.cards)

    @property
    def folder(self) -> Path:
        """Where the simulation keeps its files."""
        return self._folder

    @property
    def _state(self) -> Path:
        return self._folder / _STATE

    def _load(self) -> FleetSimulator | None:
        if not self._state.exists():
            return None
        loaded = FleetSimulator.load(self._state, self._services.signals)
        wanted = self._services.settings.simulator
        for key in ("devices", "seed", "world"):
            kept, asked = getattr(loaded.config, key), getattr(wanted, key)
            if key in wanted.model_fields_set and kept != asked:
                raise ConfigError(
                    f"simulator.{key} = {asked}, but the fleet in {self._services.folder.root} was made "
                    f"with {kept}; leave the setting out, or give another data folder"
                )
        return loaded

    def _fresh(self, wanted: SimulatorSettings) -> FleetSimulator:
        config = FleetConfig(wanted.devices, wanted.seed, self._services.clock.now_ms(), world=wanted.world)
        return FleetSimulator(config, self._services.signals)

    def write_past(
        self, days: int, progress: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> HistorySummary:
        """Write a past of `days` that ends now into the stores, which must hold no readings yet.

        Cancelled, it leaves a mark by which the next start discards what was written. Raises DataFolderError
        when there are readings.
        """
        require_empty(self._services)
        unfinished = UnfinishedPast(self._services.folder)
        unfinished.begin(self._services)
        summary = write_history(
            self.simulator,
            self._services.store,
            self._services.desk,
            days,
            end_ms=self._services.clock.now_ms(),
            progress=progress,
            cancelled=cancelled,
        )
        if summary.complete:
            self.save()
            unfinished.end()
        return summary

    def save(self) -> None:
        """Save the state and the ground truth."""
        self.simulator.save(self._state)
        self.simulator.truth.write(self._folder / GROUND_TRUTH)

    def handle(self, event: Event) -> None:
        """Let a repaired ticket mend the simulated device: what was confirmed is what was replaced.

        The repairs of the written past have mended it already.
        """
        mended = event.subject is Subject.TICKET and event.after == TicketState.REPAIRED
        if not mended or event.principal.kind is PrincipalKind.SCHEDULE:
            return
        device = str(event.data["device_id"])
        if self._is_done(event.principal, device):
            return
        found = False
        for fault in event.data["confirmed"]:
            if fault == NO_FAULT:
                continue
            try:
                there = self.simulator.repair(device, fault, self._services.clock.now_ms())
            except NotFound:
                return  # a real device beside the simulated ones
            was = "there" if there else "not there"
            log.info("ticket %s mended %s of %s: it was %s", event.subject_id, fault, device, was)
            found = True
        if found:
            self.save()  # before the cursor moves on: else a crash would break the device anew

    def _is_done(self, by: Principal, device: str) -> bool:
        """Tell whether somebody of the crew did it by hand, and at a robot."""
        of_crew = by.kind is PrincipalKind.PERSON and by.id in self.crew
        return of_crew and any(card.id == device for card in self.simulator.roster.cards[Kind.ROBOT])
