"""Scores every robot: its newest tiles become calibrated risks with their reasons, stored and handed on."""

import logging
from dataclasses import dataclass

import numpy as np
import orjson
import polars as pl

from fleet.clock import HOUR_MS
from fleet.risks import RISK_COLUMNS, Driver, Risk
from fleet.signals import Kind
from models.compute import FleetFacts, Look, Moments, hours_heard
from models.explanation import drivers
from models.features import FEATURES, LOOKBACK_HOURS
from models.grid import Floats
from models.pipeline import LEAST_HOURS
from models.registry import LoadedModel, ModelRegistry
from models.tile_memory import TileMemory
from storage.desk.database import DeskDatabase
from storage.desk.model_cards import write_device_risks
from storage.desk.repairs import device_models, renewals
from storage.ports import TelemetryStore

log = logging.getLogger(__name__)

EXPLAIN_FROM = 0.005
"""A risk below this is stored without drivers: nobody will ask why a robot is in order."""


@dataclass(frozen=True, slots=True)
class _Fleet:
    """The robots that can be judged: ids, times of the newest readings (epoch ms), places in the grid."""

    devices: list[str]
    times: list[int]
    moments: Moments


class Scorer:
    """Scores all robots with the registered models, as of each robot's newest reading.

    Tiles stay in memory from one pass to the next. Models are loaded when the champions change, so that a
    training anywhere is taken up by the next pass. Use from one thread at a time.
    """

    def __init__(self, store: TelemetryStore, desk: DeskDatabase, registry: ModelRegistry) -> None:
        self._store = store
        self._desk = desk
        self._registry = registry
        self._memory = TileMemory(store, Kind.ROBOT)
        self._champions: frozenset[str] = frozenset()
        self._models: dict[str, LoadedModel] = {}

    def score(self) -> list[Risk]:
        """Score, store and return the risk of every robot and fault that has a model.

        A robot heard in fewer than 24 different hours is left out rather than guessed at. Without a model or
        a robot the list is empty.
        """
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # ships no types

        self._take_up_models()
        fleet = self._fleet()
        if not self._models or not fleet.devices:
            return []
        facts = FleetFacts(device_models(self._desk, Kind.ROBOT), renewals(self._desk))
        look = Look(self._memory.grid, facts, fleet.moments)
        # A few dozen rows are predicted sooner by one thread than several are woken.
        with threadpool_limits(1):
            matrix = look.matrix(FEATURES)
            risks = [
                risk for model in self._models.values() for risk in _risks_of(model, matrix, look, fleet)
            ]
        self._store.write_risks(_frame(risks))
        write_device_risks(self._desk, _summaries(risks))
        return risks

    def _take_up_models(self) -> None:
        champions = self._registry.champions()
        if champions != self._champions:
            self._models = self._registry.load()
            self._champions = champions

    def _fleet(self) -> _Fleet:
        newest = self._memory.refresh()
        devices = sorted(newest)
        rows = self._memory.grid.rows_of(devices)
        times = np.array([newest[device] for device in devices], dtype=np.int64)
        moments = Moments(rows, times // HOUR_MS)
        known = (rows >= 0) & (moments.hours >= self._memory.grid.end - LOOKBACK_HOURS)
        if known.any():
            known &= hours_heard(self._memory.grid, moments) >= LEAST_HOURS
        return _Fleet(
            [device for device, judged in zip(devices, known, strict=True) if judged],
            times[known].tolist(),
            Moments(rows[known], moments.hours[known]),
        )


def _risks_of(model: LoadedModel, matrix: Floats, look: Look, fleet: _Fleet) -> list[Risk]:
    own = matrix[:, [_COLUMN[feature.name] for feature in model.features]]
    risk, card = model.risk(own), model.card
    asked = np.flatnonzero(risk >= EXPLAIN_FROM)
    told = drivers(model, own, look, asked) if len(asked) else []
    reasons: dict[int, tuple[Driver, ...]] = dict(zip(asked.tolist(), told, strict=True))
    return [
        Risk(device, card.fault, ts, float(risk[row]), card.threshold, card.id, reasons.get(row, ()))
        for row, (device, ts) in enumerate(zip(fleet.devices, fleet.times, strict=True))
    ]


_COLUMN = {feature.name: index for index, feature in enumerate(FEATURES)}


def _frame(risks: list[Risk]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "device_id": [risk.device_id for risk in risks],
            "ts": [risk.ts for risk in risks],
            "fault": [risk.fault for risk in risks],
            "risk": [risk.risk for risk in risks],
            "drivers": [orjson.dumps([each.to_dict() for each in risk.drivers]).decode() for risk in risks],
            "model": [risk.model for risk in risks],
        },
        schema=RISK_COLUMNS,
    )


def _summaries(risks: list[Risk]) -> list[dict[str, object]]:
    """Return the highest risk of each device, as the desk's device rows take it."""
    highest: dict[str, Risk] = {}
    for risk in risks:
        if risk.device_id not in highest or risk.risk > highest[risk.device_id].risk:
            highest[risk.device_id] = risk
    return [
        {"id": risk.device_id, "risk": risk.risk, "fault": risk.fault, "risk_ts": risk.ts}
        for risk in highest.values()
    ]
