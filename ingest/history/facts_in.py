"""Looks at files of devices, repairs and events: what each row is, and what is wrong with it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fleet.past_cases import PastCase
from fleet.signals import Kind
from ingest.history.facts import (
    CASE_TIMES,
    DeviceFact,
    Row,
    RowReader,
    RowRefused,
    device_of,
    event_of,
    repair_of,
)
from ingest.history.ledger import Ledger, Turned
from ingest.history.plan import Plan, named_columns
from ingest.history.shapes import DevicesMap, EventsMap, RepairsMap, TimeShape
from ingest.history.tables import table_blocks
from storage.records.devices import Placement, ReportedEvent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Located:
    """What a row came to, and where it stands."""

    file: str
    line: int
    value: Any


@dataclass
class Repairs:
    """What repairs came to: past cases, and the ends of lives without failure."""

    cases: list[Located] = field(default_factory=list)
    ends: list[Located] = field(default_factory=list)


def devices_in(
    plan: Plan, files: Sequence[Path], ledger: Ledger, known: Mapping[str, Placement]
) -> list[DeviceFact]:
    """Return the devices of files that can be taken; the ledger counts the others.

    One that is known at another site or of another kind is refused, also where it comes again.
    """
    shape: DevicesMap = plan.part("devices")
    there = dict(known)

    def made(row: Row) -> DeviceFact:
        fact = device_of(shape, row)
        place = there.setdefault(fact.info.device_id, fact.place)
        if place != fact.place:
            other = f"not a {fact.place.kind} of {fact.place.site}"
            said = f"{fact.info.device_id} is a {place.kind} of {place.site}, {other}"
            raise RowRefused("site_mismatch" if place.kind is fact.place.kind else "kind_mismatch", said)
        return fact

    times = {"commissioned": shape.commissioned, "registered": shape.registered}
    return [each.value for each in _each(plan, "devices", times, files, ledger, made)]


def repairs_in(
    plan: Plan, files: Sequence[Path], ledger: Ledger, kinds: Mapping[str, Kind], now: int
) -> Repairs:
    """Return what files say of repairs; the ledger counts what cannot be taken as soon as it is seen."""
    shape: RepairsMap = plan.part("repairs")
    times = {name: getattr(shape, name) for name in CASE_TIMES}
    found = Repairs()
    for each in _each(plan, "repairs", times, files, ledger, lambda row: repair_of(shape, row, kinds, now)):
        (found.cases if isinstance(each.value, PastCase) else found.ends).append(each)
    return found


def events_in(
    plan: Plan, files: Sequence[Path], ledger: Ledger, kinds: Mapping[str, Kind], now: int
) -> Iterator[ReportedEvent]:
    """Yield what devices said; the ledger counts what cannot be taken."""
    shape: EventsMap = plan.part("events")
    found = _each(
        plan, "events", {"time": shape.time}, files, ledger, lambda row: event_of(shape, row, kinds, now)
    )
    return (each.value for each in found)


def _each(
    plan: Plan,
    part: str,
    times: Mapping[str, TimeShape | None],
    files: Sequence[Path],
    ledger: Ledger,
    made: Callable[[Row], T],
) -> Iterator[Located]:
    shape = plan.part(part)
    reader = RowReader(shape, times, part)
    wanted = {column for _, column in named_columns(shape)}
    counts = ledger.of(part)
    for path in files:
        for block in table_blocks(path, shape, wanted):
            counts.read += len(block.lines) + sum(len(each.lines) for each in block.turned)
            ledger.refuse(part, block.turned)
            for row in reader.rows(block, path):
                try:
                    yield Located(path.name, row.line, made(row))
                except RowRefused as error:
                    ledger.refuse(part, [refusal(path.name, row.line, error.reason, str(error))])


def refusal(file: str, line: int, reason: str, detail: str) -> Turned:
    """Return one row that is refused."""
    return Turned(file, [line], reason, lambda _row: detail)
