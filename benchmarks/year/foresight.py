"""What policy (d) adds: telemetry, scored every night, with models that learn from the desk's repairs.

Nothing here sees the truth. Robots are simulated to send readings and to say when they fail; tiles go to the
scorer, its risks to the alert engine, alerts become cases. Models are trained on rows as they were known each
night, and on what engineers confirmed by then.
"""

from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from benchmarks.year.city import City, fleet_size
from benchmarks.year.office import Office
from benchmarks.year.recent_tiles import RecentTiles
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.faults import predicted_faults
from fleet.principals import schedule
from fleet.signals import STANDARD_SIGNALS, Kind
from models.features.compute import Look
from models.features.definitions import all_features
from models.features.history import History, Rows, assembled
from models.features.tile_memory import TileMemory
from models.features.windows import FleetFacts, heard_lately, hours_heard
from models.learning.pipeline import examples_of, fit_fault, register
from models.learning.settings import TrainingSettings
from models.registry.registry import ModelRegistry
from models.scoring.scorer import Scorer
from simulators.columns import Columns
from simulators.common_faults import CommonFaults, Failure
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.tiling import robot_tiles
from storage.ports import TelemetryStore
from storage.records.devices import Devices, ReportedEvent
from storage.records.model_cards import CHALLENGER, Deed, cards
from storage.records.repairs import confirmed_repairs, device_places, open_tickets, renewals

STEP_MS = 15 * MINUTE_MS
FIRST_TRAINING, EVERY = 45, 45
"""Days of telemetry before the first training, and between two."""
HISTORY_DAYS, MOST_ROWS = 150, 60_000
LEAST_HOURS = 24


class Foresight:
    """The robots of a city as the platform sees them; `models` is a folder for model files."""

    def __init__(self, city: City, office: Office, faults: CommonFaults, models: Path, start: int) -> None:
        self._office = office
        config = FleetConfig(fleet_size(len(city.robots)), city.seed, start, world="city")
        self.fleet = FleetSimulator(config, STANDARD_SIGNALS)
        self.fleet.roster.cards[Kind.ROBOT] = city.roster.cards[Kind.ROBOT]
        self.fleet.use_faults(faults)
        self._faults, self._seed = faults, city.seed
        self.tiles = RecentTiles()
        store = cast(TelemetryStore, self.tiles)
        self._registry = ModelRegistry(office.desk, models)
        self._scorer = Scorer(store, office.desk, self._registry)
        self._memory = TileMemory(store, Kind.ROBOT)
        self._hours: list[Columns] = []
        self._before: pl.DataFrame | None = None
        self._rows: list[Rows] = []
        self._nights = 0
        self.trained: list[dict[str, object]] = []

    def hour(self) -> tuple[list[Failure], list[int]]:
        """Let the robots live on for an hour; return what failed, and cases by what they said."""
        self._hours.append(self.fleet.run_robots(HOUR_MS // STEP_MS, STEP_MS))
        said = [
            ReportedEvent(each.device_id, each.ts, each.code, each.detail, each.ts)
            for each in self.fleet.take_events()
            if each.code != "restart"
        ]
        if said:
            Devices(self._office.desk).record_events(said)
            self._office.alerts.observe_events(said)
        return self._faults.take_failures(), self._office.follow()

    def night(self) -> list[int]:
        """Take in the day's tiles, train where it is time, score; return the cases that came of it."""
        self._nights += 1
        begins = self.fleet.now_ms - len(self._hours) * HOUR_MS
        columns = _joined(self._hours)
        self._hours = []
        robots = self.fleet.roster.cards[Kind.ROBOT]
        made = robot_tiles(STANDARD_SIGNALS, robots, columns, begins, HOUR_MS // STEP_MS, self._before)
        self._before = made.filter(pl.col("hour") >= self.fleet.now_ms - 48 * HOUR_MS)
        self.tiles.add(begins, made)
        self._remember()
        if self._nights >= FIRST_TRAINING and (self._nights - FIRST_TRAINING) % EVERY == 0:
            self._train()
        scoring = self._scorer.score()
        alerts = self._office.alerts
        alerts.observe_risks(scoring.notable(alerts.followed(), alerts.wanted()))
        cases = self._office.follow()
        self._office.tickets.close_cleared(self._office.clock.ms)
        return cases

    def _facts(self) -> FleetFacts:
        models, sites = device_places(self._office.desk, Kind.ROBOT)
        return FleetFacts(models, renewals(self._office.desk), sites)

    def _remember(self) -> None:
        """Keep a row of every robot as it is known tonight: what models will learn from."""
        self._memory.refresh(self._facts())
        tiles = self._memory.tiles
        everyone = np.arange(len(tiles.devices))
        window = tiles.at(everyone)
        chosen = everyone[(hours_heard(window) >= LEAST_HOURS) & (heard_lately(window) > 0)]
        every = max(1, round(len(everyone) * HISTORY_DAYS / MOST_ROWS))
        chosen = chosen[(chosen + self._nights) % every == 0]
        if len(chosen):
            names = pl.Series("device_id", tiles.devices, dtype=pl.String).gather(chosen)
            until = np.full(len(chosen), tiles.end * HOUR_MS, dtype=np.int64)
            matrix = Look(tiles.at(chosen)).matrix(all_features()).astype(np.float32)
            self._rows = [*self._rows[-HISTORY_DAYS + 1 :], Rows(names, until, matrix)]  # type: ignore[arg-type]

    def _train(self) -> None:
        """Train every fault's model on what is known tonight; who runs this service uses the newest ones."""
        office, settings = self._office, TrainingSettings()
        history = self._history()
        clock = office.clock
        for fault in predicted_faults(Kind.ROBOT):
            examples = examples_of(fault, history)
            # Remaining lives are not learned: nothing here asks for them, and they take the longest.
            fit = fit_fault(fault.code, examples, history.device_models, settings, self._seed)
            report = register(fit, self._registry, clock)
            self.trained.append(
                {
                    "night": self._nights, "fault": fault.code, "state": report.state or "none",
                    "failures": report.failures, "cpu_s": round(report.seconds, 1),
                }
            )  # fmt: skip
        for card in cards(office.desk):
            if card.state == CHALLENGER:
                deed = Deed(schedule("year"), clock.now_ms(), "the newest model is used")
                self._registry.promote(card.id, deed)

    def _history(self) -> History:
        rows = Rows(
            pl.concat([each.devices for each in self._rows]),
            np.concatenate([each.until for each in self._rows]),
            np.concatenate([each.features for each in self._rows]).astype(np.float64),
        )
        desk = self._office.desk
        return assembled(rows, self._facts(), confirmed_repairs(desk), open_tickets(desk), self.fleet.now_ms)


def _joined(hours: list[Columns]) -> Columns:
    """Return columns of several hours as one, in order of time."""
    first = hours[0]
    return Columns(
        {name: np.concatenate([each.numbers[name] for each in hours]) for name in first.numbers},
        {},
        {
            name: (np.concatenate([each.texts[name][0] for each in hours]), texts)
            for name, (_, texts) in first.texts.items()
        },
        np.concatenate([each.lost for each in hours]),
    )
