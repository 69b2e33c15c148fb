"""Moves history from one store to another: resumable, and verified device by device, day by day."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl
from polars import selectors

from fleet.clock import DAY_MS
from fleet.errors import SweepwatchError
from fleet.personal import without_personal
from fleet.readings import ReadingBatch
from fleet.signals import Kind
from storage.ports import TelemetryStore


class StoresDiffer(SweepwatchError):
    """After a copy the stores do not hold the same; the message says how much differs."""


_ROWS_AT_ONCE = 50_000
_DEVICES_AT_ONCE = 100
_EVER = 2**45  # about the year 3084
Report = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """A device's day on which both stores do not hold the same after the copy; `day` None: its risks.

    `what` is readings, tiles or risks.
    """

    what: str
    kind: Kind | None
    device_id: str
    day: int | None
    source_rows: int
    target_rows: int


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What a copy did, counted in device days (all risks of one device count as one)."""

    copied: int
    equal_before: int
    rows: int
    differences: tuple[Difference, ...]


def copy_history(
    source: TelemetryStore, target: TelemetryStore, report: Report, personal_from: int = -_EVER
) -> CopyReport:
    """Copy all readings, kept tiles and risks; `report` is told the share that is done.

    What is personal and from before `personal_from` (epoch ms) is left behind, and not compared.

    A day of a device whose number of rows and checksum are equal in both stores is passed over, so that an
    interrupted copy goes on where it ended. What the target has beyond the source stays and is a difference.
    Tiles of hours that expired in either store are copied as what the source says of them: the target keeps
    them, since it may have expired readings that it is only now given. Raises what the stores raise.
    """
    parts = list(_parts(source, target, personal_from))
    whole = max(1, sum(part.size for part in parts))
    copied = equal = rows = done = 0
    differences: list[Difference] = []
    for part in parts:
        written, wrong = part.bring_over()
        copied, equal = copied + len(written), equal + part.size - len(written)
        rows += sum(written.values())
        differences += wrong
        done += part.size
        report(done / whole)
    return CopyReport(copied, equal, rows, tuple(differences))


@dataclass(frozen=True, slots=True)
class _Part:
    """What is copied at once: `size` devices, each compared by itself.

    `read` returns the rows that a store has of them, `write` stores rows.
    """

    what: str
    kind: Kind | None
    day: int | None
    size: int
    source: TelemetryStore
    target: TelemetryStore
    read: Callable[[TelemetryStore], pl.DataFrame]
    write: Callable[[TelemetryStore, pl.DataFrame], object]

    def bring_over(self) -> tuple[dict[str, int], list[Difference]]:
        """Copy what differs; return the rows copied of each such device, and what differs still."""
        frame = self.read(self.source)
        wanted, there = _sums(frame), _sums(self.read(self.target))
        unequal = [device for device in wanted if there.get(device) != wanted[device]]
        if not unequal:
            return {}, []
        self.write(self.target, frame.filter(pl.col("device_id").is_in(unequal)))
        there = _sums(self.read(self.target))
        wrong = [
            Difference(
                self.what, self.kind, device, self.day, wanted[device][0], there.get(device, (0, 0))[0]
            )
            for device in unequal
            if there.get(device) != wanted[device]
        ]
        return {device: wanted[device][0] for device in unequal}, wrong


def _parts(source: TelemetryStore, target: TelemetryStore, personal_from: int) -> Iterator[_Part]:
    devices: set[str] = set()
    for kind in Kind:
        days = source.days(kind)
        devices |= set(days["device_id"])
        for (day,), rows in days.partition_by("day", as_dict=True, maintain_order=True).items():
            for group in _groups(rows):
                yield _readings_part(source, target, kind, group, int(day), personal_from)
        yield from _tiles_parts(source, target, kind, days, personal_from)
    for group in _in_hundreds(sorted(devices)):
        yield _risks_part(source, target, group)


def _groups(rows: pl.DataFrame) -> Iterator[list[str]]:
    """Yield the devices of one day in groups whose readings fit into memory."""
    number = (pl.col("readings").cum_sum() - 1) // _ROWS_AT_ONCE
    for group in rows.with_columns(group=number).partition_by("group", maintain_order=True):
        yield from _in_hundreds(group["device_id"].to_list())


def _in_hundreds(devices: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(devices), _DEVICES_AT_ONCE):
        yield devices[begin : begin + _DEVICES_AT_ONCE]


def _readings_part(
    source: TelemetryStore,
    target: TelemetryStore,
    kind: Kind,
    devices: list[str],
    day: int,
    personal_from: int,
) -> _Part:
    def read(store: TelemetryStore) -> pl.DataFrame:
        frame = store.readings(kind, devices, day, day + DAY_MS).frame
        return without_personal(frame, kind, "ts", personal_from)

    return _Part(
        "readings",
        kind,
        day,
        len(devices),
        source,
        target,
        read=read,
        write=lambda store, frame: store.write(ReadingBatch(kind, frame)),
    )


def _tiles_parts(
    source: TelemetryStore, target: TelemetryStore, kind: Kind, days: pl.DataFrame, personal_from: int
) -> Iterator[_Part]:
    """Yield the days, in order, of which either store keeps tiles; at the end the target keeps them all."""
    first, kept_until = source.kept_hours(kind)
    until = max(kept_until, target.kept_hours(kind)[1])
    begins = {int(day) for day in days["day"] if day < until}
    begins |= set(range(first // DAY_MS * DAY_MS, kept_until, DAY_MS))
    for begin in sorted(begins):
        end = min(begin + DAY_MS, until)
        devices = source.tiles(kind, begin, end)["device_id"].n_unique()
        if devices:
            yield _tiles_part(source, target, kind, devices, (begin, end), personal_from)


def _tiles_part(
    source: TelemetryStore,
    target: TelemetryStore,
    kind: Kind,
    devices: int,
    hours: tuple[int, int],
    personal_from: int,
) -> _Part:
    begin, end = hours

    def tiles(store: TelemetryStore) -> pl.DataFrame:
        return without_personal(store.tiles(kind, begin, end), kind, "hour", personal_from)

    def read(store: TelemetryStore) -> pl.DataFrame:
        if store is target and target.kept_hours(kind)[1] < end:
            return pl.DataFrame(schema={"device_id": pl.String})  # made of its readings: not kept yet
        return tiles(store).with_columns(_rounded())

    return _Part(
        "tiles",
        kind,
        begin,
        devices,
        source,
        target,
        read=read,
        write=lambda store, _: store.keep_tiles(kind, tiles(source), end),
    )


def _rounded() -> pl.Expr:
    """Return floats to nine digits: a store that makes a tile twice may add up in another order."""
    return selectors.float().round_sig_figs(9)


def _risks_part(source: TelemetryStore, target: TelemetryStore, devices: list[str]) -> _Part:
    return _Part(
        "risks",
        None,
        None,
        len(devices),
        source,
        target,
        read=lambda store: pl.concat(store.risk_history(device, -_EVER, _EVER) for device in devices),
        write=lambda store, frame: store.write_risks(frame),
    )


def _sums(frame: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """Return the number of rows and a checksum of each device, whatever the order of its rows."""
    hashes = pl.DataFrame({"device_id": frame["device_id"], "hash": frame.hash_rows()})
    sums = hashes.group_by("device_id", maintain_order=True).agg(pl.len(), pl.col("hash").sum())
    return {device: (count, checksum) for device, count, checksum in sums.iter_rows()}
