"""Replays a past night by night through production's scoring, training and decisions on alerts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.errors import NotEnoughHistory
from fleet.signals import Kind
from models.features.history import LEAST_HOURS, rows_every
from models.learning.settings import TrainingSettings
from models.registry.registry import ModelRegistry
from models.scoring.scorer import Scorer
from yardsticks.proof.desk_then import DeskThen
from yardsticks.proof.past import CasesOfDevices, PastFleet
from yardsticks.proof.past_store import PastStore, Tiles
from yardsticks.proof.rows import SeenRows
from yardsticks.proof.schooling import Pace, School, Trained
from yardsticks.proof.warnings import Warned, Watch

_SETTLED_MS = 15 * MINUTE_MS
"""So long into an hour the one before can be told otherwise (models.features.tile_memory): it is looked at
then, and nothing of later is known."""
_A_DAY = 24
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay decided, and what it knew at its end. `start` and `end` bound its tiles (epoch ms)."""

    start: int
    end: int
    warnings: tuple[Warned, ...]
    trainings: tuple[Trained, ...]
    promoted: tuple[tuple[int, str], ...]
    first_model: int | None
    store: PastStore
    silent: tuple[str, ...]
    """Features that no robot ever told."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a past is replayed."""

    training: TrainingSettings = field(default_factory=TrainingSettings)
    pace: Pace = field(default_factory=Pace)
    visits_a_day: int = 0
    every_hours: int | None = None
    """Hours between two looks; None: as training wants rows, and at least once a day."""


def replay(
    tiles: Tiles,
    fleet: PastFleet,
    folder: Path,
    end: int,
    way: Way,
    progress: Progress = lambda share, text: None,
) -> Replayed:
    """Replay the robots' past up to `end` (epoch ms, a whole hour); `folder` takes a desk and model files.

    At each look only what was known by then goes into scoring, training, and decisions: readings by their own
    time, cases from when they were opened, what they found from when they were confirmed. Same past and seed,
    same decisions. Raises NotEnoughHistory where no robot was heard.
    """
    store = PastStore(tiles)
    if tiles.first_hour(Kind.ROBOT) is None or store.end >= end:
        raise NotEnoughHistory("no robot has sent a reading in this time: there is nothing to replay")
    start = store.end
    then = DeskThen(fleet, folder / "then.db")
    try:
        registry = ModelRegistry(then.desk, folder / "models", costs=way.training.costs)
        rows = SeenRows(way.training.history_days)
        school = School(registry, rows, way.training, way.pace)
        # What scoring asks of a store, this one answers.
        scorer = Scorer(store, then.desk, registry, rows.take)  # type: ignore[arg-type]
        watch = Watch(CasesOfDevices(fleet.cases), way.training.costs, way.visits_a_day)
        every = way.every_hours or min(_A_DAY, _rows_apart(way.training, fleet, start, end))
        looks = range(_first_look(start, every), end // HOUR_MS + 1, every)
        for number, hour in enumerate(looks):
            at = hour * HOUR_MS + _SETTLED_MS
            then.advance(at)
            store.advance(hour * HOUR_MS)
            scoring = scorer.score()
            watch.look(scoring.notable(watch.followed), at)
            # Who is on trial is who scored tonight: before a training puts others in their place.
            school.promote(store, fleet.cases, at, scorer.in_use)
            if school.is_due(fleet.cases, at):
                school.train(then.desk, fleet.cases, then.clock, hour * HOUR_MS)
            progress((number + 1) / len(looks), f"{len(watch.warnings)} warnings")
    finally:
        then.close()
    return Replayed(
        start,
        end,
        tuple(watch.warnings),
        tuple(school.trainings),
        tuple(school.promoted),
        school.first_model,
        store,
        rows.silent(),
    )


def _rows_apart(settings: TrainingSettings, fleet: PastFleet, start: int, end: int) -> int:
    hours = min(settings.history_days * _A_DAY, (end - start) // HOUR_MS)
    return rows_every(settings, max(len(fleet.robots), 1), hours)


def _first_look(start: int, every: int) -> int:
    """Return the first hour of a look: at whole days, or parts of them, after some history."""
    return -(-(start // HOUR_MS + LEAST_HOURS) // every) * every
