"""`sweepwatch export`: the history of an installation as files, with the map that reads them back."""

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from desk.lists.lists import Lists
from desk.tickets.past_out import past_cases
from fleet.clock import DAY_MS, SystemClock
from fleet.errors import ConfigError, InvalidInput, NotEnoughHistory
from fleet.lists import ListKind
from fleet.personal import is_personal, plain_detail
from fleet.signals import Kind
from fleet.text import quoted
from ingest.history.facts import CASE_TIMES
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.history_out import all_devices, events_between
from storage.series.store_url import DuckDbAddress
from sweepwatch.commands.history import IMPORTING
from sweepwatch.commands.installed import opened_desk
from sweepwatch.data_folder import for_this_user_alone
from sweepwatch.printing import Say
from sweepwatch.run.progress import Report, bar
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table
from sweepwatch.wiring import open_store_of, store_address

MAP = "MAP.yaml"
_ROWS_A_FILE = 2_000_000
_ROWS_AT_ONCE, _DEVICES_AT_ONCE = 50_000, 100
_EVER = 2**45
_LISTS = (ListKind.CUSTOMERS, ListKind.ENGINEERS, ListKind.PARTS)
_DEVICE = ("device", "kind", "site", "model", "firmware", "serial", "commissioned", "registered")
_FAULTS, _REST = (
    ("device", "faults", "noticed", "suspected"),
    ("outcome", "origin", "id", "engineer", "parts"),
)
_REPAIR = (*_FAULTS, *CASE_TIMES, *_REST)
_EVENT = ("device", "ts", "code", "detail")
Rows = Iterator[tuple[object, ...]]
Span = tuple[int, int]
_ALWAYS: Span = (-_EVER, _EVER)
_MAP_TEXT = """\
# How the files beside this one are read: sweepwatch import --map MAP.yaml --devices devices.csv
#   --telemetry telemetry --repairs repairs.csv --events events.csv --yes
# Signals that are an installation's own need the same [signals] there.
devices:
  device: device
  kind: kind
  site: site
  model: model
  firmware: firmware
  serial: serial
  commissioned: commissioned
  registered: {from: registered, unit: ms}
telemetry:
  files: "*.parquet"
  device: device
  time: {from: ts, unit: ms}
  received: received
  seq: seq
repairs:
  device: device
  fault: faults
  suspected: suspected
  noticed: {from: noticed, unit: ms}
  opened: {from: opened, unit: ms}
  accepted: {from: accepted, unit: ms}
  arrived: {from: arrived, unit: ms}
  repaired: {from: repaired, unit: ms}
  confirmed: {from: confirmed, unit: ms}
  outcome: outcome
  origin: origin
  id: id
  engineer: engineer
  parts: parts
events:
  device: device
  time: {from: ts, unit: ms}
  code: code
  json: detail
"""


def export_history(
    settings: Settings,
    folder: Path,
    since: str | None,
    until: str | None,
    devices: Sequence[str] | None,
    say: Say,
) -> None:
    """Write what an installation knows of a time (all, unless it is said) and of devices to a folder.

    Raises InvalidInput for a folder that holds something, ConfigError where another process has the store.
    """
    for_this_user_alone()
    span = _day(since, "since", -_EVER), _day(until, "until", _EVER)
    address = store_address(settings)
    with ExitStack() as held:
        desk = held.enter_context(opened_desk(settings))
        known = {each.id for each in all_devices(desk)}
        unknown = sorted(set(devices or ()) - known)
        if unknown:
            raise InvalidInput(f"--devices: there is no device {quoted(unknown[0])}")
        chosen = known if devices is None else set(devices)
        if isinstance(address, DuckDbAddress) and not address.path.exists():
            raise ConfigError(f"{address.path} does not exist: there is no history to export")
        store = open_store_of(settings, address, signal_table(settings), IMPORTING)
        held.callback(store.close)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"{folder}: {error.strerror}") from error
        if any(folder.iterdir()):
            raise InvalidInput(f"{folder} is not empty; give another folder with --to")
        rows = _telemetry(store, folder / "telemetry", span, chosen)
        counts = _facts(desk, folder, span, chosen)
        _lists(desk, folder)
    (folder / MAP).write_text(_MAP_TEXT, encoding="utf-8")
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    say(f"{folder} has {rows:,} readings, {told}, and the map that reads them back: {MAP}.")


def export_robots(store: TelemetryStore, desk: DeskDatabase, folder: Path, report: Report) -> None:
    """Write the whole past of robots to a folder, with its map, from stores that are open already.

    Raises NotEnoughHistory where there is none; `report` is told the share that is written.
    """
    robots = {each.id for each in all_devices(desk) if each.kind == Kind.ROBOT}
    if not _telemetry(store, folder / "telemetry", _ALWAYS, robots, report):
        raise NotEnoughHistory("no robot has sent a reading: there is nothing to replay")
    _facts(desk, folder, _ALWAYS, robots)
    (folder / MAP).write_text(_MAP_TEXT, encoding="utf-8")


