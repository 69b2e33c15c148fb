"""Stored readings, in pieces of hours, to the engine: no more than what can matter to the rules.

A device in whose piece no rule can hold and that has no open alert is left out; of the others only the
signals that the rules look at are read. Nothing is thinned out: they are judged as they are stored.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from alerts.backtest.groups import Group
from alerts.backtest.past import PastEngine, Raised
from alerts.backtest.told_later import Hours, Scorings
from alerts.judging.quantities import Source
from alerts.judging.rules import BY_CODE, ERROR_CODE, Rule
from fleet.clock import HOUR_MS
from fleet.codes import CodeCatalogue
from fleet.errors import Conflict
from fleet.readings import ReadingBatch, batch_schema, completed
from fleet.signals import SignalTable
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.device_events import events_told
from storage.records.devices import ReportedEvent
from storage.records.repairs import device_places

PIECE_MS = 6 * HOUR_MS
_TURN = "__turn"


@dataclass(frozen=True)
class Replayed:
    """Where the past is: the stores, what makers' codes mean, and whether to stop (True: give up)."""

    store: TelemetryStore
    desk: DeskDatabase
    signals: SignalTable
    codes: CodeCatalogue
    stop: Callable[[], bool] = lambda: False


def replay(past: Replayed, group: Group, start: int, end: int, devices: Sequence[str] | None) -> list[Raised]:
    """Return what the rules of a group would have raised from `start` to `end`, of all devices or some.

    Raises Conflict when it was told to stop.
    """
    _, sites = device_places(past.desk, group.kind)
    if devices is not None:
        sites = {device: sites[device] for device in devices if device in sites}
    engine = PastEngine(past.desk, group.rules, past.codes, past.signals)
    replays = _told_by(past, group, engine, sites, start)
    absences = [_Absence(past, rule, engine, sites) for rule in group.offline]
    for begin, until in _pieces(start, end):
        if past.stop():
            raise Conflict("this takes too long; ask for fewer days, one rule, or some devices")
        for each in replays:
            each.piece(begin, until)
        for absence in absences:
            absence.piece(begin, until)
    for absence in absences:
        absence.end(end)
    return engine.finish(end)


def _told_by(
    past: Replayed, group: Group, engine: PastEngine, sites: Mapping[str, str], start: int
) -> list["_Signals | Hours | Scorings"]:
    """Return what tells the rules of a group, beside absence."""
    if group.source is Source.HOURS:
        return [Hours(past.store, group, engine, sites, start)]
    if group.source is Source.MODELS:
        return [Scorings(past.store, group, engine, sites)]
    return [_Signals(past, group, engine, sites)] if group.over_signals or group.over_events else []


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    for begin in range(start, end, PIECE_MS):
        yield begin, min(begin + PIECE_MS, end)


