"""A map that was checked: against the signals and faults that there are, and against its files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fleet.config import Mistake, Mistakes, line_of, parse_config, read_text
from fleet.errors import ConfigError
from fleet.faults import FAULTS
from fleet.signals import Kind, SignalTable
from fleet.text import near, quoted
from ingest.dialects.mapping import Mapper
from ingest.history.shapes import (
    FaultWords,
    FileShape,
    HistoryMap,
    LongShape,
    Origin,
    TelemetryMap,
    TimeShape,
)
from ingest.history.sources import columns_of
from ingest.history.times import Times

_MOST_MISTAKES = 20
"""Of a folder whose files are all wrong the first tell enough."""
PARTS = ("telemetry", "devices", "repairs", "events")


@dataclass(frozen=True, slots=True)
class Plan:
    """A map, its text, and how each kind of device's signals come from columns."""

    shape: HistoryMap
    text: str
    origin: str
    mappers: Mapping[Kind, Mapper]

    def part(self, name: str) -> Any:
        """Return what the map says of one kind of file. Raises ConfigError where it says nothing."""
        found = getattr(self.shape, name)
        if found is None:
            there = ", ".join(each for each in PARTS if getattr(self.shape, each) is not None) or "none"
            raise ConfigError(
                f"{self.origin}: there is no {name} in it, but a file is given; there are: {there}"
            )
        return found


def read_plan(path: Path, signals: SignalTable) -> Plan:
    """Read a map. Raises Mistakes, which name each line, what is wrong there and what is allowed."""
    text = read_text(path)
    return plan_of(text, signals, str(path))


def plan_of(text: str, signals: SignalTable, origin: str) -> Plan:
    """Return a map's text as a plan. Raises Mistakes."""
    shape = parse_config(text, HistoryMap, origin)
    mistakes = [
        Mistake(line_of(text, *place), f"{'.'.join(place)}: {why}") for place, why in _wrong(shape, signals)
    ]
    if mistakes:
        raise Mistakes(origin, mistakes)
    mappers = {} if shape.telemetry is None else _mappers(shape.telemetry, signals, origin)
    return Plan(shape, text, origin, mappers)


def check_files(plan: Plan, part: str, files: Sequence[Path]) -> None:
    """Check that files have the columns that the map names. Raises Mistakes.

    Each column but those of signals must be in every file, and each signal's in some.
    """
    shape: FileShape = plan.part(part)
    signals = shape.signals if isinstance(shape, TelemetryMap) and shape.long is None else {}
    missing_everywhere = {name: source.source for name, source in signals.items()}
    mistakes: list[Mistake] = []
    for path in files:
        there = columns_of(path, shape)
        for place, column in named_columns(shape):
            if column not in there:
                mistakes.append(_no_column(plan, (part, *place), column, path, there))
        missing_everywhere = {name: one for name, one in missing_everywhere.items() if one not in there}
        if len(mistakes) > _MOST_MISTAKES:
            break
    for name, column in missing_everywhere.items():
        mistakes.append(
            _no_column(plan, (part, "signals", name), column, files[0], columns_of(files[0], shape))
        )
    if mistakes:
        raise Mistakes(plan.origin, mistakes)


def _no_column(plan: Plan, place: tuple[str, ...], column: str, path: Path, there: Sequence[str]) -> Mistake:
    why = f"{path.name} has no column {quoted(column)}; it has {', '.join(there)}{near(column, there)}"
    return Mistake(line_of(plan.text, *place), f"{'.'.join(place)}: {why}")


def named_columns(shape: BaseModel) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the columns that a part of a map names outright, each with its place."""
    for field, info in type(shape).model_fields.items():
        value, name = getattr(shape, field), info.alias or field
        if isinstance(value, Origin | TimeShape | FaultWords) and value.source is not None:
            yield (name,), value.source
        elif isinstance(value, LongShape):
            yield (name, "name"), value.name
            yield (name, "value"), value.value
        elif isinstance(value, str) and name in ("seq", "received", "json"):
            yield (name,), value
        elif name == "detail" and isinstance(value, dict):
            yield from (((name, key), column) for key, column in value.items())


def _wrong(shape: HistoryMap, signals: SignalTable) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what a map names and nobody knows, each with its place."""
    for part in PARTS:
        found = getattr(shape, part)
        if found is None:
            continue
        for field, value in found:
            if isinstance(value, TimeShape):
                try:
                    Times(value, f"{part}.{field}")
                except ConfigError as error:
                    yield (part, field), str(error).split(": ", 1)[-1]
            if field == "kind" and isinstance(value, Origin):
                yield from _kinds(part, value)
            if isinstance(value, FaultWords):
                yield from _faults(part, field, value)
    if shape.telemetry is not None:
        yield from _signals(shape.telemetry, signals)


def _kinds(part: str, origin: Origin) -> Iterator[tuple[tuple[str, ...], str]]:
    for word in (*(origin.values or {}).values(), *([origin.fixed] if origin.fixed else ())):
        if word not in list(Kind):
            yield (part, "kind"), f"{quoted(word)} is no kind; allowed: {', '.join(Kind)}{near(word, Kind)}"


def _faults(part: str, field: str, words: FaultWords) -> Iterator[tuple[tuple[str, ...], str]]:
    named: dict[tuple[str, ...], str] = {
        ("values", said): code for said, code in (words.values or {}).items()
    }
    named |= {("is",): words.fixed} if words.fixed else {}
    named |= {("unknown",): words.unknown} if words.unknown else {}
    for place, code in named.items():
        if code not in FAULTS:
            allowed = ", ".join(sorted(FAULTS))
            yield (part, field, *place), f"{quoted(code)} is no fault; allowed: {allowed}{near(code, FAULTS)}"


def _signals(shape: TelemetryMap, signals: SignalTable) -> Iterator[tuple[tuple[str, ...], str]]:
    kinds = _kinds_of(shape)
    known = {signal.name for kind in kinds for signal in signals.for_kind(kind)}
    for name, source in shape.signals.items():
        place = ("telemetry", "signals", name)
        if name not in known:
            of = " or ".join(kinds)
            yield place, f"is no signal of a {of}; allowed: {', '.join(sorted(known))}{near(name, known)}"
            continue
        for kind in kinds:
            if any(one.name == name for one in signals.for_kind(kind)):
                try:
                    Mapper({name: source}, kind, signals, "map")
                except ConfigError as error:
                    yield place, str(error).split(f"signals.{name}", 1)[-1].lstrip(".: ")
                break


def _kinds_of(shape: TelemetryMap) -> list[Kind]:
    """Return the kinds of device that files may be of."""
    if shape.kind is None:
        return [Kind.ROBOT] if shape.site is not None else list(Kind)
    words = [shape.kind.fixed] if shape.kind.fixed is not None else list((shape.kind.values or {}).values())
    return [kind for kind in Kind if kind in words] or list(Kind)


def _mappers(shape: TelemetryMap, signals: SignalTable, origin: str) -> dict[Kind, Mapper]:
    mappers = {}
    for kind in Kind:
        own = {one.name for one in signals.for_kind(kind)}
        mine = {name: source for name, source in shape.signals.items() if name in own}
        mappers[kind] = Mapper(mine, kind, signals, origin)
    return mappers