def _facts(desk: DeskDatabase, folder: Path, span: Span, chosen: Collection[str]) -> dict[str, int]:
    """Write devices, repairs and events; return how many there are of each."""
    return {
        "devices": _write(folder / "devices.csv", _DEVICE, _devices(desk, chosen)),
        "repairs": _write(folder / "repairs.csv", _REPAIR, _repairs(desk, span, chosen)),
        "events": _write(folder / "events.csv", _EVENT, _events(desk, span, chosen)),
    }


def _lists(desk: DeskDatabase, folder: Path) -> None:
    """Write customers, engineers and parts."""
    lists = Lists(desk, SystemClock())
    for kind in _LISTS:
        with (folder / f"{kind}.csv").open("w", encoding="utf-8", newline="") as out:
            out.writelines(lists.export(kind))


def _telemetry(
    store: TelemetryStore, folder: Path, span: Span, chosen: Collection[str], told: Report | None = None
) -> int:
    """Write readings, each kind in files of its own, in order of days; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = 0
    for kind in Kind:
        days = store.days(kind).filter(
            pl.col("device_id").is_in(list(chosen))
            & (pl.col("day") > span[0] - DAY_MS)
            & (pl.col("day") < span[1])
        )
        if days.is_empty():
            continue
        with bar(f"Writing readings of {kind}s") if told is None else nullcontext(told) as report:
            writer = _Files(folder, kind)
            for number, (devices, day) in enumerate(groups := list(_groups(days))):
                begin, end = max(day, span[0]), min(day + DAY_MS, span[1])
                writer.add(store.readings(kind, devices, begin, end).frame)
                report((number + 1) / len(groups))
            rows += writer.close()
    return rows


def _groups(days: pl.DataFrame) -> Iterator[tuple[list[str], int]]:
    """Yield devices and a day of theirs whose readings fit into memory together."""
    for (day,), rows in days.partition_by("day", as_dict=True, maintain_order=True).items():
        some: list[str] = []
        held = 0
        for device, count in rows.select("device_id", "readings").iter_rows():
            if some and (held + count > _ROWS_AT_ONCE or len(some) >= _DEVICES_AT_ONCE):
                yield some, int(day)
                some, held = [], 0
            some.append(device)
            held += count
        if some:
            yield some, int(day)


class _Files:
    """Parquet files of one kind of device, each of a bounded number of rows."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self._folder, self._kind = folder, kind
        self._writer: pq.ParquetWriter | None = None
        self._number = self._rows = self._whole = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Write readings."""
        if frame.is_empty():
            return
        enums = [pl.col(name).cast(pl.String) for name, dtype in frame.schema.items() if dtype == pl.Enum]
        table = (
            frame.with_columns(enums)
            .drop("site")
            .rename({"device_id": "device"})
            .to_arrow(compat_level=pl.CompatLevel.oldest())
        )
        if self._writer is None:
            self._number += 1
            path = self._folder / f"{self._kind}-{self._number:04d}.parquet"
            self._writer = pq.ParquetWriter(path, table.schema, compression="zstd")
        self._writer.write_table(table)
        self._rows, self._whole = self._rows + table.num_rows, self._whole + table.num_rows
        if self._rows >= _ROWS_A_FILE:
            self._end()

    def close(self) -> int:
        """Return how many rows were written."""
        self._end()
        return self._whole

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer, self._rows = None, 0


def _devices(desk: DeskDatabase, chosen: Collection[str]) -> Rows:
    for each in all_devices(desk):
        if each.id in chosen:
            begun = each.commissioned if each.commissioned and _is_date(each.commissioned) else None
            traits = (each.model, each.firmware, each.serial, begun, each.registered_at)
            yield each.id, each.kind, each.site, *traits


def _repairs(desk: DeskDatabase, span: Span, chosen: Collection[str]) -> Rows:
    for each in past_cases(desk, *span):
        if each.device_id in chosen:
            outcome = "failure" if each.faults else "nothing"
            yield (
                each.device_id,
                ";".join(each.faults),
                ";".join(map(str, each.noticed)),
                ";".join(each.suspected),
                *(getattr(each, name) for name in CASE_TIMES),
                outcome,
                "reported" if each.reported else "proactive",
                each.external,
                each.engineer,
                ";".join(each.parts),
            )


def _events(desk: DeskDatabase, span: Span, chosen: Collection[str]) -> Rows:
    personal = {each.id for each in all_devices(desk) if is_personal(each.kind)}
    for each in events_between(desk, *span):
        if each.device_id in chosen:
            detail = plain_detail(each.detail) if each.device_id in personal else each.detail
            yield each.device_id, each.ts, each.code, json.dumps(detail, ensure_ascii=False)


def _write(path: Path, header: Sequence[str], rows: Iterable[tuple[object, ...]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        for row in rows:
            writer.writerow(["" if cell is None else cell for cell in row])
            count += 1
    return count


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _day(text: str | None, name: str, otherwise: int) -> int:
    if text is None:
        return otherwise
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError as error:
        raise InvalidInput(f"--{name}: {quoted(text)} is no date; write 2026-01-31") from error
