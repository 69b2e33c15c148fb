"""A fleet in a store, models for all its faults, and passes of the scorer over it."""

import hashlib
import resource
import statistics
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import insert

from fleet.clock import HOUR_MS, SECOND_MS
from fleet.faults import Fault, predicted_faults
from fleet.readings import ReadingBatch, batch_schema
from fleet.signals import ROBOT_STATES, STANDARD_SIGNALS, Kind, Role
from models.features.compute import Look
from models.features.definitions import features_of
from models.features.tile_memory import TileMemory
from models.features.windows import NO_RESETS, FleetFacts, Floats
from models.learning.life import LifeModel, fit_life
from models.learning.lives import Lives
from models.learning.settings import TrainingSettings
from models.learning.training import heard
from models.registry.registry import ModelRegistry
from models.scoring.scorer import Scorer
from storage.records.database import open_desk
from storage.records.devices import Device
from storage.series.duckdb.store import DuckDbStore

_FIRST_HOURS = 30
START = (18_751 * 24 - _FIRST_HOURS - 1) * HOUR_MS
"""The second pass begins a new day, on which everything is computed that holds for a day."""
_AN_HOUR = 2
"""Readings a device and hour in the hours that are measured: what a tile costs does not depend on it."""
_MODELS, _SITES = 6, 50
_TAUGHT = 4_000
_STORE_MB = 512
"""Set as `store.duckdb_memory_mb` would be for a large fleet: half the usual leaves room for its windows."""
_USED = 0.2
"""The share of what a device can do that its counters rise by."""
_DIPS = 0.002
"""The share of readings in which a counter says 0 and is back: their hours are looked at one by one."""
_RARE = 0.99
_ENDING = 0.1
"""The share of a fleet's wearing parts that have an end in sight; of the rest there is little to say."""


class ScoredFleet:
    """Everything that a scoring needs, in `folder`; a context that closes it."""

    def __init__(self, folder: Path, devices: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._count = devices
        self._ids = pl.Series("device_id", [f"robot-{number:06d}" for number in range(devices)])
        self._level = {
            s.name: self._rng.uniform(0.3, 0.6, devices) * (min(s.high, 1e4) - max(s.low, 0.0))
            + max(s.low, 0.0)
            for s in STANDARD_SIGNALS.for_kind(Kind.ROBOT)
            if s.is_numeric
        }
        self._hour = 0
        path = folder / "telemetry.duckdb"
        self._store = DuckDbStore.open(path, STANDARD_SIGNALS, threads=1, memory_mb=_STORE_MB)
        self._desk = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")
        self._registry = ModelRegistry(self._desk, folder / "models")

    def __enter__(self) -> "ScoredFleet":
        self._register()
        for _ in range(_FIRST_HOURS):
            self._report(np.arange(self._count), 1)
        self._teach()
        self._scorer = Scorer(self._store, self._desk, self._registry)
        self._scorer.score()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()
        self._desk.close()

    def measure(self, passes: int) -> dict[str, Any]:
        """Return CPU seconds of a pass over all devices, and of one over a hundredth of them."""
        whole = [self._pass(np.arange(self._count)) for _ in range(passes)]
        few = [self._pass(np.arange(0, self._count, 100)) for _ in range(passes)]
        return {
            "devices": self._count,
            "faults": len(predicted_faults(Kind.ROBOT)),
            "cpu_s": round(statistics.median(seconds for seconds, _ in whole), 3),
            "cpu_s_most": round(max(seconds for seconds, _ in whole), 3),
            "risks": whole[-1][1],
            "cpu_s_a_hundredth": round(statistics.median(seconds for seconds, _ in few), 3),
            "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        }

    def _pass(self, rows: NDArray[np.int64]) -> tuple[float, int]:
        self._report(rows)
        begun = time.process_time()
        scoring = self._scorer.score()
        return time.process_time() - begun, len(scoring)

    def _register(self) -> None:
        rows = [
            {"id": device, "kind": "robot", "site": f"site-{n % _SITES}", "model": f"M-{n % _MODELS}"}
            | {"registered_at": START, "status": "online"}
            for n, device in enumerate(self._ids.to_list())
        ]
        with self._desk.transaction() as session:
            session.execute(insert(Device), rows)

    def _report(self, rows: NDArray[np.int64], an_hour: int = _AN_HOUR) -> None:
        """Store an hour of readings of some devices; the next report is of the next hour."""
        for part in range(an_hour):
            ts = START + self._hour * HOUR_MS + part * HOUR_MS // an_hour + rows % 1000
            columns: dict[str, Any] = {"device_id": self._ids.gather(rows), "ts": ts, "received": ts}
            columns["site"] = pl.Series([f"site-{n % _SITES}" for n in rows])
            noise = self._rng.normal(1.0, 0.02, len(rows))
            for name, level in self._level.items():
                signal = STANDARD_SIGNALS[name]
                if signal.role is Role.COUNTER:
                    used = signal.per_s * _USED * (ts - START) / SECOND_MS
                    counted = np.floor(level[rows] + used)
                    columns[name] = np.where(self._rng.random(len(rows)) < _DIPS, 0.0, counted)
                else:
                    columns[name] = level[rows] * np.roll(noise, len(name))
            columns["state"] = pl.Series(self._rng.choice(ROBOT_STATES[:5], len(rows)))
            schema = batch_schema(STANDARD_SIGNALS, Kind.ROBOT)
            frame = pl.DataFrame(columns).select(
                pl.col(name).cast(dtype) if name in columns else pl.lit(None, dtype).alias(name)
                for name, dtype in schema.items()
            )
            self._store.write(ReadingBatch(Kind.ROBOT, frame))
        self._hour += 1

    def _teach(self) -> None:
        """Register a model of the shipped size for each fault, which one device in a hundred has."""
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.frozen import FrozenEstimator

        memory = TileMemory(self._store, Kind.ROBOT)
        memory.refresh(FleetFacts({}, NO_RESETS))
        look = Look(memory.tiles.at(np.arange(min(self._count, _TAUGHT))))
        chosen = TrainingSettings()
        for fault in predicted_faults(Kind.ROBOT):
            features = look.matrix(features_of(fault.code))
            column = int(hashlib.sha256(fault.code.encode()).hexdigest(), 16) % features.shape[1]
            told = np.nan_to_num(features[:, column]) + self._rng.normal(0, 1e-6, len(features))
            positive = told >= np.quantile(told, _RARE)
            trees = HistGradientBoostingClassifier(
                max_iter=chosen.trees, max_leaf_nodes=chosen.leaves, early_stopping=False, random_state=0
            ).fit(heard(features), positive)
            model = CalibratedClassifierCV(FrozenEstimator(trees), method="sigmoid", cv=2)
            life = self._life(fault, features, told)
            self._registry.save(fault.code, model.fit(features, positive), 0.3, START, {}, life=life)

    def _life(self, fault: Fault, features: Floats, told: Floats) -> LifeModel | None:
        """Return a model of remaining life of the shipped size, where the fault is a wear.

        An end is in sight of parts with a high `told`, the sooner the higher.
        """
        if fault.life_cap_days is None:
            return None
        cap, count = float(fault.life_cap_days), len(features)
        above = np.argsort(np.argsort(told)) / count - (1 - _ENDING)
        days = np.where(above > 0, cap * (1 - above / _ENDING), cap)
        devices = np.arange(count)
        lives = Lives({"days": days, "hours": 5 * days}, days < cap, devices, devices, np.ones(count), cap)
        found = fit_life(features, lives, 0)
        return found if isinstance(found, LifeModel) else None
