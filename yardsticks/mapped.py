"""Files of a yardstick, read as `sweepwatch import` reads anybody's: by a map, which lies beside the code."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import yaml

from fleet.clock import DAY_MS, HOUR_MS, SECOND_MS, SystemClock
from fleet.errors import ConfigError, InvalidInput
from fleet.signals import Form, Kind, Role, Signal, SignalTable
from fleet.text import Text
from ingest.history.owners import Owners
from ingest.history.plan import Plan, check_files, plan_of
from ingest.history.readings import ReadingMaker
from ingest.history.sources import Place, blocks, columns_of
from models.features.own import OwnKind, OwnSignal

_STEPS = {"1s": SECOND_MS, "1h": HOUR_MS, "1d": DAY_MS}
_WIDEST = 1e12


@dataclass(frozen=True)
class Mapped:
    """A map: what the signals are, and how files give them."""

    kind: OwnKind
    table: SignalTable
    plan: Plan


def read_map(name: str) -> Mapped:
    """Return the map of a yardstick."""
    told = yaml.safe_load((Path(__file__).parent / "maps" / f"{name}.yaml").read_text(encoding="utf-8"))
    setpoints, load = tuple(told.get("setpoints", ())), told.get("load")
    names = (*setpoints, *([load] if load else ()), *told["signals"])
    signals = [
        Signal(n, "", Role.LEVEL, Form.NUMBER, -_WIDEST, _WIDEST, frozenset({Kind.ROBOT}), Text(n, n))
        for n in names
    ]
    table = SignalTable(signals)
    kind = OwnKind(tuple(OwnSignal(each) for each in names), setpoints, load, _STEPS[told["step"]])
    return Mapped(kind, table, plan_of(yaml.safe_dump(told["map"]), table, f"maps/{name}.yaml"))


def read_readings(mapped: Mapped, path: Path) -> pl.DataFrame:
    """Return a file's readings: `unit`, `ts` and a column for each signal, sorted.

    Raises InvalidInput for a file that is not fully understood: it names the first row that is not.
    """
    try:
        check_files(mapped.plan, "telemetry", [path])
    except ConfigError as error:  # of our own map: it is the file that does not fit
        raise InvalidInput(str(error)) from error
    shape = mapped.plan.part("telemetry")
    maker = ReadingMaker(shape, mapped.plan.mappers, mapped.table, Owners(shape, {}), SystemClock(), {})
    wanted, numbers = maker.wanted(columns_of(path, shape))
    names = [signal.name for signal in mapped.kind.signals]
    frames: list[pl.DataFrame] = []
    for block in blocks(path, shape, wanted, numbers, Place()):
        checked = maker.check(block, path)
        for each in (*checked.refused, *checked.dropped):
            raise InvalidInput(f"{path}, line {each.lines[0]}: {each.what} {each.reason}: {each.detail(0)}")
        frames += [batch.frame.select("device_id", "ts", *names) for batch in checked.batches]
    if not frames:
        raise InvalidInput(f"{path} holds no row")
    whole = pl.concat(frames).rename({"device_id": "unit"}).sort("unit", "ts", maintain_order=True)
    if any(whole.null_count().row(0)):
        raise InvalidInput(f"{path} holds a row with an empty field or a value that is no number")
    return whole


def without(kind: OwnKind, names: Sequence[str]) -> OwnKind:
    """Return a kind without some of its signals."""
    return replace(kind, signals=tuple(each for each in kind.signals if each.name not in names))
