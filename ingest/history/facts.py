"""Rows of devices, repairs and events as the values that the desk keeps; what is wrong with a row is said."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fleet.clock import to_rfc3339
from fleet.errors import InvalidInput
from fleet.faults import FAULTS, is_unclear
from fleet.past_cases import EARLIEST_MS, MOST_NAME, MOST_NOTE, PastCase
from fleet.signals import Kind
from fleet.text import near, quoted
from fleet.wire import RESERVED_SITE, is_code, is_id
from ingest.history.origins import as_text, word_of
from ingest.history.shapes import DevicesMap, EventsMap, FaultWords, FileShape, Origin, RepairsMap, TimeShape
from ingest.history.sources import Block
from ingest.history.times import Times
from storage.records.devices import DeviceInfo, Placement, ReportedEvent
from storage.records.repairs import PART_REPLACED

ENDED = "ended"
"""What a device's own log says of the end of its life without failure."""
_OUTCOMES = ("failure", "nothing", "replaced", "ended")
_ORIGINS = ("reported", "proactive")
CASE_TIMES = ("opened", "accepted", "arrived", "repaired", "confirmed")


class RowRefused(InvalidInput):
    """A row that cannot be taken: `reason` names it in a word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DeviceFact:
    """A device of a file. `registered` is since when it is known (epoch ms), None where nobody says."""

    info: DeviceInfo
    place: Placement
    registered: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file: its line, its texts, and its times (epoch ms) by their names in the map."""

    file: Path
    line: int
    words: dict[str, str | None]
    times: dict[str, int | None]


class RowReader:
    """Reads rows of one part of a map. `place` is its name there; `times` its columns of times."""

    def __init__(self, shape: FileShape, times: Mapping[str, TimeShape | None], place: str) -> None:
        self._shape = shape
        self._times = {
            name: (each.source, Times(each, f"{place}.{name}"))
            for name, each in times.items()
            if each is not None
        }

    def rows(self, block: Block, file: Path) -> Iterator[Row]:
        """Yield the rows of a block."""
        numbers = block.numbers(self._shape)
        read: dict[str, list[int | None]] = {}
        for name, (source, times) in self._times.items():
            column = block.frame[source] if source is not None and source in block.frame.columns else None
            if source is None or column is not None:
                read[name] = times.read(column, numbers).to_list()
        texts = block.frame.select(as_text(column) for column in block.frame)
        for number, words in enumerate(texts.iter_rows(named=True)):
            times_of = {name: column[number] for name, column in read.items()}
            self._check(words, times_of)
            yield Row(file, int(block.lines[number]), words, times_of)

    def _check(self, words: Mapping[str, str | None], times: dict[str, int | None]) -> None:
        """Let a time that stands there and cannot be read be -1: the row says so when it is looked at."""
        for name, (source, _) in self._times.items():
            if times.get(name) is None and source is not None and words.get(source) is not None:
                times[name] = -1


def device_of(shape: DevicesMap, row: Row) -> DeviceFact:
    """Return the device of a row. Raises RowRefused."""
    device, site = _id(shape.device, row, "device"), _id(shape.site, row, "site")
    if site == RESERVED_SITE:
        raise RowRefused("bad_id", f"{site} is no site's name")
    kind = _word(shape.kind, row, "kind") or Kind.ROBOT
    if kind not in list(Kind):
        raise RowRefused("unknown_kind", f"{quoted(kind)} is no kind; allowed: {', '.join(Kind)}")
    begun, registered = _time(row, "commissioned"), _time(row, "registered")
    traits = {
        name: _short(_word(each, row, name), name)
        for name, each in (("model", shape.model), ("firmware", shape.firmware), ("serial", shape.serial))
    }
    info = DeviceInfo(device, commissioned=None if begun is None else to_rfc3339(begun)[:10], **traits)
    return DeviceFact(info, Placement(site, Kind(kind)), begun if registered is None else registered)


def repair_of(
    shape: RepairsMap, row: Row, kinds: Mapping[str, Kind], now: int
) -> PastCase | list[ReportedEvent]:
    """Return the past case of a row, or the ends of lives without failure. Raises RowRefused."""
    device = _id(shape.device, row, "device")
    if device not in kinds:
        raise RowRefused("unregistered", f"{device} is no registered device")
    outcome = _among(_word(shape.outcome, row, "outcome") or "failure", _OUTCOMES, "outcome")
    times = {name: _time(row, name) for name in CASE_TIMES}
    opened = _first(times["opened"], times["arrived"], times["repaired"], times["confirmed"])
    if opened is None:
        raise RowRefused("bad_ts", "neither opened nor repaired has a time")
    faults = _faults(shape.fault, row, kinds[device])
    if outcome in ("replaced", ENDED):
        return _without_failure(device, outcome, faults, times["repaired"] or opened, now)
    if outcome == "failure" and not faults:
        raise RowRefused(
            "no_fault", "nothing says what was wrong; where nothing was found, outcome is nothing"
        )
    origin = _among(_word(shape.origin, row, "origin") or "reported", _ORIGINS, "origin")
    return PastCase(
        device,
        opened,
        faults if outcome == "failure" else (),
        _noticed(shape, row),
        _faults(shape.suspected, row, kinds[device]) or (faults if outcome == "nothing" else ()),
        times["accepted"],
        times["arrived"],
        times["repaired"],
        times["confirmed"],
        _short(_word(shape.engineer, row, "engineer"), "engineer") or "",
        _split(_word(shape.parts, row, "parts"), ";"),
        (_word(shape.note, row, "note") or "")[:MOST_NOTE],
        (_word(shape.id, row, "id") or "")[:128],
        origin == "reported",
    )


