"""A world lived through at once: the robots' tiles, what the desk would know of them, and the truth.

For judging models: no broker, no store, no database. The tiles are those that a store would make of the
fleet's readings (a test compares them).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.errors import ConfigError
from fleet.signals import STANDARD_SIGNALS, Kind, SignalTable
from simulators.fault_process import EventRecord, RepairRecord
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.ground_truth import GroundTruth
from simulators.roster import mix
from simulators.tiling import robot_tiles

_CHUNK_DAYS = 4
_REPAIRS = {
    "device_id": pl.String,
    "fault": pl.String,
    "confirmed": pl.String,
    "opened": pl.Int64,
    "ended": pl.Int64,
}
_EVENTS = {"device_id": pl.String, "fault": pl.String, "ts": pl.Int64}


@dataclass(frozen=True, slots=True)
class LivedFleet:
    """What became of a fleet's robots between `start` and `end` (epoch ms, whole hours).

    `tiles` as fleet.tiles says. `repairs` are the tickets that customers' reports led to and engineers
    closed: device_id, fault (as reported), confirmed (a fault or `none`), opened, ended. `waiting` are those
    not closed yet, and `renewals` when a part began a new life: device_id, fault, ts. `models` and `sites`
    are by device id.
    """

    tiles: pl.DataFrame
    repairs: pl.DataFrame
    waiting: pl.DataFrame
    renewals: pl.DataFrame
    truth: GroundTruth
    models: dict[str, str]
    sites: dict[str, str]
    start: int
    end: int

    def confirmed(self) -> pl.DataFrame:
        """Return the repairs that found something, as storage.records.repairs has them."""
        found = self.repairs.filter(pl.col("confirmed") != "none")
        return found.select("device_id", pl.col("confirmed").alias("fault"), "opened", "ended")


def live(
    world: str,
    seed: int,
    robots: int,
    days: int,
    *,
    end_ms: int,
    step_ms: int = 10 * MINUTE_MS,
    signals: SignalTable = STANDARD_SIGNALS,
) -> LivedFleet:
    """Let so many robots of a world live through `days` until `end_ms` (a whole hour); same seed, same life.

    Every failure is repaired as customers report it and nobody acts ahead of it. Some 15 s of CPU for 100
    robots and 60 days in steps of 10 min. Raises ConfigError for an unknown world or a step that does not
    part an hour.
    """
    fleet = _fleet(world, seed, robots, end_ms - days * DAY_MS, signals)
    return live_on(fleet, days, step_ms, lambda pieces: pl.concat(pieces).sort("device_id", "hour"))


def live_on(
    fleet: FleetSimulator,
    days: int,
    step_ms: int,
    keep: Callable[[Iterator[pl.DataFrame]], pl.DataFrame],
) -> LivedFleet:
    """Let a fleet live on for `days`; of its tiles, in pieces by time, `keep` makes those that are kept."""
    start = fleet.now_ms
    if HOUR_MS % step_ms or start % HOUR_MS:
        raise ConfigError(f"steps of {step_ms} ms from {start}: steps must part an hour, and begin with one")
    known = len(fleet.truth)
    repairs: list[RepairRecord] = []
    parts: list[EventRecord] = []

    def pieces() -> Iterator[pl.DataFrame]:
        made: pl.DataFrame | None = None
        for day in range(0, days, _CHUNK_DAYS):
            begins, count = fleet.now_ms, min(_CHUNK_DAYS, days - day) * DAY_MS // step_ms
            columns = fleet.run_robots(count, step_ms)
            parts.extend(event for event in fleet.take_events() if event.code == "part_replaced")
            repairs.extend(fleet.take_repairs())
            robots = fleet.roster.cards[Kind.ROBOT]
            made = robot_tiles(fleet.signals, robots, columns, begins, HOUR_MS // step_ms, made)
            yield made

    tiles = keep(pieces())
    cards = fleet.roster.cards[Kind.ROBOT]
    return LivedFleet(
        tiles,
        _frame([(r.device_id, r.fault, r.confirmed, r.opened, r.repaired) for r in repairs], _REPAIRS),
        _frame([each for each in fleet.reported() if each[2] <= fleet.now_ms], _EVENTS),
        _renewals(repairs, parts),
        GroundTruth(list(fleet.truth)[known:]),
        {card.id: card.model for card in cards},
        {card.id: card.site for card in cards},
        start,
        fleet.now_ms,
    )


def _fleet(world: str, seed: int, robots: int, start: int, signals: SignalTable) -> FleetSimulator:
    devices = next(count for count in range(robots, 2 * robots + 3) if mix(count)[Kind.ROBOT] >= robots)
    return FleetSimulator(FleetConfig(devices, seed, start, world=world), signals)


def _renewals(repairs: list[RepairRecord], parts: list[EventRecord]) -> pl.DataFrame:
    rows = [(r.device_id, r.confirmed, r.repaired) for r in repairs if r.confirmed != "none"]
    rows += [(event.device_id, str(event.detail["fault"]), event.ts) for event in parts]
    return _frame(rows, _EVENTS).unique().sort("ts", "device_id", "fault")


def _frame(rows: Sequence[tuple[object, ...]], schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")