@dataclass
class _Signals:
    """Feeds readings and events of a group's devices."""

    past: Replayed
    group: Group
    engine: PastEngine
    sites: Mapping[str, str]

    def piece(self, start: int, end: int) -> None:
        """Replay one piece."""
        events = self._events(start, end) if self.group.over_events else []
        concerned = self._concerned(start, end) | {event.device_id for event in events}
        if not concerned:
            return
        frame = self._readings(start, end, concerned)
        if not events and len(self.group.rules) == 1 and self.group.rules[0].fault != BY_CODE:
            self._observe(frame)
            return
        self._in_turns(frame, events)

    def _concerned(self, start: int, end: int) -> set[str]:
        """Return the devices of which readings of a piece can matter."""
        sought = self.group.sought
        if sought is None:
            return set(self.sites)
        tracked = {device for device, _ in self.engine.followed()}
        found = self.past.store.devices_with(self.group.kind, sought, start, end)
        return {device for device in (*found, *tracked) if device in self.sites}

    def _events(self, start: int, end: int) -> list[ReportedEvent]:
        with self.past.desk.transaction() as session:
            told = events_told(session, start, end)
        return [event for event in told if event.device_id in self.sites]

    def _readings(self, start: int, end: int, devices: set[str]) -> pl.DataFrame:
        if not self.group.signals:
            return pl.DataFrame(schema={"device_id": pl.String, "ts": pl.Int64})
        some = None if len(devices) == len(self.sites) else sorted(devices)
        found = self.past.store.scan(self.group.kind, self.group.signals, start, end, some)
        if some is None and not found.is_empty():
            found = found.filter(pl.col("device_id").is_in(list(devices)))
        return found

    def _in_turns(self, frame: pl.DataFrame, events: Sequence[ReportedEvent]) -> None:
        """Hand over each device's readings and events one by one, all devices' first, then the second, ...

        Where several rules are about one fault, which of them is first decides; so none may run ahead.
        """
        told: dict[int, list[ReportedEvent]] = {}
        frame = frame.sort("device_id", "ts")
        turns = pl.concat(
            [
                frame.with_columns(self._telling(frame), event=pl.lit(-1, pl.Int32)),
                pl.DataFrame(
                    [(event.device_id, event.ts, number) for number, event in enumerate(events)],
                    schema={"device_id": pl.String, "ts": pl.Int64, "event": pl.Int32},
                    orient="row",
                ),
            ],
            how="diagonal_relaxed",
        ).sort("device_id", "ts", "event")
        told_of = pl.col("event") >= 0
        behind = told_of.shift(1) | told_of.shift(
            2
        )  # what it raised may end with a reading like those before
        turns = turns.filter(told_of | behind | pl.col("telling"))
        turns = turns.with_columns(pl.int_range(pl.len()).over("device_id").alias(_TURN))
        for number, turn in turns.filter(pl.col("event") >= 0).select("event", _TURN).rows():
            told.setdefault(turn, []).append(events[number])
        readings = turns.filter(pl.col("event") < 0)
        parts = {key[0]: part for key, part in readings.partition_by(_TURN, as_dict=True).items()}
        for turn in sorted({*parts, *told}):
            if turn in parts:
                self._observe(parts[turn].drop("event", "telling", _TURN))
            if turn in told:
                self.engine.observe_events(told[turn])

    def _telling(self, frame: pl.DataFrame) -> pl.Series:
        """Tell which readings must be judged: where rules measure windows or apply at times, each one."""
        if self.group.is_plain:
            return _telling(frame, self.group.over_signals)
        return pl.repeat(value=True, n=frame.height, eager=True).alias("telling")

    def _observe(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        schema = batch_schema(self.past.signals, self.group.kind)
        sites = frame["device_id"].replace_strict(self.sites, default="", return_dtype=pl.String)
        columns = {series.name: series for series in frame.iter_columns()}
        columns |= {"site": sites.alias("site"), "received": frame["ts"].alias("received")}
        self.engine.observe(ReadingBatch(self.group.kind, completed(columns, schema, frame.height)))


def _telling(frame: pl.DataFrame, rules: Sequence[Rule]) -> pl.Series:
    """Tell in which readings anything changes for any rule: in the first two and the last of each run.

    The second is that in which a rule begins that had to wait for the end of another's alert.
    """
    told = [rule.holds.alias(f"holds.{n}") for n, rule in enumerate(rules)]
    told += [rule.cleared.alias(f"cleared.{n}") for n, rule in enumerate(rules)]
    told += [pl.col(name).alias(f"said.{name}") for name in (ERROR_CODE,) if name in frame.columns]
    run = frame.select("device_id", *told).select(pl.struct(pl.all()).rle_id()).to_series()
    first = (run != run.shift(1)).fill_null(value=True)
    last = (run != run.shift(-1)).fill_null(value=True)
    return (first | last | first.shift(1, fill_value=True)).alias("telling")


class _Absence:
    """Looks for gaps between readings; a broker's word that a device is gone is not stored."""

    def __init__(self, past: Replayed, rule: Rule, engine: PastEngine, sites: Mapping[str, str]) -> None:
        self._past = past
        self._rule = rule
        self._engine = engine
        self._sites = sites
        self._last: dict[str, int] = {}

    def piece(self, start: int, end: int) -> None:
        """Find the gaps that end in a piece."""
        found = self._past.store.scan(self._rule.kind, [], start, end)
        known = found.filter(pl.col("device_id").is_in(list(self._sites))).sort("device_id", "ts")
        before = pl.col("ts").shift(1).over("device_id")
        known = known.with_columns(before=before)
        first = known.group_by("device_id").agg(pl.col("ts").min().alias("first"), pl.col("ts").max())
        for device, ts, last in first.rows():
            self._gap(device, self._last.get(device, ts), ts)
            self._last[device] = last
        wide = known.filter(pl.col("ts") - pl.col("before") >= (self._rule.absent_ms or 0))
        for device, ts, since in wide.select("device_id", "ts", "before").rows():
            self._gap(device, since, ts)

    def end(self, at: int) -> None:
        """Find the devices of which nothing was heard any more."""
        for device, last in sorted(self._last.items()):
            self._engine.absent(self._rule, device, last, at)

    def _gap(self, device: str, since: int, until: int) -> None:
        if until - since >= (self._rule.absent_ms or 0):
            self._engine.absent(self._rule, device, since, until)
            self._engine.heard(self._rule, device, until)