def event_of(shape: EventsMap, row: Row, known: Collection[str], now: int) -> ReportedEvent:
    """Return what a device said of itself. Raises RowRefused."""
    device, at, code = _id(shape.device, row, "device"), _time(row, "time"), _word(shape.code, row, "code")
    if device not in known:
        raise RowRefused("unregistered", f"{device} is no registered device")
    if at is None:
        raise RowRefused("bad_ts", "time is missing")
    _not_ahead(at, now)
    if code is None or not is_code(code):
        raise RowRefused("bad_event", f"{quoted(code)} is no code: 1 to 64 of A-Z a-z 0-9 _ - . :")
    detail: dict[str, Any] = {}
    said = row.words.get(shape.json_column or "")
    if said is not None:
        try:
            detail = json.loads(said)
        except ValueError as error:
            raise RowRefused("bad_event", f"{shape.json_column}: {quoted(said)} is no JSON") from error
        if not isinstance(detail, dict):
            raise RowRefused("bad_event", f"{shape.json_column}: {quoted(said)} is no object")
    for name, column in shape.detail.items():
        if (word := row.words.get(column)) is not None:
            detail[name] = word
    return ReportedEvent(device, at, code, detail, at)


def _without_failure(
    device: str, outcome: str, faults: tuple[str, ...], at: int, now: int
) -> list[ReportedEvent]:
    _not_ahead(at, now)
    if outcome == ENDED:
        return [ReportedEvent(device, at, ENDED, {"source": "import"}, at)]
    if not faults:
        raise RowRefused("no_fault", "nothing says whose part was replaced: fault is missing")
    # Each in a millisecond of its own: a device says a code once at a time.
    order = list(FAULTS)
    return [
        ReportedEvent(device, at + order.index(one), PART_REPLACED, {"fault": one, "source": "import"}, at)
        for one in faults
    ]


def _not_ahead(at: int, now: int) -> None:
    if at > now:
        raise RowRefused("future", f"{to_rfc3339(at)} is in the future")


def _noticed(shape: RepairsMap, row: Row) -> tuple[int, ...]:
    """Return when each fault was noticed, where a column says it: one time each, or one for all."""
    if shape.noticed is None:
        return ()
    said = _split(row.words.get(shape.noticed.source or ""), ";")
    if not said:
        return ()
    times = Times(shape.noticed, "repairs.noticed").read(pl.Series(said), pl.Series([0])).to_list()
    if None in times:
        raise RowRefused("bad_ts", f"noticed: {quoted(';'.join(said))} cannot be read")
    return tuple(times)


def _faults(words: FaultWords | None, row: Row, kind: Kind) -> tuple[str, ...]:
    """Return the codes of what a row calls faults. Raises RowRefused for one that nobody knows."""
    if words is None:
        return ()
    said = _split(words.fixed or row.words.get(words.source or ""), words.between)
    return tuple(dict.fromkeys(_fault(words, each, kind) for each in said))


def _fault(words: FaultWords, said: str, kind: Kind) -> str:
    code = (words.values or {}).get(said, said)
    allowed = [each.code for each in FAULTS.values() if each.kind is kind and not is_unclear(each.code)]
    if code in allowed:
        return code
    if words.unknown is not None and words.unknown in allowed:
        return words.unknown
    listed = ", ".join(words.values or ()) or "none"
    raise RowRefused(
        "unknown_fault",
        f"{quoted(said)} is no fault of a {kind}, and not listed (listed: {listed}){near(said, allowed)}",
    )


def _id(origin: Origin, row: Row, name: str) -> str:
    said = _word(origin, row, name)
    if said is None or not is_id(said):
        raise RowRefused("bad_id", f"{name}: {quoted(said)} is no id: 1 to 64 of A-Z a-z 0-9 _ -")
    return said


def _word(origin: Origin | None, row: Row, name: str) -> str | None:
    try:
        found = word_of(origin, row.words, row.file)
    except ValueError as error:
        raise RowRefused("unlisted", f"{name}: {error}") from error
    return found.strip() or None if found is not None else None


def _short(word: str | None, name: str) -> str | None:
    if word is not None and (len(word) > MOST_NAME or "\x00" in word):
        raise RowRefused("too_long", f"{name}: {quoted(word)} is longer than {MOST_NAME} characters")
    return word


def _time(row: Row, name: str) -> int | None:
    at = row.times.get(name)
    if at is not None and at < EARLIEST_MS and not (name in ("commissioned", "registered") and at > 0):
        raise RowRefused("bad_ts", f"{name}: the time cannot be read, or is before 2000")
    return at


def _first(*times: int | None) -> int | None:
    return next((each for each in times if each is not None), None)


def _among(word: str, allowed: Collection[str], name: str) -> str:
    if word not in allowed:
        said = f"{name}: {quoted(word)}; allowed: {', '.join(allowed)}{near(word, allowed)}"
        raise RowRefused("unlisted", said)
    return word


def _split(text: str | None, between: str) -> tuple[str, ...]:
    return tuple(part for each in (text or "").split(between) if (part := each.strip()))
