"""Scores every robot: its newest tiles become calibrated risks with their reasons, stored and handed on."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import HOUR_MS
from fleet.faults import UNUSUAL
from fleet.risks import RISK_COLUMNS, Scoring
from fleet.signals import Kind
from models.anomaly.expected import LOOK_BACK_MS, UNKNOWN, Expected, expected_of, weeks_told
from models.anomaly.fleet import LEAST_DAYS
from models.anomaly.risk import MODEL as ANOMALY
from models.anomaly.risk import alert_threshold
from models.anomaly.scoring import Pieces, unusual
from models.features.history import LEAST_HOURS
from models.features.past import look_back
from models.features.tile_memory import News, TileMemory
from models.features.windows import FleetFacts, Floats, Ints, heard_lately, hours_heard
from models.registry.drift import RecentRows
from models.registry.registry import LoadedModel, ModelRegistry
from models.scoring.sight import Fleet, Sight, look_over, risks_of, silent_risks
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.model_cards import write_device_risks
from storage.records.repairs import device_places, findings, renewals

log = logging.getLogger(__name__)

SMALL_FLEET = 2000
"""So many robots are judged anew when another one joins them or moves; of silent ones so many a pass."""


@dataclass(frozen=True, slots=True)
class InUse:
    """The models in use, by fault, and what they saw lately.

    `recent` are rows (rows, FEATURES), `devices` a number for the device of each, `times` when (epoch ms) it
    was made; `newest` is when the newest reading was made.
    """

    champions: dict[str, LoadedModel]
    challengers: dict[str, LoadedModel]
    recent: Floats
    devices: Ints
    times: Ints
    newest: int


class Scorer:
    """Scores all robots with the registered models, as of each robot's newest reading.

    Tiles stay in memory from one pass to the next. Models are loaded when the champions change, so that a
    training anywhere is taken up by the next pass. Use from one thread at a time.

    `seen` is handed what every pass saw of the fleet: whoever replays a past learns from the same rows.
    """

    def __init__(
        self,
        store: TelemetryStore,
        desk: DeskDatabase,
        registry: ModelRegistry,
        seen: Callable[[Sight], None] | None = None,
    ) -> None:
        self._store = store
        self._desk = desk
        self._registry = registry
        self._seen = seen
        self._memory = TileMemory(store, Kind.ROBOT)
        self._in_use: frozenset[tuple[str, str]] = frozenset()
        self._models: dict[str, LoadedModel] = {}
        self._challengers: dict[str, LoadedModel] = {}
        self._recent = RecentRows()
        self._newest = 0
        self._blind: frozenset[str] = frozenset()
        self._silent: set[str] = set()
        self._places: tuple[dict[str, str], dict[str, str]] = {}, {}
        self._expected: Expected = UNKNOWN

    def score(self) -> Scoring:
        """Score and store the risk of every robot with news and every fault that has a model; return them.

        News are new tiles, a repair, models that changed, or in a small fleet another robot to compare with.
        The anomaly score judges each of them too, and all there is where no model is. A robot heard in fewer
        than 24 different hours is left out rather than guessed at; so is it for a fault of which it sends no
        signal.
        """
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # ships no types

        changed = self._take_up_models()
        models, sites = device_places(self._desk, Kind.ROBOT)
        facts = FleetFacts(models, renewals(self._desk), sites)
        news = self._memory.refresh(facts)
        others = news.grown or (models, sites) != self._places
        everyone = changed or (others and len(news.newest) <= SMALL_FLEET)
        self._places = models, sites
        self._expected = self._expect(news)
        present = self._fleet(news, everyone=everyone)
        # A few dozen rows are predicted sooner by one thread than several are woken.
        with threadpool_limits(1):
            fleets = [present, *self._past(news, facts, everyone=everyone)]
            frames = [self._judge(fleet) for fleet in fleets if fleet.devices]
        frame = pl.concat([pl.DataFrame(schema=RISK_COLUMNS), *frames])
        if not frame.height:
            return Scoring(frame, {})
        self._store.write_risks(frame)
        self._newest = max(news.newest.values())
        write_device_risks(self._desk, _highest(frame))
        thresholds = {model.card.id: model.card.threshold for model in self._models.values()}
        return Scoring(frame, thresholds | {ANOMALY: alert_threshold(models=bool(self._models))})

    def _judge(self, fleet: Fleet) -> pl.DataFrame:
        """Return the risks of some robots; those of challengers are stored beside."""
        others = fleet.others
        asked = Pieces(fleet.devices, fleet.times, fleet.rows, fleet.models[fleet.rows])
        strange = unusual(
            fleet.window,
            asked,
            others,
            fleet.models[others],
            models=bool(self._models),
            expected=self._expected,
        )
        if not self._models and self._seen is None:
            return strange
        sight = look_over(fleet)
        if self._seen is not None:
            self._seen(sight)
        if not self._models:
            return strange
        told = {fault: sight.told(model) for fault, model in self._models.items()}
        self._note_blind(frozenset(fault for fault, rows in told.items() if not len(rows)))
        found = [risks_of(model, sight, told[fault]) for fault, model in self._models.items()]
        frame = pl.concat([*found, strange])
        beside = [silent_risks(model, sight) for model in self._challengers.values()]
        if beside:
            self._store.write_risks(pl.concat(beside), shadow=True)
        self._recent.take(fleet.devices, fleet.times, sight.matrix)
        return frame

    def _expect(self, news: News) -> Expected:
        """Return how often the fleet fails, and how often unusual behaviour was right, as the desk has it."""
        now = max(news.newest.values(), default=0)
        told = findings(self._desk, Kind.ROBOT, UNUSUAL, now - LOOK_BACK_MS)
        weeks = weeks_told(told.first, now, len(news.newest))
        return expected_of(told.faults, weeks, told.right, told.wrong)

    def why_none(self) -> str:
        """Return, for people, why a first pass told of no risk."""
        robots = len(self._memory.tiles.devices)
        if not robots:
            return "no robot has sent a reading"
        most = int(hours_heard(self._memory.tiles.at(np.arange(robots))).max())
        if most < LEAST_HOURS:
            return (
                f"a robot is judged from {LEAST_HOURS} different hours in which it was heard; "
                f"the most of {robots} robots so far: {most}"
            )
        return (
            f"of {robots} robots none sends what a model looks at, or has sent signals that vary "
            f"for {LEAST_DAYS + 1} days, to tell what is unusual"
        )

    def in_use(self) -> InUse:
        """Return what the last pass scored with, and a sample of what it and those before it saw."""
        matrix, devices, times = self._recent.matrix()
        return InUse(dict(self._models), dict(self._challengers), matrix, devices, times, self._newest)

    def _take_up_models(self) -> bool:
        """Load champions and challengers if they are others than before; tell whether they are."""
        in_use = self._registry.in_use()
        if in_use == self._in_use:
            return False
        self._models = self._registry.load()
        self._challengers = self._registry.load_challengers()
        self._in_use = in_use
        return True

    def _fleet(self, news: News, *, everyone: bool) -> Fleet:
        """Return the robots with news that were heard within the fleet's recent hours."""
        tiles = self._memory.tiles
        devices = sorted(news.newest if everyone else news.touched & news.newest.keys())
        rows = tiles.rows_of(devices)
        present = self._present()
        chosen = np.flatnonzero((rows >= 0) & (present[rows] if len(present) else False))
        names = [devices[each] for each in chosen.tolist()]
        times = [news.newest[device] for device in names]
        groups = tiles.groups().model
        return Fleet(names, times, rows[chosen], tiles.at, groups, np.flatnonzero(present))

    def _present(self) -> NDArray[np.bool_]:
        source = self._memory.tiles.at(np.arange(len(self._memory.tiles.devices)))
        return np.asarray((hours_heard(source) >= LEAST_HOURS) & (heard_lately(source) > 0))

    def _past(self, news: News, facts: FleetFacts, *, everyone: bool) -> Iterator[Fleet]:
        """Return the robots with news that fell silent before that, as of their own newest readings.

        Of a large fleet so many a pass that others need not wait; the rest has its turn in the next.
        """
        end = self._memory.tiles.end - self._memory.tiles.windows.steps
        found = news.newest.keys() if everyone else news.touched & news.newest.keys()
        self._silent |= {device for device in found if news.newest[device] // HOUR_MS < end}
        turn = sorted(self._silent)[:SMALL_FLEET]
        self._silent -= set(turn)
        terms = self._memory.tiles.terms
        for past in look_back(self._store, Kind.ROBOT, terms, turn, news.newest, facts):
            heard = hours_heard(past.window(past.everyone)) >= LEAST_HOURS
            rows = past.asked[heard[past.asked]]
            names = [past.devices[row] for row in rows.tolist()]
            times = [news.newest[device] for device in names]
            others = past.everyone[heard]
            yield Fleet(names, times, rows, past.window, past.models, others)

    def _note_blind(self, blind: frozenset[str]) -> None:
        """Say so when no robot sends what the model of a fault looks at, once."""
        for fault in sorted(blind - self._blind):
            log.warning("no robot sends a signal that the model of %s looks at: it is not predicted", fault)
        self._blind = blind


def _highest(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the highest risk of each device, as the desk's device rows take it."""
    highest = pl.col("risk").arg_max()
    return frame.group_by("device_id").agg(
        pl.col("risk").max(),
        pl.col("fault", "confidence").get(highest),
        pl.col("ts").first().alias("risk_ts"),
    )
