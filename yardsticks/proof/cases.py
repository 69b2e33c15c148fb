"""Ten cases of a replayed past, drawn by chance and shown from the driver's signal to the failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.faults import UNUSUAL
from fleet.risks import Driver
from fleet.signals import Kind
from fleet.tiles import tile_column
from models.anomaly.watched import WATCHED
from models.features.definitions import features_of, telling
from yardsticks.proof.judged import Breakdown, Judged, Outcome
from yardsticks.proof.past import is_predicted
from yardsticks.proof.past_store import PastStore
from yardsticks.proof.warnings import Warned

SEEN, MISSED, VAIN = 5, 3, 2
_BEFORE_MS, _AFTER_MS, _EVERY_MS = 30 * DAY_MS, 2 * DAY_MS, 6 * HOUR_MS
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """One case: what it is (`seen`, `missed`, `vain`), of what, and when; `failed` is None in vain."""

    what: str
    device_id: str
    fault: str
    warned: Warned | None
    failed: int | None


def drawn(judged: Judged, seed: int) -> list[Shown]:
    """Draw cases by chance: no hand chose them. What no model predicts is not among the missed."""
    rng = np.random.default_rng(seed)
    seen = [each for each in judged.breakdowns if each.is_foreseen]
    missed = [each for each in judged.breakdowns if not each.is_foreseen and is_predicted(each.fault)]
    vain = [
        warning for visit in judged.visits if visit.outcome is Outcome.VAIN for warning in visit.warnings[:1]
    ]
    return [
        *(_of_breakdown("seen", seen[row]) for row in _some(rng, len(seen), SEEN)),
        *(_of_breakdown("missed", missed[row]) for row in _some(rng, len(missed), MISSED)),
        *(
            Shown("vain", vain[row].device_id, vain[row].fault, vain[row], None)
            for row in _some(rng, len(vain), VAIN)
        ),
    ]


def _some(rng: np.random.Generator, of: int, most: int) -> list[int]:
    return sorted(rng.permutation(of)[:most].tolist())


def _of_breakdown(what: str, each: Breakdown) -> Shown:
    return Shown(what, each.device_id, each.fault, each.warned, each.at)


def chart_of(shown: Shown, store: PastStore) -> Json:
    """Return what a case's chart shows: the driver's signal, the risk, its threshold; times in epoch ms."""
    last = shown.failed if shown.failed is not None else shown.warned.at + 7 * DAY_MS  # type: ignore[union-attr]
    start, end = (
        (last - _BEFORE_MS) // HOUR_MS * HOUR_MS,
        min((last + _AFTER_MS) // HOUR_MS * HOUR_MS, store.end),
    )
    fault = shown.warned.fault if shown.warned else shown.fault
    driver = next(iter(shown.warned.drivers), None) if shown.warned else None
    signal = driver.signal if driver else _first_signal(shown.fault)
    return {
        "what": shown.what,
        "device": shown.device_id,
        "fault": shown.fault,
        "warned": None if shown.warned is None else shown.warned.at,
        "warned_of": None if shown.warned is None else shown.warned.fault,
        "failed": shown.failed,
        "threshold": None if shown.warned is None else round(shown.warned.threshold, 4),
        "driver": None if driver is None else {**driver.to_dict(), "course": None},
        "signal": signal,
        "levels": levels(store, shown.device_id, signal, start, end) or _course(driver),
        "risk": store.course_of(shown.device_id, fault, start, end),
    }


def _first_signal(fault: str) -> str:
    """Return the signal that a fault's model would look at first."""
    table = features_of(fault) if fault != UNUSUAL else ()
    telling_ones = telling(table) if table else []
    return table[telling_ones[0]].measure.signal if telling_ones else WATCHED[0].measure.signal


def levels(store: PastStore, device: str, signal: str, start: int, end: int) -> list[tuple[int, float]]:
    """Return the mean of a signal in pieces of some hours; of a counter how far it rose."""
    tiles = store.tiles(Kind.ROBOT, start, end, [device])
    n, mean, rise = (tile_column(signal, stat) for stat in ("n", "mean", "rise"))
    slot = (pl.col("hour") - pl.col("hour") % _EVERY_MS).alias("ts")
    if rise in tiles.columns:
        level = pl.col(rise).sum()
    elif mean in tiles.columns:
        level = (pl.col(mean) * pl.col(n)).sum() / pl.col(n).sum()
    else:
        return []
    found = tiles.group_by(slot).agg(level=level).sort("ts").drop_nulls()
    return [(int(ts), round(float(value), 4)) for ts, value in found.iter_rows() if np.isfinite(value)]


def _course(driver: Driver | None) -> list[tuple[int, float]]:
    """Return the levels that a driver brought along, where its signal has none of its own."""
    course = driver.course if driver else None
    if course is None:
        return []
    days: Sequence[float | None] = course.own
    return [(course.start + n * course.every, level) for n, level in enumerate(days) if level is not None]
